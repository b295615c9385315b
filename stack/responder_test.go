package stack

import (
	"fmt"
	"net/netip"
	"strings"
	"testing"

	"glean/stack/header"
	"glean/stack/loop"
)

func TestRespondForRanges(t *testing.T) {
	n := newNode(t, loop.NewVirtual(), Options{})
	c := config(1)
	c.RespondFor = []netip.Prefix{netip.MustParsePrefix("198.19.0.0/16"), netip.MustParsePrefix("2001:db8:f::/48")}
	n.add(c)
	c = config(3)
	c.RespondFor = []netip.Prefix{netip.MustParsePrefix("198.19.7.0/24"), netip.MustParsePrefix("198.19.0.0/16")}
	narrow := n.add(c)
	asked := func(target string) string {
		n.receive(request(mac2, peer, target).bytes(t))
		return strings.Join(n.link.take(), ";")
	}
	if got := asked("198.19.200.1"); got != "m1>m2 arp is-at 198.19.200.1(m1) 192.0.2.2(m2)" {
		t.Error(got)
	}
	if got := asked("198.19.7.1"); got != "m3>m2 arp is-at 198.19.7.1(m3) 192.0.2.2(m2)" {
		t.Errorf("the longest prefix does not win: %s", got)
	}
	if got := asked("198.20.0.1"); got != "" {
		t.Error(got)
	}
	n.stack.RemoveInterface(n.iface)
	if got := asked("198.19.200.1"); got != "m3>m2 arp is-at 198.19.200.1(m3) 192.0.2.2(m2)" {
		t.Errorf("the range did not pass to the other interface: %s", got)
	}
	n.stack.RemoveInterface(narrow)
	if got := asked("198.19.7.1"); got != "" {
		t.Error(got)
	}
	n.check()
}

func TestPingOfARange(t *testing.T) {
	n := newNode(t, loop.NewVirtual(), Options{})
	c := config(1)
	c.RespondFor = []netip.Prefix{netip.MustParsePrefix("198.19.0.0/16")}
	n.add(c)
	confirm(n, peer, mac2)
	frame := append([]byte{2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, 8, 0}, echoRequest(peer, "198.19.3.4", []byte("x"))...)
	n.receive(frame)
	n.wantSent("m1>m2 198.19.3.4>192.0.2.2 EchoReply")
}

func TestManyInterfacesAnswer(t *testing.T) {
	n := newNode(t, loop.NewVirtual(), Options{})
	for k := 1; k <= 10000; k++ { // 10.0.0.0 is a broadcast address
		mac := header.MACFromUint64(0x020000000000 | uint64(k))
		n.add(InterfaceConfig{
			Handle: uint32(k), MAC: mac,
			IPv4: netip.PrefixFrom(netip.AddrFrom4([4]byte{10, 0, byte(k >> 8), byte(k)}), 8),
		})
	}
	for _, k := range []int{1, 77, 10000} {
		target := fmt.Sprintf("10.0.%d.%d", k>>8, k&255)
		n.stack.HandleFrame(request(mac2, "10.9.9.9", target).bytes(t))
		if got := n.link.take(); len(got) != 1 || !strings.Contains(got[0], "is-at "+target) {
			t.Errorf("%v", got)
		}
	}
	n.check()
}

func TestVLANsDoNotCross(t *testing.T) {
	n := newNode(t, loop.NewVirtual(), Options{})
	c := config(1)
	c.Tags = []header.VLAN{{ID: 100, Priority: 3}}
	n.add(c)
	c.Tags = []header.VLAN{{ID: 200}}
	c.MAC = mac4
	other := n.add(c)
	f := request(mac2, peer, "192.0.2.1")
	f.tags = []uint16{100}
	n.receive(f.bytes(t))
	n.wantSent("m1>m2 vlan 100/3 arp is-at 192.0.2.1(m1) 192.0.2.2(m2)")
	if n.iface.NeighborCount() != 1 || other.NeighborCount() != 0 {
		t.Error("the sender is cached in the wrong VLAN")
	}
	f.tags = nil
	n.receive(f.bytes(t))
	f.tags = []uint16{300}
	n.receive(f.bytes(t))
	n.wantSent()
	if n.stack.Counters().Dropped[DropVLAN] != 2 {
		t.Error("not counted")
	}
	ns := resolveNS()
	ns.tags = []uint16{200}
	n.receive(ns.bytes(t))
	n.wantSent("m4>m2 vlan 200/0 2001:db8::1>2001:db8::2 NA 2001:db8::1 011 TargetAddress m4")
}

// TestFrameWithoutInterfaceIsNotCountedAsVLAN checks that without any interface DropVLAN
// is not counted.
func TestFrameWithoutInterfaceIsNotCountedAsVLAN(t *testing.T) {
	n := newNode(t, loop.NewVirtual(), Options{})
	frames := func() {
		for _, tags := range [][]uint16{nil, {100}} {
			f := request(mac2, peer, "192.0.2.1")
			f.tags = tags
			n.receive(f.bytes(t))
		}
	}
	want := func(none, vlan uint64) {
		t.Helper()
		if d := n.stack.Counters().Dropped; d[DropNoInterface] != none || d[DropVLAN] != vlan {
			t.Errorf("no_interface %d, vlan %d; want %d and %d", d[DropNoInterface], d[DropVLAN], none, vlan)
		}
	}
	frames()
	want(2, 0)
	c := config(1)
	c.Tags = []header.VLAN{{ID: 200}}
	i := n.add(c)
	frames()
	want(2, 2)
	n.stack.RemoveInterface(i)
	frames()
	want(4, 2)
}

// TestFramesForOtherStationsAreIgnored checks that frames to other MACs, which a
// promiscuous device delivers, have no effect.
func TestFramesForOtherStationsAreIgnored(t *testing.T) {
	n := newNode(t, loop.NewVirtual(), Options{
		Deliver: func(*Interface, []byte) { t.Error("delivered") },
		Forward: func(*Interface, []byte) { t.Error("forwarded") },
	})
	n.add(config(1))
	arp := request(mac2, peer, "192.0.2.1")
	arp.ethDst = mac4
	ns := resolveNS()
	ns.ethDst = mac4
	na := answerNA()
	na.ethDst = mac4
	n.subscriber.subscribe(n.iface, peer6, 1, false, 30e9)
	n.link.take()
	for _, f := range [][]byte{
		arp.bytes(t), ns.bytes(t), na.bytes(t),
		udpFrame(t, mac4, mac2, peer, "192.0.2.1"), udpFrame(t, mac4, mac2, peer6, "2001:db8::1"),
		udpFrame(t, header.MAC{1, 0, 0x5e, 1, 1, 1}, mac2, peer, "224.1.1.1"),
	} {
		n.receive(f)
	}
	n.wantSent()
	n.wantState(peer, "none")
	n.wantState(peer6, "incomplete")
}

func TestDeliverAndForward(t *testing.T) {
	var got []string
	note := func(what string) func(*Interface, []byte) {
		return func(i *Interface, p []byte) { got = append(got, fmt.Sprintf("%s %d %d", what, i.Handle(), len(p))) }
	}
	n := newNode(t, loop.NewVirtual(), Options{Deliver: note("deliver"), Forward: note("forward"), IsRouter: true})
	n.add(config(1))
	for _, f := range [][]byte{
		udpFrame(t, mac1, mac2, peer, "192.0.2.1"),
		udpFrame(t, mac1, mac2, peer, "198.51.100.1"),
		udpFrame(t, mac1, mac2, peer6, "2001:db8::1"),
		udpFrame(t, mac1, mac2, peer6, "2001:db8:9::1"),
		udpFrame(t, header.Broadcast, mac2, peer, "192.0.2.255"),
	} {
		n.receive(f)
	}
	want := "[deliver 1 46 forward 1 46 deliver 1 66 forward 1 66 deliver 1 46]"
	if fmt.Sprint(got) != want {
		t.Errorf("got %v, want %v", got, want)
	}
	s := n.iface.Stats()
	if s.RxPackets != 5 {
		t.Errorf("%+v", s)
	}
}

func TestConflictsOfIPv6(t *testing.T) {
	n := alone(t)
	na := ndFrame{advert: true, dst: "ff02::1", target: "2001:db8::1", lla: mac2, flags: flagO}.bytes(t)
	for range 25 {
		n.receive(na)
		n.run(seconds)
	}
	if got := n.link.take(); len(got) != 3 {
		t.Errorf("%d defences in 25 s, want 3: %v", len(got), got)
	}
	own := ndFrame{advert: true, dst: "ff02::1", ethSrc: mac1, target: "2001:db8::1", lla: mac1, flags: flagO}.bytes(t)
	m := alone(t)
	m.receive(own)
	m.receive(ndFrame{src: "2001:db8::1", dst: solicitGroup, target: "fe80::1", lla: mac1, ethSrc: mac1}.bytes(t))
	if m.stack.Counters().Conflicts != 0 {
		t.Error("a conflict with ourselves")
	}
	m.receive(ndFrame{src: "2001:db8::1", dst: solicitGroup, target: "fe80::1", lla: mac2}.bytes(t))
	if m.stack.Counters().Conflicts != 1 || m.iface.NeighborCount() != 0 {
		t.Error("a solicitation from our own address is no conflict, or is cached")
	}
	if s := m.iface.Status(); !s[2].Duplicate || s[1].Duplicate || s[0].Duplicate {
		t.Errorf("%+v", s)
	}
}

// TestN03RepliesStayInOneVLAN solicits the same neighbor from two interfaces of one
// VLAN; it answers one of them. A broadcast answer shows the other one a MAC, but
// confirms nothing.
func TestN03RepliesStayInOneVLAN(t *testing.T) {
	broadcast := reply(mac2, peer)
	broadcast.ethDst = header.Broadcast
	for name, c := range map[string]struct {
		hop   string
		frame []byte
		other string
	}{
		"reply":           {peer, reply(mac2, peer).bytes(t), "incomplete"},
		"broadcast reply": {peer, broadcast.bytes(t), "stale " + mac2.String()},
		"advertisement":   {peer6, ndFrame{advert: true, dst: "2001:db8::1", target: peer6, lla: mac2, flags: flagS | flagO}.bytes(t), "incomplete"},
	} {
		for _, answered := range []int{0, 1} { // which of them was added first does not matter
			n := newNode(t, loop.NewVirtual(), Options{})
			configs := []InterfaceConfig{config(3), config(3)}
			configs[answered] = config(1)
			for k, cfg := range configs {
				n.subscriber.subscribe(n.add(cfg), c.hop, uint32(k), false, 30e9)
			}
			n.receive(c.frame)
			n.iface = n.stack.Interface(uint32(answered + 1))
			if n.wantState(c.hop, "reachable "+mac2.String()); n.subscriber.confirmed[uint32(answered)].mac != mac2 {
				t.Errorf("%s: the one that was answered is not confirmed", name)
			}
			n.iface = n.stack.Interface(uint32(2 - answered))
			if n.wantState(c.hop, c.other); len(n.subscriber.confirmed) != 1 {
				t.Errorf("%s: the other one is confirmed", name)
			}
			if t.Failed() {
				t.Fatal(name)
			}
		}
	}
}

func TestStaticNeighbor(t *testing.T) {
	for _, hop := range hops {
		n := newNode(t, loop.NewVirtual(), Options{})
		c := config(1)
		c.Static = []StaticNeighbor{{netip.MustParseAddr(hop), mac2}}
		n.add(c)
		n.check()
		for _, fresh := range []bool{false, true} {
			if h := n.subscriber.subscribe(n.iface, hop, 1, fresh, 30e9); h.State != SubscribeKnown || h.MAC != mac2 {
				t.Errorf("%+v", h)
			}
		}
		n.receive(answer(t, hop, mac3))
		if hop == peer {
			n.receive(request(mac3, peer, "192.0.2.1").bytes(t))
		}
		n.wantState(hop, "static "+mac2.String())
		n.iface.Flush()
		n.link.set(false)
		n.link.set(true)
		n.link.take()
		send(n, hop)
		n.run(60 * seconds)
		if got := n.link.take(); len(got) != 1 || got[0][:5] != "m1>m2" {
			t.Errorf("%v", got)
		}
		n.wantState(hop, "static "+mac2.String())
		if n.stack.Counters().Dropped[DropStatic] == 0 {
			t.Error("not counted")
		}
	}
}

func TestTableLimit(t *testing.T) {
	n := newNode(t, loop.NewVirtual(), Options{})
	c := config(1)
	c.Neighbor.MaxEntries = 10
	n.add(c)
	hop := func(k int) string { return fmt.Sprintf("192.0.2.%d", 100+k) }
	for k := range 10 {
		n.subscriber.subscribe(n.iface, hop(k), uint32(k), false, 30e9)
	}
	h := n.subscriber.subscribe(n.iface, hop(10), 10, false, 30e9)
	if h.State != SubscribeRefused || h.Reason != TableFull {
		t.Fatalf("%+v", h)
	}
	if r := n.iface.Output(netip.MustParseAddr(hop(10)), udpPacket(t, "192.0.2.1", hop(10))); r != TableFull {
		t.Errorf("Output: %v", r)
	}
	// A peer's message makes no entry, but is answered.
	n.link.take()
	n.receive(request(mac2, peer, "192.0.2.1").bytes(t))
	n.wantState(peer, "none")
	n.wantSent("m1>m2 arp is-at 192.0.2.1(m1) 192.0.2.2(m2)")
	for k := range 10 {
		n.wantState(hop(k), "incomplete")
	}
	// REACHABLE ones are not reclaimed, STALE ones are.
	n.receive(reply(mac2, hop(0)).bytes(t))
	if h := n.subscriber.subscribe(n.iface, hop(10), 10, false, 30e9); h.State != SubscribeRefused {
		t.Errorf("%+v", h)
	}
	n.receive(request(mac3, hop(0), hop(0)).bytes(t))
	n.wantState(hop(0), "stale "+mac3.String())
	n.run(2 * seconds)
	if h := n.subscriber.subscribe(n.iface, hop(10), 10, false, 30e9); h.State != SubscribeDue {
		t.Errorf("%+v", h)
	}
	n.check()
	n.wantState(hop(0), "none")
}

// TestFloodEvictsNoneOfOurs checks that no message of peers deletes a neighbor of ours.
func TestFloodEvictsNoneOfOurs(t *testing.T) {
	n := newNode(t, loop.NewVirtual(), Options{})
	c := config(1)
	c.IPv4 = netip.MustParsePrefix("10.0.0.1/8")
	c.Gateway4 = netip.MustParseAddr("10.0.0.254")
	c.Neighbor.MaxEntries = 100
	n.add(c)
	wanted := map[string]string{}
	for k := range 20 {
		hop := fmt.Sprintf("10.0.1.%d", k)
		mac := header.MACFromUint64(0x020000000100 + uint64(k))
		switch k % 4 {
		case 0: // held
			n.subscriber.subscribe(n.iface, hop, uint32(k), false, 300e9)
			wanted[hop] = "incomplete"
		case 1: // has packets waiting
			n.iface.Output(netip.MustParseAddr(hop), udpPacket(t, "10.0.0.1", hop))
			wanted[hop] = "incomplete"
		case 2: // resolved
			confirm(n, hop, mac)
			wanted[hop] = "reachable " + mac.String()
		case 3: // resolved, then doubtful
			confirm(n, hop, mac)
			n.receive(request(mac2, hop, hop).bytes(t))
			wanted[hop] = "stale " + mac2.String()
		}
	}
	for k := range 5000 {
		mac := header.MACFromUint64(0x060000000000 + uint64(k))
		sender := fmt.Sprintf("10.7.%d.%d", k>>8, k&255)
		n.stack.HandleFrame(request(mac, sender, "10.0.0.1").bytes(t))
		n.stack.HandleFrame(arpFrame{op: 2, senderMAC: mac, senderIP: sender, targetIP: sender}.bytes(t))
		n.stack.HandleFrame(reply(mac, sender).bytes(t))
	}
	n.check()
	for hop, want := range wanted {
		n.wantState(hop, want)
	}
	if n.iface.NeighborCount() != 100 {
		t.Errorf("%d neighbors", n.iface.NeighborCount())
	}
	// And what we want next takes the place of what peers claimed.
	for k := range 80 {
		if h := n.subscriber.subscribe(n.iface, fmt.Sprintf("10.0.2.%d", k), uint32(100+k), false, 300e9); h.State == SubscribeRefused {
			t.Fatalf("number %d: %+v", k, h)
		}
	}
	n.check()
	for hop, want := range wanted {
		n.wantState(hop, want)
	}
}

func TestTwoMACsWithinASecondAreReported(t *testing.T) {
	for _, hop := range hops {
		n := alone(t)
		confirm(n, hop, mac2)
		n.run(500 * loop.Millisecond)
		f := answer(t, hop, mac3)
		for range 5 {
			n.receive(f)
			n.receive(answer(t, hop, mac2))
		}
		suspects, again := 0, 0
		for _, e := range n.observer.neighbors {
			if e.Suspect {
				suspects++
				if e.Addr != netip.MustParseAddr(hop) || e.OtherMAC != mac3 && e.OtherMAC != mac2 {
					t.Errorf("%+v", e)
				}
			}
		}
		n.run(5 * seconds)
		n.receive(f)
		if n.state(hop) == "stale "+mac2.String() || n.state(hop) == "reachable "+mac2.String() {
			t.Fatal("the MAC did not change")
		}
		n.receive(answer(t, hop, mac2))
		for _, e := range n.observer.neighbors {
			if e.Suspect {
				again++
			}
		}
		if suspects != 1 || again != 2 || n.stack.Counters().Suspicions < 5 {
			t.Errorf("%s: %d events, then %d, want 1 and 2; %d counted", hop, suspects, again, n.stack.Counters().Suspicions)
		}
		m := alone(t)
		confirm(m, hop, mac2)
		m.run(2 * seconds)
		m.receive(answer(t, hop, mac3))
		for _, e := range m.observer.neighbors {
			if e.Suspect {
				t.Errorf("%s: a change after 2 s is suspect", hop)
			}
		}
	}
}

func TestBroadcastUpdatesAllInterfacesThatKnow(t *testing.T) {
	for _, interfaces := range []int{2, maxUnindexed + 3} {
		n := newNode(t, loop.NewVirtual(), Options{})
		var all []*Interface
		for k := range interfaces {
			c := config(byte(10 + k))
			i := n.add(c)
			all = append(all, i)
			if k%2 == 0 {
				n.subscriber.subscribe(i, peer, uint32(k), false, 30e9)
				n.receive(arpFrame{op: 2, ethDst: c.MAC, senderMAC: mac2, senderIP: peer, targetMAC: c.MAC, targetIP: c.IPv4.Addr().String()}.bytes(t))
			}
		}
		if len(n.subscriber.confirmed) != (interfaces+1)/2 {
			t.Fatalf("%d confirmed", len(n.subscriber.confirmed))
		}
		n.receive(request(mac3, peer, peer).bytes(t))
		for k, i := range all {
			info, ok := i.Neighbor(netip.MustParseAddr(peer))
			if ok != (k%2 == 0) || ok && (info.State != StateStale || info.MAC != mac3) {
				t.Errorf("%d interfaces, number %d: %+v %v", interfaces, k, info, ok)
			}
		}
		for _, i := range all {
			n.stack.RemoveInterface(i)
		}
		n.check()
	}
}

func TestNeighborsAreSorted(t *testing.T) {
	n := alone(t)
	for _, hop := range []string{"192.0.2.9", "2001:db8::3", "192.0.2.10", "fe80::9", "192.0.2.100", "2001:db8::12"} {
		n.subscriber.subscribe(n.iface, hop, 1, false, 30e9)
	}
	var got []netip.Addr
	for info := range n.iface.Neighbors() {
		got = append(got, info.Addr)
	}
	if want := "[192.0.2.9 192.0.2.10 192.0.2.100 2001:db8::3 2001:db8::12 fe80::9]"; fmt.Sprint(got) != want {
		t.Errorf("%v", got)
	}
	for range n.iface.Neighbors() {
		break
	}
}

func TestPriorityTagsNameNoVLAN(t *testing.T) {
	n := newNode(t, loop.NewVirtual(), Options{})
	c := config(1)
	c.Tags = []header.VLAN{{ID: 100}}
	n.add(c)
	for _, tags := range [][]uint16{{100}, {0, 100}, {100, 0}} {
		f := request(mac2, peer, "192.0.2.1")
		f.tags = tags
		n.receive(f.bytes(t))
		if got := n.link.take(); len(got) != 1 {
			t.Errorf("tags %v: %v", tags, got)
		}
	}
}

// TestForeignEntriesTakeNoPlaceOfOurs fills the table with STALE neighbors of ours.
// Peers then create no entries; we do, but not in place of one that was solicited just
// now.
func TestForeignEntriesTakeNoPlaceOfOurs(t *testing.T) {
	n := newNode(t, loop.NewVirtual(), Options{})
	c := config(1)
	c.Neighbor.MaxEntries = 3
	n.add(c)
	for k := range 3 {
		confirm(n, fmt.Sprintf("192.0.2.%d", 10+k), mac2)
	}
	n.run(60 * seconds)
	n.receive(request(mac3, "192.0.2.99", "192.0.2.1").bytes(t))
	n.wantState("192.0.2.99", "none")
	if n.stack.Counters().Dropped[DropForeignFull] != 1 {
		t.Error("not counted")
	}
	for k := range 3 { // solicited just now, and STALE again
		ref := n.subscriber.subscribe(n.iface, fmt.Sprintf("192.0.2.%d", 10+k), uint32(k), true, n.loop.Now()+30e9).Ref
		n.stack.Release(ref)
	}
	n.check()
	if h := n.subscriber.subscribe(n.iface, "192.0.2.50", 9, false, n.loop.Now()+30e9); h.State != SubscribeRefused || h.Reason != TableFull {
		t.Errorf("%+v", h)
	}
	n.run(seconds)
	if h := n.subscriber.subscribe(n.iface, "192.0.2.50", 9, false, n.loop.Now()+30e9); h.State != SubscribeDue {
		t.Errorf("%+v", h)
	}
	n.wantState("192.0.2.10", "none")
	n.wantState("192.0.2.11", "stale "+mac2.String())
}

// TestB07OneFrameHasOneEchoReply checks that one echo request has at most one reply,
// whatever MAC its frame is sent to.
func TestB07OneFrameHasOneEchoReply(t *testing.T) {
	allHosts, allNodes := header.MAC{1, 0, 0x5e, 0, 0, 1}, header.MAC{0x33, 0x33, 0, 0, 0, 1}
	for _, c := range []struct {
		name     string
		eth      header.MAC
		src, dst string
		want     string // what is sent
		drop     Drop   // else
	}{
		{"own address by the broadcast MAC", header.Broadcast, peer, "192.0.2.1", "m1>m2 192.0.2.1>192.0.2.2 EchoReply", 0},
		{"own address by a multicast MAC", allHosts, peer, "192.0.2.1", "m1>m2 192.0.2.1>192.0.2.2 EchoReply", 0},
		{"own IPv6 address by the broadcast MAC", header.Broadcast, peer6, "2001:db8::1", "m1>m2 2001:db8::1>2001:db8::2 echo EchoReply", 0},
		{"own IPv6 address by a multicast MAC", allNodes, peer6, "2001:db8::1", "m1>m2 2001:db8::1>2001:db8::2 echo EchoReply", 0},
		{"broadcast address of the network", header.Broadcast, peer, "192.0.2.255", "", DropICMP},
		{"the same by our MAC", mac1, peer, "192.0.2.255", "", DropForward},
		{"limited broadcast address", header.Broadcast, peer, "255.255.255.255", "", DropICMP},
		{"all hosts", allHosts, peer, "224.0.0.1", "", DropGroup},
		{"all nodes", allNodes, peer6, "ff02::1", "", DropICMP},
		{"another host's address", header.Broadcast, peer, "192.0.2.77", "", DropGroup},
		{"another host's IPv6 address", allNodes, peer6, "2001:db8::77", "", DropGroup},
		{"address that is only answered for", header.Broadcast, peer, "198.19.3.4", "", DropGroup},
		{"from the broadcast address of the network", mac1, "192.0.2.255", "192.0.2.1", "", DropSenderIP},
		{"the same by the broadcast MAC", header.Broadcast, "192.0.2.255", "192.0.2.1", "", DropSenderIP},
		{"from the network's address", mac1, "192.0.2.0", "192.0.2.1", "", DropSenderIP},
		{"from 0.0.0.0", mac1, "0.0.0.0", "192.0.2.1", "", DropSenderIP},
		{"from the loopback address", mac1, "127.0.0.1", "192.0.2.1", "", DropSenderIP},
		{"from our own address", header.Broadcast, "192.0.2.1", "192.0.2.1", "", DropNoRoute},
	} {
		t.Run(c.name, func(t *testing.T) {
			n := newNode(t, loop.NewVirtual(), Options{})
			own := config(1)
			own.RespondFor = append(own.RespondFor, netip.MustParsePrefix("198.19.0.0/16"))
			n.add(own)
			other := config(3) // of the same VLAN: it must not answer as well
			n.add(other)
			n.iface = n.stack.interfaces[1]
			confirm(n, peer, mac2)
			confirm(n, peer6, mac2)
			before := n.stack.Counters()
			n.receive(groupFrame(c.eth, c.dst, echoRequest(c.src, c.dst, nil)))
			if c.want == "" {
				n.wantSent()
			} else {
				n.wantSent(c.want)
			}
			if after := n.stack.Counters(); c.want == "" && after.Dropped[c.drop] != before.Dropped[c.drop]+1 {
				t.Errorf("drops went from %v to %v, want one more for %s", before.Dropped, after.Dropped, c.drop)
			}
		})
	}
}

// TestB07OnlyEchoRequestsOfGroupFrames checks that other packets for our address in a
// frame to a group's MAC are dropped (RFC 1122 section 3.3.6), also those that a router
// would forward.
func TestB07OnlyEchoRequestsOfGroupFrames(t *testing.T) {
	n := newNode(t, loop.NewVirtual(), Options{
		IsRouter: true,
		Deliver:  func(*Interface, []byte) { t.Error("delivered") },
		Forward:  func(*Interface, []byte) { t.Error("forwarded") },
	})
	n.add(config(1))
	frames := [][]byte{
		udpFrame(t, header.Broadcast, mac2, peer, "192.0.2.1"),
		udpFrame(t, header.Broadcast, mac2, peer, "198.51.100.1"),
		udpFrame(t, header.MAC{0x33, 0x33, 0, 0, 0, 1}, mac2, peer6, "2001:db8::1"),
	}
	for _, dst := range []string{"192.0.2.1", "2001:db8::1"} {
		request := echoRequest(map[bool]string{false: peer, true: peer6}[strings.Contains(dst, ":")], dst, []byte("x"))
		for cut := range request { // cut short
			frames = append(frames, groupFrame(header.Broadcast, dst, request[:cut]))
		}
	}
	for _, f := range frames {
		n.receive(f)
	}
	n.wantSent()
	if s := n.stack.Counters(); s.EchoesAnswered != 0 || s.Delivered != 0 {
		t.Errorf("%+v", s)
	}
}

// groupFrame returns a packet to dst in a frame to a group's MAC.
func groupFrame(eth header.MAC, dst string, packet []byte) []byte {
	kind := []byte{8, 0}
	if strings.Contains(dst, ":") {
		kind = []byte{0x86, 0xdd}
	}
	return append(append(append(append([]byte{}, eth[:]...), mac2[:]...), kind...), packet...)
}

func TestConflictIsForgottenWhenTheLinkComesBack(t *testing.T) {
	n := alone(t)
	n.receive(request(mac2, "192.0.2.1", "192.0.2.77").bytes(t))
	n.link.set(false)
	n.link.set(true)
	if n.iface.Status()[0].Duplicate {
		t.Error("the conflict is still there")
	}
}

func TestInterfacesComeAndGo(t *testing.T) {
	n := newNode(t, loop.NewVirtual(), Options{})
	for range 100 {
		i := n.add(config(1))
		n.stack.HandleFrame(request(mac2, peer, "192.0.2.1").bytes(t))
		n.stack.RemoveInterface(i)
	}
	n.check()
	if len(n.stack.interfaces) > 2 || n.stack.neighbors.timers.NewList() > 2 || n.stack.vlans.len() > 0 || n.stack.handles.len() > 0 {
		t.Error("interfaces leave something behind")
	}
}

// TestOwnFramesAreNoAnswers checks that our own frames that come back answer nothing.
func TestOwnFramesAreNoAnswers(t *testing.T) {
	n := alone(t)
	dad := ndFrame{src: "::", dst: solicitGroup, target: "2001:db8::1", ethSrc: mac1}
	n.receive(dad.bytes(t))
	n.wantSent()
	ns := resolveNS()
	ns.lla = mac1
	n.receive(ns.bytes(t))
	n.wantSent()
	if n.iface.NeighborCount() != 0 || n.stack.Counters().Dropped[DropSenderMAC] != 1 {
		t.Errorf("%d neighbors, drops %v", n.iface.NeighborCount(), n.stack.Counters().Dropped)
	}
	n.subscriber.subscribe(n.iface, peer6, 1, false, 30e9)
	f := answerNA()
	f.lla = mac1
	n.receive(f.bytes(t))
	n.wantState(peer6, "incomplete")
}

// TestUnicastSolicitationReachesOneInterface checks that a message by unicast to one
// interface has no effect on another, even in the same VLAN.
func TestUnicastSolicitationReachesOneInterface(t *testing.T) {
	n := alone(t)
	n.add(config(3))
	f := resolveNS()
	f.dst, f.target = "2001:db8::1", "2001:db8::3"
	n.receive(f.bytes(t))
	n.wantSent()
	f.dst, f.ethDst, f.target = "2001:db8::3", header.MAC{2, 0, 0, 0, 0, 3}, "2001:db8::3"
	n.receive(f.bytes(t))
	n.wantSent("m3>m2 2001:db8::3>2001:db8::2 NA 2001:db8::3 011 TargetAddress m3")
}
