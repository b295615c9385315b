package engine

import (
	"net/netip"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// TestNeighborListKeepsTheFirst: the list has the first neighbors of a sort of all of them,
// for any division into pages, and no neighbor twice.
func TestNeighborListKeepsTheFirst(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		l := NeighborList{ids: map[uint32]string{0: "b", 1: "a", 2: "c"}}
		l.Filter.Limit = rapid.IntRange(0, 9).Draw(t, "limit")
		var all []packedKey
		for _, n := range rapid.SliceOfN(rapid.Uint16Range(0, 999), 0, 100).Draw(t, "places") {
			p := packedKey{netip.AddrFrom4([4]byte{10, 0, byte(n >> 8), byte(n)}).As16(), uint32(n % 3)}
			if slices.Contains(all, p) {
				continue
			}
			all = append(all, p)
			l.page = append(l.page, p)
			if rapid.Bool().Draw(t, "page ends") {
				l.Merge()
			}
		}
		l.Merge()
		slices.SortFunc(all, l.compare)
		if l.Filter.Limit > 0 {
			all = all[:min(l.Filter.Limit, len(all))]
		}
		if n := l.Sort(); n != len(all) || !slices.Equal(l.found, all) {
			t.Errorf("limit %d: %v, want %v", l.Filter.Limit, l.found, all)
		}
	})
}
