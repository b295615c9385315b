package stack

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"testing"

	"glean/stack/header"
	"glean/stack/link"
	"glean/stack/loop"
)

// sinkLink takes frames and keeps the last one.
type sinkLink struct {
	fakeLink
	last []byte
	size int
}

func (l *sinkLink) Send(frames [][]byte) (int, error) {
	l.size = copy(l.last, frames[len(frames)-1])
	return len(frames), nil
}

// quietWaiter does nothing.
type quietWaiter struct{ confirmed int }

func (*quietWaiter) SolicitDue(uint32) {}
func (w *quietWaiter) Confirmed(uint32, header.MAC, loop.Duration, uint32) {
	w.confirmed++
}

func TestHandleFrameAllocatesNothing(t *testing.T) {
	for name, frame := range map[string][]byte{
		"ARP request":               request(mac2, peer, "192.0.2.1").bytes(t),
		"ARP request for another":   request(mac2, peer, "192.0.2.77").bytes(t),
		"ARP reply":                 reply(mac2, peer).bytes(t),
		"unasked reply":             reply(mac3, "192.0.2.99").bytes(t),
		"gratuitous ARP":            request(mac2, peer, peer).bytes(t),
		"solicitation":              resolveNS().bytes(t),
		"solicitation without lla":  ndFrame{src: peer6, target: "2001:db8::1", dst: "2001:db8::1"}.bytes(t),
		"duplicate detection":       ndFrame{src: "::", dst: solicitGroup, target: "2001:db8::1"}.bytes(t),
		"advertisement":             answerNA().bytes(t),
		"unsolicited advertisement": ndFrame{advert: true, dst: "ff02::1", target: peer6, lla: mac3, flags: flagO}.bytes(t),
		"conflict":                  request(mac2, "192.0.2.1", "192.0.2.1").bytes(t),
		"malformed":                 request(mac2, peer, "192.0.2.1").bytes(t)[:30],
		"tagged":                    arpFrame{op: 1, senderMAC: mac2, senderIP: peer, targetIP: "192.0.2.1", tags: []uint16{0}}.bytes(t),
		"ping":                      append([]byte{2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, 8, 0}, echoRequest(peer, "192.0.2.1", make([]byte, 1400))...),
	} {
		lk := &sinkLink{last: make([]byte, 2048)}
		s := New(loop.NewVirtual(), lk, Options{})
		if _, err := s.AddInterface(config(1)); err != nil {
			t.Fatal(err)
		}
		s.HandleFrame(request(mac2, peer, "192.0.2.1").bytes(t))
		s.HandleFrame(resolveNS().bytes(t))
		s.HandleFrame(frame) // the first time buffers grow
		if n := testing.AllocsPerRun(100, func() { s.HandleFrame(frame) }); n != 0 {
			t.Errorf("%s: %v allocations", name, n)
		}
	}
}

func TestResolvingAllocatesNothing(t *testing.T) {
	for _, hop := range hops {
		l, lk, w := loop.NewVirtual(), &sinkLink{last: make([]byte, 2048)}, &quietWaiter{}
		s := New(l, lk, Options{Waiter: w})
		i, err := s.AddInterface(config(1))
		if err != nil {
			t.Fatal(err)
		}
		a, frame := netip.MustParseAddr(hop), answer(t, hop, mac2)
		cycle := func() {
			h := i.Hold(a, 1, true, l.Now()+30e9)
			s.Solicit(h.Ref)
			s.HandleFrame(frame)
			l.RunFor(2 * loop.Second)
			i.Flush()
		}
		cycle()
		if n := testing.AllocsPerRun(100, cycle); n != 0 {
			t.Errorf("%s: %v allocations", hop, n)
		}
		if w.confirmed != 102 {
			t.Errorf("%s: %d confirmed", hop, w.confirmed)
		}
	}
}

// pump carries frames between two stacks without a loop: a frame that one side
// sends is given to the other when the sender is done.
type pump struct {
	fakeLink
	peer  *pump
	slots [64][128]byte
	sizes [64]int
	head  int
	tail  int
}

func (p *pump) Send(frames [][]byte) (int, error) {
	for _, f := range frames {
		p.sizes[p.tail%64] = copy(p.slots[p.tail%64][:], f)
		p.tail++
	}
	return len(frames), nil
}

// deliver gives what was sent to the peer's stack, and so on until all is
// quiet.
func (p *pump) deliver() {
	for p.head != p.tail || p.peer.head != p.peer.tail {
		for ; p.head != p.tail; p.head++ {
			p.peer.handler.HandleFrame(p.slots[p.head%64][:p.sizes[p.head%64]])
		}
		p = p.peer
	}
}

var _ link.Link = (*pump)(nil)

// BenchmarkResolve is one resolution: hold, question built, parsed and answered
// by another full stack, answer parsed, entry inserted, waiter told.
func BenchmarkResolve(b *testing.B) {
	for _, family := range []string{"IPv4", "IPv6"} {
		for _, addresses := range []int{4096, 65536, 1 << 20} {
			b.Run(fmt.Sprintf("%s/%d", family, addresses), func(b *testing.B) {
				benchmarkResolve(b, family == "IPv6", addresses)
			})
		}
	}
}

func benchmarkResolve(b *testing.B, v6 bool, addresses int) {
	l := loop.NewVirtual()
	x, y := &pump{}, &pump{}
	x.peer, y.peer = y, x
	w := &quietWaiter{}
	sx := New(l, x, Options{Waiter: w, Rand: rand.New(rand.NewPCG(1, 1))})
	sy := New(l, y, Options{})
	cx := InterfaceConfig{MAC: mac1, IPv4: netip.MustParsePrefix("10.0.0.1/8"), IPv6: netip.MustParsePrefix("2001:db8::1:0:1/64")}
	cy := InterfaceConfig{MAC: mac2, IPv4: netip.MustParsePrefix("10.0.0.2/8"), IPv6: netip.MustParsePrefix("2001:db8::1:0:2/64")}
	cy.RespondFor = []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("2001:db8::/96")}
	cx.Neighbor.MaxEntries = 1 << 21
	ix, err := sx.AddInterface(cx)
	if err != nil {
		b.Fatal(err)
	}
	if _, err := sy.AddInterface(cy); err != nil {
		b.Fatal(err)
	}
	targets := make([]netip.Addr, addresses)
	for k := range targets {
		targets[k] = netip.AddrFrom4([4]byte{10, 1 + byte(k>>16), byte(k >> 8), byte(k)})
		if v6 {
			a := netip.MustParseAddr("2001:db8::").As16()
			a[13], a[14], a[15] = 1+byte(k>>16), byte(k>>8), byte(k)
			targets[k] = netip.AddrFrom16(a)
		}
	}
	b.ReportAllocs()
	b.ResetTimer()
	for done := 0; done < b.N; {
		for k := 0; k < addresses && done < b.N; k++ {
			h := ix.Hold(targets[k], uint32(k), true, l.Now()+30e9)
			sx.Solicit(h.Ref)
			x.deliver()
			done++
		}
		b.StopTimer()
		if w.confirmed != done {
			b.Fatalf("%d of %d confirmed", w.confirmed, done)
		}
		l.RunFor(2 * loop.Second) // a RetransTimer later they may be asked again
		ix.Flush()
		b.StartTimer()
	}
}
