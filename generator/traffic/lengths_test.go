package traffic

import (
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// TestIMIX: over a cycle each length occurs as often as its weight.
func TestIMIX(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		weights := rapid.SliceOfN(rapid.IntRange(1, 40), 1, 8).Draw(t, "weights")
		var lengths []uint16
		sum := 0
		for i, w := range weights {
			lengths = append(lengths, uint16(64+i))
			sum += w
		}
		cycle := spread(lengths, weights, sum)
		counts := make([]int, len(weights))
		for k, n := range cycle {
			i := n - 64
			counts[i]++
			// evenly: never two away from the exact share
			if off := counts[i]*sum - (k+1)*weights[i]; off > 2*sum || off < -2*sum {
				t.Fatalf("%d frames of weight %d after %d of %d", counts[i], weights[i], k+1, sum)
			}
		}
		if !slices.Equal(counts, weights) {
			t.Fatalf("%v, not %v", counts, weights)
		}
	})
}
