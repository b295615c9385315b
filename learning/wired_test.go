package learning

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"net/netip"

	"glean/stack"
	"glean/stack/header"
	"glean/stack/link"
	"glean/stack/loop"
)

// failer is what *testing.T, *testing.F and *rapid.T have in common.
type failer interface {
	Helper()
	Fatalf(string, ...any)
}

// wired is a manager on a real stack. The test is all that there is at the other
// end of the stack's link. Interface 1 is untagged, interface 2 has the same
// addresses in VLAN 5.
type wired struct {
	t       failer
	loop    *loop.Virtual
	stack   *stack.Stack
	m       *Manager
	ifaces  [3]*stack.Interface // by handle; nil: not there
	budget  Budget
	handler link.Handler
	down    bool
	full    bool // the device refuses

	last    map[key]loop.Time  // when it was solicited
	asked   func(solicitation) // receives every solicitation that leaves
	learned func(mac header.MAC)
}

// solicitation is an ARP request or a neighbor solicitation of the stack's.
type solicitation struct {
	key
	unicast bool
	answer  func(mac header.MAC) []byte // makes the frame that replies to it
}

var wiredMAC = header.MAC{2, 0, 0, 0, 0, 1}

const wiredRetrans = loop.Second

func newWired(t failer, budget Budget) *wired {
	w := &wired{t: t, loop: loop.NewVirtual(), budget: budget, last: make(map[key]loop.Time)}
	w.budget.RetransTimer = wiredRetrans
	w.stack = stack.New(w.loop, w, stack.Options{Rand: rand.New(rand.NewPCG(1, 2)), Subscriber: w})
	w.m = NewManager(w.loop, w, w, Options{Retain: 8})
	w.addInterface(1)
	w.addInterface(2)
	return w
}

func (w *wired) addInterface(handle uint32) {
	w.t.Helper()
	c := stack.InterfaceConfig{
		Handle: handle, MAC: wiredMAC,
		IPv4: netip.MustParsePrefix("192.0.2.1/24"), Gateway4: netip.MustParseAddr("192.0.2.254"),
		LinkLocal: netip.MustParseAddr("fe80::1"),
		IPv6:      netip.MustParsePrefix("2001:db8::1/64"), Gateway6: netip.MustParseAddr("fe80::fe"),
		Neighbor: stack.NeighborConfig{MaxEntries: 12},
	}
	if handle == 2 {
		c.Tags = []header.VLAN{{ID: 5}}
	}
	i, err := w.stack.AddInterface(c)
	if err != nil {
		w.t.Fatalf("%v", err)
	}
	w.ifaces[handle] = i
	for k := range w.last {
		if k.iface == handle {
			delete(w.last, k) // a new interface has no record of the old one's solicitations
		}
	}
}

// removeInterface does it in the order of the engine.
func (w *wired) removeInterface(handle uint32) {
	w.m.InterfaceDeleted(handle)
	w.stack.RemoveInterface(w.ifaces[handle])
	w.ifaces[handle] = nil
}

// receive hands the stack a frame, unless the link is down.
func (w *wired) receive(frame []byte) {
	if !w.down {
		w.handler.HandleFrame(bytes.Clone(frame))
	}
}

// setLink takes the link down or up.
func (w *wired) setLink(up bool) {
	w.down = !up
	w.handler.HandleState(w.State())
}

// check looks at all invariants.
func (w *wired) check() {
	w.t.Helper()
	if err := w.stack.Check(); err != nil {
		w.t.Fatalf("at %v: %v", w.loop.Now(), err)
	}
	w.m.check(w.t)
}

// The wired network as learning's resolver; server/engine does the same.

func (w *wired) NextHop(handle uint32, dst netip.Addr) (netip.Addr, Reason) {
	i := w.ifaces[handle]
	if i == nil {
		return netip.Addr{}, InterfaceDeleted
	}
	hop, why := i.NextHop(dst)
	return hop, wiredReason(why)
}

func (w *wired) Subscribe(handle uint32, hop netip.Addr, target uint32, fresh bool, deadline loop.Time) SubscribeResult {
	i := w.ifaces[handle]
	if i == nil {
		return SubscribeResult{State: SubscribeRefused, Reason: InterfaceDeleted}
	}
	h := i.Subscribe(hop, target, fresh, deadline)
	state := map[stack.SubscribeState]SubscribeState{stack.SubscribeDue: SubscribeDue, stack.SubscribeWait: SubscribeWait, stack.SubscribeKnown: SubscribeKnown, stack.SubscribeRefused: SubscribeRefused}[h.State]
	return SubscribeResult{State: state, Ref: Ref(h.Ref), MAC: h.MAC, Reason: wiredReason(h.Reason)}
}

func (w *wired) Known(handle uint32, hop netip.Addr, fresh bool, deadline loop.Time) (header.MAC, bool) {
	i := w.ifaces[handle]
	if i == nil {
		return header.MAC{}, false
	}
	return i.Known(hop, fresh, deadline)
}

func (w *wired) Solicit(ref Ref) bool                    { return w.stack.Solicit(uint32(ref)) }
func (w *wired) AddDeadline(ref Ref, deadline loop.Time) { w.stack.AddDeadline(uint32(ref), deadline) }
func (w *wired) RemoveDeadline(ref Ref, deadline loop.Time) {
	w.stack.RemoveDeadline(uint32(ref), deadline)
}
func (w *wired) Release(ref Ref)                      { w.stack.Release(uint32(ref)) }
func (w *wired) FailureReason(ref Ref) Reason         { return wiredReason(w.stack.FailureReason(uint32(ref))) }
func (w *wired) Budget(uint32) Budget                 { return w.budget }
func (w *wired) Learned(_, _ uint32, mac header.MAC)  { w.learnedMAC(mac) }
func (w *wired) Lost(uint32, uint32, Reason, int)     {}
func (w *wired) GeneratorDone(uint32, bool, *Request) {}
func (w *wired) GeneratorBegins(uint32, *Request)     {}
func (w *wired) RequestChanged(*Request)              {}
func (w *wired) SolicitDue(target uint32)             { w.m.SolicitDue(target) }
func (w *wired) Attach(h link.Handler)                { w.handler = h }
func (w *wired) State() link.State                    { return link.State{Up: !w.down} }
func (w *wired) MTU() int                             { return 1500 }
func (w *wired) Room() int                            { return 4096 }
func (w *wired) Stats() link.Stats                    { return link.Stats{} }
func (w *wired) OpenQueue() (link.Queue, error)       { return nil, link.ErrClosed }
func (w *wired) Close() error                         { return nil }

func (w *wired) Confirmed(target uint32, mac header.MAC, rtt loop.Duration, attempts uint32) {
	w.m.Confirmed(target, mac, rtt, attempts)
}

func (w *wired) learnedMAC(mac header.MAC) {
	if w.learned != nil {
		w.learned(mac)
	}
}

// wiredReason maps reasons by their words.
func wiredReason(r stack.Reason) Reason {
	for mine, word := range reasonWords {
		if word == r.String() {
			return Reason(mine)
		}
	}
	panic("learning does not know the reason " + r.String())
}

// Send implements link.Link: it looks at what leaves.
func (w *wired) Send(frames [][]byte) (int, error) {
	if w.full {
		return 0, link.ErrFull
	}
	for _, frame := range frames {
		if q, ok := w.read(frame); ok {
			now := w.loop.Now()
			if last, before := w.last[q.key]; before && now < last.Add(wiredRetrans) {
				w.t.Fatalf("at %v: %v is asked on interface %d, and was at %v", now, q.hop, q.iface, last)
			}
			w.last[q.key] = now
			if w.asked != nil {
				w.asked(q)
			}
		}
	}
	return len(frames), nil
}

// read reports whether a frame is a solicitation.
func (w *wired) read(frame []byte) (q solicitation, ok bool) {
	eth, payload, err := header.ParseEthernet(frame)
	if err != nil {
		w.t.Fatalf("a frame that can't be read: %v: %x", err, frame)
	}
	q.iface = uint32(1 + eth.NumTags)
	q.unicast = !eth.Dst.IsMulticast()
	switch eth.Type {
	case header.EtherTypeARP:
		var arp header.ARPRepr
		if err := arp.Parse(payload); err != nil {
			w.t.Fatalf("%v: %x", err, frame)
		}
		q.hop = netip.AddrFrom4(arp.TargetIP)
		q.answer = func(mac header.MAC) []byte {
			b := make([]byte, stack.AnswerSize)
			return b[:stack.AnswerARP(b, &arp, w.station(q.iface, mac))]
		}
		return q, arp.Op == header.ARPRequest && arp.SenderIP != arp.TargetIP
	case header.EtherTypeIPv6:
		ip6, body, err := header.ParseIPv6(payload)
		if err != nil {
			w.t.Fatalf("%v: %x", err, frame)
		}
		var ns header.NeighborSolicitation
		if ip6.NextHeader != header.ProtocolICMPv6 || ns.Parse(&ip6, body) != nil {
			return q, false
		}
		q.hop = netip.AddrFrom16(ns.Target)
		q.answer = func(mac header.MAC) []byte {
			b := make([]byte, stack.AnswerSize)
			return b[:stack.AnswerSolicitation(b, ip6.Src, &ns, header.MAC{}, w.station(q.iface, mac))]
		}
		return q, true
	}
	return q, false
}

// station is a neighbor on the segment of an interface.
func (w *wired) station(iface uint32, mac header.MAC) *stack.Station {
	s := &stack.Station{MAC: mac, Override: true}
	if iface == 2 {
		s.Tags = []header.VLAN{{ID: 5, Priority: 3}}
	}
	return s
}

// announce makes the frame by which a neighbor says, unasked, where it is: an ARP
// request for its own address (RFC 5227 section 2.3), an unsolicited advertisement
// that overrides (RFC 4861 section 7.2.6).
func (w *wired) announce(k key, mac header.MAC) []byte {
	s := w.station(k.iface, mac)
	b := make([]byte, stack.AnswerSize)
	if k.hop.Is4() {
		n := header.EmitEthernet(b, &header.Broadcast, &mac, s.Tags, header.EtherTypeARP)
		return b[:n+header.ARPRepr{Op: header.ARPRequest, SenderMAC: mac, SenderIP: k.hop.As4(), TargetIP: k.hop.As4()}.Emit(b[n:])]
	}
	group := header.MAC{0x33, 0x33, 0, 0, 0, 1}
	n := header.EmitEthernet(b, &group, &mac, s.Tags, header.EtherTypeIPv6)
	na := header.NeighborAdvertisement{Override: true, Target: k.hop.As16(), TargetLink: mac, HasTargetLink: true}
	n += header.IPv6Repr{Src: k.hop.As16(), Dst: header.AllNodes, NextHeader: header.ProtocolICMPv6,
		HopLimit: header.NeighborHopLimit, PayloadLen: na.Size()}.Emit(b[n:])
	return b[:n+na.Emit(b[n:], k.hop.As16(), header.AllNodes)]
}

func (k key) String() string { return fmt.Sprintf("%v on %d", k.hop, k.iface) }
