package conformance

import (
	"strings"
	"sync"
	"testing"
	"time"
)

// lines is the output of a program that runs in the kernel's namespace. Tests wait for
// parts of it.
type lines struct {
	mu   sync.Mutex
	all  strings.Builder
	more chan struct{}
}

// Write implements io.Writer.
func (l *lines) Write(b []byte) (int, error) {
	l.mu.Lock()
	l.all.Write(b)
	l.mu.Unlock()
	select {
	case l.more <- struct{}{}:
	default:
	}
	return len(b), nil
}

func (l *lines) text() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.all.String()
}

// start starts the program, which ends with the test.
func (l *lines) start(t testing.TB, p *peer, program string, args ...string) {
	t.Helper()
	l.more = make(chan struct{}, 1)
	p.kernel.Start(l, program, args...)
}

// has reports whether the output contains text within patience.
func (l *lines) has(text string) bool { return l.hasAfter(0, text) }

// hasAfter is has for the output after the first from octets.
func (l *lines) hasAfter(from int, text string) bool {
	return l.wait(func(all string) bool { return strings.Contains(all[from:], text) })
}

// wait reports whether ok holds for the output within patience.
func (l *lines) wait(ok func(all string) bool) bool {
	deadline := time.After(patience)
	for !ok(l.text()) {
		select {
		case <-l.more:
		case <-deadline:
			return false
		}
	}
	return true
}
