package glean

import (
	"bytes"
	"flag"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, `write what pages quote anew; "make docs" does it`)

// A page marks what it quotes:
//
//	<!-- output: glean version -->         the shell command whose output the
//	```text                                following block is
//	...
//
//	<!-- picture: glean sim run demo -->   the command that draws the
//	![...](demo.svg)                       following picture with --svg
var (
	quotedOutput  = regexp.MustCompile("(?ms)^<!-- output: (.*?) -->\n```text\n(.*?)^```$")
	quotedPicture = regexp.MustCompile(`(?m)^<!-- picture: (.*?) -->\n!\[.*\]\((.*)\)$`)
	link          = regexp.MustCompile(`\]\(([^)#]*)(?:#[^)]*)?\)`)
)

func pages(t *testing.T) []string {
	t.Helper()
	list, err := filepath.Glob("*.md")
	if err != nil {
		t.Fatal(err)
	}
	err = filepath.WalkDir("docs", func(path string, d fs.DirEntry, err error) error {
		if err == nil && strings.HasSuffix(path, ".md") {
			list = append(list, path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return list
}

// TestPagesQuoteWhatGleanPrints runs each command that a page quotes, and
// compares. With -update it writes the pages instead.
func TestPagesQuoteWhatGleanPrints(t *testing.T) {
	glean := filepath.Join(t.TempDir(), "glean")
	if out, err := exec.Command("go", "build", "-o", glean, "./cmd/glean").CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	shell := func(command string) []byte {
		c := exec.Command("sh", "-ec", command)
		c.Env = append(os.Environ(), "PATH="+filepath.Dir(glean)+":"+os.Getenv("PATH"))
		out, err := c.CombinedOutput()
		if err != nil {
			t.Fatalf("%s: %v: %s", command, err, out)
		}
		return out
	}
	for _, page := range pages(t) {
		text, err := os.ReadFile(page)
		if err != nil {
			t.Fatal(err)
		}
		current := quotedOutput.ReplaceAllFunc(text, func(quote []byte) []byte {
			command := quotedOutput.FindSubmatch(quote)[1]
			return fmt.Appendf(nil, "<!-- output: %s -->\n```text\n%s```", command, shell(string(command)))
		})
		compare(t, page, text, current)
		for _, picture := range quotedPicture.FindAllSubmatch(text, -1) {
			path := filepath.Join(filepath.Dir(page), string(picture[2]))
			drawn := filepath.Join(t.TempDir(), "picture.svg")
			shell(fmt.Sprintf("%s --svg %s", picture[1], drawn))
			have, _ := os.ReadFile(path) // a picture that is missing is drawn
			want, err := os.ReadFile(drawn)
			if err != nil {
				t.Fatal(err)
			}
			compare(t, path, have, want)
		}
	}
}

// compare reports a file that differs from what glean prints now, or writes it.
func compare(t *testing.T, path string, have, want []byte) {
	t.Helper()
	if bytes.Equal(have, want) {
		return
	}
	if !*update {
		t.Errorf("%s quotes what glean does not print any more: run \"make docs\"", path)
	} else if err := os.WriteFile(path, want, 0o644); err != nil {
		t.Error(err)
	}
}

// TestPagesLinkToFilesThatExist follows every relative link of every page.
func TestPagesLinkToFilesThatExist(t *testing.T) {
	for _, page := range pages(t) {
		text, err := os.ReadFile(page)
		if err != nil {
			t.Fatal(err)
		}
		for _, l := range link.FindAllSubmatch(text, -1) {
			target := string(l[1])
			if target == "" || strings.Contains(target, "://") {
				continue
			}
			if _, err := os.Stat(filepath.Join(filepath.Dir(page), target)); err != nil {
				t.Errorf("%s links to %s: %v", page, target, err)
			}
		}
	}
}
