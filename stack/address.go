package stack

import (
	"encoding/binary"
	"net/netip"
)

// ip is an IP address as the tables store it: two words, so that comparing and hashing
// need no loop, and no pointer, so that the garbage collector skips tables of millions.
// An IPv4 address has markIPv4 in hi, which no IPv6 unicast address has, so an
// IPv4-mapped IPv6 address in a message is never taken for an IPv4 address.
type ip struct{ hi, lo uint64 }

const markIPv4 = ^uint64(0)

func ipFrom4(b [4]byte) ip { return ip{markIPv4, uint64(binary.BigEndian.Uint32(b[:]))} }

func ipFrom16(b [16]byte) ip {
	return ip{binary.BigEndian.Uint64(b[:8]), binary.BigEndian.Uint64(b[8:])}
}

// ipFrom converts an address and ignores its zone: interfaces are not named by zones.
func ipFrom(a netip.Addr) ip {
	if a.Is4() {
		return ipFrom4(a.As4())
	}
	return ipFrom16(a.As16())
}

func (a ip) is4() bool { return a.hi == markIPv4 }

func (a ip) as4() (b [4]byte) {
	binary.BigEndian.PutUint32(b[:], uint32(a.lo))
	return b
}

func (a ip) as16() (b [16]byte) {
	binary.BigEndian.PutUint64(b[:8], a.hi)
	binary.BigEndian.PutUint64(b[8:], a.lo)
	return b
}

func (a ip) addr() netip.Addr {
	if a.is4() {
		return netip.AddrFrom4(a.as4())
	}
	return netip.AddrFrom16(a.as16())
}

// isLinkLocal reports whether a is in 169.254/16 (RFC 3927) or fe80::/10 (RFC 4291
// section 2.5.6).
func (a ip) isLinkLocal() bool {
	if a.is4() {
		return a.lo>>16 == 169<<8|254
	}
	return a.hi>>54 == 0xfe80>>6
}

// linkLocalBroadcast is 169.254.255.255.
const linkLocalBroadcast = 0xa9feffff

// isMulticast reports whether a is in 224/4 or ff00::/8.
func (a ip) isMulticast() bool {
	if a.is4() {
		return a.lo>>28 == 0xe
	}
	return a.hi>>56 == 0xff
}

// isNotHost reports whether no host of a link may have the address: 0/8, 127/8 and the
// limited broadcast (RFC 1122 section 3.2.1.3), :: and ::1 (RFC 4291 section 2.5), and
// groups.
func (a ip) isNotHost() bool {
	if a.isMulticast() {
		return true
	}
	if a.is4() {
		net := a.lo >> 24
		return net == 0 || net == 127 || a.lo == 0xffffffff
	}
	return a.hi == 0 && a.lo <= 1
}

// masked returns the address with all but its first bits cleared.
func (a ip) masked(bits int) ip {
	if a.is4() {
		return ip{markIPv4, a.lo &^ (1<<(32-bits) - 1)}
	}
	if bits <= 64 {
		return ip{hi: a.hi &^ (1<<(64-bits) - 1)}
	}
	return ip{a.hi, a.lo &^ (1<<(128-bits) - 1)}
}
