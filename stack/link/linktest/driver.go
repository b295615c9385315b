package linktest

import (
	"testing"
	"time"

	"glean/stack/loop"
)

// giveUp is the time limit of each wait of the suite, in real time.
const giveUp = 20 * time.Second

// Driver runs the loop that both links of a rig live on.
type Driver interface {
	// Do runs f on the loop and returns when it has run.
	Do(f func())
	// Until runs the loop until cond, called on the loop, returns true, or for a long
	// time. It reports whether cond returned true.
	Until(cond func() bool) bool
	// Concurrent reports whether goroutines besides the loop may send on queues.
	Concurrent() bool
}

// Real starts a real loop, which stops when the test ends, and drives it.
func Real(t testing.TB) (*loop.Real, Driver) {
	r := loop.NewReal()
	go r.Run()
	t.Cleanup(func() { r.Stop(); <-r.Done() })
	return r, realDriver{r}
}

type realDriver struct{ loop *loop.Real }

func (d realDriver) Concurrent() bool { return true }

func (d realDriver) Do(f func()) {
	done := make(chan struct{})
	d.loop.Post(func() { defer close(done); f() })
	<-done
}

func (d realDriver) Until(cond func() bool) bool {
	const again = 200 * loop.Microsecond
	result := make(chan bool, 1)
	d.loop.Post(func() {
		end := d.loop.Now().Add(loop.Duration(giveUp))
		var t loop.Timer
		t.Init(func() {
			switch {
			case cond():
				result <- true
			case d.loop.Now() > end:
				result <- false
			default:
				d.loop.Arm(&t, d.loop.Now().Add(again))
			}
		})
		d.loop.Arm(&t, d.loop.Now())
	})
	return <-result
}

// Virtual drives a virtual loop, on the test's goroutine.
func Virtual(v *loop.Virtual) Driver { return virtualDriver{v} }

type virtualDriver struct{ loop *loop.Virtual }

func (d virtualDriver) Concurrent() bool { return false }

func (d virtualDriver) Do(f func()) {
	ran := false
	d.loop.Post(func() { f(); ran = true })
	d.loop.RunWhile(func() bool { return !ran }, d.loop.Now())
}

func (d virtualDriver) Until(cond func() bool) bool {
	return d.loop.RunWhile(func() bool { return !cond() }, d.loop.Now().Add(60*loop.Second))
}
