package stack

import (
	"fmt"
	"net/netip"
	"testing"

	"glean/stack/header"
	"glean/stack/loop"
)

// ping is an echo request from an address, which need not be anybody's.
func ping(src, dst string) []byte {
	return append([]byte{2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 9, 8, 0}, echoRequest(src, dst, []byte("x"))...)
}

// TestAnsweringTakesNoRoomFromUs: whoever invents senders of questions that we can
// answer only when we have asked for the sender fills the table with these, and
// yet nothing of ours goes, and all that we want finds a place.
func TestAnsweringTakesNoRoomFromUs(t *testing.T) {
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
				if h := n.waiter.hold(n.iface, fmt.Sprintf(c.ours, k), uint32(k), false, n.loop.Now()+30e9); h.State == HeldRefused {
					t.Fatalf("number %d: %v", k, h.Reason)
				}
			}
			n.check()
			n.run(60 * seconds) // what peers wanted is over
			if n.iface.busy != 0 || n.stack.strangers != 0 {
				t.Errorf("%d busy, %d strangers a minute later", n.iface.busy, n.stack.strangers)
			}
		})
	}
}

// TestStrangersAreFew: the questions that a peer has us ask are bounded.
func TestStrangersAreFew(t *testing.T) {
	n := newNode(t, loop.NewVirtual(), Options{})
	c := config(1)
	c.IPv4 = netip.MustParsePrefix("10.0.0.1/8")
	c.Gateway4 = netip.MustParseAddr("10.0.0.254")
	n.add(c)
	n.link.take()
	for k := range 2 * maxStrangers {
		n.stack.HandleFrame(ping(fmt.Sprintf("10.7.%d.%d", k>>8, k&255), "10.0.0.1"))
	}
	n.check()
	if n.stack.strangers != maxStrangers || len(n.link.take()) != maxStrangers {
		t.Errorf("%d strangers", n.stack.strangers)
	}
	if drops := n.stack.Counters().Dropped[DropForeignFull]; drops != maxStrangers {
		t.Errorf("%d drops", drops)
	}
	// Who is wanted by us as well is no stranger, and its answer is sent.
	n.waiter.hold(n.iface, "10.7.0.0", 1, false, 30e9)
	if n.stack.strangers != maxStrangers-1 {
		t.Errorf("%d strangers after one was adopted", n.stack.strangers)
	}
	n.receive(reply(mac3, "10.7.0.0").bytes(t))
	n.wantSent("m1>m3 10.0.0.1>10.7.0.0 EchoReply")
	// So is that of a stranger who answers; it may give way when it is STALE.
	n.receive(reply(mac4, "10.7.0.1").bytes(t))
	n.wantSent("m1>m4 10.0.0.1>10.7.0.1 EchoReply")
	n.run(60 * seconds)
	if n.stack.strangers != 0 || n.iface.NeighborCount() != 2 {
		t.Errorf("%d strangers, %d neighbors", n.stack.strangers, n.iface.NeighborCount())
	}
	for _, i := range []struct {
		list uint32
		want uint32
	}{{n.iface.foreign, n.stack.neighbors.find(n.iface.slot, ipFrom(netip.MustParseAddr("10.7.0.1")))},
		{n.iface.stale, n.stack.neighbors.find(n.iface.slot, ipFrom(netip.MustParseAddr("10.7.0.0")))}} {
		if got := n.stack.neighbors.timers.oldest(i.list); got != i.want {
			t.Errorf("neighbor %d gives way first, want %d", got, i.want)
		}
	}
}

// suspicions counts the events.
func (n *node) suspicions() (count int) {
	for _, e := range n.observer.neighbors {
		if e.Suspect {
			count++
		}
	}
	return count
}

// TestSuspicionIsAboutWhatWasTold: not about when the state changed.
func TestSuspicionIsAboutWhatWasTold(t *testing.T) {
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
			n.waiter.hold(n.iface, hop, 1, true, n.loop.Now()+30e9)
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

// manyInterfaces makes a port with as many interfaces, 10.1.0.0 and on.
func manyInterfaces(t *testing.T, count int) *node {
	n := newNode(t, loop.NewVirtual(), Options{})
	for k := range count {
		n.add(InterfaceConfig{Handle: uint32(k + 1), MAC: header.MACFromUint64(0x0a0000000000 | uint64(k)),
			IPv4: netip.PrefixFrom(netip.AddrFrom4([4]byte{10, 1, byte(k >> 8), byte(k)}), 8)})
	}
	n.link.take()
	return n
}

// concerned counts the interfaces that a claim is put before.
func (n *node) concerned(a string, m header.MAC) (count int) {
	for range n.stack.knowers(n.iface.segment, ipFrom(netip.MustParseAddr(a)), claim{mac: m}) {
		count++
	}
	n.check()
	return count
}

// TestFewInterfacesAreAsked: of 10,000 only those that may learn something.
func TestFewInterfacesAreAsked(t *testing.T) {
	const count = 10000
	n := manyInterfaces(t, count)
	if got := n.concerned("10.9.9.9", mac2); got != 0 {
		t.Errorf("%d for an address that none knows", got)
	}
	n.receive(request(mac2, "10.9.9.9", "10.1.0.7").bytes(t))
	if got := n.concerned("10.9.9.9", mac3); got != 1 {
		t.Errorf("%d for an address that one knows", got)
	}
	for k := range count { // a router looks for all of us
		n.stack.HandleFrame(request(mac2, "10.9.9.9", fmt.Sprintf("10.1.%d.%d", k>>8, k&255)).bytes(t))
	}
	if got := n.concerned("10.9.9.9", mac2); got != 0 {
		t.Errorf("%d for what all know", got)
	}
	if got := len(n.stack.Interface(1).segment.shared); got != 1 {
		t.Errorf("%d shared neighbors", got)
	}
	// One learns otherwise, so all are asked; they agree with the last, and none is.
	moved := arpFrame{op: 2, senderMAC: mac4, senderIP: "10.9.9.9", targetIP: "10.1.0.7", ethDst: n.stack.Interface(8).MAC()}
	n.receive(moved.bytes(t))
	if got := n.concerned("10.9.9.9", mac2); got != count {
		t.Errorf("%d when one knows another MAC", got)
	}
	n.receive(request(mac3, "10.9.9.9", "10.9.9.9").bytes(t))
	for k := range count {
		if info, _ := n.stack.Interface(uint32(k + 1)).Neighbor(netip.MustParseAddr("10.9.9.9")); info.MAC != mac3 {
			t.Fatalf("interface %d has %v", k+1, info.MAC)
		}
	}
	if got := n.concerned("10.9.9.9", mac3); got != 0 {
		t.Errorf("%d when all have heard it", got)
	}
	// Those that forget it are not asked any more, down to the last.
	for k := range count - 2 {
		n.stack.Interface(uint32(k + 1)).Flush()
	}
	if got := n.concerned("10.9.9.9", mac4); got != 2 {
		t.Errorf("%d when two know it", got)
	}
	n.stack.RemoveInterface(n.stack.Interface(count))
	if got := n.concerned("10.9.9.9", mac4); got != 1 {
		t.Errorf("%d when one is left", got)
	}
}

// TestSuspicionAmongMany: what none of many interfaces was told again counts as
// heard all the same.
func TestSuspicionAmongMany(t *testing.T) {
	n := manyInterfaces(t, 20)
	for k := range 20 {
		n.receive(request(mac2, "10.9.9.9", fmt.Sprintf("10.1.0.%d", k)).bytes(t))
	}
	n.run(10 * seconds)
	n.receive(request(mac2, "10.9.9.9", "10.9.9.9").bytes(t)) // news to nobody
	n.run(500 * loop.Millisecond)
	n.receive(request(mac3, "10.9.9.9", "10.9.9.9").bytes(t))
	if got := n.suspicions(); got != 20 {
		t.Errorf("%d events", got)
	}
}

// TestSiblingsAddressIsOurOwn: no frame comes back to the port that sent it.
func TestSiblingsAddressIsOurOwn(t *testing.T) {
	n := alone(t)
	c := config(5)
	other := n.add(c)
	c = config(7)
	c.Tags = []header.VLAN{{ID: 7}}
	n.add(c)
	n.link.take()
	for _, a := range []string{"192.0.2.5", "2001:db8::5", "fe80::5"} {
		if h := n.waiter.hold(n.iface, a, 1, false, 30e9); h.State != HeldRefused || h.Reason != OwnAddress {
			t.Errorf("%s: %+v", a, h)
		}
	}
	n.wantSent()
	// One of another VLAN may well be behind a router or a switch of theirs.
	if h := n.waiter.hold(n.iface, "192.0.2.7", 2, false, 30e9); h.State != HeldAsk {
		t.Errorf("%+v", h)
	}
	n.stack.RemoveInterface(other)
	if h := n.waiter.hold(n.iface, "192.0.2.5", 3, false, 30e9); h.State != HeldAsk {
		t.Errorf("after the interface has gone: %+v", h)
	}
}

// TestRangesHaveNoImpossibleAddresses: a range that covers everything is not
// everything.
func TestRangesHaveNoImpossibleAddresses(t *testing.T) {
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
