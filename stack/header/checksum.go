package header

import (
	"encoding/binary"
	"math/bits"
)

// The checksum of RFC 1071 is the complement of a sum that is the same in any
// order and any grouping, so headers, pseudo headers and payloads are summed
// apart and the sums added. A "sum" below is such a partial sum, folded to 16
// bits and not complemented. Pieces other than the last have even length.

// Checksum is the Internet checksum of b and of the sum initial, ready to be
// written into a header. Over bytes that hold a right checksum it is 0.
func Checksum(b []byte, initial uint16) uint16 { return ^Sum(b, initial) }

// Sum adds b to the sum initial. An odd last octet counts as followed by 0.
func Sum(b []byte, initial uint16) uint16 {
	// The sum is taken in little-endian order and turned at the end: swapping
	// the octets of every word swaps those of the sum (RFC 1071 section 2 B).
	acc, carry := uint64(bits.ReverseBytes16(initial)), uint64(0)
	for len(b) >= 32 {
		acc, carry = bits.Add64(acc, binary.LittleEndian.Uint64(b), carry)
		acc, carry = bits.Add64(acc, binary.LittleEndian.Uint64(b[8:]), carry)
		acc, carry = bits.Add64(acc, binary.LittleEndian.Uint64(b[16:]), carry)
		acc, carry = bits.Add64(acc, binary.LittleEndian.Uint64(b[24:]), carry)
		b = b[32:]
	}
	for len(b) >= 8 {
		acc, carry = bits.Add64(acc, binary.LittleEndian.Uint64(b), carry)
		b = b[8:]
	}
	var tail uint64
	if len(b) >= 4 {
		tail = uint64(binary.LittleEndian.Uint32(b))
		b = b[4:]
	}
	if len(b) >= 2 {
		tail += uint64(binary.LittleEndian.Uint16(b))
		b = b[2:]
	}
	if len(b) == 1 {
		tail += uint64(b[0])
	}
	acc, carry = bits.Add64(acc, tail, carry) // tail is short, so acc+carry does not overflow
	return bits.ReverseBytes16(fold(acc + carry))
}

// fold brings a sum of 16-bit words to 16 bits.
func fold(acc uint64) uint16 {
	acc = acc>>32 + acc&0xffffffff
	acc = acc>>16 + acc&0xffff
	acc = acc>>16 + acc&0xffff
	return uint16(acc>>16 + acc)
}

// AddSums is the sum of two sums.
func AddSums(a, b uint16) uint16 {
	s := uint32(a) + uint32(b)
	return uint16(s>>16 + s)
}

// UpdateChecksum returns the checksum after a field changed (RFC 1624, equation 3). from
// and to are the field's old and new 16-bit value or, for a longer field at an even
// offset, its old and new Sum. The result is that of a new calculation, provided that
// not all the bytes summed are zero.
func UpdateChecksum(checksum, from, to uint16) uint16 {
	return ^AddSums(AddSums(^checksum, ^from), to)
}

// SumIPv4Pseudo is the sum of the pseudo header of UDP and TCP over IPv4
// (RFC 768, RFC 9293 section 3.1). length is that of the UDP or TCP header and
// payload, in octets.
func SumIPv4Pseudo(src, dst [4]byte, p Protocol, length int) uint16 {
	return fold(uint64(binary.BigEndian.Uint32(src[:])) + uint64(binary.BigEndian.Uint32(dst[:])) +
		uint64(p) + uint64(length))
}

// SumIPv6Pseudo is the sum of the pseudo header of upper layers over IPv6
// (RFC 8200 section 8.1). length is that of the upper layer's header and
// payload, in octets.
func SumIPv6Pseudo(src, dst [16]byte, p Protocol, length int) uint16 {
	acc, carry := bits.Add64(binary.BigEndian.Uint64(src[:8]), binary.BigEndian.Uint64(src[8:]), 0)
	acc, carry = bits.Add64(acc, binary.BigEndian.Uint64(dst[:8]), carry)
	acc, carry = bits.Add64(acc, binary.BigEndian.Uint64(dst[8:]), carry)
	acc, carry = bits.Add64(acc, uint64(p)+uint64(length), carry)
	acc, carry = bits.Add64(acc, 0, carry)
	return fold(acc + carry)
}
