package glean

import (
	"bytes"
	"go/ast"
	"go/format"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// This file is the project's law. It uses the standard library only and takes
// under a second. Each message says why the law exists.

// arrows says which of our packages a package may import, as path prefixes
// below the module. "" as an entry stands for any of ours.
var arrows = map[string][]string{
	"stack/header":        {},
	"stack/loop":          {},
	"stack/link":          {"stack/header", "stack/loop"},
	"stack/link/":         {"stack/header", "stack/loop", "stack/link", "internal/netlab"},
	"stack/link/burst":    {"stack/loop"},
	"stack/link/uring":    {},
	"stack/link/carrier":  {"internal/netlab"},
	"stack/link/tap":      {"stack/header", "stack/loop", "stack/link", "stack/link/burst", "stack/link/carrier", "stack/link/uring"},
	"stack/link/afpacket": {"stack/header", "stack/loop", "stack/link", "stack/link/burst", "stack/link/carrier"},
	"filter":              {"stack/header"},
	"stack/wheel":         {"stack/loop"},
	"stack":               {"stack/header", "stack/loop", "stack/link", "stack/wheel"},
	"learning":            {"learning/congestion", "stack/header", "stack/loop"},
	"learning/congestion": {"stack/loop"},
	"generator/signature": {},
	"generator/traffic":   {"generator/signature", "internal/arith", "internal/document", "internal/memsize", "stack/header", "stack/loop"},
	"generator/traffic/":  {},
	"generator/program":   {"generator/signature", "generator/traffic", "internal/arith", "internal/memsize", "stack/header", "stack/loop", "stack/link"},
	"generator":           {"generator/program", "generator/traffic", "internal/document", "stack/header", "stack/loop"},
	"generator/transmit":  {"generator/program", "stack/loop", "stack/link"},
	"sim":                 {"stack/header", "stack/loop", "stack/link", "stack"},
	"server/engine":       {"filter", "internal/document", "stack/header", "stack/loop", "stack/link", "stack", "learning", "generator/traffic", "generator/program", "generator"},
	"server/bodies":       {"filter", "internal/document", "server/engine", "stack/header", "stack/loop", "stack", "learning", "generator/traffic", "generator/program", "generator"},
	"server":              {"internal/document", "server/api", "server/bodies", "server/engine", "stack/header", "stack/loop", "stack/link", "stack", "learning", "generator/traffic", "generator/program", "generator"},
	"server/api":          {},
	"sim/topology":        {"sim", "stack/header", "stack/loop", "stack/link", "stack"},
	"sim/scenario":        {"sim", "sim/topology", "server/bodies", "server/engine", "stack/header", "stack/loop", "stack/link", "stack/link/pcapng", "learning", "generator/traffic", "generator/program", "generator"},
	"sim/scenario/file":   {"sim", "sim/topology", "sim/scenario", "internal/document", "internal/document/yaml", "server/bodies", "server/engine", "stack/link", "stack/loop"},
	"sim/swarm":           {"sim", "sim/topology", "sim/scenario", "server/bodies", "server/engine", "stack/header", "stack/loop", "stack/link", "learning", "generator/traffic", "generator/program", "generator"},
	"internal/arith":      {},
	"internal/document":   {},
	"internal/memsize":    {},
	"internal/document/":  {"internal/document"},
	"internal/netlab":     {},
	"internal/wording":    {},
	"conformance":         {""},
	"conformance/":        {""},
	"client":              {"server/api"},
	"cmd/glean":           {""},
	"fuzz":                {""},
	"":                    {},
}

// loopAffine are the packages whose code runs on a loop, in real time and in
// simulation alike.
var loopAffine = []string{"filter", "stack", "stack/wheel", "learning", "learning/congestion", "generator/signature", "generator/traffic", "generator/program", "generator", "sim", "sim/topology", "sim/scenario", "sim/swarm", "server/bodies", "server/engine"}

// offLoop are files of loop-affine packages whose code runs outside of every loop,
// with the reason.
var offLoop = map[string]string{
	"sim/swarm/sweep.go": "it checks many worlds on all cores; each world runs on one goroutine",
}

// bannedImports of loop-affine packages, with the reason.
var bannedImports = map[string]string{
	"time":      "the clock is loop.Loop's, because a simulated run must be exact",
	"sync":      "loop-affine code runs on one goroutine and needs no lock (sync/atomic is allowed where a transmitter or reader shares memory)",
	"math/rand": "randomness comes from a named stream of math/rand/v2 that is handed in, because a run must be repeatable from its seed",
	"os":        "the passive core touches no files or environment; cmd and server do",
	"net":       "the passive core opens nothing; use net/netip for addresses",
	"context":   "nothing waits in the passive core",
}

type source struct {
	dir  string // package directory, "" for the root
	path string
	text []byte
	file *ast.File
	fset *token.FileSet
}

func sources(t *testing.T) []source {
	t.Helper()
	var all []source
	fset := token.NewFileSet()
	err := filepath.WalkDir(".", func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && path != "." && (strings.HasPrefix(d.Name(), ".") || d.Name() == "testdata") {
			return filepath.SkipDir
		}
		if d.IsDir() || !strings.HasSuffix(path, ".go") {
			return nil
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		file, err := parser.ParseFile(fset, path, text, parser.ParseComments)
		if err != nil {
			return err
		}
		dir := filepath.ToSlash(filepath.Dir(path))
		if dir == "." {
			dir = ""
		}
		all = append(all, source{dir, filepath.ToSlash(path), text, file, fset})
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(all) < 10 {
		t.Fatalf("found only %d Go files: is the test run from the module's root?", len(all))
	}
	return all
}

func (s source) isTest() bool { return strings.HasSuffix(s.path, "_test.go") }

func (s source) imports() map[string]token.Pos {
	found := make(map[string]token.Pos)
	for _, i := range s.file.Imports {
		path, _ := strconv.Unquote(i.Path.Value)
		found[path] = i.Pos()
	}
	return found
}

func TestFormat(t *testing.T) {
	for _, s := range sources(t) {
		want, err := format.Source(s.text)
		if err != nil {
			t.Errorf("%s: %v", s.path, err)
		} else if !bytes.Equal(want, s.text) {
			t.Errorf("%s: run gofmt, because a diff should show changes of meaning only", s.path)
		}
	}
}

func TestArrows(t *testing.T) {
	for _, s := range sources(t) {
		if s.isTest() {
			continue // tests may join rooms; production code may not
		}
		allowed, known := allowedImports(s.dir)
		if !known {
			t.Errorf("%s: package %q is not in the table of arrows; add it there and in ARCHITECTURE.md", s.path, s.dir)
			continue
		}
		for path := range s.imports() {
			ours, isOurs := strings.CutPrefix(path, "glean/")
			if isOurs && !slices.Contains(allowed, ours) && !slices.Contains(allowed, "") {
				t.Errorf("%s: %q must not import %q, because the arrows of ARCHITECTURE.md keep each room testable alone", s.path, s.dir, ours)
			}
		}
	}
}

// allowedImports looks a package up, else the folder entry above it ("stack/link/").
func allowedImports(dir string) ([]string, bool) {
	if a, ok := arrows[dir]; ok {
		return a, true
	}
	for parent := filepath.ToSlash(filepath.Dir(dir)); parent != "."; parent = filepath.ToSlash(filepath.Dir(parent)) {
		if a, ok := arrows[parent+"/"]; ok {
			return a, true
		}
	}
	return nil, false
}

// TestRulesHavePackages fails on a rule for a package that does not exist,
// which would hold for nothing.
func TestRulesHavePackages(t *testing.T) {
	exists := map[string]bool{"": true}
	for _, s := range sources(t) {
		for dir := s.dir; dir != "" && dir != "."; dir = filepath.ToSlash(filepath.Dir(dir)) {
			exists[dir] = true
		}
	}
	check := func(rule, dir string) {
		if !exists[strings.TrimSuffix(dir, "/")] {
			t.Errorf("%s names package %q, which does not exist: delete the rule or mend the name", rule, dir)
		}
	}
	for dir, imports := range arrows {
		check("arrows", dir)
		for _, d := range imports {
			check("arrows["+strconv.Quote(dir)+"]", d)
		}
	}
	for _, dir := range loopAffine {
		check("loopAffine", dir)
	}
	for path := range offLoop {
		if _, err := os.Stat(path); err != nil || !slices.Contains(loopAffine, filepath.ToSlash(filepath.Dir(path))) {
			t.Errorf("offLoop names %q, which is no file of a loop-affine package: delete the rule or mend the name", path)
		}
	}
}

func TestLoopAffine(t *testing.T) {
	for _, s := range sources(t) {
		if s.isTest() || !slices.Contains(loopAffine, s.dir) || offLoop[s.path] != "" {
			continue
		}
		for path, pos := range s.imports() {
			if why, banned := bannedImports[path]; banned {
				t.Errorf("%s: imports %q: %s", s.fset.Position(pos), path, why)
			}
		}
		ast.Inspect(s.file, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.GoStmt:
				t.Errorf("%s: go statement: loop-affine code owns no goroutine; use loop.Post or a loop.Timer", s.fset.Position(n.Pos()))
			case *ast.ChanType, *ast.SelectStmt, *ast.SendStmt:
				t.Errorf("%s: channel: loop-affine code is called, it does not wait", s.fset.Position(n.Pos()))
			case *ast.SelectorExpr:
				if x, ok := n.X.(*ast.Ident); ok && x.Name == "rand" && !slices.Contains([]string{"Rand", "New", "NewPCG", "PCG", "Source"}, n.Sel.Name) {
					t.Errorf("%s: rand.%s: use a stream that was handed in, because the global one is not repeatable", s.fset.Position(n.Pos()), n.Sel.Name)
				}
			}
			return true
		})
	}
}

func TestNoSleepInTests(t *testing.T) {
	for _, s := range sources(t) {
		if !s.isTest() {
			continue
		}
		ast.Inspect(s.file, func(n ast.Node) bool {
			if sel, ok := n.(*ast.SelectorExpr); ok && sel.Sel.Name == "Sleep" {
				if x, ok := sel.X.(*ast.Ident); ok && x.Name == "time" {
					t.Errorf("%s: time.Sleep: wait for the event, because a sleep is either too short or too long", s.fset.Position(n.Pos()))
				}
			}
			return true
		})
	}
}

func TestPackageDocs(t *testing.T) {
	docs := make(map[string][]string)
	for _, s := range sources(t) {
		if s.isTest() {
			continue
		}
		if _, seen := docs[s.dir]; !seen {
			docs[s.dir] = nil
		}
		if s.file.Doc != nil {
			docs[s.dir] = append(docs[s.dir], s.path)
		}
	}
	for dir, files := range docs {
		if len(files) != 1 {
			t.Errorf("package %q has %d package comments %v: it needs exactly one, because a reader starts there", dir, len(files), files)
		}
	}
}

// TestNothingLeftOpen keeps promises out of the code: what is not done is not
// there, or is an issue.
func TestNothingLeftOpen(t *testing.T) {
	open := regexp.MustCompile(`\b(TO` + `DO|FIX` + `ME|XX` + `X)\b`)
	for _, s := range sources(t) {
		for _, group := range s.file.Comments {
			if w := open.FindString(group.Text()); w != "" {
				t.Errorf("%s: a comment says %s: do it or file it", s.fset.Position(group.Pos()), w)
			}
		}
	}
}

// oddEnglish are phrases that a reader has to read twice, each with what to write
// instead. They are looked for in comments, strings and documents.
var oddEnglish = []struct {
	phrase  *regexp.Regexp
	instead string
}{
	{regexp.MustCompile(`\b(?:[Tt]ell|[Ss]ay|[Gg]ive)s? (?:whether|if)\b`), `"reports whether"`},
	{regexp.MustCompile(`\bin[ ]vain\b`), "what happened: no reply came, nothing was sent"},
	{regexp.MustCompile(`\b(?:[Nn]obody|[Ss]omebody|[Ww]hoever)\b`), "the actor: no host, another caller, the requester"},
	{regexp.MustCompile(`(?:^|[.:!?] )Who (?:[^?]*)(?:$|\.)`), "the actor: a host that, a caller that"},
	{regexp.MustCompile(`\bthere any[ ]more\b`), `"is gone", "no longer exists"`},
	{regexp.MustCompile(`\b(?:is|are|answers?|has|have) no[ ]more(?:$|[.,;:)])`), `"no longer"`},
}

// TestPlainEnglish fails on odd phrases in comments and strings of Go files, in
// documents and in the OpenAPI description.
func TestPlainEnglish(t *testing.T) {
	check := func(path string, line int, text string) {
		text = strings.Join(strings.Fields(text), " ")
		for _, odd := range oddEnglish {
			if found := odd.phrase.FindString(text); found != "" {
				t.Errorf("%s:%d: %q: write %s (CONTRIBUTING.md)", path, line, found, odd.instead)
			}
		}
	}
	for _, s := range sources(t) {
		for _, group := range s.file.Comments {
			for _, paragraph := range strings.Split(group.Text(), "\n\n") {
				check(s.path, s.fset.Position(group.Pos()).Line, paragraph)
			}
		}
		ast.Inspect(s.file, func(n ast.Node) bool {
			if lit, ok := n.(*ast.BasicLit); ok && lit.Kind == token.STRING {
				text, _ := strconv.Unquote(lit.Value)
				check(s.path, s.fset.Position(lit.Pos()).Line, text)
			}
			return true
		})
	}
	for _, path := range documents(t) {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		line := 1
		for _, paragraph := range strings.Split(string(text), "\n\n") {
			check(path, line, paragraph)
			line += strings.Count(paragraph, "\n") + 2
		}
	}
}

// documents lists the Markdown files and the OpenAPI description.
func documents(t *testing.T) []string {
	t.Helper()
	list := []string{"server/openapi.yaml"}
	for _, pattern := range []string{"*.md", "docs/*.md", "docs/*/*.md", "conformance/*.md"} {
		found, err := filepath.Glob(pattern)
		if err != nil {
			t.Fatal(err)
		}
		list = append(list, found...)
	}
	return list
}
