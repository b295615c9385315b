package stack

import (
	"net/netip"

	"glean/stack/header"
)

// NextHop returns the address whose MAC frames to dst are sent to: dst itself when it is
// on-link, else the gateway. Multicast and broadcast addresses are their own next hop;
// Subscribe knows their MACs. The result depends only on the interface's configuration,
// so any goroutine may call it.
func (i *Interface) NextHop(dst netip.Addr) (hop netip.Addr, r Reason) {
	if !dst.IsValid() || dst.Is4In6() {
		return netip.Addr{}, NoRoute
	}
	a, r := i.nextHop(ipFrom(dst))
	if r != ReasonNone {
		return netip.Addr{}, r
	}
	return a.addr(), ReasonNone
}

func (i *Interface) nextHop(dst ip) (ip, Reason) {
	if dst.is4() {
		return i.nextHop4(dst)
	}
	return i.nextHop6(dst)
}

// nextHop4 implements RFC 1122 section 3.3.1.1.
func (i *Interface) nextHop4(dst ip) (ip, Reason) {
	switch {
	case i.ipv4 == nil:
		return ip{}, NoSourceAddress
	case dst == i.ipv4.ip:
		return ip{}, OwnAddress
	case dst.isMulticast() || i.isBroadcast(dst):
		return dst, ReasonNone
	case dst.isNotHost():
		return ip{}, NoRoute
	case dst.isLinkLocal() || i.ipv4.ip.isLinkLocal(): // RFC 3927 section 2.6.2: never through a gateway
		return dst, ReasonNone
	case dst.masked(int(i.ipv4.bits)) == i.ipv4.ip.masked(int(i.ipv4.bits)):
		return dst, ReasonNone
	case i.config.Gateway4.IsValid():
		return ipFrom(i.config.Gateway4), ReasonNone
	}
	return ip{}, NoRoute
}

// nextHop6 implements RFC 4861 section 5.2. A destination is on-link because of a
// prefix, not because of an address (RFC 5942 section 4), and without a router there is
// no route.
func (i *Interface) nextHop6(dst ip) (ip, Reason) {
	switch {
	case i.linkLocal == nil && i.ipv6 == nil:
		return ip{}, NoSourceAddress
	case i.isOwn6(dst):
		return ip{}, OwnAddress
	case dst.isMulticast():
		return dst, ReasonNone
	case dst.isNotHost():
		return ip{}, NoRoute
	case dst.isLinkLocal():
		return dst, ReasonNone
	case i.ipv6 != nil && dst.masked(int(i.ipv6.bits)) == i.ipv6.ip.masked(int(i.ipv6.bits)):
		return dst, ReasonNone
	case i.config.Gateway6.IsValid():
		return ipFrom(i.config.Gateway6), ReasonNone
	}
	return ip{}, NoRoute
}

func (i *Interface) isOwn6(a ip) bool {
	return i.linkLocal != nil && a == i.linkLocal.ip || i.ipv6 != nil && a == i.ipv6.ip
}

// Source returns the interface's address for packets to dst, an invalid one if it has
// none of the family. Link-local destinations get the link-local address (RFC 6724
// section 5 rule 2), others the global one if the interface has one.
func (i *Interface) Source(dst netip.Addr) netip.Addr {
	if !dst.IsValid() {
		return netip.Addr{}
	}
	if a := i.source(ipFrom(dst)); a != nil {
		return a.ip.addr()
	}
	return netip.Addr{}
}

func (i *Interface) source(dst ip) *address {
	switch {
	case dst.is4():
		return i.ipv4
	case i.ipv6 == nil:
		return i.linkLocal
	case i.linkLocal != nil && (dst.isLinkLocal() || dst.isMulticast() && dst.hi>>48&0xf <= 2):
		return i.linkLocal // a group of interface or link scope, too
	}
	return i.ipv6
}

// groupMAC returns the MAC of a multicast or broadcast address, which needs no
// resolution (RFC 1112 section 6.4, RFC 2464 section 7).
func (i *Interface) groupMAC(a ip) (header.MAC, bool) {
	switch {
	case a.isMulticast():
		return header.MulticastMAC(a.addr()), true
	case a.is4() && i.isBroadcast(a):
		return header.Broadcast, true
	}
	return header.MAC{}, false
}
