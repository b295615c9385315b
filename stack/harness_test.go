package stack

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"strings"
	"testing"

	"glean/stack/header"
	"glean/stack/link"
	"glean/stack/loop"

	"github.com/google/gopacket"
	"github.com/google/gopacket/layers"
)

// fakeLink is one end of a wire, or a link whose frames only the test reads. Frames to
// the peer travel for delay.
type fakeLink struct {
	loop    loop.Loop
	handler link.Handler
	peer    *fakeLink
	delay   loop.Duration
	down    bool
	refuse  bool                       // as a device that is full
	sent    [][]byte                   // copies of all that was sent
	lose    func(n int, f []byte) bool // frame number n, from 0
	number  int
}

func (l *fakeLink) Attach(h link.Handler) { l.handler = h }

func (l *fakeLink) Send(frames [][]byte) (int, error) {
	if l.refuse {
		return 0, link.ErrFull
	}
	for _, f := range frames {
		f := append([]byte(nil), f...)
		l.sent = append(l.sent, f)
		n := l.number
		l.number++
		if l.peer == nil || l.lose != nil && l.lose(n, f) {
			continue
		}
		l.loop.Arm(loop.NewTimer(func() { l.peer.handler.HandleFrame(f) }), l.loop.Now().Add(l.delay))
	}
	return len(frames), nil
}

func (l *fakeLink) State() link.State              { return link.State{Up: !l.down} }
func (l *fakeLink) MTU() int                       { return 1500 }
func (l *fakeLink) Room() int                      { return 4096 }
func (l *fakeLink) Stats() link.Stats              { return link.Stats{} }
func (l *fakeLink) OpenQueue() (link.Queue, error) { return nil, link.ErrClosed }
func (l *fakeLink) Close() error                   { return nil }

// set changes the state of the link and calls the handler.
func (l *fakeLink) set(up bool) {
	l.down = !up
	l.handler.HandleState(link.State{Up: up})
}

// take returns the frames sent since the last call, in words, without MLD reports, which
// have tests of their own.
func (l *fakeLink) take() []string {
	frames, _ := l.takeAll()
	return frames
}

// takeAll is take with the MLD reports.
func (l *fakeLink) takeAll() (frames, reports []string) {
	for _, f := range l.sent {
		if words := describe(f); strings.Contains(words, " MLDv") {
			reports = append(reports, words)
		} else {
			frames = append(frames, words)
		}
	}
	l.sent = nil
	return frames, reports
}

// fakeSubscriber solicits as soon as it may, unless it is patient, and records all
// callbacks.
type fakeSubscriber struct {
	stack     *Stack
	refs      map[uint32]uint32 // by token
	patient   bool              // does not ask by itself
	due       []uint32
	onDue     func(target uint32)
	early     int // SolicitDue came, and Solicit was refused
	confirmed map[uint32]confirmation
}

type confirmation struct {
	mac      header.MAC
	rtt      loop.Duration
	attempts uint32
}

func (w *fakeSubscriber) SolicitDue(target uint32) {
	w.due = append(w.due, target)
	if w.onDue != nil {
		w.onDue(target)
	}
	if !w.patient && !w.stack.Solicit(w.refs[target]) && !w.stack.link.(*fakeLink).refuse {
		w.early++
	}
}

func (w *fakeSubscriber) Confirmed(target uint32, mac header.MAC, rtt loop.Duration, attempts uint32) {
	w.confirmed[target] = confirmation{mac, rtt, attempts}
	delete(w.refs, target)
}

// subscribe subscribes to a hop and solicits if that is allowed.
func (w *fakeSubscriber) subscribe(i *Interface, hop string, target uint32, fresh bool, deadline loop.Time) SubscribeResult {
	h := i.Subscribe(netip.MustParseAddr(hop), target, fresh, deadline)
	if h.Ref != 0 {
		w.refs[target] = h.Ref
	}
	if h.State == SubscribeDue && !w.patient {
		w.stack.Solicit(h.Ref)
	}
	return h
}

// fakeObserver records events.
type fakeObserver struct {
	neighbors  []NeighborEvent
	interfaces []InterfaceEvent
}

func (o *fakeObserver) NeighborChanged(e NeighborEvent) { o.neighbors = append(o.neighbors, e) }
func (o *fakeObserver) InterfaceEvent(e InterfaceEvent) { o.interfaces = append(o.interfaces, e) }

// A node is a stack on a fake link with a subscriber and an observer.
type node struct {
	t          testing.TB
	loop       *loop.Virtual
	link       *fakeLink
	stack      *Stack
	subscriber *fakeSubscriber
	observer   *fakeObserver
	iface      *Interface // the first one added
}

func newNode(t testing.TB, l *loop.Virtual, o Options) *node {
	n := &node{t: t, loop: l, link: &fakeLink{loop: l}, observer: &fakeObserver{}}
	n.subscriber = &fakeSubscriber{refs: make(map[uint32]uint32), confirmed: make(map[uint32]confirmation)}
	o.Subscriber, o.Observer = n.subscriber, n.observer
	if o.Rand == nil {
		o.Rand = rand.New(rand.NewPCG(1, 2))
	}
	n.stack = New(l, n.link, o)
	n.subscriber.stack = n.stack
	return n
}

func (n *node) add(c InterfaceConfig) *Interface {
	n.t.Helper()
	if c.Handle == 0 {
		c.Handle = uint32(n.stack.handles.len() + 1)
	}
	i, err := n.stack.AddInterface(c)
	if err != nil {
		n.t.Fatalf("AddInterface: %v", err)
	}
	if n.iface == nil {
		n.iface = i
	}
	return i
}

// receive passes a frame to the stack and checks the invariants.
func (n *node) receive(frame []byte) {
	n.t.Helper()
	n.stack.HandleFrame(frame)
	n.check()
}

// run advances the time and checks the invariants at the end.
func (n *node) run(d loop.Duration) {
	n.t.Helper()
	n.loop.RunFor(d)
	n.check()
}

func (n *node) check() {
	n.t.Helper()
	if err := n.stack.Check(); err != nil {
		n.t.Fatalf("at %v: %v", n.loop.Now(), err)
	}
	if n.subscriber.early > 0 {
		n.t.Fatalf("at %v: SolicitDue was called before a solicitation is allowed", n.loop.Now())
	}
}

// state returns a neighbor's state and MAC in words, "none" if it is not in the cache.
func (n *node) state(a string) string {
	info, ok := n.iface.Neighbor(netip.MustParseAddr(a))
	if !ok {
		return "none"
	}
	if info.MAC.IsZero() {
		return info.State.String()
	}
	return info.State.String() + " " + info.MAC.String()
}

func (n *node) wantState(a, want string) {
	n.t.Helper()
	if got := n.state(a); got != want {
		n.t.Errorf("at %v: %s is %q, want %q", n.loop.Now(), a, got, want)
	}
}

// wantSent compares the frames sent since the last call, without MLD reports.
func (n *node) wantSent(want ...string) {
	n.t.Helper()
	got := n.link.take()
	if fmt.Sprint(got) != fmt.Sprint(want) || len(got) != len(want) {
		n.t.Errorf("at %v: sent\n\t%s\nwant\n\t%s", n.loop.Now(), strings.Join(got, "\n\t"), strings.Join(want, "\n\t"))
	}
}

// wire connects the links of two nodes.
func wire(a, b *node, delay loop.Duration) {
	a.link.peer, b.link.peer = b.link, a.link
	a.link.delay, b.link.delay = delay, delay
}

// Addresses of the tests: we are 1, peers are 2, 3, 4; the router is 254.
var (
	mac1 = header.MAC{2, 0, 0, 0, 0, 1}
	mac2 = header.MAC{2, 0, 0, 0, 0, 2}
	mac3 = header.MAC{2, 0, 0, 0, 0, 3}
	mac4 = header.MAC{2, 0, 0, 0, 0, 4}
)

// config returns the usual interface of node k.
func config(k byte) InterfaceConfig {
	return InterfaceConfig{
		MAC:       header.MAC{2, 0, 0, 0, 0, k},
		IPv4:      netip.PrefixFrom(netip.AddrFrom4([4]byte{192, 0, 2, k}), 24),
		Gateway4:  netip.MustParseAddr("192.0.2.254"),
		LinkLocal: netip.MustParseAddr(fmt.Sprintf("fe80::%x", k)),
		IPv6:      netip.MustParsePrefix(fmt.Sprintf("2001:db8::%x/64", k)),
		Gateway6:  netip.MustParseAddr("fe80::fe"),
	}
}

// pair returns two nodes with the usual interfaces on one wire.
func pair(t testing.TB) (l *loop.Virtual, a, b *node) {
	l = loop.NewVirtual()
	a, b = newNode(t, l, Options{}), newNode(t, l, Options{})
	wire(a, b, 10*loop.Microsecond)
	a.add(config(1))
	b.add(config(2))
	return l, a, b
}

// alone returns one node whose frames only the test reads.
func alone(t testing.TB) *node {
	n := newNode(t, loop.NewVirtual(), Options{})
	n.add(config(1))
	return n
}

// describe returns a frame in words. gopacket reads it, which is independent of package
// header.
func describe(frame []byte) string {
	p := gopacket.NewPacket(frame, layers.LayerTypeEthernet, gopacket.DecodeOptions{Lazy: false, NoCopy: true})
	if e := p.ErrorLayer(); e != nil {
		return fmt.Sprintf("undecodable %x: %v", frame, e.Error())
	}
	eth := p.Layer(layers.LayerTypeEthernet).(*layers.Ethernet)
	words := []string{fmt.Sprintf("%v>%v", short(eth.SrcMAC), short(eth.DstMAC))}
	for _, l := range p.Layers() {
		switch l := l.(type) {
		case *layers.Dot1Q:
			words = append(words, fmt.Sprintf("vlan %d/%d", l.VLANIdentifier, l.Priority))
		case *layers.ARP:
			words = append(words, describeARP(l))
		case *layers.IPv4:
			words = append(words, fmt.Sprintf("%v>%v", netip.AddrFrom4([4]byte(l.SrcIP.To4())), netip.AddrFrom4([4]byte(l.DstIP.To4()))))
			if !checksumRight(p) {
				words = append(words, "BAD CHECKSUM")
			}
		case *layers.IPv6:
			words = append(words, fmt.Sprintf("%v>%v", netip.AddrFrom16([16]byte(l.SrcIP)), netip.AddrFrom16([16]byte(l.DstIP))))
			if !checksumRight(p) {
				words = append(words, "BAD CHECKSUM")
			}
			if nd := p.Layer(layers.LayerTypeICMPv6); l.HopLimit != 255 && nd != nil && nd.(*layers.ICMPv6).TypeCode.Type() > 129 {
				words = append(words, fmt.Sprintf("hop limit %d", l.HopLimit))
			}
		case *layers.ICMPv4:
			words = append(words, l.TypeCode.String())
		case *layers.ICMPv6NeighborSolicitation:
			words = append(words, "NS", netip.AddrFrom16([16]byte(l.TargetAddress)).String())
			for _, o := range l.Options {
				words = append(words, fmt.Sprintf("%v %v", o.Type, short(o.Data)))
			}
		case *layers.ICMPv6NeighborAdvertisement:
			words = append(words, "NA", netip.AddrFrom16([16]byte(l.TargetAddress)).String(), fmt.Sprintf("%03b", l.Flags>>5))
			for _, o := range l.Options {
				words = append(words, fmt.Sprintf("%v %v", o.Type, short(o.Data)))
			}
		case *layers.MLDv2MulticastListenerReportMessage:
			for _, r := range l.MulticastAddressRecords {
				words = append(words, fmt.Sprintf("MLDv2 %d %v", r.RecordType, netip.AddrFrom16([16]byte(r.MulticastAddress))))
			}
		case *layers.MLDv1MulticastListenerReportMessage:
			words = append(words, fmt.Sprintf("MLDv1 %v", netip.AddrFrom16([16]byte(l.MulticastAddress))))
		case *layers.IPv6HopByHop:
			words = append(words, "alert")
		case *layers.ICMPv6Echo:
			words = append(words, fmt.Sprintf("echo %v", p.Layer(layers.LayerTypeICMPv6).(*layers.ICMPv6).TypeCode))
		case *layers.UDP:
			words = append(words, fmt.Sprintf("udp %d", l.DstPort))
		}
	}
	return strings.Join(words, " ")
}

func describeARP(l *layers.ARP) string {
	op := map[uint16]string{1: "who-has", 2: "is-at"}[l.Operation]
	sender, target := netip.AddrFrom4([4]byte(l.SourceProtAddress)), netip.AddrFrom4([4]byte(l.DstProtAddress))
	return fmt.Sprintf("arp %s %v(%v) %v(%v)", op, sender, short(l.SourceHwAddress), target, short(l.DstHwAddress))
}

// short returns a MAC of the tests as its last octet, others in full.
func short(b []byte) string {
	m := header.MAC(b)
	switch {
	case m.IsBroadcast():
		return "all"
	case m.IsZero():
		return "0"
	case m[0] == 2 && m[1] == 0 && m[2] == 0 && m[3] == 0 && m[4] == 0:
		return fmt.Sprint("m", m[5])
	}
	return m.String()
}

// checksumRight reports whether a packet's checksums are those that gopacket calculates.
func checksumRight(p gopacket.Packet) bool {
	var all []gopacket.SerializableLayer
	for _, l := range p.Layers() {
		s, ok := l.(gopacket.SerializableLayer)
		if !ok {
			return false
		}
		switch l := l.(type) {
		case *layers.ICMPv6:
			if err := l.SetNetworkLayerForChecksum(p.NetworkLayer()); err != nil {
				return false
			}
		case *layers.UDP:
			if err := l.SetNetworkLayerForChecksum(p.NetworkLayer()); err != nil {
				return false
			}
		}
		all = append(all, s)
	}
	b := gopacket.NewSerializeBuffer()
	if err := gopacket.SerializeLayers(b, gopacket.SerializeOptions{ComputeChecksums: true}, all...); err != nil {
		return false
	}
	return strings.HasPrefix(string(b.Bytes()), string(p.Data())) // gopacket pads to 60 octets
}
