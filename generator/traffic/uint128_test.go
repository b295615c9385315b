package traffic

import (
	"math/big"
	"testing"

	"pgregory.net/rapid"
)

func TestUint128ArithmeticEqualsBigOne(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		draw := func() Uint128 { return Uint128{rapid.Uint64().Draw(t, "hi"), rapid.Uint64().Draw(t, "lo")} }
		a, b, n := draw(), draw(), rapid.Uint64().Draw(t, "n")
		big128 := func(x *big.Int) Uint128 { return uint128FromBig(x) }
		if got := a.Plus(b); got != big128(new(big.Int).Add(a.big(), b.big())) {
			t.Fatal("plus", got)
		}
		if got := a.Times(n); got != big128(new(big.Int).Mul(a.big(), new(big.Int).SetUint64(n))) {
			t.Fatal("times", got)
		}
		if got := Uint128FromBytes(a.Bytes()); got != a {
			t.Fatal("bytes", got)
		}
	})
}
