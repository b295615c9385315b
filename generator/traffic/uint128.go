package traffic

import (
	"encoding/binary"
	"math/big"
	"math/bits"
	"net/netip"
)

// Uint128 is an unsigned 128-bit number: an IPv6 address, or any shorter value. Sums and
// products are modulo 2^128.
type Uint128 struct{ Hi, Lo uint64 }

// IsZero reports whether the number is 0.
func (a Uint128) IsZero() bool { return a.Hi|a.Lo == 0 }

// Plus returns a + b.
func (a Uint128) Plus(b Uint128) Uint128 {
	lo, carry := bits.Add64(a.Lo, b.Lo, 0)
	return Uint128{a.Hi + b.Hi + carry, lo}
}

// Times returns a * n.
func (a Uint128) Times(n uint64) Uint128 {
	hi, lo := bits.Mul64(a.Lo, n)
	return Uint128{hi + a.Hi*n, lo}
}

func (a Uint128) big() *big.Int {
	b := new(big.Int).SetUint64(a.Hi)
	return b.Lsh(b, 64).Or(b, new(big.Int).SetUint64(a.Lo))
}

// uint128FromBig returns b modulo 2^128: a negative number becomes its two's complement,
// and adding it subtracts.
func uint128FromBig(b *big.Int) Uint128 {
	m := new(big.Int).And(b, maxUint128)
	return Uint128{new(big.Int).Rsh(m, 64).Uint64(), new(big.Int).And(m, maxUint64).Uint64()}
}

var (
	maxUint64  = new(big.Int).SetUint64(^uint64(0))
	maxUint128 = new(big.Int).Sub(new(big.Int).Lsh(big.NewInt(1), 128), big.NewInt(1))
)

// Uint128FromAddr returns an address as a number.
func Uint128FromAddr(a netip.Addr) Uint128 {
	if a.Is4() {
		b := a.As4()
		return Uint128{0, uint64(binary.BigEndian.Uint32(b[:]))}
	}
	b := a.As16()
	return Uint128FromBytes(b)
}

// Uint128FromBytes returns the number of big-endian octets.
func Uint128FromBytes(b [16]byte) Uint128 {
	return Uint128{binary.BigEndian.Uint64(b[:8]), binary.BigEndian.Uint64(b[8:])}
}

// Bytes returns the number's octets, big-endian.
func (a Uint128) Bytes() (b [16]byte) {
	binary.BigEndian.PutUint64(b[:8], a.Hi)
	binary.BigEndian.PutUint64(b[8:], a.Lo)
	return b
}

// Addr returns the number as an address.
func (a Uint128) Addr(is4 bool) netip.Addr {
	if is4 {
		var b [4]byte
		binary.BigEndian.PutUint32(b[:], uint32(a.Lo))
		return netip.AddrFrom4(b)
	}
	return netip.AddrFrom16(a.Bytes())
}
