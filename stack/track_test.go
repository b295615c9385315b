package stack

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"strings"
	"testing"

	"glean/stack/header"
	"glean/stack/loop"
)

func (n *node) track(hop string) {
	n.t.Helper()
	if r := n.iface.Track(netip.MustParseAddr(hop)); r != ReasonNone {
		n.t.Fatalf("Track(%s): %v", hop, r)
	}
	n.check()
}

func (n *node) untrack(hop string) {
	n.t.Helper()
	n.iface.Untrack(netip.MustParseAddr(hop))
	n.check()
}

// lost returns how often the observer got Lost.
func (n *node) lost() (times int) {
	for _, e := range n.observer.neighbors {
		if e.Lost {
			times++
		}
	}
	return times
}

// back returns how often the observer got Back.
func (n *node) back() (times int) {
	for _, e := range n.observer.neighbors {
		if e.Back {
			times++
		}
	}
	return times
}

// lastMAC returns the MAC of the last event of a tracked neighbor.
func (n *node) lastMAC() (mac header.MAC) {
	for _, e := range n.observer.neighbors {
		if e.Tracked && !e.MAC.IsZero() {
			mac = e.MAC
		}
	}
	return mac
}

// trackingNode returns a node that probes tracked neighbors every 10 s.
func trackingNode(t testing.TB) *node {
	n := newNode(t, loop.NewVirtual(), Options{})
	c := config(1)
	c.Neighbor.ProbeInterval = 10 * seconds
	n.add(c)
	return n
}

// solicitTimes runs the node and returns when it solicited, in tenths of a second since
// the beginning: "one" for unicast, "all" for multicast.
func (n *node) solicitTimes(hop string, d loop.Duration) string {
	var list []string
	begin := n.loop.Now()
	for n.loop.Now() < begin.Add(d) {
		n.run(10 * loop.Millisecond)
		for _, f := range n.link.take() {
			kind := "one"
			if strings.HasPrefix(f, groupQuestion(hop)) {
				kind = "all"
			}
			list = append(list, fmt.Sprintf("%s %.1f", kind, float64(n.loop.Now()-begin-10e6)/1e9))
		}
	}
	return strings.Join(list, ", ")
}

// TestN08TrackVerifiesFromEveryState checks that Track solicits a neighbor at once
// unless it is verified, and goes on while it does not answer.
func TestN08TrackVerifiesFromEveryState(t *testing.T) {
	const seek = "all 0.0, all 1.0, all 2.0, all 4.0, all 7.0, all 10.0, all 13.0"
	for s, want := range map[State]string{
		StateNone:       seek,
		StateIncomplete: "all 1.0, all 2.0, all 4.0, all 7.0, all 10.0, all 13.0",
		StateStale:      "one 0.0, one 1.0, one 2.0, all 3.0, all 4.0, all 5.0, all 7.0, all 10.0, all 13.0",
		StateDelay:      "one 0.0, one 1.0, one 2.0, all 3.0, all 4.0, all 5.0, all 7.0, all 10.0, all 13.0",
		StateProbe:      "one 1.0, one 2.0, all 3.0, all 4.0, all 5.0, all 7.0, all 10.0, all 13.0",
	} {
		for _, hop := range hops {
			n := alone(t)
			reach(n, hop, s)
			n.track(hop)
			n.track(hop)
			if got := n.solicitTimes(hop, 14*seconds); got != want {
				t.Errorf("%v, %s: asked %s\nwant %s", s, hop, got, want)
			}
			n.wantState(hop, "incomplete")
			if n.lost() != 1 {
				t.Errorf("%v, %s: told %d times that it is lost", s, hop, n.lost())
			}
			n.receive(answer(t, hop, mac3))
			n.wantState(hop, "reachable "+mac3.String())
			if n.lastMAC() != mac3 {
				t.Errorf("%v, %s: the event told %v", s, hop, n.lastMAC())
			}
			if n.back() != 1 {
				t.Errorf("%v, %s: told %d times that it is back", s, hop, n.back())
			}
		}
	}
}

// TestN08TrackedIsProbedEveryInterval checks that a confirmation is valid for the
// interval, not longer and not much shorter, and that a neighbor that answers is never
// lost.
func TestN08TrackedIsProbedEveryInterval(t *testing.T) {
	for _, hop := range hops {
		n := trackingNode(t)
		n.run(2 * seconds) // the groups are joined
		confirm(n, hop, mac2)
		n.track(hop)
		events := len(n.observer.neighbors)
		shortest, longest, at := loop.Duration(1<<62), loop.Duration(0), n.loop.Now()
		for range 100 {
			for len(n.link.sent) == 0 {
				if !n.loop.Step() {
					t.Fatal("it is not solicited any longer")
				}
			}
			n.wantSent(unicastQuestion(hop))
			n.wantState(hop, "probe "+mac2.String())
			took := n.loop.Now().Sub(at)
			shortest, longest = min(shortest, took), max(longest, took)
			n.receive(answer(t, hop, mac2))
			at = n.loop.Now()
		}
		if shortest < 7500*loop.Millisecond || longest > 10*seconds+2*loop.Millisecond || longest-shortest < seconds {
			t.Errorf("%s: probed every %v to %v, want 7.5 s to 10 s", hop, shortest, longest)
		}
		for _, e := range n.observer.neighbors[events:] {
			if !e.Tracked || e.Lost || e.MAC != mac2 {
				t.Fatalf("%s: %+v", hop, e)
			}
		}
	}
}

// TestN09TrackedMoveIsFound checks that the new owner of an address is found within the
// interval and three unicast solicitations (RFC 4861 section 7.3.3), whether it
// overrides or not.
func TestN09TrackedMoveIsFound(t *testing.T) {
	for _, hop := range hops {
		for _, override := range []bool{true, false} {
			n := trackingNode(t)
			confirm(n, hop, mac2)
			n.track(hop)
			n.link.take()
			moved := n.loop.Now()
			for n.lastMAC() != mac3 {
				n.run(loop.Millisecond)
				for _, f := range n.link.take() {
					switch {
					case f != groupQuestion(hop):
					case override || hop == peer:
						n.receive(answer(t, hop, mac3))
					default:
						n.receive(proxyAnswer(t, mac3))
					}
				}
				if n.loop.Now() > moved+15e9 {
					t.Fatalf("%s: not found in 15 s", hop)
				}
			}
			if took := n.loop.Now().Sub(moved); took > 13*seconds+20*loop.Millisecond {
				t.Errorf("%s: found after %v", hop, took)
			}
			last := n.observer.neighbors[len(n.observer.neighbors)-1]
			if last.OldMAC != mac2 || last.New != StateReachable || n.lost() != 0 {
				t.Errorf("%s: %+v, lost %d times", hop, last, n.lost())
			}
		}
	}
}

// TestTrackedChangesAreVerified checks that a MAC that a peer shows is reported and
// solicited at once.
func TestTrackedChangesAreVerified(t *testing.T) {
	for _, hop := range hops {
		n := trackingNode(t)
		confirm(n, hop, mac2)
		n.track(hop)
		n.run(2 * seconds)
		n.link.take()
		if hop == peer {
			n.receive(request(mac3, peer, peer).bytes(t))
		} else {
			n.receive(ndFrame{advert: true, dst: "ff02::1", target: peer6, lla: mac3, flags: flagO}.bytes(t))
		}
		n.wantState(hop, "probe "+mac3.String())
		if n.lastMAC() != mac3 {
			t.Errorf("%s: told %v", hop, n.lastMAC())
		}
		n.run(2 * loop.Millisecond)
		if got := n.link.take(); len(got) != 1 || !strings.HasPrefix(got[0], "m1>m3") {
			t.Errorf("%s: sent %v", hop, got)
		}
		if hop == peer6 { // RFC 4861 section 7.2.5 I.a: in doubt, the MAC stays
			n.receive(answer(t, hop, mac3))
			n.run(2 * seconds)
			n.receive(ndFrame{advert: true, target: peer6, lla: mac4}.bytes(t))
			n.wantState(hop, "probe "+mac3.String())
		}
	}
}

// TestLostNeighborIsBack checks that an answer or an announcement of a lost neighbor is
// reported as Back once, and that of one that answers in time is not.
func TestLostNeighborIsBack(t *testing.T) {
	for _, hop := range hops {
		announcement := request(mac2, peer, peer).bytes(t)
		if hop == peer6 {
			announcement = ndFrame{advert: true, dst: "ff02::1", target: peer6, lla: mac2, flags: flagO}.bytes(t)
		}
		for name, message := range map[string][]byte{"answer": answer(t, hop, mac2), "announcement": announcement} {
			for silent, want := range map[loop.Duration]int{12 * seconds: 0, 60 * seconds: 1} {
				n := trackingNode(t)
				confirm(n, hop, mac2)
				n.track(hop)
				n.run(silent)
				if n.lost() != want {
					t.Fatalf("%s: lost %d times after %v, want %d", hop, n.lost(), silent, want)
				}
				n.receive(message)
				n.run(100 * loop.Millisecond)
				n.receive(answer(t, hop, mac2))
				if n.back() != want {
					t.Errorf("%s, %s after %v: back %d times, want %d", hop, name, silent, n.back(), want)
				}
			}
		}
	}
}

func TestTrackedSurvivesFlushLinkDownAndReclaim(t *testing.T) {
	for _, hop := range hops {
		n := newNode(t, loop.NewVirtual(), Options{})
		c := config(1)
		c.Neighbor.ProbeInterval, c.Neighbor.MaxEntries, c.Neighbor.KeepUnreachable = 10*seconds, 2, true
		n.add(c)
		confirm(n, hop, mac2)
		n.track(hop)
		n.run(2 * seconds)
		n.link.take()

		n.iface.Flush()
		n.check()
		n.wantState(hop, "incomplete")
		n.run(2 * loop.Millisecond)
		n.wantSent(groupQuestion(hop))
		n.receive(answer(t, hop, mac2))

		n.link.set(false)
		n.check()
		n.wantState(hop, "incomplete")
		n.run(100 * seconds)
		n.wantSent()
		n.link.set(true)
		n.run(2 * loop.Millisecond)
		n.wantSent(groupQuestion(hop))
		if got := n.solicitTimes(hop, 3500*loop.Millisecond); got != "all 1.0, all 2.0" {
			t.Errorf("%s: asked %s", hop, got)
		}
		n.run(20 * seconds)
		n.link.set(false)
		n.run(100 * seconds)
		n.link.take()
		n.link.set(true)
		if got := n.solicitTimes(hop, 3500*loop.Millisecond); got != "all 0.0, all 1.0, all 2.0" || n.lost() != 1 {
			t.Errorf("%s: asked %s, lost %d times", hop, got, n.lost())
		}
		n.receive(answer(t, hop, mac2))

		// One more entry fits, but no tracked one is deleted for another.
		second := map[string]string{peer: "192.0.2.7", peer6: "2001:db8::7"}[hop]
		n.track(second)
		third := netip.MustParseAddr("192.0.2.9")
		if r := n.iface.Track(third); r != TableFull {
			t.Errorf("%s: a third in a table for two: %v", hop, r)
		}
		n.receive(request(mac4, "192.0.2.9", "192.0.2.1").bytes(t))
		n.run(100 * seconds)
		if r := n.iface.Output(third, udpPacket(t, "192.0.2.1", "192.0.2.9")); r != TableFull {
			t.Errorf("%s: a tracked neighbor gave way: %v", hop, r)
		}
		n.untrack(second)
		n.run(2 * seconds)
		n.wantState(second, "none")
	}
}

// TestUntrackedAgesLikeAnyOther checks that after Untrack an entry ages, and an
// INCOMPLETE one without subscriptions is deleted.
func TestUntrackedAgesLikeAnyOther(t *testing.T) {
	for _, hop := range hops {
		n := newNode(t, loop.NewVirtual(), Options{})
		c := config(1)
		c.Neighbor.ProbeInterval = 3600 * seconds
		n.add(c)
		n.untrack(hop)
		confirm(n, hop, mac2)
		n.track(hop)
		for n.state(hop) != "probe "+mac2.String() {
			n.run(500 * loop.Millisecond)
		}
		n.receive(answer(t, hop, mac2))
		n.run(1000 * seconds)
		n.wantState(hop, "reachable "+mac2.String())
		n.untrack(hop)
		n.link.take()
		n.run(46 * seconds)
		n.wantState(hop, "stale "+mac2.String())

		n.track(hop)
		n.untrack(hop)
		n.wantState(hop, "probe "+mac2.String())
		n.run(5 * seconds)
		n.wantState(hop, "none")

		n.track(hop)
		n.run(20 * seconds)
		n.untrack(hop)
		n.run(2 * seconds)
		n.wantState(hop, "none")

		n.track(hop)
		n.subscriber.subscribe(n.iface, hop, 1, false, n.loop.Now()+30e9)
		n.run(20 * seconds)
		n.untrack(hop)
		n.untrack(hop)
		n.run(8 * seconds)
		n.wantState(hop, "incomplete")
		n.link.take()
		n.receive(answer(t, hop, mac2))
		if n.subscriber.confirmed[1].mac != mac2 {
			t.Errorf("%s: SolicitDue was not called", hop)
		}
	}
}

// TestSubscriptionToTrackedNeedsNoSolicit checks that the stack solicits a tracked
// INCOMPLETE neighbor for a subscription, without the delay of earlier gaps.
func TestSubscriptionToTrackedNeedsNoSolicit(t *testing.T) {
	for _, hop := range hops {
		n := alone(t)
		n.subscriber.patient = true
		n.track(hop)
		n.run(30 * seconds)
		n.link.take()
		for len(n.link.take()) == 0 {
			n.run(10 * loop.Millisecond)
		}
		n.run(1100 * loop.Millisecond)
		n.link.take()
		if h := n.subscriber.subscribe(n.iface, hop, 1, false, n.loop.Now()+2e9); h.State != SubscribeWait {
			t.Errorf("%s: %+v", hop, h)
		}
		n.run(2 * loop.Millisecond)
		n.wantSent(groupQuestion(hop))
		n.receive(answer(t, hop, mac2))
		if c := n.subscriber.confirmed[1]; c.mac != mac2 || len(n.subscriber.due) != 0 {
			t.Errorf("%s: %+v, SolicitDue was called %d times", hop, c, len(n.subscriber.due))
		}
		// A fresh subscription to a verified neighbor solicits by itself, and its silence does
		// not end the tracking.
		n.run(2 * seconds)
		n.subscriber.patient = false
		n.subscriber.subscribe(n.iface, hop, 2, true, n.loop.Now()+2e9)
		n.wantSent(unicastQuestion(hop))
		if got := n.solicitTimes(hop, 5*seconds); !strings.HasPrefix(got, "all 1.0, all 2.0, all 3.0") {
			t.Errorf("%s: asked %s", hop, got)
		}
		n.receive(answer(t, hop, mac3))
		if c := n.subscriber.confirmed[2]; c.mac != mac3 {
			t.Errorf("%s: %+v", hop, c)
		}
	}
}

// TestN08HeldPacketsDoNotChangeTracking checks that held packets do not shorten the
// gaps, and that dropping them does not end the solicitations.
func TestN08HeldPacketsDoNotChangeTracking(t *testing.T) {
	for _, hop := range hops {
		n := alone(t)
		n.track(hop)
		last, gap := loop.Time(-1e9), loop.Duration(1<<62)
		for range 500 {
			send(n, hop)
			n.run(70 * loop.Millisecond)
			for range n.link.take() {
				gap, last = min(gap, n.loop.Now().Sub(last)), n.loop.Now()
			}
		}
		if gap < 930*loop.Millisecond || n.loop.Now()-last > 4e9 || n.lost() != 1 {
			t.Errorf("%s: gap %v, asked last at %v of %v, lost %d times", hop, gap, last, n.loop.Now(), n.lost())
		}
		n.receive(answer(t, hop, mac2))
		if got := len(n.link.take()); got == 0 {
			t.Errorf("%s: no packet left", hop)
		}
	}
}

// TestTrackedIsNotLostByBusyDevice checks that solicitations that did not leave do not
// count as unanswered.
func TestTrackedIsNotLostByBusyDevice(t *testing.T) {
	for _, hop := range hops {
		n := trackingNode(t)
		confirm(n, hop, mac2)
		n.track(hop)
		n.link.refuse = true
		n.run(60 * seconds)
		n.wantState(hop, "probe "+mac2.String())
		n.link.refuse = false
		n.run(1100 * loop.Millisecond)
		n.receive(answer(t, hop, mac2))
		n.wantState(hop, "reachable "+mac2.String())
	}
}

func TestTrackRefusals(t *testing.T) {
	n := newNode(t, loop.NewVirtual(), Options{})
	i := n.add(InterfaceConfig{
		MAC: mac1, IPv4: netip.MustParsePrefix("192.0.2.1/24"),
		Static: []StaticNeighbor{{netip.MustParseAddr("192.0.2.5"), mac4}},
	})
	for hop, want := range map[string]Reason{
		"192.0.2.1": OwnAddress, "2001:db8::2": NoSourceAddress, "127.0.0.1": NoRoute,
		"192.0.2.5": ReasonNone, "192.0.2.255": ReasonNone, "224.0.0.1": ReasonNone, "ff02::1": ReasonNone,
	} {
		if r := i.Track(netip.MustParseAddr(hop)); r != want {
			t.Errorf("%s: %v, want %v", hop, r, want)
		}
		n.untrack(hop)
	}
	n.wantState("192.0.2.5", "static "+mac4.String())
	if i.NeighborCount() != 1 {
		t.Errorf("%d neighbors", i.NeighborCount())
	}
	n.track(peer)
	n.stack.RemoveInterface(i)
	n.check()
	i.Untrack(netip.MustParseAddr(peer))
	if r := i.Track(netip.MustParseAddr(peer)); r == ReasonNone {
		t.Error("a removed interface tracks")
	}
	for _, wrong := range []loop.Duration{-1, 1, 99 * loop.Millisecond, 8 * 24 * 3600 * seconds} {
		c := config(9)
		c.Neighbor.ProbeInterval = wrong
		if _, err := n.stack.AddInterface(c); err == nil {
			t.Errorf("a ProbeInterval of %v was taken", wrong)
		}
	}
}

// TestTrackingAllocatesNothing checks that tracking allocates nothing. TestTableMemory
// checks the size of an entry.
func TestTrackingAllocatesNothing(t *testing.T) {
	for _, hop := range hops {
		lk := &sinkLink{last: make([]byte, 2048)}
		l := loop.NewVirtual()
		s := New(l, lk, Options{Rand: rand.New(rand.NewPCG(1, 1))})
		c := config(1)
		c.Neighbor.ProbeInterval = seconds
		i, err := s.AddInterface(c)
		if err != nil {
			t.Fatal(err)
		}
		a, frame := netip.MustParseAddr(hop), answer(t, hop, mac2)
		cycle := func() {
			i.Track(a)
			s.HandleFrame(frame)
			l.RunFor(2 * loop.Second)
			s.HandleFrame(frame)
			l.RunFor(10 * loop.Second)
			i.Untrack(a)
			i.Flush()
			l.RunFor(5 * loop.Second)
		}
		for range 100 {
			cycle() // buffers and the wheel grow
		}
		if n := testing.AllocsPerRun(100, cycle); n != 0 {
			t.Errorf("%s: %v allocations", hop, n)
		}
		if err := s.Check(); err != nil {
			t.Error(err)
		}
	}
}
