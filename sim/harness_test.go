package sim

import (
	"encoding/binary"
	"fmt"
	"net/netip"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"glean/stack"
	"glean/stack/header"
	"glean/stack/link"
	"glean/stack/loop"
)

// This file holds the helpers that several tests of the package use.

var (
	net4 = netip.MustParsePrefix("10.0.0.0/16")
	net6 = netip.MustParsePrefix("2001:db8::/64")
)

var (
	first4 = netip.MustParseAddr("10.0.0.5")
	first6 = netip.MustParseAddr("2001:db8::5")
	me4    = netip.MustParseAddr("10.9.9.9")
	me6    = netip.MustParseAddr("2001:db8::9:9")
)

// perSecond reports how many frames were delivered per second of wall time.
func perSecond(b *testing.B, w *World, before uint64) {
	b.ReportMetric(float64(w.Delivered()-before)/b.Elapsed().Seconds(), "frames/s")
}

// farmBench is a farm of 1,000 hosts with a receiver at the other end.
func farmBench(t tester, cfg FarmConfig) (*World, *Farm, *End, *receiver) {
	t.Helper()
	w := NewWorld(1)
	a, b := w.Wire("w", WireConfig{})
	r := &receiver{loop: w.Loop()}
	a.Attach(r)
	f, err := w.NewFarm("farm", b, cfg)
	if err != nil {
		t.Fatal(err)
	}
	return w, f, a, r
}

// told returns in words what came back for a frame.
func told(w *World, a *End, r *receiver, frames ...[]byte) string {
	r.frames = nil
	a.Send(frames)
	w.Virtual().RunFor(loop.Millisecond)
	var lines []string
	for _, f := range r.frames {
		text, _, _ := strings.Cut(Describe(f), ", ")
		lines = append(lines, text)
	}
	return strings.Join(lines, "; ")
}

// ping makes an echo request from host 100 to an address at a MAC.
func ping(dst header.MAC, from, to netip.Addr) []byte {
	echo := header.ICMPEchoRepr{ID: 7, Seq: 1, Payload: []byte("hello")}
	if to.Is4() {
		ip := header.IPv4Repr{Src: from.As4(), Dst: to.As4(), Protocol: header.ProtocolICMPv4, TTL: 9, PayloadLen: echo.Size()}
		e := header.EthernetRepr{Src: mac(100), Dst: dst, Type: header.EtherTypeIPv4}
		f := make([]byte, e.Size()+ip.Size()+echo.Size())
		n := e.Emit(f)
		n += ip.Emit(f[n:])
		echo.EmitICMPv4(f[n:])
		return f
	}
	ip := header.IPv6Repr{Src: from.As16(), Dst: to.As16(), NextHeader: header.ProtocolICMPv6, HopLimit: 9, PayloadLen: echo.Size()}
	e := header.EthernetRepr{Src: mac(100), Dst: dst, Type: header.EtherTypeIPv6}
	f := make([]byte, e.Size()+ip.Size()+echo.Size())
	n := e.Emit(f)
	n += ip.Emit(f[n:])
	echo.EmitICMPv6(f[n:], ip.Src, ip.Dst)
	return f
}

// datagram makes a UDP datagram from host 100.
func datagram(dst header.MAC, from, to netip.Addr, port uint16, size int) []byte {
	u := header.UDPRepr{SrcPort: 1024, DstPort: port, PayloadLen: size}
	if to.Is4() {
		ip := header.IPv4Repr{Src: from.As4(), Dst: to.As4(), Protocol: header.ProtocolUDP, TTL: 9, PayloadLen: u.Size() + size}
		e := header.EthernetRepr{Src: mac(100), Dst: dst, Type: header.EtherTypeIPv4}
		f := make([]byte, e.Size()+ip.Size()+u.Size()+size)
		n := e.Emit(f)
		n += ip.Emit(f[n:])
		u.EmitUDPv4(f[n:], ip.Src, ip.Dst)
		return f
	}
	ip := header.IPv6Repr{Src: from.As16(), Dst: to.As16(), NextHeader: header.ProtocolUDP, HopLimit: 9, PayloadLen: u.Size() + size}
	e := header.EthernetRepr{Src: mac(100), Dst: dst, Type: header.EtherTypeIPv6}
	f := make([]byte, e.Size()+ip.Size()+u.Size()+size)
	n := e.Emit(f)
	n += ip.Emit(f[n:])
	u.EmitUDPv6(f[n:], ip.Src, ip.Dst)
	return f
}

// flipped flips the last bit of a frame.
func flipped(f []byte) []byte {
	f[len(f)-1] ^= 1
	return f
}

// duplicateCheck is how host 100 finds out whether a host has an address (RFC
// 4862): from :: and without a link-layer address.
func duplicateCheck(target netip.Addr) []byte {
	ns := header.NeighborSolicitation{Target: target.As16()}
	ip := header.IPv6Repr{Dst: header.SolicitedNode(ns.Target), NextHeader: header.ProtocolICMPv6, HopLimit: 255, PayloadLen: ns.Size()}
	frame := make([]byte, header.EthernetSize+ip.Size()+ns.Size())
	e := header.EthernetRepr{Src: mac(100), Dst: header.MulticastMAC(netip.AddrFrom16(ip.Dst)), Type: header.EtherTypeIPv6}
	n := e.Emit(frame)
	n += ip.Emit(frame[n:])
	ns.Emit(frame[n:], ip.Src, ip.Dst)
	return frame
}

// drawQuestion draws a frame for host number n at a MAC, or nearly.
func drawQuestion(t *rapid.T, m header.MAC, n uint32) []byte {
	number := n + uint32(rapid.SampledFrom([]int{0, 0, 0, 0, 1000}).Draw(t, "host"))
	target := Offset(first4, number)
	if rapid.Bool().Draw(t, "v6") {
		target = Offset(first6, number)
		if rapid.IntRange(0, 3).Draw(t, "link-local") == 0 {
			target = netip.AddrFrom16(header.LinkLocal(MAC(KindFarm, number)))
		}
	}
	dst := rapid.SampledFrom([]header.MAC{m, m, m, mac(9)}).Draw(t, "mac")
	var frame []byte
	switch rapid.SampledFrom([]string{"who has", "probe", "unicast who has", "ping", "udp"}).Draw(t, "kind") {
	case "who has":
		frame = whoHas(100, me(target), target)
	case "probe":
		if target.Is4() {
			frame = whoHas(100, netip.IPv4Unspecified(), target)
		} else {
			frame = duplicateCheck(target)
		}
	case "unicast who has":
		frame = whoHas(100, me(target), target)
		header.Ethernet(frame).SetDst(dst)
		if target.Is6() && rapid.Bool().Draw(t, "to the address") {
			frame = solicit(100, dst, me(target), target, target)
		}
	case "ping":
		frame = ping(dst, me(target), target)
		if target.Is4() {
			header.IPv4(frame[14:]).SetTOS(rapid.Byte().Draw(t, "tos"))
			fix(frame[14:])
		} else {
			header.IPv6(frame[14:]).SetVersionClassLabel(rapid.Byte().Draw(t, "class"), rapid.Uint32Range(0, 1<<20-1).Draw(t, "label"))
		}
	case "udp":
		frame = datagram(dst, me(target), target, 9, rapid.IntRange(0, 500).Draw(t, "size"))
	}
	return frame
}

// lan is hosts behind one switch.
type lan struct {
	t     testing.TB
	world *World
	sw    *Switch
	hosts []*Host
}

// plug makes a wire to a new port of the switch and returns its other end.
func (l *lan) plug(name string) *End {
	near, far := l.world.Wire(name, WireConfig{Delay: loop.Microsecond})
	l.sw.AddPort(far, PortConfig{})
	return near
}

// host adds host number n.
func (l *lan) host(n uint32, change ...func(*HostConfig)) *Host {
	l.t.Helper()
	cfg := HostConfig{Interfaces: []stack.InterfaceConfig{Numbered(KindHost, n, net4, net6)}}
	for _, c := range change {
		c(&cfg)
	}
	name := fmt.Sprint("host ", n)
	h, err := l.world.NewHost(name, l.plug(name), cfg)
	if err != nil {
		l.t.Fatal(err)
	}
	l.hosts = append(l.hosts, h)
	return h
}

func (l *lan) run(d loop.Duration) { l.world.Virtual().RunFor(d) }

func newLAN(t testing.TB, w *World) *lan {
	return &lan{t: t, world: w, sw: w.NewSwitch("sw", SwitchConfig{})}
}

// known is the MAC in a host's neighbor cache and its state, "" if not there.
func known(h *Host, a netip.Addr) string {
	for n := range h.Interface(0).Neighbors() {
		if n.Addr == a {
			return fmt.Sprint(n.MAC, " ", n.State)
		}
	}
	return ""
}

// fix makes the checksum of an IPv4 header right.
func fix(p []byte) { setTTL(p, header.IPv4(p).TTL()) }

// ether makes a frame from src to dst with these tags.
func ether(src, dst header.MAC, tags ...header.VLAN) []byte {
	e := header.EthernetRepr{Src: src, Dst: dst, NumTags: uint8(len(tags)), Type: header.EtherTypeIPv4}
	copy(e.Tags[:], tags)
	f := make([]byte, e.Size()+46)
	e.Emit(f)
	return f
}

func mac(n uint32) header.MAC { return MAC(KindHost, n) }

// whoHas makes an ARP request, or a solicitation for an IPv6 address.
func whoHas(from uint32, sender, target netip.Addr) []byte {
	if target.Is4() {
		f := ether(mac(from), header.Broadcast)[:header.EthernetSize+header.ARPSize]
		binary.BigEndian.PutUint16(f[12:], uint16(header.EtherTypeARP))
		a := header.ARPRepr{Op: header.ARPRequest, SenderMAC: mac(from), SenderIP: sender.As4(), TargetIP: target.As4()}
		a.Emit(f[header.EthernetSize:])
		return f
	}
	group := netip.AddrFrom16(header.SolicitedNode(target.As16()))
	return solicit(from, header.MulticastMAC(group), sender, group, target)
}

// solicit makes a solicitation to a MAC and an address.
func solicit(from uint32, dst header.MAC, sender, to, target netip.Addr) []byte {
	ns := header.NeighborSolicitation{Target: target.As16(), SourceLink: mac(from), HasSourceLink: true}
	ip := header.IPv6Repr{Src: sender.As16(), Dst: to.As16(), NextHeader: header.ProtocolICMPv6, HopLimit: 255, PayloadLen: ns.Size()}
	f := make([]byte, header.EthernetSize+ip.Size()+ns.Size())
	e := header.EthernetRepr{Src: mac(from), Dst: dst, Type: header.EtherTypeIPv6}
	n := e.Emit(f)
	n += ip.Emit(f[n:])
	ns.Emit(f[n:], ip.Src, ip.Dst)
	return f
}

// tester is what helpers need of a *testing.T or *rapid.T.
type tester interface {
	Helper()
	Fatal(args ...any)
	Fatalf(format string, args ...any)
}

// receiver keeps what arrives at an end.
type receiver struct {
	loop   loop.Loop
	frames [][]byte
	times  []loop.Time
	states []link.State
}

func (r *receiver) HandleFrame(f []byte) {
	r.frames = append(r.frames, append([]byte(nil), f...))
	r.times = append(r.times, r.loop.Now())
}

func (r *receiver) HandleState(s link.State) { r.states = append(r.states, s) }

// numbers are the frame numbers that testFrame put into the frames received.
func (r *receiver) numbers() []int {
	var all []int
	for _, f := range r.frames {
		all = append(all, int(binary.BigEndian.Uint32(f[header.EthernetSize:])))
	}
	return all
}

// testFrame makes a frame of size octets that carries a number.
func testFrame(n, size int) []byte {
	f := make([]byte, size)
	e := header.Ethernet(f)
	e.SetDst(header.MACFromUint64(0x020000000002))
	e.SetSrc(header.MACFromUint64(0x020000000001))
	e.SetType(header.EtherTypeIPv4)
	binary.BigEndian.PutUint32(e.Payload(), uint32(n))
	return f
}

// pair is a wire with a receiver at each end.
func pair(t tester, cfg WireConfig) (w *World, a, b *End, ra, rb *receiver) {
	t.Helper()
	w = NewWorld(1)
	a, b = w.Wire("w", cfg)
	ra, rb = &receiver{loop: w.Loop()}, &receiver{loop: w.Loop()}
	a.Attach(ra)
	b.Attach(rb)
	return w, a, b, ra, rb
}

func send(t tester, e *End, frames ...[]byte) {
	t.Helper()
	if n, err := e.Send(frames); n != len(frames) || err != nil {
		t.Fatalf("Send: %d of %d, %v", n, len(frames), err)
	}
}

func settle(w *World) { w.Virtual().RunFor(1000 * loop.Second) }

type echoer struct {
	end  *End
	left int
}

func (e *echoer) HandleFrame(f []byte) {
	if e.left > 0 {
		e.left--
		e.end.Send([][]byte{f})
	}
}

func (e *echoer) HandleState(link.State) {}

type counter struct{ n int }

func (c *counter) HandleFrame([]byte) { c.n++ }

func (c *counter) HandleState(link.State) {}
