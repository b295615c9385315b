package engine

import (
	"net/netip"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"glean/stack"
)

// TestFirstPlaces: what is kept is what a sort of everything begins with.
func TestFirstPlaces(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		limit := rapid.IntRange(0, 9).Draw(t, "limit")
		kept := firstPlaces{limit: limit}
		var all []place
		for _, n := range rapid.SliceOfNDistinct(rapid.Uint16Range(0, 999), 0, 100, rapid.ID[uint16]).Draw(t, "places") {
			p := place{int(n % 3), stack.NeighborInfo{Addr: netip.AddrFrom4([4]byte{10, 0, byte(n >> 8), byte(n)})}}
			all = append(all, p)
			kept.add(p)
		}
		slices.SortFunc(all, place.compare)
		if limit > 0 {
			all = all[:min(limit, len(all))]
		}
		if got := kept.sorted(); !slices.Equal(got, all) {
			t.Errorf("limit %d: %v, want %v", limit, got, all)
		}
	})
}
