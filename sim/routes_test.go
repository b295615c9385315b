package sim

import (
	"net/netip"
	"testing"

	"pgregory.net/rapid"
)

// The table finds what a search of all routes finds.
func TestRoutesAgainstSlowSearch(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var table Routes[int]
		slow := map[netip.Prefix]int{}
		address := func(what string) netip.Addr {
			// Few different octets, so that prefixes hold each other and addresses.
			octet := rapid.SampledFrom([]byte{0, 1, 0x80, 0xff})
			if rapid.Bool().Draw(t, "v6") {
				return netip.AddrFrom16([16]byte(rapid.SliceOfN(octet, 16, 16).Draw(t, what)))
			}
			return netip.AddrFrom4([4]byte(rapid.SliceOfN(octet, 4, 4).Draw(t, what)))
		}
		for i := range rapid.IntRange(0, 60).Draw(t, "steps") {
			a := address("prefix")
			p := netip.PrefixFrom(a, rapid.IntRange(0, a.BitLen()).Draw(t, "bits"))
			if rapid.IntRange(0, 3).Draw(t, "remove") == 0 {
				_, known := slow[p.Masked()]
				if table.Remove(p) != known {
					t.Fatalf("Remove(%s), known %t", p, known)
				}
				delete(slow, p.Masked())
			} else {
				table.Add(p, i)
				slow[p.Masked()] = i
			}
			want, bits := 0, -1
			dst := address("destination")
			for p, r := range slow {
				if p.Contains(dst) && p.Bits() > bits {
					want, bits = r, p.Bits()
				}
			}
			if got, ok := table.Find(dst); ok != (bits >= 0) || ok && got != want {
				t.Fatalf("Find(%s) = %d %t, want %d of /%d", dst, got, ok, want, bits)
			}
			if table.Len() != len(slow) {
				t.Fatalf("Len %d, want %d", table.Len(), len(slow))
			}
		}
	})
}

func BenchmarkRoutes(b *testing.B) {
	var table Routes[int]
	for i := range 1000 {
		table.Add(netip.PrefixFrom(Address(netip.MustParsePrefix("10.0.0.0/8"), uint32(i)<<8), 24), i)
	}
	table.Add(netip.MustParsePrefix("0.0.0.0/0"), -1)
	dst := netip.MustParseAddr("10.1.2.3")
	for b.Loop() {
		table.Find(dst)
	}
}
