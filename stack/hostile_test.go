package stack

import (
	"fmt"
	"net/netip"
	"testing"

	"pgregory.net/rapid"

	"glean/stack/header"
	"glean/stack/loop"
)

// ping returns an echo request from any address.
func ping(src, dst string) []byte {
	return append([]byte{2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 9, 8, 0}, echoRequest(src, dst, []byte("x"))...)
}

// TestAnswersTakeNoRoomFromOurs has a peer invent senders that we must solicit before we
// can answer. They fill the table, but no neighbor of ours is deleted, and new ones of
// ours find room.
func TestAnswersTakeNoRoomFromOurs(t *testing.T) {
	const room, known = 100, 50
	for _, c := range []struct {
		name     string
		ours     string // format of our neighbors
		question func(k int) []byte
	}{
		{"pings", "10.0.1.%d", func(k int) []byte {
			return ping(fmt.Sprintf("10.7.%d.%d", k>>8, k&255), "10.0.0.1")
		}},
		{"pings of who is known", "10.0.1.%d", func(k int) []byte {
			sender := fmt.Sprintf("10.7.%d.%d", k>>9, k>>1&255)
			if k%2 == 0 {
				return request(mac3, sender, "10.0.0.1").bytes(t)
			}
			return ping(sender, "10.0.0.1")
		}},
		{"solicitations without link-layer address", "2001:db8::1:%x", func(k int) []byte {
			return ndFrame{src: fmt.Sprintf("2001:db8::7:%x", k), dst: "2001:db8::1", target: "2001:db8::1"}.bytes(t)
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			n := newNode(t, loop.NewVirtual(), Options{})
			cfg := config(1)
			cfg.IPv4 = netip.MustParsePrefix("10.0.0.1/8")
			cfg.Gateway4 = netip.MustParseAddr("10.0.0.254")
			cfg.Neighbor.MaxEntries = room
			n.add(cfg)
			for k := range known {
				confirm(n, fmt.Sprintf(c.ours, k), mac2)
			}
			n.run(60 * seconds) // all are STALE
			n.link.take()
			for k := range 20 * room {
				n.stack.HandleFrame(c.question(k))
			}
			n.check()
			if count := n.iface.NeighborCount(); count > 2*room {
				t.Errorf("%d neighbors", count)
			}
			for k := range known {
				n.wantState(fmt.Sprintf(c.ours, k), "stale "+mac2.String())
			}
			for k := known; k < room; k++ {
				if h := n.subscriber.subscribe(n.iface, fmt.Sprintf(c.ours, k), uint32(k), false, n.loop.Now()+30e9); h.State == SubscribeRefused {
					t.Fatalf("number %d: %v", k, h.Reason)
				}
			}
			n.check()
			n.run(60 * seconds) // what peers wanted is over
			if n.stack.foreignIncomplete != 0 {
				t.Errorf("%d foreign INCOMPLETE neighbors a minute later", n.stack.foreignIncomplete)
			}
		})
	}
}

// TestForeignIncompleteIsBounded checks that the solicitations that a peer can cause are
// bounded.
func TestForeignIncompleteIsBounded(t *testing.T) {
	n := newNode(t, loop.NewVirtual(), Options{})
	c := config(1)
	c.IPv4 = netip.MustParsePrefix("10.0.0.1/8")
	c.Gateway4 = netip.MustParseAddr("10.0.0.254")
	n.add(c)
	n.link.take()
	for k := range 2 * maxForeignIncomplete {
		n.stack.HandleFrame(ping(fmt.Sprintf("10.7.%d.%d", k>>8, k&255), "10.0.0.1"))
	}
	n.check()
	if n.stack.foreignIncomplete != maxForeignIncomplete || len(n.link.take()) != maxForeignIncomplete {
		t.Errorf("%d foreign INCOMPLETE neighbors", n.stack.foreignIncomplete)
	}
	if drops := n.stack.Counters().Dropped[DropForeignFull]; drops != maxForeignIncomplete {
		t.Errorf("%d drops", drops)
	}
	// A sender to which we subscribe too is adopted, and its reply is sent.
	n.subscriber.subscribe(n.iface, "10.7.0.0", 1, false, 30e9)
	if n.stack.foreignIncomplete != maxForeignIncomplete-1 {
		t.Errorf("%d foreign INCOMPLETE neighbors after one was adopted", n.stack.foreignIncomplete)
	}
	n.receive(reply(mac3, "10.7.0.0").bytes(t))
	n.wantSent("m1>m3 10.0.0.1>10.7.0.0 EchoReply")
	// So is the reply to a foreign one that answers; it may be reclaimed when it is STALE.
	n.receive(reply(mac4, "10.7.0.1").bytes(t))
	n.wantSent("m1>m4 10.0.0.1>10.7.0.1 EchoReply")
	n.run(60 * seconds)
	if n.stack.foreignIncomplete != 0 || n.iface.NeighborCount() != 2 {
		t.Errorf("%d foreign INCOMPLETE neighbors, %d neighbors", n.stack.foreignIncomplete, n.iface.NeighborCount())
	}
	for _, i := range []struct {
		list uint32
		want uint32
	}{{n.iface.foreignList, n.stack.neighbors.find(n.iface.slot, ipFrom(netip.MustParseAddr("10.7.0.1")))},
		{n.iface.staleList, n.stack.neighbors.find(n.iface.slot, ipFrom(netip.MustParseAddr("10.7.0.0")))}} {
		if got := n.stack.neighbors.timers.Oldest(i.list); got != i.want {
			t.Errorf("neighbor %d gives way first, want %d", got, i.want)
		}
	}
}

// requestFrom returns a peer's request for an address of ours, from an address and mac3,
// which a solicitation may omit.
func requestFrom(from, target string, tell bool) []byte {
	frame := make([]byte, 128)
	src, dst := netip.MustParseAddr(from), netip.MustParseAddr(target)
	if src.Is4() {
		r := header.ARPRepr{Op: header.ARPRequest, SenderMAC: mac3, SenderIP: src.As4(), TargetIP: dst.As4()}
		n := header.EmitEthernet(frame, &header.Broadcast, &mac3, nil, header.EtherTypeARP)
		return frame[:n+r.EmitTo(frame[n:])]
	}
	from6, to6 := src.As16(), dst.As16()
	ns := header.NeighborSolicitation{Target: to6, SourceLink: mac3, HasSourceLink: tell}
	n := header.EmitEthernet(frame, &mac1, &mac3, nil, header.EtherTypeIPv6)
	return frame[:n+ns.EmitPacket(frame[n:], &from6, &to6)]
}

// TestInventedSendersAreBounded has an attacker send requests, solicitations and pings
// from invented senders, some of which answer. It creates at most foreignMax neighbors
// of an interface and takes no memory beyond them. No neighbor that glean resolved,
// tracks or has from its configuration is deleted, and new ones of ours find room.
func TestInventedSendersAreBounded(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		n := newNode(t, loop.NewVirtual(), Options{})
		c := config(1)
		c.IPv4, c.IPv6 = netip.MustParsePrefix("10.0.0.1/8"), netip.MustParsePrefix("2001:db8::1/64")
		c.Gateway4 = netip.MustParseAddr("10.0.0.254")
		c.Neighbor.MaxEntries = rapid.SampledFrom([]int{64, 1500, 1 << 20}).Draw(rt, "entries")
		c.Static = []StaticNeighbor{{Addr: netip.MustParseAddr("10.0.2.1"), MAC: mac4}}
		n.add(c)
		wanted := make(map[string]bool) // of these the tracked ones
		begin := n.stack.neighbors.entries.Live()
		invented := 0
		rt.Repeat(map[string]func(*rapid.T){
			"attack": func(t2 *rapid.T) {
				kind, frames := rapid.IntRange(0, 4).Draw(t2, "kind"), rapid.SampledFrom([]int{1, 100, 3000}).Draw(t2, "frames")
				for range frames {
					invented++
					a, a6 := fmt.Sprintf("10.7.%d.%d", invented>>8&255, invented&255), fmt.Sprintf("2001:db8::7:%x", invented&0xffff)
					switch kind {
					case 0:
						n.stack.HandleFrame(requestFrom(a, "10.0.0.1", true))
					case 1:
						n.stack.HandleFrame(requestFrom(a6, "2001:db8::1", true))
					case 2:
						n.stack.HandleFrame(ping(a, "10.0.0.1"))
						if invented%2 == 0 {
							n.stack.HandleFrame(requestFrom(a, "10.0.0.1", true))
						}
					case 3: // who is known pings, so that it is busy
						n.stack.HandleFrame(requestFrom(a, "10.0.0.1", true))
						n.stack.HandleFrame(ping(a, "10.0.0.1"))
					case 4:
						n.stack.HandleFrame(requestFrom(a6, "2001:db8::1", false))
					}
				}
			},
			"want": func(t2 *rapid.T) {
				if a := fmt.Sprintf("10.0.1.%d", len(wanted)); len(wanted) < 60 {
					if h := n.subscriber.subscribe(n.iface, a, uint32(len(wanted)), false, n.loop.Now()+3_600_000_000_000); h.State == SubscribeRefused {
						t2.Fatalf("%s: %v", a, h.Reason)
					}
					wanted[a] = false
				}
			},
			"track": func(t2 *rapid.T) {
				if a := fmt.Sprintf("10.0.1.%d", len(wanted)); len(wanted) < 60 {
					if r := n.iface.Track(netip.MustParseAddr(a)); r != ReasonNone {
						t2.Fatalf("%s: %v", a, r)
					}
					wanted[a] = true
				}
			},
			"wait": func(t2 *rapid.T) {
				n.loop.RunFor(loop.Duration(rapid.SampledFrom([]int{1, 1000, 10_000}).Draw(t2, "ms")) * loop.Millisecond)
			},
			"": func(t2 *rapid.T) {
				n.link.sent = nil
				if err := n.stack.Check(); err != nil {
					t2.Fatal(err)
				}
				if entries := n.stack.neighbors.entries.Live() - begin; entries > foreignMax+len(wanted) {
					t2.Fatalf("%d neighbors, %d of them wanted", entries, len(wanted))
				}
				if records, held := int(n.stack.neighbors.entries.Len()), len(n.stack.packets.slots); records > 2*foreignMax+64 || held > 4096 {
					t2.Fatalf("memory for %d neighbors and %d packets", records, held)
				}
				for a, tracked := range wanted {
					if info, ok := n.iface.Neighbor(netip.MustParseAddr(a)); !ok || tracked && info.State == StateStale {
						t2.Fatalf("%s, tracked %t, is %v", a, tracked, info.State)
					}
				}
				n.wantState("10.0.2.1", "static "+mac4.String())
			},
		})
	})
}

// TestForeignShareOfManyInterfaces checks that beyond foreignAll an interface has
// foreignShare.
func TestForeignShareOfManyInterfaces(t *testing.T) {
	const interfaces = foreignAll/foreignMax + 4
	n := manyInterfaces(t, interfaces)
	for k := range interfaces {
		for sender := range foreignMax + 10 {
			n.stack.HandleFrame(request(mac2, fmt.Sprintf("10.9.%d.%d", sender>>8, sender&255), fmt.Sprintf("10.1.0.%d", k)).bytes(t))
		}
	}
	n.check()
	if last := n.stack.Interface(interfaces); n.stack.foreignCount != foreignAll+4*foreignShare || last.foreignCount != foreignShare {
		t.Errorf("peers made %d neighbors, %d of the last interface", n.stack.foreignCount, last.foreignCount)
	}
	for k := range interfaces {
		n.stack.RemoveInterface(n.stack.Interface(uint32(k + 1)))
	}
	if n.stack.foreignCount != 0 {
		t.Errorf("%d are left", n.stack.foreignCount)
	}
}

// suspicions counts the Suspect events.
func (n *node) suspicions() (count int) {
	for _, e := range n.observer.neighbors {
		if e.Suspect {
			count++
		}
	}
	return count
}

// TestSuspicionIsAboutMessagesNotStates checks that the time of the last message counts,
// not that of the last change of state.
func TestSuspicionIsAboutMessagesNotStates(t *testing.T) {
	for _, hop := range hops {
		t.Run(hop, func(t *testing.T) {
			announce := func(m header.MAC) []byte {
				if netip.MustParseAddr(hop).Is4() {
					return request(m, hop, hop).bytes(t)
				}
				return ndFrame{advert: true, dst: "ff02::1", target: hop, lla: m, flags: flagO}.bytes(t)
			}
			known := func() *node {
				n := alone(t)
				confirm(n, hop, mac2)
				n.run(10 * seconds)
				return n
			}
			n := known()
			n.subscriber.subscribe(n.iface, hop, 1, true, n.loop.Now()+30e9)
			n.receive(answer(t, hop, mac2))
			n.run(loop.Millisecond)
			n.receive(answer(t, hop, mac3))
			if got := n.suspicions(); got != 1 {
				t.Errorf("the owner answers and another one a millisecond later: %d events", got)
			}
			n = known()
			n.receive(announce(mac2))
			n.run(990 * loop.Millisecond)
			n.receive(announce(mac3))
			if got := n.suspicions(); got != 1 {
				t.Errorf("two announcements 990 ms apart: %d events", got)
			}
			n = known()
			n.receive(announce(mac2))
			n.run(1010 * loop.Millisecond)
			n.receive(announce(mac3))
			if got := n.suspicions(); got != 0 {
				t.Errorf("two announcements 1,010 ms apart: %d events", got)
			}
			n = known()
			for n.state(hop) != "stale "+mac2.String() {
				n.run(100 * loop.Millisecond)
			}
			n.receive(announce(mac3))
			if got := n.suspicions(); got != 0 {
				t.Errorf("a move just after the state changed: %d events", got)
			}
		})
	}
}

// manyInterfaces returns a node with count interfaces, 10.1.0.0 and on.
func manyInterfaces(t *testing.T, count int) *node {
	n := newNode(t, loop.NewVirtual(), Options{})
	for k := range count {
		n.add(InterfaceConfig{Handle: uint32(k + 1), MAC: header.MACFromUint64(0x0a0000000000 | uint64(k)),
			IPv4: netip.PrefixFrom(netip.AddrFrom4([4]byte{10, 1, byte(k >> 8), byte(k)}), 8)})
	}
	n.link.take()
	return n
}

// affectedBy counts the interfaces that a binding affects.
func (n *node) affectedBy(a string, m header.MAC) (count int) {
	for range n.stack.affected(n.iface.vlan, ipFrom(netip.MustParseAddr(a)), binding{mac: m}) {
		count++
	}
	n.check()
	return count
}

// TestBroadcastVisitsAffectedInterfacesOnly checks that of 10,000 interfaces a broadcast
// visits only those whose cache it may change.
func TestBroadcastVisitsAffectedInterfacesOnly(t *testing.T) {
	const count = 10000
	n := manyInterfaces(t, count)
	if got := n.affectedBy("10.9.9.9", mac2); got != 0 {
		t.Errorf("%d for an address that none knows", got)
	}
	n.receive(request(mac2, "10.9.9.9", "10.1.0.7").bytes(t))
	if got := n.affectedBy("10.9.9.9", mac3); got != 1 {
		t.Errorf("%d for an address that one knows", got)
	}
	for k := range count { // a router looks for all of us
		n.stack.HandleFrame(request(mac2, "10.9.9.9", fmt.Sprintf("10.1.%d.%d", k>>8, k&255)).bytes(t))
	}
	if got := n.affectedBy("10.9.9.9", mac2); got != 0 {
		t.Errorf("%d for what all know", got)
	}
	if got := len(n.stack.Interface(1).vlan.shared); got != 1 {
		t.Errorf("%d shared neighbors", got)
	}
	// One learns another MAC, so all are visited; then they agree again, and none is.
	moved := arpFrame{op: 2, senderMAC: mac4, senderIP: "10.9.9.9", targetIP: "10.1.0.7", ethDst: n.stack.Interface(8).MAC()}
	n.receive(moved.bytes(t))
	if got := n.affectedBy("10.9.9.9", mac2); got != count {
		t.Errorf("%d when one knows another MAC", got)
	}
	n.receive(request(mac3, "10.9.9.9", "10.9.9.9").bytes(t))
	for k := range count {
		if info, _ := n.stack.Interface(uint32(k + 1)).Neighbor(netip.MustParseAddr("10.9.9.9")); info.MAC != mac3 {
			t.Fatalf("interface %d has %v", k+1, info.MAC)
		}
	}
	if got := n.affectedBy("10.9.9.9", mac3); got != 0 {
		t.Errorf("%d when all have heard it", got)
	}
	// Those that forget it are not asked any longer, down to the last.
	for k := range count - 2 {
		n.stack.Interface(uint32(k + 1)).Flush()
	}
	if got := n.affectedBy("10.9.9.9", mac4); got != 2 {
		t.Errorf("%d when two know it", got)
	}
	n.stack.RemoveInterface(n.stack.Interface(count))
	if got := n.affectedBy("10.9.9.9", mac4); got != 1 {
		t.Errorf("%d when one is left", got)
	}
}

// TestCommonBindingCountsAsHeard checks that a repeated broadcast, which updates none of
// many interfaces, still counts as heard.
func TestCommonBindingCountsAsHeard(t *testing.T) {
	n := manyInterfaces(t, 20)
	for k := range 20 {
		n.receive(request(mac2, "10.9.9.9", fmt.Sprintf("10.1.0.%d", k)).bytes(t))
	}
	n.run(10 * seconds)
	n.receive(request(mac2, "10.9.9.9", "10.9.9.9").bytes(t)) // updates none
	n.run(500 * loop.Millisecond)
	n.receive(request(mac3, "10.9.9.9", "10.9.9.9").bytes(t))
	if got := n.suspicions(); got != 20 {
		t.Errorf("%d events", got)
	}
}

// TestAddressOfSiblingInterfaceIsOurs checks that the address of another interface of
// the port is not solicited: no frame comes back to the port that sent it.
func TestAddressOfSiblingInterfaceIsOurs(t *testing.T) {
	n := alone(t)
	c := config(5)
	other := n.add(c)
	c = config(7)
	c.Tags = []header.VLAN{{ID: 7}}
	n.add(c)
	n.link.take()
	for _, a := range []string{"192.0.2.5", "2001:db8::5", "fe80::5"} {
		if h := n.subscriber.subscribe(n.iface, a, 1, false, 30e9); h.State != SubscribeRefused || h.Reason != OwnAddress {
			t.Errorf("%s: %+v", a, h)
		}
	}
	n.wantSent()
	// One of another VLAN may well be behind a router or a switch of theirs.
	if h := n.subscriber.subscribe(n.iface, "192.0.2.7", 2, false, 30e9); h.State != SubscribeDue {
		t.Errorf("%+v", h)
	}
	n.stack.RemoveInterface(other)
	if h := n.subscriber.subscribe(n.iface, "192.0.2.5", 3, false, 30e9); h.State != SubscribeDue {
		t.Errorf("after the interface has gone: %+v", h)
	}
}

// TestRangeExcludesAddressesOfNoHost checks that a range of all addresses does not
// answer for addresses that no host can have.
func TestRangeExcludesAddressesOfNoHost(t *testing.T) {
	n := newNode(t, loop.NewVirtual(), Options{})
	c := config(1)
	c.RespondFor = []netip.Prefix{netip.MustParsePrefix("0.0.0.0/0"), netip.MustParsePrefix("::/0")}
	n.add(c)
	n.link.take()
	for _, target := range []string{"192.0.2.255", "192.0.2.0", "255.255.255.255", "224.0.0.1", "127.0.0.1", "0.0.0.0", "0.1.2.3"} {
		n.receive(request(mac2, peer, target).bytes(t))
		n.wantSent()
	}
	for _, target := range []string{"::1", "::"} {
		n.receive(ndFrame{src: peer6, dst: "ff02::1:ff00:1", target: target, lla: mac2}.bytes(t))
		n.wantSent()
	}
	n.receive(request(mac2, peer, "192.0.2.77").bytes(t))
	n.wantSent("m1>m2 arp is-at 192.0.2.77(m1) 192.0.2.2(m2)")
}
