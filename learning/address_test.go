package learning

import (
	"net/netip"
	"testing"

	"pgregory.net/rapid"
)

func drawAddr(t *rapid.T, name string) netip.Addr {
	switch rapid.IntRange(0, 3).Draw(t, name+" kind") {
	case 0:
		return netip.AddrFrom4([4]byte(rapid.SliceOfN(rapid.Byte(), 4, 4).Draw(t, name)))
	case 1: // close together
		return netip.AddrFrom4([4]byte{10, 0, 0, byte(rapid.IntRange(0, 3).Draw(t, name))})
	case 2:
		b := [16]byte{15: byte(rapid.IntRange(0, 3).Draw(t, name))}
		return netip.AddrFrom16(b)
	}
	return netip.AddrFrom16([16]byte(rapid.SliceOfN(rapid.Byte(), 16, 16).Draw(t, name))).Unmap()
}

// TestAddress: packing keeps the address, and the order of netip.
func TestAddress(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a, b := drawAddr(t, "a"), drawAddr(t, "b")
		pa, pb := addressOf(a), addressOf(b)
		if pa.ip() != a {
			t.Fatalf("%v became %v", a, pa.ip())
		}
		if got, want := pa.compare(&pb), a.Compare(b); got != want {
			t.Fatalf("compare(%v, %v) = %d, want %d", a, b, got, want)
		}
	})
}

// TestHashSpreads: whatever way addresses follow each other, hardly more meet in
// a half-full table than random numbers do (a mean of 1.5 probes to find one).
func TestHashSpreads(t *testing.T) {
	const n = 1 << 15
	series := map[string]func(i int) address{
		"/17 in order":    func(i int) address { return addressOf(ipv4(i)) },
		"every 256th":     func(i int) address { return addressOf(ipv4(i << 8)) },
		"IPv6, low bits":  func(i int) address { return address{0: 0x20, 1: 1, 14: byte(i >> 8), 15: byte(i)} },
		"IPv6, one a /64": func(i int) address { return address{0: 0x20, 1: 1, 6: byte(i >> 8), 7: byte(i), 15: 1} },
	}
	for name, at := range series {
		for _, byHandle := range []bool{false, true} {
			table := make([]bool, 2*n)
			probes := 0
			for i := range n {
				a, handle := at(i), uint32(1)
				if byHandle {
					a, handle = at(1), uint32(i)
				}
				j := a.hash(handle) % (2 * n)
				for probes++; table[j]; probes++ {
					j = (j + 1) % (2 * n)
				}
				table[j] = true
			}
			if mean := float64(probes) / n; mean > 1.6 {
				t.Errorf("%s, by handle %v: %.2f probes", name, byHandle, mean)
			}
		}
	}
}
