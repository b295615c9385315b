package document

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// What may have no end is refused, and at once; a file is read up to the limit.
func TestReadFile(t *testing.T) {
	dir := t.TempDir()
	fifo, fits, huge := filepath.Join(dir, "fifo"), filepath.Join(dir, "fits"), filepath.Join(dir, "huge")
	if err := syscall.Mkfifo(fifo, 0o600); err != nil {
		t.Fatal(err)
	}
	const most = 1 << 20
	for path, size := range map[string]int{fits: most, huge: most + 1} {
		if err := os.WriteFile(path, make([]byte, size), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for path, want := range map[string]string{
		fits: "", huge: "larger than 1 MiB", fifo: "not a regular file", dir: "not a regular file", "/dev/zero": "not a regular file",
		filepath.Join(dir, "nothing"): "no such file",
	} {
		text, err := ReadFile(path, most)
		if want == "" && (err != nil || len(text) != most) || want != "" && (err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), path)) {
			t.Errorf("%s: %d octets, %v; want %q and the path", path, len(text), err, want)
		}
	}
}
