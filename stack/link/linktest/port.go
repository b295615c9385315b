package linktest

import (
	"testing"
	"time"

	"glean/stack/link"
	"glean/stack/loop"
)

// Port is a link for tests of one kind of device. It runs on a real loop; the frames and
// states of its handler are queued in channels.
type Port struct {
	Driver
	Loop   *loop.Real
	States chan link.State
	Frames chan []byte // received and not read yet, up to many thousands
}

// NewPort starts the loop.
func NewPort(t testing.TB) *Port {
	p := &Port{States: make(chan link.State, 100), Frames: make(chan []byte, 1<<15)}
	p.Loop, p.Driver = Real(t)
	return p
}

// HandleFrame implements link.Handler.
func (p *Port) HandleFrame(f []byte) {
	select {
	case p.Frames <- append([]byte(nil), f...):
	default: // the test does not read so many
	}
}

// HandleState implements link.Handler.
func (p *Port) HandleState(s link.State) { p.States <- s }

// Observe attaches p to its link.
func (p *Port) Observe(lk link.Link) { p.Do(func() { lk.Attach(p) }) }

// SendOn sends frames on a link from the loop.
func (p *Port) SendOn(lk link.Link, frames ...[]byte) (n int, err error) {
	p.Do(func() { n, err = lk.Send(frames) })
	return n, err
}

// AwaitState skips states until want is reported.
func (p *Port) AwaitState(t testing.TB, want link.State) {
	t.Helper()
	for end := time.After(giveUp); ; {
		select {
		case s := <-p.States:
			if s == want {
				return
			}
		case <-end:
			t.Fatalf("the state never became %+v", want)
		}
	}
}

// AwaitFrame skips frames until match accepts one.
func (p *Port) AwaitFrame(t testing.TB, match func(f []byte) bool) []byte {
	t.Helper()
	for end := time.After(giveUp); ; {
		select {
		case f := <-p.Frames:
			if match(f) {
				return f
			}
		case <-end:
			t.Fatal("the frame never came")
		}
	}
}

// AwaitDone waits until a link's Done is closed.
func AwaitDone(t testing.TB, done <-chan struct{}) {
	t.Helper()
	select {
	case <-done:
	case <-time.After(giveUp):
		t.Fatal("the link was not released")
	}
}
