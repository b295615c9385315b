package generator

import (
	"encoding/binary"
	"math/big"
	"math/bits"
	"net/netip"
)

// wide is an unsigned 128-bit number: an IPv6 address, or any shorter value.
// Sums and products are modulo 2^128.
type wide struct{ hi, lo uint64 }

func (a wide) isZero() bool { return a.hi|a.lo == 0 }

func (a wide) plus(b wide) wide {
	lo, carry := bits.Add64(a.lo, b.lo, 0)
	return wide{a.hi + b.hi + carry, lo}
}

func (a wide) times(n uint64) wide {
	hi, lo := bits.Mul64(a.lo, n)
	return wide{hi + a.hi*n, lo}
}

func (a wide) big() *big.Int {
	b := new(big.Int).SetUint64(a.hi)
	return b.Lsh(b, 64).Or(b, new(big.Int).SetUint64(a.lo))
}

// wideFromBig is b modulo 2^128, so that a negative number becomes its two's
// complement and adding it subtracts.
func wideFromBig(b *big.Int) wide {
	m := new(big.Int).And(b, maxWide)
	return wide{new(big.Int).Rsh(m, 64).Uint64(), new(big.Int).And(m, maxUint64).Uint64()}
}

var (
	maxUint64 = new(big.Int).SetUint64(^uint64(0))
	maxWide   = new(big.Int).Sub(new(big.Int).Lsh(big.NewInt(1), 128), big.NewInt(1))
)

func wideFromAddr(a netip.Addr) wide {
	if a.Is4() {
		b := a.As4()
		return wide{0, uint64(binary.BigEndian.Uint32(b[:]))}
	}
	b := a.As16()
	return wideFromBytes(b)
}

func wideFromBytes(b [16]byte) wide {
	return wide{binary.BigEndian.Uint64(b[:8]), binary.BigEndian.Uint64(b[8:])}
}

func (a wide) bytes() (b [16]byte) {
	binary.BigEndian.PutUint64(b[:8], a.hi)
	binary.BigEndian.PutUint64(b[8:], a.lo)
	return b
}

// addr is the address that a stands for.
func (a wide) addr(is4 bool) netip.Addr {
	if is4 {
		var b [4]byte
		binary.BigEndian.PutUint32(b[:], uint32(a.lo))
		return netip.AddrFrom4(b)
	}
	return netip.AddrFrom16(a.bytes())
}

// sum is a's ones'-complement sum of 16-bit words, below 2^17.
func (a wide) sum() uint64 {
	s, carry := bits.Add64(a.hi, a.lo, 0)
	s, carry = bits.Add64(s, carry, 0)
	s = s>>32 + s&0xffffffff + carry
	s = s>>16 + s&0xffff
	return s>>16 + s&0xffff
}
