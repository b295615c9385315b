package burst

import (
	"testing"

	"golang.org/x/sys/unix"
)

func TestPauseIsForBursts(t *testing.T) {
	for _, c := range []struct {
		name  string
		reads []int
		want  bool
	}{
		{"nothing was read", nil, false},
		{"one frame", []int{1}, false},
		{"nearly a burst", []int{worthwhile - 1}, false},
		{"a burst", []int{worthwhile}, true},
		{"a burst in parts", []int{worthwhile / 2, 0, worthwhile - worthwhile/2}, true},
		{"much more", []int{1 << 20}, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			var p Pause
			for _, n := range c.reads {
				p.Read(n)
			}
			if got := p.Take(); got != c.want {
				t.Errorf("pause taken: %v, want %v", got, c.want)
			}
			if p.Take() {
				t.Error("a second pause, though nothing was read since the first")
			}
		})
	}
}

func TestPauseAllocatesNothing(t *testing.T) {
	var p Pause
	if n := testing.AllocsPerRun(10, func() { p.Read(worthwhile); p.Take() }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

// TestPauseIsForWork checks that what is left of the reader's other work keeps it from
// waiting for frames, and is done before and after it sleeps.
func TestPauseIsForWork(t *testing.T) {
	bell := newBell(t)
	left, calls := 3, 0
	p := Pause{Bell: bell, Help: func() bool { calls++; left--; return left > 0 }}
	if !p.Take() || calls != 3 {
		t.Errorf("%d calls", calls)
	}
	if p.Take() || calls != 4 {
		t.Errorf("%d calls when nothing is left", calls)
	}
	p.Read(worthwhile)
	if !p.Take() || calls != 7 {
		t.Errorf("%d calls after a burst", calls)
	}
}

func newBell(t *testing.T) *Bell {
	b, err := NewBell()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(b.Close)
	return b
}

// TestBellEndsAPause checks that Ring ends a pause that would last for an hour.
func TestBellEndsAPause(t *testing.T) {
	b := newBell(t)
	b.Ring() // no reader sleeps: that has no effect
	for range 3 {
		asleep, done := make(chan struct{}), make(chan struct{})
		go func() {
			defer close(done)
			b.listen(func() { close(asleep) }, &unix.Timespec{Sec: 3600})
		}()
		<-asleep
		b.Ring()
		<-done
		if b.asleep.Load() {
			t.Fatal("it still listens")
		}
	}
}
