package stack

import (
	"net/netip"
	"reflect"
	"testing"

	"glean/stack/header"
	"glean/stack/loop"

	"github.com/google/gopacket/layers"
	"pgregory.net/rapid"
)

// twins are two nodes that receive the same events: one uses the fast paths, the other
// the general ones.
type twins struct {
	short, general *node
}

func newTwins(t *testing.T, responder bool) *twins {
	each := func() *node {
		n := newNode(t, loop.NewVirtual(), Options{})
		c := config(1)
		c.Neighbor.MaxEntries = 3
		if responder { // also for the soliciting host
			c.RespondFor = []netip.Prefix{netip.MustParsePrefix("192.0.2.0/29"), netip.MustParsePrefix("2001:db8::/125")}
		}
		n.add(c)
		return n
	}
	return &twins{each(), each()}
}

func (w *twins) both(do func(n *node)) {
	do(w.short)
	do(w.general)
}

// subscribeSlowly is Subscribe without subscribeNew, and solicits as
// fakeSubscriber.subscribe does.
func subscribeSlowly(n *node, hop string, target uint32, deadline loop.Time) SubscribeResult {
	s, i, a := n.stack, n.iface, ipFrom(netip.MustParseAddr(hop))
	if id := s.neighbors.find(i.slot, a); id != 0 || !s.up || i.refusalReason(a) != ReasonNone {
		return n.subscriber.subscribe(i, hop, target, true, deadline)
	}
	now := n.loop.Now()
	_, free := s.neighbors.search(i.slot, a)
	id := s.admit(i, a, free, now, false)
	if id == 0 {
		return SubscribeResult{State: SubscribeRefused, Reason: TableFull}
	}
	ref, may := s.subscribe(id, target, deadline, now)
	n.subscriber.refs[target] = ref
	if !may {
		return SubscribeResult{State: SubscribeWait, Ref: ref}
	}
	if !n.subscriber.patient {
		s.Solicit(ref)
	}
	return SubscribeResult{State: SubscribeDue, Ref: ref}
}

// drawFault draws the number of a fault of a frame; in half of all cases none (-1).
func drawFault(t *rapid.T, last int) int {
	if rapid.Bool().Draw(t, "usual") {
		return -1
	}
	return rapid.IntRange(0, last).Draw(t, "odd")
}

// drawAdvert draws an advertisement that answers, or one with a single fault.
func drawAdvert(t *rapid.T, tb testing.TB) []byte {
	f := ndFrame{
		advert: true, src: peer6, dst: "2001:db8::1", target: rapid.SampledFrom([]string{peer6, peer6, "fe80::7"}).Draw(t, "target"),
		lla: rapid.SampledFrom([]header.MAC{mac2, mac3}).Draw(t, "mac"), flags: flagS | rapid.SampledFrom([]uint8{0, flagO, flagR, flagO | flagR}).Draw(t, "flags"),
	}
	trailer, size := 0, 0
	switch odd := drawFault(t, 12); odd {
	case 0:
		f.flags &^= flagS
	case 1:
		f.dst, f.ethDst = rapid.SampledFrom([]string{"2001:db8::9", "2001:db8::3", "fe80::1", "ff02::1"}).Draw(t, "dst"), mac1
	case 2:
		f.lla = rapid.SampledFrom([]header.MAC{{}, mac1, {1}, header.Broadcast}).Draw(t, "impossible")
	case 3:
		f.ethDst = rapid.SampledFrom([]header.MAC{mac4, header.Broadcast, {0x33, 0x33, 5: 1}}).Draw(t, "to")
	case 4:
		f.hopLimit = 254
	case 5:
		f.target = rapid.SampledFrom([]string{"2001:db8::1", "2001:db8::8", "ff02::2", "::"}).Draw(t, "other target")
	case 6:
		f.tags = []uint16{rapid.Uint16Range(0, 1).Draw(t, "VLAN")}
	case 7:
		f.options = []layers.ICMPv6Option{{Type: 14, Data: make([]byte, 6)}}
	case 8:
		f.fragment = true
	case 9, 10:
		at, bit := rapid.IntRange(0, 71).Draw(t, "octet"), rapid.IntRange(0, 7).Draw(t, "bit")
		f.edit, f.fix = func(p []byte) { p[at] ^= 1 << bit }, odd == 10 && at != 4 && at != 5
	case 11:
		size = rapid.IntRange(1, 85).Draw(t, "length")
	case 12:
		trailer = 4
	}
	b := append(f.bytes(tb), make([]byte, trailer)...)
	if size > 0 {
		b = b[:size]
	}
	return b
}

// drawReply draws an ARP reply, or one with a single fault.
func drawReply(t *rapid.T, tb testing.TB) []byte {
	f := arpFrame{
		op: 2, ethDst: mac1, senderMAC: rapid.SampledFrom([]header.MAC{mac2, mac3}).Draw(t, "mac"), targetMAC: mac1,
		senderIP: rapid.SampledFrom([]string{peer, peer, "192.0.2.3", "192.0.2.4"}).Draw(t, "sender"), targetIP: "192.0.2.1",
	}
	damage := func([]byte) {}
	size := 0
	switch odd := drawFault(t, 12); odd {
	case 0, 1:
		f.op = uint16(odd*2 + 1)
	case 2:
		f.senderMAC = mac1 // our own
	case 3:
		f.senderMAC = header.MAC{}
	case 4:
		f.senderMAC = header.MAC{1, 0, 0x5e, 0, 0, 1}
	case 5:
		f.ethDst = rapid.SampledFrom([]header.MAC{mac4, header.Broadcast}).Draw(t, "to")
	case 6:
		f.ethSrc = mac4
	case 7:
		f.senderIP = rapid.SampledFrom([]string{"192.0.2.1", "192.0.2.255", "192.0.2.0", "0.0.0.0"}).Draw(t, "impossible")
	case 8:
		f.targetIP = rapid.SampledFrom([]string{"192.0.2.7", peer}).Draw(t, "target")
	case 9:
		f.tags = []uint16{rapid.Uint16Range(0, 1).Draw(t, "VLAN")}
	case 10:
		at := rapid.IntRange(12, 21).Draw(t, "octet")
		damage = func(b []byte) { b[at] ^= 1 }
	case 11:
		size = rapid.IntRange(1, 41).Draw(t, "length")
	case 12:
		f.trailer = 18
	}
	b := f.bytes(tb)
	damage(b)
	if size > 0 {
		b = b[:size]
	}
	return b
}

// TestFastPathsHaveTheSameEffect compares handleReply and handleSolicitedAdvert with
// handleAny, subscribeNew with subscribe, and resolve with move, after any history.
func TestFastPathsHaveTheSameEffect(t *testing.T) {
	hops := []string{peer, "192.0.2.3", "192.0.2.4", peer6, "fe80::7"}
	resolved, begun := 0, 0
	answered := make(map[string]int)
	rapid.Check(t, func(rt *rapid.T) {
		w := newTwins(t, rapid.Bool().Draw(rt, "responder"))
		target, patient := uint32(0), rapid.Bool().Draw(rt, "patient")
		w.both(func(n *node) { n.subscriber.patient = patient })
		hop := rapid.SampledFrom(hops)
		rt.Repeat(map[string]func(*rapid.T){
			"hold": func(rt *rapid.T) {
				target++
				to, deadline := hop.Draw(rt, "hop"), w.short.loop.Now().Add(loop.Duration(rapid.Int64Range(1e8, 60e9).Draw(rt, "timeout")))
				before := w.short.stack.neighbors.used
				one := w.short.subscriber.subscribe(w.short.iface, to, target, true, deadline)
				if other := subscribeSlowly(w.general, to, target, deadline); one != other {
					rt.Fatalf("Hold gives %+v, generally %+v", one, other)
				}
				if w.short.stack.neighbors.used > before {
					begun++
				}
			},
			"frame": func(rt *rapid.T) {
				draw, from := drawReply, peer
				if rapid.Bool().Draw(rt, "IPv6") {
					draw, from = drawAdvert, peer6
				}
				f := draw(rt, t)
				if rapid.Bool().Draw(rt, "asked") {
					target++
					w.both(func(n *node) { // so that it is solicited now, also by a patient subscriber
						n.loop.RunFor(1001 * loop.Millisecond)
						h := n.subscriber.subscribe(n.iface, from, target, true, n.loop.Now()+30e9)
						n.stack.Solicit(h.Ref)
					})
				}
				w.general.stack.counts().RxFrames++
				w.general.stack.handleAny(f)
				before := len(w.short.subscriber.confirmed)
				w.short.stack.HandleFrame(f)
				if len(w.short.subscriber.confirmed) > before {
					answered[from]++
				}
			},
			"advert": func(rt *rapid.T) {
				e := advert(true, rapid.Bool().Draw(rt, "override"), rapid.SampledFrom([]event{advertSame, advertOther}).Draw(rt, "address"))
				a, mac := ipFrom(netip.MustParseAddr(hop.Draw(rt, "hop"))), rapid.SampledFrom([]header.MAC{mac2, mac3}).Draw(rt, "mac")
				s, g := w.short.stack, w.general.stack
				id := s.neighbors.find(w.short.iface.slot, a)
				if id == 0 || s.neighbors.at(id).state != StateIncomplete {
					rt.Skip("not asked for")
				}
				n := g.neighbors.at(id)
				next, do := step(n.state, e, n.isTracked())
				g.move(id, n, w.general.iface, transition{next, do}, mac, w.general.loop.Now(), CauseAnswer)
				s.apply(id, e, mac, CauseAnswer)
				g.endTurn()
				s.endTurn()
				resolved++
			},
			"packet": func(rt *rapid.T) {
				to := netip.MustParseAddr(hop.Draw(rt, "hop"))
				w.both(func(n *node) { n.iface.Output(to, make([]byte, 40)) })
			},
			"track": func(rt *rapid.T) {
				to, end := netip.MustParseAddr(hop.Draw(rt, "hop")), rapid.Bool().Draw(rt, "end")
				w.both(func(n *node) {
					if n.iface.Track(to); end {
						n.iface.Untrack(to)
					}
				})
			},
			"forget": func(rt *rapid.T) { // what a MAC was is remembered while it is sought
				w.both(func(n *node) { n.iface.Flush() })
			},
			"link": func(rt *rapid.T) {
				up := rapid.Bool().Draw(rt, "up")
				w.both(func(n *node) { n.link.set(up) })
			},
			"time": func(rt *rapid.T) {
				d := loop.Duration(rapid.Int64Range(0, 40e9).Draw(rt, "time"))
				w.both(func(n *node) { n.loop.RunFor(d) })
			},
			"": func(rt *rapid.T) { w.compare(rt) },
		})
	})
	t.Logf("%d resolved, %v answered, %d begun", resolved, answered, begun)
	if resolved == 0 || answered[peer] == 0 || answered[peer6] == 0 || begun == 0 {
		t.Errorf("%d resolved, %v answered, %d begun", resolved, answered, begun)
	}
}

// compare fails the test at a difference between the twins, and checks the invariants.
func (w *twins) compare(t *rapid.T) {
	t.Helper()
	w.both(func(n *node) {
		if err := n.stack.Check(); err != nil {
			t.Fatalf("at %v: %v", n.loop.Now(), err)
		}
		for k := range n.observer.neighbors {
			n.observer.neighbors[k].Interface = nil // each has its own
		}
	})
	a, b := w.short, w.general
	for _, c := range []struct {
		what           string
		short, general any
	}{
		{"cache", *a.stack.cache, *b.stack.cache},
		{"notes", a.stack.notices, b.stack.notices},
		{"counters", a.stack.Counters(), b.stack.Counters()},
		{"statistics", a.iface.stats, b.iface.stats},
		{"frames", a.link.sent, b.link.sent},
		{"events", a.observer.neighbors, b.observer.neighbors},
		{"confirmations", a.subscriber.confirmed, b.subscriber.confirmed},
		{"offers", a.subscriber.due, b.subscriber.due},
		{"timer", a.stack.timer.At(), b.stack.timer.At()},
	} {
		if !reflect.DeepEqual(c.short, c.general) {
			t.Fatalf("%s: %+v, generally %+v", c.what, c.short, c.general)
		}
	}
}

func TestUsualAnswersGoTheShortWay(t *testing.T) {
	for _, hop := range hops {
		for _, responder := range []bool{false, true} {
			n := newTwins(t, responder).short
			n.subscriber.subscribe(n.iface, hop, 1, true, 30e9)
			if !n.stack.handleFast(answer(t, hop, mac2)) || n.state(hop) != "reachable "+mac2.String() {
				t.Errorf("%s, responder %v: %s", hop, responder, n.state(hop))
			}
			if n.stack.handleFast(answer(t, hop, mac3)) {
				t.Errorf("%s: a second answer, too", hop)
			}
		}
	}
}
