package stack

import (
	"net/netip"
	"testing"

	"glean/stack/header"
	"glean/stack/loop"
)

// TestSizeFitsTheHeap checks that Size of a full cache is right within a factor of 1.5.
func TestSizeFitsTheHeap(t *testing.T) {
	const neighbors = 200_000
	for _, first := range []string{"10.1.0.0", "2001:db8::1:0"} {
		l := loop.NewVirtual()
		s := New(l, nullLink{}, Options{Subscriber: silentSubscriber{}})
		c := config(1)
		c.Gateway4, c.Gateway6 = netip.Addr{}, netip.Addr{}
		c.IPv4, c.IPv6 = netip.MustParsePrefix("10.0.0.1/8"), netip.MustParsePrefix("2001:db8::1/64")
		i, err := s.AddInterface(c)
		if err != nil {
			t.Fatal(err)
		}
		before := int64(heap())
		a := netip.MustParseAddr(first)
		for n := range uint32(neighbors) {
			i.Subscribe(a, n, false, loop.Never)
			a = a.Next()
		}
		measured := int64(heap()) - before
		t.Logf("%s: %d octets measured, %d counted", first, measured, s.Size())
		if n := i.NeighborCount(); n != neighbors {
			t.Fatalf("%d neighbors", n)
		}
		if 2*s.Size() > 3*measured || 3*s.Size() < 2*measured {
			t.Errorf("%s: %d octets are counted as %d", first, measured, s.Size())
		}
		s.RemoveInterface(i)
		if s.Size() != 0 {
			t.Errorf("%d octets are counted without a neighbor", s.Size())
		}
	}
}

// silentSubscriber solicits nothing.
type silentSubscriber struct{}

func (silentSubscriber) SolicitDue(uint32)                                   {}
func (silentSubscriber) Confirmed(uint32, header.MAC, loop.Duration, uint32) {}
