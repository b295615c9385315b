package stack

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"syscall"
	"testing"

	"glean/stack/header"
	"glean/stack/link"
	"glean/stack/loop"
)

// sinkLink accepts frames and keeps the last one.
type sinkLink struct {
	fakeLink
	last []byte
	size int
}

func (l *sinkLink) Send(frames [][]byte) (int, error) {
	l.size = copy(l.last, frames[len(frames)-1])
	return len(frames), nil
}

// quietSubscriber does nothing.
type quietSubscriber struct{ confirmed int }

func (*quietSubscriber) SolicitDue(uint32) {}
func (w *quietSubscriber) Confirmed(uint32, header.MAC, loop.Duration, uint32) {
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
		l, lk, w := loop.NewVirtual(), &sinkLink{last: make([]byte, 2048)}, &quietSubscriber{}
		s := New(l, lk, Options{Subscriber: w})
		i, err := s.AddInterface(config(1))
		if err != nil {
			t.Fatal(err)
		}
		a, frame := netip.MustParseAddr(hop), answer(t, hop, mac2)
		cycle := func() {
			h := i.Subscribe(a, 1, true, l.Now()+30e9)
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

// pump passes frames between two stacks without a loop: the peer receives a frame when
// the sender has returned.
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

// deliver passes the sent frames to the peer's stack, and so on until no frame is left.
func (p *pump) deliver() {
	for p.head != p.tail || p.peer.head != p.peer.tail {
		for ; p.head != p.tail; p.head++ {
			p.peer.handler.HandleFrame(p.slots[p.head%64][:p.sizes[p.head%64]])
		}
		p = p.peer
	}
}

var _ link.Link = (*pump)(nil)

// answeringLink is a link whose other end is no stack. It queues at most 64
// solicitations.
type answeringLink struct {
	fakeLink
	frames  [64][128]byte
	sizes   [64]int
	waiting int
	station Station
	answer  []byte
	replies []byte // made before, each of size octets, in the order of the solicitations; none: made when they are due
	size    int
	next    int // where in replies
}

func (l *answeringLink) Send(frames [][]byte) (int, error) {
	for _, f := range frames {
		l.sizes[l.waiting] = copy(l.frames[l.waiting][:], f)
		l.waiting++
	}
	return len(frames), nil
}

func (l *answeringLink) deliver() {
	for k := range l.waiting {
		if l.replies != nil {
			l.handler.HandleFrame(l.replies[l.next : l.next+l.size])
			if l.next += l.size; l.next == len(l.replies) {
				l.next = 0
			}
			continue
		}
		if n := l.reply(l.frames[k][:l.sizes[k]]); n > 0 {
			l.handler.HandleFrame(l.answer[:n])
		}
	}
	l.waiting = 0
}

// reply writes the answer of the station to a solicitation and returns its length.
func (l *answeringLink) reply(question []byte) int {
	eth, payload, err := header.ParseEthernet(question)
	if err != nil {
		return 0
	}
	if eth.Type == header.EtherTypeARP {
		r, err := header.ParseARP(payload)
		if err != nil {
			return 0
		}
		return AnswerARP(l.answer, &r, &l.station)
	}
	ip6, payload, err := header.ParseIPv6(payload)
	if err != nil {
		return 0
	}
	r, err := header.ParseNeighborSolicitation(ip6, payload)
	if err != nil {
		return 0
	}
	return AnswerSolicitation(l.answer, ip6.Src, &r, eth.Src, &l.station)
}

// A responder is the answering side of a benchmark.
type responder struct {
	name string
	make func(b *testing.B, v6 bool, targets []netip.Addr) (lk link.Link, deliver func())
}

// responders are a full stack, which learns the soliciting station; a function that
// reads the solicitation and writes the answer; and prepared answers, so that all the
// time is that of the soliciting stack.
var responders = []responder{
	{"stack", func(b *testing.B, v6 bool, targets []netip.Addr) (link.Link, func()) {
		x, y := &pump{}, &pump{}
		x.peer, y.peer = y, x
		c := InterfaceConfig{MAC: mac2, IPv4: netip.MustParsePrefix("10.0.0.2/8"), IPv6: netip.MustParsePrefix("2001:db8::1:0:2/64")}
		c.RespondFor = []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("2001:db8::/96")}
		if _, err := New(loop.NewVirtual(), y, Options{}).AddInterface(c); err != nil {
			b.Fatal(err)
		}
		return x, x.deliver
	}},
	{"function", func(b *testing.B, v6 bool, targets []netip.Addr) (link.Link, func()) {
		l := &answeringLink{answer: make([]byte, AnswerSize), station: Station{MAC: mac2, Override: true}}
		return l, l.deliver
	}},
	{"prepared", func(b *testing.B, v6 bool, targets []netip.Addr) (link.Link, func()) {
		l := &answeringLink{}
		l.replies, l.size = preparedReplies(v6, targets)
		return l, l.deliver
	}},
}

// processorTime returns what the process has used so far, in nanoseconds. On a
// shared machine it varies less than the time that passed.
func processorTime() int64 {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return 0
	}
	return u.Utime.Nano() + u.Stime.Nano()
}

// preparedReplies returns the answers of all targets, which are of one size.
func preparedReplies(v6 bool, targets []netip.Addr) (replies []byte, size int) {
	frame := make([]byte, AnswerSize)
	by := Station{MAC: mac2, Override: true}
	for _, a := range targets {
		if v6 {
			ns := header.NeighborSolicitation{Target: a.As16(), SourceLink: mac1, HasSourceLink: true}
			size = AnswerSolicitation(frame, asker6.Addr().As16(), &ns, mac1, &by)
		} else {
			r := header.ARPRepr{Op: header.ARPRequest, SenderMAC: mac1, SenderIP: asker4.Addr().As4(), TargetIP: a.As4()}
			size = AnswerARP(frame, &r, &by)
		}
		replies = append(replies, frame[:size]...)
	}
	return replies, size
}

var (
	asker4 = netip.MustParsePrefix("10.0.0.1/8")
	asker6 = netip.MustParsePrefix("2001:db8::1:0:1/64")
)

// targetOf returns target number k.
func targetOf(v6 bool, k int) netip.Addr {
	if !v6 {
		return netip.AddrFrom4([4]byte{10, 1 + byte(k>>16), byte(k >> 8), byte(k)})
	}
	a := netip.MustParseAddr("2001:db8::").As16()
	a[13], a[14], a[15] = 1+byte(k>>16), byte(k>>8), byte(k)
	return netip.AddrFrom16(a)
}

// BenchmarkResolve measures one resolution of an address that is not in the table:
// subscribe, build and send the solicitation, parse the answer, insert the entry, notify
// the subscriber, end the subscription. Its name has the responder and how many
// addresses are resolved, one after the other, before the table is emptied, which is not
// counted. The table has as many other neighbors all the time.
func BenchmarkResolve(b *testing.B) {
	for _, o := range responders {
		for _, family := range []string{"IPv4", "IPv6"} {
			for _, addresses := range []int{4096, 65536, 1 << 20} {
				b.Run(fmt.Sprintf("%s/%s/%d", o.name, family, addresses), func(b *testing.B) {
					benchmarkResolve(b, family == "IPv6", addresses, o)
				})
			}
		}
	}
}

func benchmarkResolve(b *testing.B, v6 bool, addresses int, o responder) {
	targets := make([]netip.Addr, addresses)
	c := InterfaceConfig{MAC: mac1, IPv4: asker4, IPv6: asker6}
	for k := range targets {
		targets[k] = targetOf(v6, k)
		c.Static = append(c.Static, StaticNeighbor{targetOf(v6, k+64<<16), mac3})
	}
	c.Neighbor.MaxEntries = 1 << 22
	l, w := loop.NewVirtual(), &quietSubscriber{}
	lk, deliver := o.make(b, v6, targets)
	s := New(l, lk, Options{Subscriber: w, Rand: rand.New(rand.NewPCG(1, 1))})
	i, err := s.AddInterface(c)
	if err != nil {
		b.Fatal(err)
	}
	l.RunFor(10 * loop.Second)
	if a, ok := lk.(*answeringLink); ok {
		a.waiting = 0 // MLD reports are no solicitations
	}
	b.ReportAllocs()
	b.ResetTimer()
	used := int64(0)
	for done := 0; done < b.N; {
		began := processorTime()
		for k := 0; k < addresses && done < b.N; k++ {
			h := i.Subscribe(targets[k], uint32(k), true, l.Now()+30e9)
			s.Solicit(h.Ref)
			deliver()
			done++
		}
		used += processorTime() - began
		b.StopTimer()
		if w.confirmed != done {
			b.Fatalf("%d of %d confirmed", w.confirmed, done)
		}
		l.RunFor(2 * loop.Second) // a RetransTimer later they may be solicited again
		i.Flush()
		b.StartTimer()
	}
	b.ReportMetric(float64(used)/float64(b.N), "cpu-ns/op")
}
