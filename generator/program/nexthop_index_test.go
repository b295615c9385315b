package program

import (
	"net/netip"
	"testing"

	"pgregory.net/rapid"
)

// TestHopIndex finds every next hop and nothing else, in 6 octets for each.
func TestHopIndex(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var keys keyTable
		for range rapid.IntRange(0, 6).Draw(t, "ranges") {
			a := netip.AddrFrom4([4]byte{10, 0, byte(rapid.IntRange(0, 3).Draw(t, "net")), 0})
			if rapid.Bool().Draw(t, "v6") {
				b := netip.MustParseAddr("2001:db8::").As16()
				b[rapid.IntRange(4, 15).Draw(t, "octet")] = rapid.Byte().Draw(t, "value")
				a = netip.AddrFrom16(b)
			}
			for range rapid.IntRange(1, 100).Draw(t, "count") {
				keys.add(keyOfAddr(a))
				a = a.Next()
			}
		}
		if rapid.Bool().Draw(t, "no route") {
			keys.add(noRoute)
		}
		p := &Program{hops: keys.keys, index: newHopIndex(keys.keys)}
		for want, hop := range p.Hops() {
			if adj, ok := p.AdjacencyOf(hop); ok != hop.IsValid() || ok && adj != uint32(want) {
				t.Fatalf("%v: %d %v, want %d", hop, adj, ok, want)
			}
		}
		for _, other := range []string{"10.0.4.0", "10.0.0.200", "2001:db8::ffff:1", "fe80::1", "0.0.0.0"} {
			if adj, ok := p.AdjacencyOf(netip.MustParseAddr(other)); ok && p.Hop(adj).String() != other {
				t.Fatalf("%s is %v", other, p.Hop(adj))
			}
		}
		if n := len(p.hops); len(p.index.slots) > n+n/2+16 {
			t.Fatalf("%d slots for %d next hops", len(p.index.slots), n)
		}
	})
}
