package learning

import (
	"cmp"
	"encoding/binary"
	"net/netip"
)

// address is an IP address as stored in tables: 16 bytes without a pointer, so
// that a million of them cost the garbage collector nothing. IPv4 is v4-mapped.
type address [16]byte

// addressOf converts an address. It drops the zone, which the interface implies.
func addressOf(a netip.Addr) address { return address(a.As16()) }

// ip returns the address as netip has it, IPv4 unmapped.
func (a address) ip() netip.Addr { return netip.AddrFrom16(a).Unmap() }

func (a *address) words() (hi, lo uint64) {
	return binary.BigEndian.Uint64(a[:8]), binary.BigEndian.Uint64(a[8:])
}

// compare orders as netip.Addr.Compare does: IPv4 before IPv6.
func (a *address) compare(b *address) int {
	aHi, aLo := a.words()
	bHi, bLo := b.words()
	if a4, b4 := isIPv4(aHi, aLo), isIPv4(bHi, bLo); a4 != b4 {
		if a4 {
			return -1
		}
		return 1
	}
	if c := cmp.Compare(aHi, bHi); c != 0 {
		return c
	}
	return cmp.Compare(aLo, bLo)
}

func isIPv4(hi, lo uint64) bool { return hi == 0 && lo>>32 == 0xffff }

// hash mixes an interface's handle and an address into 32 bits. Addresses that are
// learned together are mostly consecutive. The shifts fold high bits into low ones, to
// spread such addresses over a power-of-two table.
func (a *address) hash(handle uint32) uint32 {
	hi, lo := a.words()
	h := (hi ^ uint64(handle)*0x9e3779b97f4a7c15) * 0xff51afd7ed558ccd
	h ^= h >> 32
	h = (h ^ lo) * 0xc4ceb9fe1a85ec53
	h ^= h >> 32
	h *= 0x9e3779b97f4a7c15
	return uint32(h >> 32)
}
