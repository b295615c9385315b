package stack

import (
	"fmt"
	"net/netip"
	"testing"

	"glean/stack/header"
	"glean/stack/loop"

	"github.com/google/gopacket/layers"
)

// Subtests begin with the ID of the line of the checklist that they prove.

const (
	peer    = "192.0.2.2"
	peer6   = "2001:db8::2"
	seconds = loop.Second
)

func TestConformanceARP(t *testing.T) {
	t.Run("A01 hardware type, protocol type and lengths other than those of IPv4 over Ethernet are dropped and counted", func(t *testing.T) {
		for _, c := range []struct {
			edit func(*layers.ARP)
			err  header.Error
		}{
			{func(a *layers.ARP) { a.AddrType = 6 }, header.ErrARPHardware},
			{func(a *layers.ARP) { a.Protocol = 0x86dd }, header.ErrARPProtocol},
			{func(a *layers.ARP) { a.HwAddressSize = 8 }, header.ErrARPHardwareSize},
			{func(a *layers.ARP) { a.ProtAddressSize = 16 }, header.ErrARPProtocolSize},
		} {
			n := alone(t)
			f := request(mac2, peer, "192.0.2.1")
			f.edit = c.edit
			n.receive(f.bytes(t))
			n.wantSent()
			n.wantState(peer, "none")
			if got := n.stack.Counters().Malformed[c.err]; got != 1 {
				t.Errorf("%v: counted %d times", c.err, got)
			}
		}
	})
	t.Run("A02 any ARP updates the entry that its sender has", func(t *testing.T) {
		for name, f := range map[string]arpFrame{
			"request to us":       request(mac3, peer, "192.0.2.1"),
			"request to another":  request(mac3, peer, "192.0.2.77"),
			"reply to us":         reply(mac3, peer),
			"broadcast reply":     {op: 2, senderMAC: mac3, senderIP: peer, targetMAC: mac4, targetIP: "192.0.2.77"},
			"gratuitous request":  request(mac3, peer, peer),
			"gratuitous reply":    {op: 2, senderMAC: mac3, senderIP: peer, targetMAC: mac3, targetIP: peer},
			"reply, wrong target": {op: 2, ethDst: mac1, senderMAC: mac3, senderIP: peer, targetIP: "192.0.2.77"},
		} {
			n := alone(t)
			n.receive(request(mac2, peer, "192.0.2.1").bytes(t))
			n.wantState(peer, "stale "+mac2.String())
			n.receive(f.bytes(t))
			if n.wantState(peer, "stale "+mac3.String()); t.Failed() {
				t.Fatal(name)
			}
		}
	})
	t.Run("A03 an entry is made only by a request whose target is ours", func(t *testing.T) {
		for name, c := range map[string]struct {
			frame arpFrame
			want  string
		}{
			"request to us":      {request(mac2, peer, "192.0.2.1"), "stale " + mac2.String()},
			"request to another": {request(mac2, peer, "192.0.2.77"), "none"},
			"gratuitous":         {request(mac2, peer, peer), "none"},
			"unasked reply":      {reply(mac2, peer), "none"},
		} {
			n := alone(t)
			n.receive(c.frame.bytes(t))
			if n.wantState(peer, c.want); t.Failed() {
				t.Fatal(name)
			}
		}
	})
	t.Run("A04 a request for our address is answered by unicast, after the table", func(t *testing.T) {
		n := alone(t)
		n.receive(request(mac2, peer, "192.0.2.1").bytes(t))
		n.wantSent("m1>m2 arp is-at 192.0.2.1(m1) 192.0.2.2(m2)")
		n.receive(request(mac2, peer, "192.0.2.77").bytes(t))
		n.receive(reply(mac2, peer).bytes(t))
		n.wantSent()
	})
	t.Run("A05 a solicitation is broadcast with our addresses and no target MAC; on receipt that field is ignored", func(t *testing.T) {
		n := alone(t)
		n.subscriber.subscribe(n.iface, peer, 1, false, 30e9)
		n.wantSent("m1>all arp who-has 192.0.2.1(m1) 192.0.2.2(0)")
		f := request(mac3, "192.0.2.3", "192.0.2.1")
		f.targetMAC = mac4
		n.receive(f.bytes(t))
		n.wantSent("m1>m3 arp is-at 192.0.2.1(m1) 192.0.2.3(m3)")
	})
	t.Run("A06 other operations and short packets are dropped, padding and trailers are accepted", func(t *testing.T) {
		for _, op := range []uint16{0, 3, 4, 8, 9, 65535} {
			n := alone(t)
			f := request(mac2, peer, "192.0.2.1")
			f.op = op
			n.receive(f.bytes(t))
			n.wantSent()
			n.wantState(peer, "none")
		}
		whole := request(mac2, peer, "192.0.2.1").bytes(t)
		for size := range 42 {
			n := alone(t)
			n.receive(whole[:size])
			n.wantSent()
		}
		for _, trailer := range []int{0, 18, 28, 1000} {
			n := alone(t)
			f := request(mac2, peer, "192.0.2.1")
			f.trailer = trailer
			n.receive(f.bytes(t))
			n.wantSent("m1>m2 arp is-at 192.0.2.1(m1) 192.0.2.2(m2)")
		}
	})
	t.Run("A07 a unicast request is answered, also to a stranger off the subnet", func(t *testing.T) {
		n := alone(t)
		f := request(mac2, "198.51.100.9", "192.0.2.1")
		f.ethDst = mac1
		n.receive(f.bytes(t))
		n.wantSent("m1>m2 arp is-at 192.0.2.1(m1) 198.51.100.9(m2)")
	})
	t.Run("A08 senders that no station can be are never cached", func(t *testing.T) {
		for _, f := range []arpFrame{
			request(header.Broadcast, peer, "192.0.2.1"),
			request(header.MAC{}, peer, "192.0.2.1"),
			request(header.MAC{1, 0, 0x5e, 0, 0, 1}, peer, "192.0.2.1"),
			request(mac2, "0.0.0.0", "192.0.2.1"),
			request(mac2, "255.255.255.255", "192.0.2.1"),
			request(mac2, "192.0.2.255", "192.0.2.1"),
			request(mac2, "192.0.2.0", "192.0.2.1"),
			request(mac2, "224.0.0.1", "192.0.2.1"),
			request(mac2, "127.0.0.1", "192.0.2.1"),
			request(mac2, "192.0.2.1", "192.0.2.1"),
			request(mac1, peer, "192.0.2.1"),
		} {
			f.ethSrc = mac2
			n := alone(t)
			n.receive(f.bytes(t))
			if n.iface.NeighborCount() != 0 {
				t.Errorf("%v %v was cached", f.senderMAC, f.senderIP)
			}
		}
		// The same in replies, with an entry that waits for one.
		for _, m := range []header.MAC{header.Broadcast, {}, {1, 0, 0x5e, 0, 0, 1}, mac1} {
			n := alone(t)
			n.subscriber.subscribe(n.iface, peer, 1, false, 30e9)
			f := reply(m, peer)
			f.ethSrc = mac2
			n.receive(f.bytes(t))
			n.wantState(peer, "incomplete")
		}
	})
	t.Run("A09 a reply is matched by interface, VLAN IDs and sender; priorities do not count", func(t *testing.T) {
		n := newNode(t, loop.NewVirtual(), Options{})
		c := config(1)
		n.add(c)
		c.Tags = []header.VLAN{{ID: 100}}
		tagged := n.add(c)
		c.Tags = []header.VLAN{{ID: 100, TPID: header.EtherTypeQinQ}, {ID: 7}}
		double := n.add(c)
		for k, i := range []*Interface{n.iface, tagged, double} {
			n.subscriber.subscribe(i, peer, uint32(k+1), false, 30e9)
		}
		n.wantSent("m1>all arp who-has 192.0.2.1(m1) 192.0.2.2(0)",
			"m1>all vlan 100/0 arp who-has 192.0.2.1(m1) 192.0.2.2(0)",
			"m1>all vlan 100/0 vlan 7/0 arp who-has 192.0.2.1(m1) 192.0.2.2(0)")
		f := reply(mac2, peer)
		for _, c := range []struct {
			tags []uint16
			want int
		}{
			{[]uint16{7}, 0}, {[]uint16{7, 100}, 0}, {[]uint16{100, 7}, 1}, {[]uint16{100}, 2}, {[]uint16{0}, 3},
		} {
			f.tags = c.tags
			n.receive(f.bytes(t))
			if len(n.subscriber.confirmed) != c.want {
				t.Errorf("after a reply with tags %v %d are confirmed, want %d", c.tags, len(n.subscriber.confirmed), c.want)
			}
		}
	})
	t.Run("A10 the ARP field counts, not the frame's source; the difference is counted", func(t *testing.T) {
		n := alone(t)
		f := request(mac2, peer, "192.0.2.1")
		f.ethSrc = mac3
		n.receive(f.bytes(t))
		n.wantState(peer, "stale "+mac2.String())
		if n.stack.Counters().SenderMismatch != 1 {
			t.Error("not counted")
		}
	})
}

func TestConformanceRFC1122(t *testing.T) {
	t.Run("B01 an entry that is not confirmed again is solicited again, after a time that can be set", func(t *testing.T) {
		for _, reachable := range []loop.Duration{30 * seconds, 2 * seconds} {
			n := newNode(t, loop.NewVirtual(), Options{})
			c := config(1)
			c.Neighbor.ReachableTime = reachable
			n.add(c)
			confirm(n, peer, mac2)
			n.run(reachable/2 - loop.Second/100)
			n.wantState(peer, "reachable "+mac2.String())
			n.run(reachable + loop.Second/50)
			n.wantState(peer, "stale "+mac2.String())
			n.link.take()
			send(n, peer)
			n.run(5*seconds + loop.Second/100)
			n.wantSent("m1>m2 192.0.2.1>192.0.2.2 udp 9", "m1>m2 arp who-has 192.0.2.1(m1) 192.0.2.2(0)")
		}
	})
	t.Run("B02 one solicitation per RetransTimer, however many subscriptions exist", func(t *testing.T) {
		n := alone(t)
		for k := range 5 {
			n.subscriber.subscribe(n.iface, peer, uint32(k+1), false, 30e9)
			send(n, peer)
		}
		last := -n.iface.Config().Neighbor.RetransTimer
		for range 100 {
			for target := uint32(1); target <= 5; target++ {
				n.stack.Solicit(n.subscriber.refs[target])
			}
			send(n, peer)
			if questions := len(n.link.take()); questions > 0 {
				if gap := loop.Duration(n.loop.Now()) - last; questions > 1 || gap < loop.Second {
					t.Errorf("at %v: %d solicitations, %v after the last", n.loop.Now(), questions, gap)
				}
				last = loop.Duration(n.loop.Now())
			}
			n.run(loop.Second / 10)
		}
		if last < 8*seconds {
			t.Errorf("the last solicitation was at %v", last)
		}
	})
	t.Run("B03 an old entry is solicited by unicast before all stations are", func(t *testing.T) {
		n := alone(t)
		confirm(n, peer, mac2)
		n.run(60 * seconds)
		n.link.take()
		n.subscriber.subscribe(n.iface, peer, 2, false, n.loop.Now()+30e9)
		n.run(2*seconds + loop.Second/100)
		n.wantSent("m1>m2 arp who-has 192.0.2.1(m1) 192.0.2.2(0)",
			"m1>all arp who-has 192.0.2.1(m1) 192.0.2.2(0)", "m1>all arp who-has 192.0.2.1(m1) 192.0.2.2(0)")
	})
	t.Run("B04 packets are held while a neighbor is unresolved", func(t *testing.T) {
		n := alone(t)
		send(n, peer)
		send(n, peer)
		n.wantSent("m1>all arp who-has 192.0.2.1(m1) 192.0.2.2(0)")
		n.receive(reply(mac2, peer).bytes(t))
		n.wantSent("m1>m2 192.0.2.1>192.0.2.2 udp 9", "m1>m2 192.0.2.1>192.0.2.2 udp 9")
	})
	t.Run("B05 on-link by mask, else the gateway, else no route", func(t *testing.T) {
		checkNextHops(t, false)
	})
	t.Run("B06 broadcast, multicast, net 0 and loopback addresses are never resolved", func(t *testing.T) {
		n := alone(t)
		for dst, want := range map[string]header.MAC{
			"255.255.255.255": header.Broadcast, "192.0.2.255": header.Broadcast, "192.0.2.0": header.Broadcast,
			"224.1.2.3": {1, 0, 0x5e, 1, 2, 3}, "239.129.2.3": {1, 0, 0x5e, 1, 2, 3},
		} {
			h := n.subscriber.subscribe(n.iface, dst, 1, true, 30e9)
			if h.State != SubscribeKnown || h.MAC != want {
				t.Errorf("%s: %+v, want %v", dst, h, want)
			}
			send(n, dst)
			n.wantSent(fmt.Sprintf("m1>%s 192.0.2.1>%s udp 9", short(want[:]), dst))
		}
		for _, dst := range []string{"0.0.0.0", "0.1.2.3", "127.0.0.1"} {
			if _, r := n.iface.NextHop(netip.MustParseAddr(dst)); r != NoRoute {
				t.Errorf("next hop of %s: %v", dst, r)
			}
			if h := n.subscriber.subscribe(n.iface, dst, 1, false, 30e9); h.State != SubscribeRefused || h.Reason != NoRoute {
				t.Errorf("hold of %s: %+v", dst, h)
			}
		}
		n.run(10 * seconds)
		n.wantSent()
	})
}

func TestConformanceRFC5227(t *testing.T) {
	t.Run("C03 an address is announced twice, 2 s apart", func(t *testing.T) {
		n := newNode(t, loop.NewVirtual(), Options{})
		n.add(InterfaceConfig{MAC: mac1, IPv4: netip.MustParsePrefix("192.0.2.1/24"), Announce: true})
		n.run(2*seconds - 1)
		n.wantSent("m1>all arp who-has 192.0.2.1(m1) 192.0.2.1(0)")
		n.run(2 * loop.Millisecond)
		n.wantSent("m1>all arp who-has 192.0.2.1(m1) 192.0.2.1(0)")
		n.run(60 * seconds)
		n.wantSent()
		n.link.set(false)
		n.link.set(true)
		n.run(60 * seconds)
		n.wantSent("m1>all arp who-has 192.0.2.1(m1) 192.0.2.1(0)", "m1>all arp who-has 192.0.2.1(m1) 192.0.2.1(0)")
	})
	t.Run("C04 a conflict is reported and defended, at most once in 10 s", func(t *testing.T) {
		n := alone(t)
		ours := request(mac2, "192.0.2.1", "192.0.2.77").bytes(t)
		for range 35 { // 0 s to 34 s
			n.receive(ours)
			n.run(seconds)
		}
		defence := "m1>all arp who-has 192.0.2.1(m1) 192.0.2.1(0)"
		n.wantSent(defence, defence, defence, defence)
		var defended int
		for _, e := range n.observer.interfaces {
			if e.Kind == EventConflict && e.MAC == mac2 && e.Addr == netip.MustParseAddr("192.0.2.1") && e.Defended {
				defended++
			}
		}
		if defended != 4 || len(n.observer.interfaces) != 4 {
			t.Errorf("%d events, %d of defences, want 4", len(n.observer.interfaces), defended)
		}
		s := n.iface.Status()[0]
		if !s.Duplicate || s.ConflictMAC != mac2 {
			t.Errorf("status %+v", s)
		}
		if n.stack.Counters().Conflicts != 35 {
			t.Errorf("%d conflicts counted", n.stack.Counters().Conflicts)
		}
		if n.iface.NeighborCount() != 0 {
			t.Error("our own address is a neighbor")
		}
	})
	t.Run("C04 the next defence may come 10 s after the last, not earlier", func(t *testing.T) {
		for _, c := range []struct {
			claim   []byte
			defence string
		}{
			{request(mac2, "192.0.2.1", "192.0.2.77").bytes(t), "m1>all arp who-has 192.0.2.1(m1) 192.0.2.1(0)"},
			{ndFrame{advert: true, dst: "ff02::1", target: "2001:db8::1", lla: mac2, flags: flagO}.bytes(t),
				"m1>33:33:00:00:00:01 2001:db8::1>ff02::1 NA 2001:db8::1 001 TargetAddress m1"},
		} {
			n := alone(t)
			n.receive(c.claim)
			n.wantSent(c.defence)
			n.run(9999 * loop.Millisecond)
			n.receive(c.claim)
			n.wantSent()
			n.run(loop.Millisecond)
			n.receive(c.claim)
			n.wantSent(c.defence)
		}
	})
	t.Run("C04 what comes back from ourselves is no conflict", func(t *testing.T) {
		n := alone(t)
		n.receive(request(mac1, "192.0.2.1", "192.0.2.1").bytes(t))
		if n.stack.Counters().Conflicts != 0 || n.iface.Status()[0].Duplicate {
			t.Error("a conflict with ourselves")
		}
		n.wantSent()
	})
	t.Run("C06 a broadcast reply is an answer", func(t *testing.T) {
		n := alone(t)
		n.subscriber.subscribe(n.iface, peer, 1, false, 30e9)
		f := reply(mac2, peer)
		f.ethDst = header.Broadcast
		n.receive(f.bytes(t))
		n.wantState(peer, "reachable "+mac2.String())
		if n.subscriber.confirmed[1].mac != mac2 {
			t.Error("not confirmed")
		}
	})
	t.Run("C07 a probe for our address is answered and not cached", func(t *testing.T) {
		n := alone(t)
		n.receive(request(mac2, "0.0.0.0", "192.0.2.1").bytes(t))
		n.wantSent("m1>m2 arp is-at 192.0.2.1(m1) 0.0.0.0(m2)")
		if n.iface.NeighborCount() != 0 {
			t.Error("cached")
		}
		n.receive(request(mac2, "0.0.0.0", "192.0.2.9").bytes(t))
		n.wantSent()
	})
}

func TestConformanceRFC3927(t *testing.T) {
	t.Run("D01 all ARP from a link-local address is broadcast", func(t *testing.T) {
		n := newNode(t, loop.NewVirtual(), Options{})
		n.add(InterfaceConfig{MAC: mac1, IPv4: netip.MustParsePrefix("169.254.1.1/16")})
		n.receive(request(mac2, "169.254.1.2", "169.254.1.1").bytes(t))
		n.wantSent("m1>all arp is-at 169.254.1.1(m1) 169.254.1.2(m2)")
		n.subscriber.subscribe(n.iface, "169.254.1.2", 1, false, 30e9) // STALE: by unicast else
		n.wantSent("m1>all arp who-has 169.254.1.1(m1) 169.254.1.2(0)")
	})
	t.Run("D02 link-local destinations are on the link, never behind the gateway", func(t *testing.T) {
		n := alone(t)
		if hop, r := n.iface.NextHop(netip.MustParseAddr("169.254.7.7")); hop.String() != "169.254.7.7" || r != ReasonNone {
			t.Errorf("next hop %v %v", hop, r)
		}
	})
}

// confirm resolves a neighbor of the node's first interface.
func confirm(n *node, a string, m header.MAC) {
	n.t.Helper()
	addr := netip.MustParseAddr(a)
	held := n.subscriber.subscribe(n.iface, a, 1<<20, false, n.loop.Now()+30e9)
	if addr.Is4() {
		n.receive(reply(m, a).bytes(n.t))
	} else {
		n.receive(ndFrame{advert: true, target: a, lla: m, flags: flagS | flagO}.bytes(n.t))
	}
	n.wantState(a, "reachable "+m.String())
	n.stack.Release(held.Ref)
	delete(n.subscriber.confirmed, 1<<20)
	n.link.take()
}

// send sends a UDP packet from the node's first interface.
func send(n *node, dst string) {
	n.t.Helper()
	d := netip.MustParseAddr(dst)
	src := n.iface.Source(d)
	if r := n.iface.Output(d, udpPacket(n.t, src.String(), dst)); r != ReasonNone {
		n.t.Fatalf("Output to %s: %v", dst, r)
	}
	n.check()
}

// checkNextHops checks tables of next hops.
func checkNextHops(t *testing.T, v6 bool) {
	t.Helper()
	tables := nextHops4
	if v6 {
		tables = nextHops6
	}
	for _, table := range tables {
		n := newNode(t, loop.NewVirtual(), Options{})
		c := InterfaceConfig{MAC: mac1}
		if table.prefix != "" && v6 {
			c.IPv6 = netip.MustParsePrefix(table.prefix)
		} else if table.prefix != "" {
			c.IPv4 = netip.MustParsePrefix(table.prefix)
		}
		if table.linkLocal != "" {
			c.LinkLocal = netip.MustParseAddr(table.linkLocal)
		}
		if table.gateway != "" {
			g := netip.MustParseAddr(table.gateway)
			if v6 {
				c.Gateway6 = g
			} else {
				c.Gateway4 = g
			}
		}
		i := n.add(c)
		for dst, want := range table.hops {
			hop, r := i.NextHop(netip.MustParseAddr(dst))
			got := hop.String()
			if r != ReasonNone {
				got = r.String()
			}
			if got != want {
				t.Errorf("%s via %q: next hop of %s is %s, want %s", table.prefix, table.gateway, dst, got, want)
			}
		}
	}
}

type nextHopTable struct {
	prefix, linkLocal, gateway string
	hops                       map[string]string
}

var nextHops4 = []nextHopTable{
	{"192.0.2.1/24", "", "192.0.2.254", map[string]string{
		"192.0.2.2": "192.0.2.2", "192.0.2.254": "192.0.2.254", "192.0.3.1": "192.0.2.254", "8.8.8.8": "192.0.2.254",
		"192.0.2.1": "own_address", "169.254.1.1": "169.254.1.1", "224.0.0.5": "224.0.0.5", "192.0.2.255": "192.0.2.255",
		"255.255.255.255": "255.255.255.255", "2001:db8::1": "no_source_address", "0.0.0.0": "no_route", "::": "no_source_address",
	}},
	{"192.0.2.1/24", "", "", map[string]string{"192.0.2.2": "192.0.2.2", "8.8.8.8": "no_route", "192.0.3.1": "no_route"}},
	{"192.0.2.0/31", "", "", map[string]string{"192.0.2.1": "192.0.2.1", "192.0.2.0": "own_address", "192.0.2.2": "no_route"}},
	{"192.0.2.1/31", "", "192.0.2.0", map[string]string{"192.0.2.0": "192.0.2.0", "192.0.2.3": "192.0.2.0"}},
	{"192.0.2.1/32", "", "198.51.100.1", map[string]string{"192.0.2.0": "198.51.100.1", "192.0.2.255": "198.51.100.1", "198.51.100.1": "198.51.100.1"}},
	{"192.0.2.1/32", "", "", map[string]string{"192.0.2.0": "no_route"}},
	{"192.0.2.1/0", "", "", map[string]string{"8.8.8.8": "8.8.8.8", "127.0.0.1": "no_route"}},
	{"10.1.2.3/8", "", "10.255.255.254", map[string]string{"10.200.0.1": "10.200.0.1", "11.0.0.1": "10.255.255.254", "10.0.0.0": "10.0.0.0"}},
	{"", "fe80::1", "", map[string]string{"8.8.8.8": "no_source_address"}},
}

var nextHops6 = []nextHopTable{
	{"2001:db8::1/64", "fe80::1", "fe80::fe", map[string]string{
		"2001:db8::2": "2001:db8::2", "2001:db8:0:1::2": "fe80::fe", "fe80::2": "fe80::2", "fe80::1": "own_address",
		"2001:db8::1": "own_address", "ff02::5": "ff02::5", "ff0e::5": "ff0e::5", "::": "no_route", "::1": "no_route",
		"::ffff:192.0.2.1": "no_route", "192.0.2.1": "no_source_address", "febf::1": "febf::1", "fec0::1": "fe80::fe",
	}},
	{"2001:db8::1/64", "", "", map[string]string{"2001:db8::2": "2001:db8::2", "2001:db8:0:1::2": "no_route", "fe80::ff:fe00:1": "own_address"}},
	{"2001:db8::1/128", "fe80::1", "", map[string]string{"2001:db8::2": "no_route", "fe80::9": "fe80::9"}},
	{"2001:db8::1/128", "fe80::1", "fe80::fe", map[string]string{"2001:db8::2": "fe80::fe"}},
	{"2001:db8::/127", "fe80::1", "", map[string]string{"2001:db8::1": "2001:db8::1", "2001:db8::2": "no_route"}},
	{"2001:db8::1/120", "fe80::1", "2001:db8::fe", map[string]string{"2001:db8::ff": "2001:db8::ff", "2001:db8::1:0": "2001:db8::fe"}},
	{"", "fe80::1", "fe80::fe", map[string]string{"2001:db8::2": "fe80::fe", "fe80::2": "fe80::2"}},
	{"", "fe80::1", "", map[string]string{"2001:db8::2": "no_route"}},
}
