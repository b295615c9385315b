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

// TestRouterHowTo does what docs/router-test.md tells a reader to do, in
// namespaces of its own: the file is saved, each command is run as it stands
// there, and the router loses nothing.
func TestRouterHowTo(t *testing.T) {
	netlab.Require(t, "bash", "curl", "unshare", "mount")
	page, err := os.ReadFile("../../docs/router-test.md")
	if err != nil {
		t.Fatal(err)
	}
	blocks := func(language string) string {
		var all strings.Builder
		for _, b := range regexp.MustCompile("(?ms)^```"+language+"\n(.*?)^```").FindAllSubmatch(page, -1) {
			all.Write(b[1])
		}
		return all.String()
	}
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "router.yaml"), []byte(blocks("yaml")), 0o644); err != nil {
		t.Fatal(err)
	}
	glean, err := built()
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(glean, filepath.Join(dir, "glean")); err != nil {
		t.Fatal(err)
	}
	script := "set -m\nmount -t tmpfs none /run && ip link set lo up || exit 1\n" + blocks("sh")
	c := exec.CommandContext(t.Context(), "unshare", "--net", "--mount", "--pid", "--fork", "--kill-child", "bash", "-c", script)
	c.Dir = dir
	out, err := c.CombinedOutput()
	if err != nil {
		t.Errorf("%v", err)
	}
	for _, want := range []string{`"packets_actual":10000`, `rx_traffic_frames_total{port="1"} 10000`} {
		if !strings.Contains(string(out), want) {
			t.Errorf("the page does not lead to %s:\n%s", want, out)
		}
	}
}
