package stack

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"glean/stack/header"
	"glean/stack/loop"
)

// reach brings the node's neighbor into a state with mac2.
func reach(n *node, hop string, s State) {
	n.t.Helper()
	switch s {
	case StateIncomplete:
		send(n, hop)
	case StateReachable:
		confirm(n, hop, mac2)
	case StateStale, StateDelay, StateProbe, StateUnreachable:
		if netip.MustParseAddr(hop).Is4() {
			n.receive(request(mac2, hop, "192.0.2.1").bytes(n.t))
		} else {
			n.receive(resolveNS().bytes(n.t))
		}
		if s > StateStale {
			send(n, hop)
		}
		if s > StateDelay {
			n.run(5*seconds + 2*loop.Millisecond)
		}
		if s == StateUnreachable {
			n.run(3*seconds + 5*loop.Millisecond)
		}
	}
	n.link.take()
	if info, _ := n.iface.Neighbor(netip.MustParseAddr(hop)); info.State != s {
		n.t.Fatalf("%s is %v, want %v", hop, info.State, s)
	}
}

// after725 returns the next state by RFC 4861 section 7.2.5 and whether the MAC is
// stored.
func after725(s State, solicited, override bool, lla string) (State, bool) {
	switch {
	case s == StateIncomplete && lla == "none":
		return s, false
	case s == StateIncomplete && solicited:
		return StateReachable, true
	case s == StateIncomplete:
		return StateStale, true
	case lla == "other" && solicited && s == StateUnreachable: // an answer to a solicitation to all stations, as in INCOMPLETE
		return StateReachable, true
	case !override && lla == "other" && s == StateReachable: // I.a
		return StateStale, false
	case !override && lla == "other": // I.b
		return s, false
	case lla == "other" && solicited: // II
		return StateReachable, true
	case lla == "other":
		return StateStale, true
	case solicited:
		return StateReachable, false
	}
	return s, false
}

// accepted725 reports whether the entry is updated at all, IsRouter included.
func accepted725(s State, solicited, override bool, lla string) bool {
	switch {
	case s == StateIncomplete:
		return lla != "none"
	case s == StateUnreachable && solicited:
		return true
	}
	return override || lla != "other"
}

func TestConformanceAdvertTable(t *testing.T) {
	states := []State{StateIncomplete, StateReachable, StateStale, StateDelay, StateProbe, StateUnreachable}
	for _, s := range states {
		for flags := uint8(0); flags < 8; flags++ {
			f := ndFrame{advert: true, src: peer6, target: peer6, flags: flags << 5}
			for _, lla := range []string{"none", "same", "other"} {
				for _, multicast := range []bool{false, true} {
					if f.flags&flagS != 0 && multicast || s == StateIncomplete && lla == "same" {
						continue
					}
					f.dst = map[bool]string{false: "2001:db8::1", true: "ff02::1"}[multicast]
					name := fmt.Sprintf("G-rows 7.2.5 %v RSO=%03b %s multicast=%v", s, flags, lla, multicast)
					t.Run(name, func(t *testing.T) { checkAdvert(t, s, f, lla) })
				}
			}
		}
	}
	t.Run("G-rows 7.2.5 no entry: discarded", func(t *testing.T) {
		for flags := uint8(0); flags < 4; flags++ {
			n := alone(t)
			n.receive(ndFrame{advert: true, target: peer6, lla: mac2, flags: flags << 5}.bytes(t))
			n.wantState(peer6, "none")
			if n.stack.Counters().Dropped[DropUnasked] != 1 {
				t.Error("not counted")
			}
		}
	})
	t.Run("L03 a host makes no entry of an unsolicited advertisement", func(t *testing.T) {
		n := alone(t)
		n.receive(ndFrame{advert: true, dst: "ff02::1", target: peer6, lla: mac2}.bytes(t))
		n.wantState(peer6, "none")
	})
	t.Run("G01 IsRouter follows the flag of accepted advertisements", func(t *testing.T) {
		n := alone(t)
		confirm(n, peer6, mac2)
		for _, flag := range []uint8{flagR, 0, flagR, 0} {
			n.receive(ndFrame{advert: true, target: peer6, lla: mac2, flags: flag | flagS}.bytes(t))
			if info, _ := n.iface.Neighbor(netip.MustParseAddr(peer6)); info.IsRouter != (flag != 0) {
				t.Errorf("IsRouter is %v after flags %02x", info.IsRouter, flag)
			}
		}
		lost := 0
		for _, e := range n.observer.neighbors {
			if e.RouterLost {
				lost++
			}
		}
		if lost != 2 {
			t.Errorf("%d events that a router was lost, want 2", lost)
		}
	})
}

// checkAdvert sends an advertisement to a neighbor whose IsRouter is the opposite of the
// advertisement's router flag.
func checkAdvert(t *testing.T, s State, f ndFrame, lla string) {
	n := newNode(t, loop.NewVirtual(), Options{})
	c := config(1)
	c.Neighbor.KeepUnreachable = true
	n.add(c)
	reach(n, peer6, s)
	router, solicited, override := f.flags&flagR != 0, f.flags&flagS != 0, f.flags&flagO != 0
	if entry := n.stack.neighbors.at(n.stack.neighbors.find(n.iface.slot, ipFrom(netip.MustParseAddr(peer6)))); !router {
		entry.flags |= flagRouter
	}
	n.observer.neighbors = nil
	f.lla = map[string]header.MAC{"same": mac2, "other": mac3}[lla]
	n.receive(f.bytes(t))
	next, taken := after725(s, solicited, override, lla)
	want := next.String()
	switch {
	case taken:
		want += " " + mac3.String()
	case s != StateIncomplete:
		want += " " + mac2.String()
	}
	n.wantState(peer6, want)
	if s == StateIncomplete && taken {
		n.wantSent("m1>m3 2001:db8::1>2001:db8::2 udp 9")
	} else {
		n.wantSent()
	}
	accepted := accepted725(s, solicited, override, lla)
	if info, _ := n.iface.Neighbor(netip.MustParseAddr(peer6)); info.IsRouter != (accepted == router) {
		t.Errorf("IsRouter is %v after an advertisement with %v; accepted: %v", info.IsRouter, router, accepted)
	}
	lost := slices.ContainsFunc(n.observer.neighbors, func(e NeighborEvent) bool { return e.RouterLost })
	if want := accepted && !router; lost != want {
		t.Errorf("told that a router was lost: %v, want %v", lost, want)
	}
}

func TestConformanceReachability(t *testing.T) {
	for _, hop := range []string{peer, peer6} {
		t.Run("H01 REACHABLE ages after 0.5 to 1.5 of ReachableTime, drawn anew "+hop, func(t *testing.T) {
			n := alone(t)
			shortest, longest := loop.Duration(1<<62), loop.Duration(0)
			for range 300 {
				confirm(n, hop, mac2)
				start := n.loop.Now()
				for n.state(hop)[:5] == "reach" {
					if !n.loop.Step() {
						t.Fatal("it never ages")
					}
				}
				n.wantState(hop, "stale "+mac2.String())
				took := n.loop.Now().Sub(start)
				shortest, longest = min(shortest, took), max(longest, took)
				n.run(2 * seconds)
			}
			if shortest < 15*seconds || longest > 45*seconds+2*loop.Millisecond {
				t.Errorf("aged after %v to %v", shortest, longest)
			}
			if shortest > 17*seconds || longest < 43*seconds {
				t.Errorf("300 draws lie between %v and %v: not the whole range", shortest, longest)
			}
		})
		t.Run("H02 H03 a packet to a STALE neighbor starts 5 s of DELAY, then PROBE by unicast "+hop, func(t *testing.T) {
			n := alone(t)
			reach(n, hop, StateStale)
			send(n, hop)
			n.wantState(hop, "delay "+mac2.String())
			n.link.take()
			n.run(5*seconds - 2*loop.Millisecond)
			send(n, hop)
			n.wantState(hop, "delay "+mac2.String())
			n.link.take()
			n.run(4 * loop.Millisecond)
			n.wantState(hop, "probe "+mac2.String())
			n.wantSent(unicastQuestion(hop))
		})
		t.Run("H03 a probe is a unicast solicitation "+hop, func(t *testing.T) {
			n := alone(t)
			reach(n, hop, StateDelay)
			n.run(5*seconds + 2*loop.Millisecond)
			n.wantSent(unicastQuestion(hop))
		})
		t.Run("H04 three probes a second apart, meanwhile traffic goes on; then the entry is deleted "+hop, func(t *testing.T) {
			n := alone(t)
			reach(n, hop, StateProbe) // the first probe is out
			for range 2 {
				n.run(990 * loop.Millisecond)
				send(n, hop)
				if got := n.link.take(); len(got) != 1 || got[0][:5] != "m1>m2" {
					t.Errorf("traffic: %v", got)
				}
				n.run(12 * loop.Millisecond)
				n.wantSent(unicastQuestion(hop))
			}
			n.run(loop.Second + 5*loop.Millisecond)
			n.wantState(hop, "none")
			n.wantSent()
			send(n, hop)
			n.wantSent(groupQuestion(hop))
		})
		t.Run("H05 an answer in DELAY or PROBE makes it REACHABLE "+hop, func(t *testing.T) {
			for _, s := range []State{StateDelay, StateProbe} {
				n := alone(t)
				reach(n, hop, s)
				if hop == peer && s == StateDelay {
					// ARP has no solicited flag: in DELAY nothing is outstanding, and a reply
					// that is unsolicited confirms nothing.
					n.receive(reply(mac2, peer).bytes(t))
					n.wantState(hop, "delay "+mac2.String())
					continue
				}
				n.receive(answer(t, hop, mac2))
				n.wantState(hop, "reachable "+mac2.String())
				n.link.take()
				n.run(10 * seconds)
				n.wantSent()
			}
		})
		t.Run("H07 an unsolicited message is no proof of reachability "+hop, func(t *testing.T) {
			n := alone(t)
			reach(n, hop, StateStale)
			held := n.subscriber.subscribe(n.iface, hop, 1, false, n.loop.Now()+30e9)
			n.subscriber.patient = true
			if hop == peer {
				n.receive(request(mac2, peer, peer).bytes(t))
				n.receive(request(mac2, peer, "192.0.2.1").bytes(t))
			} else {
				n.receive(ndFrame{advert: true, dst: "ff02::1", target: peer6, lla: mac2, flags: flagO}.bytes(t))
				n.receive(resolveNS().bytes(t))
			}
			n.wantState(hop, "stale "+mac2.String())
			if len(n.subscriber.confirmed) != 0 {
				t.Error("Confirmed was called")
			}
			n.stack.Release(held.Ref)
			n.check()
		})
		t.Run("H08 without traffic a STALE neighbor is left in peace "+hop, func(t *testing.T) {
			n := alone(t)
			reach(n, hop, StateStale)
			n.run(3600 * seconds)
			n.wantSent()
			n.wantState(hop, "stale "+mac2.String())
		})
		t.Run("H09 a MAC in a peer's message ends INCOMPLETE as STALE, changes others, or confirms nothing "+hop, func(t *testing.T) {
			heard := func(m header.MAC) []byte {
				if hop == peer {
					return request(m, peer, "192.0.2.1").bytes(t)
				}
				f := resolveNS()
				f.lla = m
				return f.bytes(t)
			}
			for _, s := range []State{StateIncomplete, StateReachable, StateStale, StateDelay, StateProbe} {
				n := alone(t)
				reach(n, hop, s)
				n.receive(heard(mac3))
				n.wantState(hop, "stale "+mac3.String())
				if sent := n.link.take(); s == StateIncomplete && (len(sent) != 2 || sent[0][:5] != "m1>m3") {
					t.Errorf("sent %v, want the held packet and the answer", sent)
				}
				if s != StateIncomplete {
					n = alone(t)
					reach(n, hop, s)
					n.receive(heard(mac2))
					n.wantState(hop, s.String()+" "+mac2.String())
				}
			}
		})
	}
	t.Run("H10 the constants are those of RFC 4861 section 10", func(t *testing.T) {
		want := NeighborConfig{
			RetransTimer: 1000 * loop.Millisecond, ReachableTime: 30 * loop.Second, DelayFirstProbe: 5 * loop.Second,
			MulticastSolicits: 3, UnicastSolicits: 3, MaxEntries: 1048576, MaxHeld: 32,
		}
		if got := DefaultNeighborConfig(); got != want {
			t.Errorf("%+v", got)
		}
		if advertNum != 3 {
			t.Error("MAX_NEIGHBOR_ADVERTISEMENT is not 3")
		}
		if maxAnycastDelay != 1*loop.Second {
			t.Error("MAX_ANYCAST_DELAY_TIME is not 1 s")
		}
	})
	t.Run("H11 with RFC 7048 a neighbor whose probes failed is kept, asked in growing gaps while it is used", func(t *testing.T) {
		n := newNode(t, loop.NewVirtual(), Options{})
		c := config(1)
		c.Neighbor.KeepUnreachable = true
		n.add(c)
		reach(n, peer6, StateProbe)
		n.run(3*seconds + 5*loop.Millisecond)
		n.wantState(peer6, "unreachable "+mac2.String())
		n.link.take()
		var asked []loop.Time
		start := n.loop.Now()
		for n.loop.Now() < start+300e9 {
			send(n, peer6)
			n.run(100 * loop.Millisecond)
			for _, f := range n.link.take() {
				if f == groupQuestion(peer6) {
					asked = append(asked, n.loop.Now())
				} else if f[:5] != "m1>m2" || strings.Contains(f, "NS") {
					t.Fatalf("sent %s", f)
				}
			}
		}
		for k := 2; k < len(asked); k++ {
			before, gap := asked[k-1]-asked[k-2], asked[k]-asked[k-1]
			if want := min(3*before, 60e9); gap < want-3e8 || gap > want+3e8 {
				t.Errorf("gap %v after %v", gap, before)
			}
		}
		if len(asked) < 5 {
			t.Errorf("asked %d times", len(asked))
		}
		n.receive(answerNA().bytes(t))
		n.wantState(peer6, "reachable "+mac2.String())

		reach(n, peer6, StateReachable)
		n.run(60 * seconds)
		send(n, peer6)
		n.run(6 * seconds)
		send(n, peer6)
		n.run(4 * seconds)
		n.wantState(peer6, "unreachable "+mac2.String())
		n.run(120 * seconds)
		n.wantState(peer6, "none") // no packet is sent to it
	})
	t.Run("H11 H12 a proxy's answer, which does not override, is taken in UNREACHABLE", func(t *testing.T) {
		n := newNode(t, loop.NewVirtual(), Options{})
		c := config(1)
		c.Neighbor.KeepUnreachable = true
		n.add(c)
		reach(n, peer6, StateUnreachable)
		n.receive(ndFrame{advert: true, dst: "ff02::1", target: peer6, lla: mac3}.bytes(t))
		n.wantState(peer6, "unreachable "+mac2.String()) // that answer is unsolicited
		send(n, peer6)
		n.run(4 * seconds)
		n.wantSent("m1>m2 2001:db8::1>2001:db8::2 udp 9", groupQuestion(peer6))
		n.receive(proxyAnswer(t, mac3))
		n.wantState(peer6, "reachable "+mac3.String())
		send(n, peer6)
		n.wantSent("m1>m3 2001:db8::1>2001:db8::2 udp 9")
	})
}

func unicastQuestion(hop string) string {
	if hop == peer {
		return "m1>m2 arp who-has 192.0.2.1(m1) 192.0.2.2(0)"
	}
	return "m1>m2 2001:db8::1>2001:db8::2 NS 2001:db8::2 SourceAddress m1"
}

func groupQuestion(hop string) string {
	if hop == peer {
		return "m1>all arp who-has 192.0.2.1(m1) 192.0.2.2(0)"
	}
	return "m1>33:33:ff:00:00:02 2001:db8::1>ff02::1:ff00:2 NS 2001:db8::2 SourceAddress m1"
}

// answer returns the answer of the owner of hop.
func answer(t testing.TB, hop string, m header.MAC) []byte {
	if netip.MustParseAddr(hop).Is4() {
		return reply(m, hop).bytes(t)
	}
	return ndFrame{advert: true, target: hop, lla: m, flags: flagS | flagO}.bytes(t)
}
