package main

import (
	"bytes"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"
	"unicode/utf8"

	"golang.org/x/sys/unix"
)

func TestWrapBreaksBetweenWordsAndColumns(t *testing.T) {
	for _, c := range []struct {
		line  string
		width int
		want  string
	}{
		{"", 10, "\n"},
		{"as wide as", 10, "as wide as\n"},
		{"wider than that", 10, "wider than\n    that\n"},
		{"wider than that", 0, "wider than that\n"},
		{"unbreakable-word", 10, "unbreakable-word\n"},
		{"  A LONG ONE  B  C", 16, "  A LONG ONE\n      B  C\n"},
		{"  A LONG ONE  BBBB BBB", 16, "  A LONG ONE\n      BBBB BBB\n"},
		{"  ok  this and that too long", 22, "  ok  this and that\n      too long\n"},
		{"äöü äöü äöü", 7, "äöü äöü\n    äöü\n"},
	} {
		if got := wrap(c.line, c.width); got != c.want {
			t.Errorf("%q in %d columns: %q, want %q", c.line, c.width, got, c.want)
		}
	}
}

// TestDemoFitsTheTerminal: no line is wider than the terminal, and the progress line
// stays out of the last column.
func TestDemoFitsTheTerminal(t *testing.T) {
	path, err := built()
	if err != nil {
		t.Fatal(err)
	}
	for _, width := range []uint16{60, 132} {
		master, slave := terminal(t, width)
		cmd := exec.Command(path, "demo")
		cmd.Stdout = slave
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		slave.Close()
		var screen bytes.Buffer
		_, _ = screen.ReadFrom(master) // it ends with an error when no process has the terminal open
		if err := cmd.Wait(); err != nil {
			t.Fatal(err)
		}
		drawn := 0
		for _, line := range strings.Split(screen.String(), "\n") {
			steps := strings.Split(strings.TrimSuffix(line, "\r"), "\r")
			for k, step := range steps {
				step, redrawn := strings.CutSuffix(step, "\x1b[K")
				if redrawn {
					drawn++
				}
				if n := utf8.RuneCountInString(step); n > int(width) || redrawn && n == int(width) {
					t.Errorf("%d columns, step %d: %q takes %d", width, k, step, n)
				}
			}
		}
		if drawn < 50 || !strings.Contains(screen.String(), "401") || strings.Contains(screen.String(), "FAILED") {
			t.Errorf("%d columns: %d steps of progress:\n%s", width, drawn, screen.String())
		}
	}
}

// terminal opens a pseudo-terminal with that many columns.
func terminal(t *testing.T, width uint16) (master, slave *os.File) {
	t.Helper()
	master, err := os.OpenFile("/dev/ptmx", os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Skipf("no pseudo-terminal: %v", err)
	}
	t.Cleanup(func() { master.Close() })
	fd := int(master.Fd())
	if err := unix.IoctlSetPointerInt(fd, unix.TIOCSPTLCK, 0); err != nil {
		t.Fatal(err)
	}
	name, err := unix.IoctlGetInt(fd, unix.TIOCGPTN)
	if err != nil {
		t.Fatal(err)
	}
	if err := unix.IoctlSetWinsize(fd, unix.TIOCSWINSZ, &unix.Winsize{Row: 50, Col: width}); err != nil {
		t.Fatal(err)
	}
	slave, err = os.OpenFile("/dev/pts/"+strconv.Itoa(name), os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	return master, slave
}
