package stack

import (
	"fmt"
	"net/netip"
	"strings"
	"testing"

	"glean/stack/header"
	"glean/stack/loop"
)

// TestBurstToUnresolvedNeighborIsSentInOrder sends a burst to an unresolved neighbor.
// OpenPerf's stack lost all but one packet of it. Here MaxHeld packets arrive, in their
// order; the oldest ones are dropped and counted.
func TestBurstToUnresolvedNeighborIsSentInOrder(t *testing.T) {
	for _, dst := range []string{peer, peer6} {
		n := alone(t)
		const more = 10
		for k := range maxHeldPerNeighbor(n) + more {
			src := n.iface.Source(netip.MustParseAddr(dst)).String()
			packet := udpPacket(t, src, dst)
			packet[len(packet)-1] = byte(k)
			if r := n.iface.Output(netip.MustParseAddr(dst), packet); r != ReasonNone {
				t.Fatal(r)
			}
		}
		if q := n.link.take(); len(q) != 1 {
			t.Fatalf("%s: %d frames before the answer: %v", dst, len(q), q)
		}
		n.receive(answer(t, dst, mac2))
		if len(n.link.sent) != maxHeldPerNeighbor(n) {
			t.Errorf("%s: %d packets arrived, want %d", dst, len(n.link.sent), maxHeldPerNeighbor(n))
		}
		for k, f := range n.link.sent {
			if header.MAC(f[:6]) != mac2 || f[len(f)-1] != byte(k+more) {
				t.Errorf("%s: packet %d is number %d, to %v", dst, k, f[len(f)-1], header.MAC(f[:6]))
			}
		}
		if got := n.stack.Counters().Dropped[DropHeldOverflow]; got != more {
			t.Errorf("%s: %d packets are counted as dropped, want %d", dst, got, more)
		}
	}
}

func maxHeldPerNeighbor(n *node) int { return n.iface.Config().Neighbor.MaxHeld }

// TestLinkLocalIPv4IsNeverBehindAGateway checks RFC 3927 sections 2.6.2 and 2.7: nothing
// to or from 169.254/16 goes to a router, and its broadcast address is not resolved.
func TestLinkLocalIPv4IsNeverBehindAGateway(t *testing.T) {
	t.Run("D02 the broadcast address of 169.254/16 is not resolved", func(t *testing.T) {
		n := alone(t)
		if r := n.iface.Output(netip.MustParseAddr("169.254.255.255"), udpPacket(t, "192.0.2.1", "169.254.255.255")); r != ReasonNone {
			t.Fatal(r)
		}
		if got := n.link.take(); len(got) != 1 || !strings.HasPrefix(got[0], "m1>all 192.0.2.1>169.254.255.255") {
			t.Errorf("sent %v", got)
		}
	})
	t.Run("D02 from a link-local address all destinations are resolved, nothing goes to a gateway", func(t *testing.T) {
		for _, gateway := range []string{"", "169.254.0.1"} {
			n := newNode(t, loop.NewVirtual(), Options{})
			c := InterfaceConfig{MAC: mac1, IPv4: netip.MustParsePrefix("169.254.1.1/16")}
			if gateway != "" {
				c.Gateway4 = netip.MustParseAddr(gateway)
			}
			n.add(c)
			for dst, want := range map[string]string{"169.254.9.9": "169.254.9.9", "192.0.2.7": "192.0.2.7", "127.0.0.1": "no_route", "0.0.0.0": "no_route"} {
				hop, r := n.iface.NextHop(netip.MustParseAddr(dst))
				got := fmt.Sprint(hop)
				if r != ReasonNone {
					got = r.String()
				}
				if got != want {
					t.Errorf("gateway %q: next hop of %s is %s, want %s", gateway, dst, got, want)
				}
			}
		}
	})
}
