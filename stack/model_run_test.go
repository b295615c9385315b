package stack

import (
	"maps"
	"net/netip"
	"slices"
	"testing"

	"glean/stack/header"
	"glean/stack/loop"

	"pgregory.net/rapid"
)

// TestStackAgainstModel runs random operations on a stack and on the model, and compares
// them after each step.
func TestStackAgainstModel(t *testing.T) {
	key := rapid.Custom(func(t *rapid.T) modelKey {
		return modelKey{rapid.IntRange(0, 1).Draw(t, "interface"), rapid.SampledFrom(modelAddresses).Draw(t, "address")}
	})
	mac := rapid.SampledFrom([]header.MAC{mac2, mac3, mac4})
	tags := func(k modelKey) []uint16 {
		if k.iface == 1 {
			return []uint16{5}
		}
		return nil
	}
	is4 := func(k modelKey) bool { return netip.MustParseAddr(k.addr).Is4() }
	rapid.Check(t, func(t *rapid.T) {
		m := newModel(t)
		s := m.node.stack
		t.Repeat(map[string]func(*rapid.T){
			"pass": func(t *rapid.T) {
				m.pass(loop.Duration(rapid.SampledFrom([]int64{0, 10e6, 300e6, 1e9, 1100e6, 5e9, 20e9, 50e9}).Draw(t, "time")))
			},
			"send": func(t *rapid.T) {
				k := key.Draw(t, "to")
				x, i, dst := m.n[k], m.ifaces[k.iface], netip.MustParseAddr(k.addr)
				r := i.Output(dst, udpPacket(m.node.t, i.Source(dst).String(), k.addr))
				if want := map[bool]Reason{true: ReasonNone, false: LinkDown}[s.up]; r != want {
					t.Fatalf("Output: %v, want %v", r, want)
				}
				switch {
				case !s.up:
					return
				case x.state.HasMAC():
					m.packets[k]++
					if x.state == StateStale {
						x.state, x.at = StateDelay, m.node.loop.Now().Add(5*seconds)
					}
				default:
					x.state = StateIncomplete
					x.queue = min(x.queue+1, 32)
					if !x.self {
						x.self, x.tries = true, 0
					}
				}
			},
			"hold": func(t *rapid.T) {
				k, fresh := key.Draw(t, "neighbor"), rapid.Bool().Draw(t, "fresh")
				x := m.n[k]
				m.target++
				wait := m.drawDeadline(t)
				h := m.ifaces[k.iface].Subscribe(netip.MustParseAddr(k.addr), m.target, fresh, wait.deadline)
				if x.state == StateReachable && (!fresh || x.answered && wait.deadline < x.asked.Add(seconds)) {
					if h.State != SubscribeKnown || h.MAC != x.mac {
						t.Fatalf("%+v", h)
					}
					return
				}
				if h.State != SubscribeDue && h.State != SubscribeWait {
					t.Fatalf("%+v", h)
				}
				if allowed := s.up && m.node.loop.Now() >= x.asked.Add(seconds); h.State == SubscribeDue && !allowed {
					t.Fatalf("may solicit now, but was solicited at %v", x.asked)
				}
				x.holders[m.target] = &modelSubscription{h.Ref, []modelDeadline{wait}}
				m.keyOf[m.target] = k
				if x.state == StateNone {
					x.state = StateIncomplete
				}
				if m.impatient && h.State == SubscribeDue {
					m.solicit(k, m.target)
				}
			},
			"also": func(t *rapid.T) {
				h, wait := m.drawSubscription(t), m.drawDeadline(t)
				s.AddDeadline(h.ref, wait.deadline)
				h.waits = append(h.waits, wait)
				m.pass(0)
			},
			"no longer": func(t *rapid.T) {
				h := m.drawSubscription(t)
				if last := len(h.waits) - 1; last > 0 {
					gone := rapid.IntRange(0, last).Draw(t, "who")
					s.RemoveDeadline(h.ref, h.waits[gone].deadline)
					h.waits = slices.Delete(h.waits, gone, gone+1)
				}
			},
			"solicit": func(t *rapid.T) {
				k := key.Draw(t, "neighbor")
				for target := uint32(1); target <= m.target; target++ {
					if m.n[k].holders[target] != nil {
						m.solicit(k, target)
						return
					}
				}
			},
			"release": func(t *rapid.T) {
				k := key.Draw(t, "neighbor")
				x := m.n[k]
				for target := uint32(1); target <= m.target; target++ {
					if h := x.holders[target]; h != nil {
						s.Release(h.ref)
						delete(x.holders, target)
						break
					}
				}
				m.pass(0)
			},
			"ARP": func(t *rapid.T) {
				k := key.Filter(is4).Draw(t, "sender")
				f := arpFrame{op: uint16(rapid.IntRange(1, 2).Draw(t, "op")), senderMAC: mac.Draw(t, "mac"), senderIP: k.addr, tags: tags(k)}
				f.targetIP = rapid.SampledFrom([]string{"192.0.2.1", k.addr, "192.0.2.77"}).Draw(t, "target")
				if rapid.Bool().Draw(t, "unicast") {
					f.ethDst = mac1
				}
				x, ours := m.n[k], f.targetIP == "192.0.2.1"
				answered := f.op == 2 && m.isOutstanding(x) && (ours || f.ethDst == mac1)
				s.HandleFrame(f.bytes(m.node.t))
				if answered {
					m.advert(k, true, true, f.senderMAC)
				} else {
					m.heard(k, f.senderMAC, f.op == 1 && ours)
				}
			},
			"solicitation": func(t *rapid.T) {
				k := key.Filter(func(k modelKey) bool { return !is4(k) }).Draw(t, "sender")
				f := ndFrame{src: k.addr, dst: solicitGroup, target: "2001:db8::1", lla: mac.Draw(t, "mac"), tags: tags(k)}
				s.HandleFrame(f.bytes(m.node.t))
				m.heard(k, f.lla, true)
			},
			"advertisement": func(t *rapid.T) {
				k := key.Filter(func(k modelKey) bool { return !is4(k) }).Draw(t, "target")
				f := ndFrame{advert: true, target: k.addr, tags: tags(k), flags: rapid.SampledFrom([]uint8{0, flagO, flagS, flagS | flagO, flagS | flagO | flagR}).Draw(t, "flags")}
				if rapid.Bool().Draw(t, "with MAC") {
					f.lla = mac.Draw(t, "mac")
				}
				if f.flags&flagS == 0 && rapid.Bool().Draw(t, "multicast") {
					f.dst = "ff02::1"
				}
				s.HandleFrame(f.bytes(m.node.t))
				m.advert(k, f.flags&flagS != 0, f.flags&flagO != 0, f.lla)
			},
			"track": func(t *rapid.T) {
				k := key.Draw(t, "neighbor")
				if r := m.ifaces[k.iface].Track(netip.MustParseAddr(k.addr)); r != ReasonNone {
					t.Fatal(r)
				}
				x := m.n[k]
				switch {
				case x.tracked:
				case x.state == StateNone:
					x.state = StateIncomplete
				case x.state == StateStale, x.state == StateDelay:
					x.state, x.tries = StateProbe, 0
				case x.state == StateReachable:
					x.at = min(x.at, m.node.loop.Now().Add(x.probe))
				}
				x.tracked = true
				m.pass(0)
			},
			"untrack": func(t *rapid.T) {
				k := key.Draw(t, "neighbor")
				m.ifaces[k.iface].Untrack(netip.MustParseAddr(k.addr))
				x := m.n[k]
				if x.tracked && x.state == StateReachable {
					x.at = min(x.at, m.node.loop.Now().Add(m.reachable))
				}
				x.tracked, x.lost = false, false
				m.pass(0)
			},
			"flush": func(t *rapid.T) {
				i := rapid.IntRange(0, 1).Draw(t, "interface")
				m.ifaces[i].Flush()
				for k, x := range m.n {
					if k.iface != i || x.state == StateNone {
						continue
					}
					recent := m.node.loop.Now() < x.asked.Add(seconds)
					switch {
					case !x.tracked && len(x.holders) == 0 && !recent:
						m.delete(x)
					case x.state.HasMAC():
						m.forget(x)
					case x.tracked && len(x.holders) == 0 && !recent:
						x.queue, x.self, x.tries = 0, false, 0
					}
					x.outstanding = false
				}
				m.pass(0)
			},
			"link": func(t *rapid.T) {
				m.node.link.set(!s.up)
				if s.up {
					m.upSince = m.node.loop.Now()
					m.pass(0)
					return
				}
				for _, x := range m.n {
					x.outstanding = false
					switch x.state {
					case StateIncomplete:
						x.queue, x.self, x.tries = 0, false, 0
					case StateReachable, StateDelay, StateProbe:
						if x.state = StateStale; x.tracked {
							m.forget(x)
						}
					}
					x.tried = true // a multicast solicitation comes before one to the old MAC
				}
			},
			"": func(t *rapid.T) { m.compare() },
		})
	})
}

// drawDeadline draws a deadline that begins now.
func (m *model) drawDeadline(t *rapid.T) modelDeadline {
	now := m.node.loop.Now()
	return modelDeadline{begin: now, deadline: now + loop.Time(rapid.Int64Range(1e8, 60e9).Draw(t, "timeout"))}
}

// drawSubscription draws a subscription.
func (m *model) drawSubscription(t *rapid.T) *modelSubscription {
	held := make(map[uint32]*modelSubscription)
	for _, x := range m.n {
		maps.Copy(held, x.holders)
	}
	if len(held) == 0 {
		t.Skip("nothing is held")
	}
	return held[rapid.SampledFrom(slices.Sorted(maps.Keys(held))).Draw(t, "target")]
}
