package sim

import (
	"bytes"
	"fmt"
	"net/netip"
	"testing"

	"glean/stack"
	"glean/stack/header"
	"glean/stack/loop"
)

// routed is three networks in a row: hosts 10, 20 and 30 with one router
// between each two of them.
//
//	host 10 -- net 1 -- router 1 -- net 2 -- router 2 -- net 3 -- host 30
//	                                  |
//	                               host 20
type routed struct {
	t     testing.TB
	world *World
	r     [2]*Router
	hosts [3]*Host
}

func prefixes(n int) (p4, p6 netip.Prefix) {
	return netip.MustParsePrefix(fmt.Sprintf("10.%d.0.0/24", n)), netip.MustParsePrefix(fmt.Sprintf("2001:db8:%d::/64", n))
}

// at is address number n of network net in a family.
func at(net int, n uint32, v6 bool) netip.Addr {
	p4, p6 := prefixes(net)
	if v6 {
		return Address(p6, n)
	}
	return Address(p4, n)
}

func newRouted(t testing.TB, w *World) *routed {
	n := &routed{t: t, world: w}
	for k := range n.r {
		n.r[k] = w.NewRouter(fmt.Sprint(k + 1))
	}
	// Host number is network times ten; routers are number 1 and 2 in a network.
	n.host(0, n.port(0, 1), 1)
	sw := w.NewSwitch("sw", SwitchConfig{})
	for name, attach := range []func(*End){
		func(e *End) { n.host(1, e, 1) },
		func(e *End) { n.portAt(0, 2, e) },
		func(e *End) { n.portAt(1, 2, e) },
	} {
		near, far := w.Wire(fmt.Sprint("net 2 ", name), WireConfig{})
		sw.AddPort(far, PortConfig{})
		attach(near)
	}
	n.host(2, n.port(1, 3), 2)
	n.route(0, 3, 2)
	n.route(1, 1, 1)
	return n
}

// route has router k reach a network through router number via of network 2.
func (n *routed) route(k, net int, via uint32) {
	p4, p6 := prefixes(net)
	for _, p := range []netip.Prefix{p4, p6} {
		if err := n.r[k].AddRoute(p, at(2, via, p.Addr().Is6())); err != nil {
			n.t.Fatal(err)
		}
	}
}

// port gives router k a port in a network, on a new wire of which it returns
// the other end.
func (n *routed) port(k, net int) *End {
	a, b := n.world.Wire(fmt.Sprint("router ", k, " net ", net), WireConfig{})
	n.portAt(k, net, a)
	return b
}

func (n *routed) portAt(k, net int, e *End) {
	p4, p6 := prefixes(net)
	c := Numbered(KindRouter, uint32(k+1), p4, p6)
	c.MAC = MAC(KindRouter, uint32(k+1)<<12|uint32(net))
	if _, err := n.r[k].AddPort(e, c); err != nil {
		n.t.Fatal(err)
	}
}

// host makes a host of network k+1 whose gateway is a router.
func (n *routed) host(k int, e *End, router uint32) {
	p4, p6 := prefixes(k + 1)
	c := Numbered(KindHost, uint32(k+1)*10, p4, p6)
	c.Gateway4, c.Gateway6 = at(k+1, router, false), at(k+1, router, true)
	h, err := n.world.NewHost(fmt.Sprint((k+1)*10), e, HostConfig{Interfaces: []stack.InterfaceConfig{c}})
	if err != nil {
		n.t.Fatal(err)
	}
	n.hosts[k] = h
}

// ask pings from the first host and tells what came back.
func (n *routed) ask(dst netip.Addr) (replies, errors uint64) {
	before := n.hosts[0].Counts()
	n.hosts[0].Ping(0, dst, 1)
	n.world.Virtual().RunFor(10 * loop.Second)
	after := n.hosts[0].Counts()
	return after.EchoReplies - before.EchoReplies, after.ICMPErrors - before.ICMPErrors
}

func TestPingAcrossRouters(t *testing.T) {
	for _, v6 := range []bool{false, true} {
		n := newRouted(t, NewWorld(1))
		var ttl []byte
		n.hosts[2].OnPacket(func(_ *stack.Interface, p []byte) { ttl = append(ttl, timeToLive(p)) })
		n.hosts[0].SendUDP(0, at(3, 30, v6), 9, 100)
		for _, c := range []struct {
			what            string
			dst             netip.Addr
			replies, errors uint64
		}{
			{"next network", at(2, 20, v6), 1, 0},
			{"the one behind", at(3, 30, v6), 1, 0},
			{"gateway", at(1, 1, v6), 1, 0},
			{"far side of the gateway", at(2, 1, v6), 1, 0},
			{"far side of the last router", at(3, 2, v6), 1, 0},
			{"no route", at(7, 1, v6), 0, 1},
		} {
			if replies, errors := n.ask(c.dst); replies != c.replies || errors != c.errors {
				t.Errorf("%s (%s): %d replies, %d errors", c.what, c.dst, replies, errors)
			}
		}
		if !bytes.Equal(ttl, []byte{62}) {
			t.Errorf("TTL after two routers: %v", ttl)
		}
		if f := n.hosts[2].Flows(); len(f) != 1 || f[0].Src != at(1, 10, v6) || f[0].Packets != 1 {
			t.Errorf("received %v", f)
		}
		if c := n.r[0].Counts(); c.NoRoute != 1 || c.Local != 1 || c.Errors != 1 {
			t.Errorf("router 1: %+v", c)
		}
	}
}

func timeToLive(packet []byte) byte {
	if packet[0]>>4 == 4 {
		return header.IPv4(packet).TTL()
	}
	return header.IPv6(packet).HopLimit()
}

// inject sends a packet from the first host with this TTL, MACs as learned.
func (n *routed) inject(dst netip.Addr, change func(packet []byte)) {
	n.ask(dst) // all devices know their next hops
	src := at(1, 10, dst.Is6())
	u := header.UDPRepr{SrcPort: 1, DstPort: 9, PayloadLen: 100}
	packet, at := ipPacket(src, dst, header.ProtocolUDP, header.ProtocolUDP, u.Size()+100)
	if dst.Is4() {
		u.EmitUDPv4(packet[at:], src.As4(), dst.As4())
	} else {
		u.EmitUDPv6(packet[at:], src.As16(), dst.As16())
	}
	change(packet)
	n.hosts[0].Interface(0).Output(dst, packet)
	n.world.Virtual().RunFor(loop.Second)
}

func setTTL(packet []byte, ttl uint8) {
	if packet[0]>>4 == 6 {
		header.IPv6(packet).SetHopLimit(ttl)
		return
	}
	ip := header.IPv4(packet)
	ip.SetTTL(ttl)
	ip.SetChecksum(0)
	ip.SetChecksum(header.Checksum(packet[:header.IPv4Size], 0))
}

func TestRouterReportsTimeExceeded(t *testing.T) {
	for _, v6 := range []bool{false, true} {
		n := newRouted(t, NewWorld(1))
		dst := at(3, 30, v6)
		var from []netip.Addr
		var about [][]byte
		n.hosts[0].OnPacket(func(_ *stack.Interface, p []byte) {
			src, e := icmpError(t, p)
			if e.Kind == header.ICMPTimeExceeded {
				from = append(from, src)
				about = append(about, append([]byte(nil), e.Original...))
			}
		})
		for ttl := uint8(0); ttl < 4; ttl++ {
			n.inject(dst, func(p []byte) { setTTL(p, ttl) })
		}
		want := []netip.Addr{at(1, 1, v6), at(1, 1, v6), at(2, 2, v6)}
		if fmt.Sprint(from) != fmt.Sprint(want) {
			t.Errorf("time exceeded from %v, want %v", from, want)
		}
		for i, a := range about {
			if len(a) < 28 || timeToLive(a) != []byte{0, 1, 1}[min(i, 2)] {
				t.Errorf("error %d carries % x", i, a)
			}
		}
		if f := n.hosts[2].Flows(); len(f) != 1 || f[0].Packets != 1 {
			t.Errorf("TTL 3 must arrive, and no other: %v", f)
		}
		if n.r[0].Counts().TTL != 2 || n.r[1].Counts().TTL != 1 {
			t.Errorf("%+v %+v", n.r[0].Counts(), n.r[1].Counts())
		}
	}
}

// icmpError reads the error in a packet; the zero error if there is none.
func icmpError(t *testing.T, p []byte) (src netip.Addr, e header.ICMPErrorRepr) {
	t.Helper()
	e.Kind = 99
	if p[0]>>4 == 4 {
		ip, payload, err := header.ParseIPv4(p)
		if err != nil {
			t.Fatal(err)
		}
		if r, err := header.ParseICMPv4Error(payload); err == nil {
			e = r
		}
		return netip.AddrFrom4(ip.Src), e
	}
	ip, payload, err := header.ParseIPv6(p)
	if err != nil {
		t.Fatal(err)
	}
	if r, err := header.ParseICMPv6Error(ip, payload); err == nil {
		e = r
	}
	return netip.AddrFrom16(ip.Src), e
}

func TestRouterRefuses(t *testing.T) {
	for _, c := range []struct {
		what   string
		v6     bool
		change func(p []byte)
		want   RouterCounts
	}{
		{"bad checksum", false, func(p []byte) { p[10] ^= 1 }, RouterCounts{Malformed: 1}},
		{"cut short", false, func(p []byte) { header.IPv4(p).SetTotalLength(9999); fix(p) }, RouterCounts{Malformed: 1}},
		{"cut short v6", true, func(p []byte) { header.IPv6(p).SetPayloadLength(9999) }, RouterCounts{Malformed: 1}},
		{"from 0.0.0.0", false, func(p []byte) { header.IPv4(p).SetSrc([4]byte{}); fix(p) }, RouterCounts{Refused: 1}},
		{"from a link-local address", true, func(p []byte) { header.IPv6(p).SetSrc(header.LinkLocal(mac(10))) }, RouterCounts{Refused: 1}},
		{"to a broadcast address", false, func(p []byte) { header.IPv4(p).SetDst(at(3, 255, false).As4()); fix(p) }, RouterCounts{Forwarded: 1}},
		{"to the next link's broadcast address", false, func(p []byte) { header.IPv4(p).SetDst(at(2, 255, false).As4()); fix(p) }, RouterCounts{Refused: 1}},
		{"to loopback", false, func(p []byte) { header.IPv4(p).SetDst([4]byte{127, 0, 0, 1}); fix(p) }, RouterCounts{Refused: 1}},
	} {
		n := newRouted(t, NewWorld(1))
		n.ask(at(3, 30, c.v6))
		before := n.r[0].Counts()
		n.inject(at(3, 30, c.v6), c.change)
		after := n.r[0].Counts()
		got := RouterCounts{
			Forwarded: after.Forwarded - before.Forwarded - 2, // the ping in inject, and its reply
			Refused:   after.Refused - before.Refused, Malformed: after.Malformed - before.Malformed,
		}
		if got != c.want {
			t.Errorf("%s: %+v, want %+v", c.what, got, c.want)
		}
		if c := n.r[1].Counts().Refused; c != got.Forwarded && len(n.hosts[2].Flows()) > 0 {
			t.Errorf("router 2 let it pass")
		}
	}
}

func TestRouterReportsPacketTooBig(t *testing.T) {
	for _, v6 := range []bool{false, true} {
		w := NewWorld(1)
		r := w.NewRouter("r")
		var hosts []*Host
		for k := range 2 {
			p4, p6 := prefixes(k + 1)
			a, b := w.Wire(fmt.Sprint(k), WireConfig{MTU: 1500 - 200*k})
			c := Numbered(KindRouter, 1, p4, p6)
			if _, err := r.AddPort(a, c); err != nil {
				t.Fatal(err)
			}
			c = Numbered(KindHost, 10, p4, p6)
			c.Gateway4, c.Gateway6 = Address(p4, 1), Address(p6, 1)
			h, err := w.NewHost(fmt.Sprint(k), b, HostConfig{Interfaces: []stack.InterfaceConfig{c}})
			if err != nil {
				t.Fatal(err)
			}
			hosts = append(hosts, h)
		}
		var mtu uint32
		hosts[0].OnPacket(func(_ *stack.Interface, p []byte) {
			if _, e := icmpError(t, p); e.Kind == header.ICMPTooBig {
				mtu = e.MTU
			}
		})
		overhead := header.IPv4Size + header.UDPSize
		if v6 {
			overhead = header.IPv6Size + header.UDPSize
		}
		hosts[0].SendUDP(0, at(2, 10, v6), 9, 1300-overhead)
		w.Virtual().RunFor(loop.Second)
		if mtu != 0 || len(hosts[1].Flows()) != 1 {
			t.Errorf("1300 octets did not pass a link of that MTU (error with MTU %d)", mtu)
		}
		hosts[0].SendUDP(0, at(2, 10, v6), 9, 1301-overhead)
		w.Virtual().RunFor(loop.Second)
		if mtu != 1300 || hosts[1].Flows()[0].Packets != 1 || r.Counts().TooBig != 1 {
			t.Errorf("1301 octets: error with MTU %d, %+v", mtu, r.Counts())
		}
	}
}

func TestNoErrorsAboutErrors(t *testing.T) {
	for _, v6 := range []bool{false, true} {
		n := newRouted(t, NewWorld(1))
		n.ask(at(3, 30, v6))
		sent := n.r[0].Counts().Errors
		src, dst := at(1, 10, v6), at(7, 7, v6) // no route there
		e := header.ICMPErrorRepr{Kind: header.ICMPTimeExceeded, Original: make([]byte, 48)}
		size := e.SizeICMPv4()
		if v6 {
			size = e.SizeICMPv6()
		}
		packet, at := ipPacket(src, dst, header.ProtocolICMPv4, header.ProtocolICMPv6, size)
		if v6 {
			e.EmitICMPv6(packet[at:], src.As16(), dst.As16())
		} else {
			e.EmitICMPv4(packet[at:])
		}
		n.hosts[0].Interface(0).Output(dst, packet)
		n.world.Virtual().RunFor(loop.Second)
		if c := n.r[0].Counts(); c.NoRoute != 1 || c.Errors != sent {
			t.Errorf("v6 %t: %+v", v6, c)
		}
	}
}

func TestErrorsAreLimited(t *testing.T) {
	n := newRouted(t, NewWorld(1))
	n.ask(at(2, 20, false))
	for range 3000 {
		n.hosts[0].SendUDP(0, at(7, 7, false), 9, 10)
	}
	n.world.Virtual().RunFor(loop.Second / 2)
	if c := n.r[0].Counts(); c.Errors != errorsPerSecond || c.Limited != 3000-errorsPerSecond {
		t.Errorf("%+v", c)
	}
	n.world.Virtual().RunFor(loop.Second)
	n.hosts[0].SendUDP(0, at(7, 7, false), 9, 10)
	n.world.Virtual().RunFor(loop.Second)
	if c := n.r[0].Counts(); c.Errors != errorsPerSecond+1 {
		t.Errorf("a second later: %+v", c)
	}
}

func TestInvalidRouteIsRefused(t *testing.T) {
	n := newRouted(t, NewWorld(1))
	p := netip.MustParsePrefix("192.0.2.0/24")
	for _, via := range []netip.Addr{at(7, 1, false), at(3, 9, false)} { // unknown; behind another router
		if err := n.r[0].AddRoute(p, via); err == nil {
			t.Errorf("route via %s was taken", via)
		}
	}
	if n.r[0].RemoveRoute(p) {
		t.Error("a route that was refused is there")
	}
}

func TestRouteViaLinkLocal(t *testing.T) {
	n := newRouted(t, NewWorld(1))
	_, p6 := prefixes(3)
	port := n.r[0].Ports()[1]
	n.r[0].RemoveRoute(p6)
	port.AddRoute(p6, netip.AddrFrom16(header.LinkLocal(MAC(KindRouter, 2<<12|2))), port.Interface(1))
	if replies, _ := n.ask(at(3, 30, true)); replies != 1 {
		t.Error("no reply through a link-local next hop")
	}
}

func TestRouterPowerOff(t *testing.T) {
	n := newRouted(t, NewWorld(1))
	n.ask(at(3, 30, false))
	n.r[1].Power(false)
	if replies, _ := n.ask(at(3, 30, false)); replies != 0 {
		t.Error("a router that is off forwards")
	}
	n.r[1].Power(true)
	if replies, _ := n.ask(at(3, 30, false)); replies != 1 {
		t.Error("a router that is on again does not forward")
	}
	// The link behind router 2 is down: it says so.
	n.hosts[2].Power(false)
	n.r[1].Ports()[1].nic.power(false)
	if _, errors := n.ask(at(3, 30, false)); errors != 1 || n.r[1].Counts().Unreachable != 1 {
		t.Errorf("%d errors, %+v", errors, n.r[1].Counts())
	}
}

// A virtual router moves between two routers of a LAN.
func TestVirtualRouterMoves(t *testing.T) {
	for _, c := range []struct {
		what     string
		mac      header.MAC
		announce bool
		want     string // MAC in the host's cache after the move
		replies  uint64 // of three pings to it: before, after, and after the new master spoke
	}{
		{"VRRP", VirtualMAC(7), true, "00:00:5e:00:01:07", 3},
		{"VRRP, silent", VirtualMAC(7), false, "00:00:5e:00:01:07", 2},
		{"moving MAC", header.MAC{}, true, "02:02:00:00:20:00", 3},
		// The old one forwards to the new one, as to any host of the link.
		{"moving MAC, silent", header.MAC{}, false, "02:02:00:00:10:00", 3},
	} {
		l := newLAN(t, NewWorld(1))
		h := l.host(10)
		var ports []*RouterPort
		for k := range uint32(2) {
			r := l.world.NewRouter(fmt.Sprint(k + 1))
			cfg := Numbered(KindRouter, k+1, net4, netip.Prefix{})
			cfg.MAC = MAC(KindRouter, (k+1)<<12)
			p, err := r.AddPort(l.plug(r.Name()), cfg)
			if err != nil {
				t.Fatal(err)
			}
			ports = append(ports, p)
		}
		shared := netip.PrefixFrom(Address(net4, 254), net4.Bits())
		v, err := l.world.NewVirtualRouter(stack.InterfaceConfig{MAC: c.mac, IPv4: shared}, ports...)
		if err != nil {
			t.Fatal(err)
		}
		ping := func() { h.Ping(0, shared.Addr(), 1); l.run(loop.Second) }
		ping()
		if err := v.MoveTo(1, c.announce); err != nil {
			t.Fatal(err)
		}
		l.run(loop.Second)
		if got := known(h, shared.Addr()); len(got) < 17 || got[:17] != c.want {
			t.Errorf("%s: the host knows %q, want %s", c.what, got, c.want)
		}
		ping()
		s := speaker{out: ports[1].nic.Send} // anything from that MAC tells the switch
		s.arp(header.Broadcast, header.ARPRepr{Op: header.ARPRequest, SenderMAC: v.MAC(), TargetIP: [4]byte{10, 0, 9, 9}})
		l.run(loop.Second)
		ping()
		if got := h.Counts().EchoReplies; got != c.replies {
			t.Errorf("%s: %d replies, want %d", c.what, got, c.replies)
		}
		if got := ports[1].Stack().Counters().EchoesAnswered; got > 0 != (c.replies > 1) {
			t.Errorf("%s: the new one answered %d", c.what, got)
		}
	}
}
