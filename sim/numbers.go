package sim

import (
	"encoding/binary"
	"net/netip"

	"glean/stack/header"
)

// Kind is what a simulated station is. It is the second octet of its MAC, so
// that a trace shows the sender: 02:00:00:00:04:d2 is host 1234 (0x4d2), and
// in 10.0.0.0/16 that host is 10.0.4.210, in 2001:db8::/64 it is 2001:db8::4d2.
type Kind uint8

// Kinds of stations.
const (
	KindHost   Kind = 0x00
	KindTester Kind = 0x01 // glean's own interfaces
	KindRouter Kind = 0x02 // number: router << 12 | port
	KindFarm   Kind = 0xfa
)

// MAC returns the MAC of station number n of a kind.
func MAC(k Kind, n uint32) header.MAC {
	return header.MACFromUint64(0x02<<40 | uint64(k)<<32 | uint64(n))
}

// Station undoes MAC; ok is false if m is not the MAC of a simulated station.
func Station(m header.MAC) (k Kind, n uint32, ok bool) {
	return Kind(m[1]), binary.BigEndian.Uint32(m[2:]), m[0] == 0x02
}

// Address returns address number n of a prefix, counted from its network address, or
// the zero Addr if the prefix has fewer.
func Address(p netip.Prefix, n uint32) netip.Addr {
	a := Offset(p.Masked().Addr(), n)
	if !p.Contains(a) {
		return netip.Addr{}
	}
	return a
}

// Offset returns the address n after a, or the zero Addr if there is none.
func Offset(a netip.Addr, n uint32) netip.Addr {
	if a.Is4() {
		b := a.As4()
		sum := uint64(binary.BigEndian.Uint32(b[:])) + uint64(n)
		if sum > 1<<32-1 {
			return netip.Addr{}
		}
		binary.BigEndian.PutUint32(b[:], uint32(sum))
		return netip.AddrFrom4(b)
	}
	if !a.Is6() {
		return netip.Addr{}
	}
	b := a.As16()
	carry := uint64(n)
	for i := 15; i >= 0 && carry > 0; i-- {
		carry += uint64(b[i])
		b[i] = byte(carry)
		carry >>= 8
	}
	if carry > 0 {
		return netip.Addr{}
	}
	return netip.AddrFrom16(b)
}

// Within returns how many addresses a is after first. ok is false if a is before first,
// belongs to the other family, or is too far away for a host's number.
func Within(first, a netip.Addr) (n uint32, ok bool) {
	switch {
	case first.Is4() && a.Is4():
		return within4(first.As4(), a.As4())
	case first.Is6() && a.Is6():
		return within6(first.As16(), a.As16())
	}
	return 0, false
}

func within4(first, a [4]byte) (n uint32, ok bool) {
	low, high := binary.BigEndian.Uint32(first[:]), binary.BigEndian.Uint32(a[:])
	return high - low, high >= low
}

func within6(first, a [16]byte) (n uint32, ok bool) {
	lowHi, lowLo := binary.BigEndian.Uint64(first[:8]), binary.BigEndian.Uint64(first[8:])
	hi, lo := binary.BigEndian.Uint64(a[:8]), binary.BigEndian.Uint64(a[8:])
	far := lo - lowLo
	if lo < lowLo {
		if hi == 0 {
			return 0, false
		}
		hi--
	}
	return uint32(far), hi == lowHi && far < 1<<32
}
