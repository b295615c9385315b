package sim

import (
	"testing"

	"glean/stack/link"
	"glean/stack/link/linktest"
	"glean/stack/loop"
)

// The wire is a link like any other, in virtual and in real time.

func TestLinkVirtual(t *testing.T) {
	linktest.Run(t, func(t *testing.T) linktest.Rig {
		w := NewWorld(1)
		return rig(w, linktest.Virtual(w.Virtual()))
	})
}

func TestLinkReal(t *testing.T) {
	linktest.Run(t, func(t *testing.T) linktest.Rig {
		l, driver := linktest.Real(t)
		return rig(NewWorldOn(l, 1), driver)
	})
}

func rig(w *World, d linktest.Driver) linktest.Rig {
	var r linktest.Rig
	r.Driver = d
	d.Do(func() {
		a, b := w.Wire("w", WireConfig{Delay: 10 * loop.Microsecond, Room: 4096})
		r.A, r.B = a, b
	})
	r.SetUp = func(up bool) {
		d.Do(func() {
			s := link.State{Up: up}
			if !up {
				s.Reason = link.ReasonDown
			}
			r.B.(*End).SetState(s)
		})
	}
	return r
}

// A queue that is closed in real time has sent all that it took.
func TestClosedQueueLosesNothing(t *testing.T) {
	l, d := linktest.Real(t)
	w := NewWorldOn(l, 1)
	c := &counter{}
	var q link.Queue
	var a *End
	d.Do(func() {
		var b *End
		a, b = w.Wire("w", WireConfig{})
		b.Attach(c)
		q, _ = a.OpenQueue()
	})
	taken := 0
	for taken < 5000 {
		n, _ := q.Send([][]byte{testFrame(taken, 60), testFrame(taken, 1514)})
		taken += n
	}
	q.Close()
	if !d.Until(func() bool { return c.n >= taken }) {
		t.Errorf("%d of %d frames arrived", c.n, taken)
	}
	d.Do(func() {
		if n := a.Traffic().Sent; n != uint64(taken) || w.Check() != nil {
			t.Errorf("%d sent, %d taken, %v", n, taken, w.Check())
		}
	})
}
