package program

import (
	"math/big"
	"testing"

	"pgregory.net/rapid"

	"glean/generator/traffic"
)

// The sum of a number's 16-bit words is the number modulo 65,535.
func TestSumOfIsModulo65535(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a := traffic.Uint128{Hi: rapid.Uint64().Draw(t, "hi"), Lo: rapid.Uint64().Draw(t, "lo")}
		n := new(big.Int).SetUint64(a.Hi)
		n.Lsh(n, 64).Or(n, new(big.Int).SetUint64(a.Lo))
		want := n.Mod(n, big.NewInt(65535)).Uint64()
		if got := sumOf(a) % 65535; got != want || sumOf(a) > 1<<17 {
			t.Fatalf("sum %x", sumOf(a))
		}
	})
}
