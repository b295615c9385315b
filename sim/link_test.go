package sim

import (
	"fmt"
	"testing"

	"glean/stack/header"
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

// Neither does a link that keeps traffic from its handler differ.
func TestLinkWithoutTraffic(t *testing.T) {
	linktest.Run(t, func(t *testing.T) linktest.Rig {
		w := NewWorld(1)
		r := rig(w, linktest.Virtual(w.Virtual()))
		r.A, r.B = link.WithoutTraffic(r.A), link.WithoutTraffic(r.B)
		return r
	})
}

func TestTrafficIsCountedAndKeptFromTheHandler(t *testing.T) {
	w := NewWorld(1)
	a, b := w.Wire("w", WireConfig{})
	r := &receiver{loop: w.Loop()}
	kept := link.WithoutTraffic(b)
	kept.Attach(r)
	arp := testFrame(2, 60)
	header.Ethernet(arp).SetType(header.EtherTypeARP)
	send(t, a, testFrame(1, 60), arp, testFrame(3, 60))
	settle(w)
	if s := kept.Stats(); fmt.Sprint(r.numbers()) != "[2]" || s.RxFrames != 3 || s.RxBytes != 180 || s.RxTraffic != 2 {
		t.Errorf("handler %v, stats %+v", r.numbers(), s)
	}
}

func rig(w *World, d linktest.Driver) linktest.Rig {
	var r linktest.Rig
	r.Driver = d
	var a, b *End
	d.Do(func() {
		a, b = w.Wire("w", WireConfig{Delay: 10 * loop.Microsecond, Room: 4096})
		r.A, r.B = a, b
	})
	r.SetUp = func(up bool) {
		d.Do(func() {
			s := link.State{Up: up}
			if !up {
				s.Reason = link.ReasonDown
			}
			b.SetState(s)
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
