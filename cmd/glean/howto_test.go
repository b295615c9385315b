package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"glean/internal/netlab"
)

// howTo is what a page, or a section of it, tells a reader to do and to see.
type howTo struct {
	files  map[string]string // what is introduced by "as `NAME`"
	script string            // the commands, in the order of the page
	seen   []string          // what text blocks show, cut where they have "..."
}

var (
	fence    = regexp.MustCompile("(?ms)^```([a-z]+)\n(.*?)^```$")
	fileName = regexp.MustCompile("as `([^`]+)`")
)

// readHowTo reads a page; with a heading, only the section below it.
func readHowTo(t *testing.T, page, heading string) howTo {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("../..", page))
	if err != nil {
		t.Fatal(err)
	}
	section := string(text)
	if heading != "" {
		_, section, _ = strings.Cut(section, "\n## "+heading+"\n")
		section, _, _ = strings.Cut(section, "\n## ")
	}
	h := howTo{files: make(map[string]string)}
	before := 0
	for _, at := range fence.FindAllStringSubmatchIndex(section, -1) {
		introduction, language, block := section[before:at[0]], section[at[2]:at[3]], section[at[4]:at[5]]
		before = at[1]
		switch names := fileName.FindAllStringSubmatch(introduction, -1); {
		case language == "sh":
			h.script += block
		case language == "text":
			for _, part := range regexp.MustCompile(`\.\.\.|\n`).Split(block, -1) {
				h.seen = append(h.seen, strings.TrimSpace(part))
			}
		case len(names) > 0:
			h.files[names[len(names)-1][1]] = block
		}
	}
	if h.script == "" {
		t.Fatalf("%s: no commands below %q", page, heading)
	}
	return h
}

// follow does what the page says in a directory with the binary glean, and
// checks that the output has what the page shows.
func (h howTo) follow(t *testing.T, dir string, shell ...string) string {
	t.Helper()
	for name, text := range h.files {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	glean, err := built()
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(glean, filepath.Join(dir, "glean")); err != nil {
		t.Fatal(err)
	}
	c := exec.CommandContext(t.Context(), shell[0], append(shell[1:], h.script)...)
	c.Dir = dir
	out, err := c.CombinedOutput()
	if err != nil {
		t.Errorf("%v", err)
	}
	for _, want := range h.seen {
		if !strings.Contains(string(out), want) {
			t.Errorf("the page shows what its commands do not print: %s", want)
		}
	}
	if t.Failed() {
		t.Logf("output:\n%s", out)
	}
	return string(out)
}

// followAsRoot follows the page in namespaces of its own.
func (h howTo) followAsRoot(t *testing.T) string {
	t.Helper()
	netlab.Require(t, "bash", "curl", "unshare", "mount")
	h.script = "set -m\nmount -t tmpfs none /run && ip link set lo up || exit 1\n" + h.script
	return h.follow(t, t.TempDir(), "unshare", "--net", "--mount", "--pid", "--fork", "--kill-child", "bash", "-c")
}

func TestREADMEJobSendsWhatItSays(t *testing.T) {
	readHowTo(t, "README.md", "One real job").followAsRoot(t)
}

func TestTAPHowToLearnsAndSends(t *testing.T) {
	readHowTo(t, "docs/tap-test.md", "").followAsRoot(t)
}

func TestRouterHowToLosesNothing(t *testing.T) {
	out := readHowTo(t, "docs/router-test.md", "").followAsRoot(t)
	for _, want := range []string{`"packets_actual":10000`, `rx_traffic_frames_total{port="1"} 10000`} {
		if !strings.Contains(out, want) {
			t.Errorf("the page does not lead to %s:\n%s", want, out)
		}
	}
}

func TestScenarioHowToMeetsItsExpectations(t *testing.T) {
	readHowTo(t, "docs/own-scenario.md", "").follow(t, t.TempDir(), "bash", "-ec")
}

// TestClientHowToBuildsOutsideTheModule has the clone beside the reader's
// module, as the page says.
func TestClientHowToBuildsOutsideTheModule(t *testing.T) {
	h := readHowTo(t, "docs/go-client.md", "")
	clone, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	if err := os.Symlink(clone, filepath.Join(dir, "clone")); err != nil {
		t.Fatal(err)
	}
	h.follow(t, dir, "bash", "-c")
}
