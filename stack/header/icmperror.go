package header

import "encoding/binary"

// ICMPErrorKind is the kind of an ICMP error, in either version of IP.
type ICMPErrorKind uint8

// Kinds of ICMP errors.
const (
	ICMPUnreachable  ICMPErrorKind = iota // the code is the reason
	ICMPTooBig                            // over the MTU: v4 type 3 code 4 (RFC 1191), v6 type 2
	ICMPTimeExceeded                      // code 0: TTL or hop limit ran out
)

// Codes of ICMPUnreachable, which differ between the versions.
const (
	ICMPv4CodeNet    uint8 = 0
	ICMPv4CodeHost   uint8 = 1
	ICMPv4CodePort   uint8 = 3
	icmpv4CodeTooBig uint8 = 4

	ICMPv6CodeNoRoute uint8 = 0
	ICMPv6CodeAddress uint8 = 3
	ICMPv6CodePort    uint8 = 4
)

// Largest part of the original packet that an error carries, in octets: the
// whole error is at most 576 octets over IPv4 (RFC 1812 section 4.3.2.3) and
// 1,280 over IPv6 (RFC 4443 section 3.1).
const (
	maxOriginalIPv4 = 576 - IPv4Size - ICMPSize
	maxOriginalIPv6 = 1280 - IPv6Size - ICMPSize
)

// ICMPErrorRepr is an error that a router or host sends about a packet.
type ICMPErrorRepr struct {
	Kind     ICMPErrorKind
	Code     uint8
	MTU      uint32 // of the next link, only in ICMPTooBig; 16 bits in ICMPv4
	Original []byte // the packet from its IP header on, or the first part of it
}

// ParseICMPv4Error reads an error message: the payload of an IPv4 packet,
// whole. Code is 0 in ICMPTooBig.
func ParseICMPv4Error(b []byte) (ICMPErrorRepr, error) {
	if len(b) < ICMPSize {
		return ICMPErrorRepr{}, ErrICMPShort
	}
	if Checksum(b, 0) != 0 {
		return ICMPErrorRepr{}, ErrICMPChecksum
	}
	m := ICMPv4(b)
	r := ICMPErrorRepr{Code: m.Code(), Original: m.Payload()}
	switch {
	case m.Type() == ICMPv4Unreachable && m.Code() == icmpv4CodeTooBig:
		r.Kind, r.Code, r.MTU = ICMPTooBig, 0, uint32(m.EchoSeq())
	case m.Type() == ICMPv4Unreachable:
		r.Kind = ICMPUnreachable
	case m.Type() == ICMPv4TimeExceeded:
		r.Kind = ICMPTimeExceeded
	default:
		return ICMPErrorRepr{}, ErrICMPType
	}
	return r, nil
}

// ParseICMPv6Error reads an error message: the payload of the IPv6 packet
// whose header is ip, whole.
func ParseICMPv6Error(ip IPv6Repr, b []byte) (ICMPErrorRepr, error) {
	if len(b) < ICMPSize {
		return ICMPErrorRepr{}, ErrICMPShort
	}
	if ChecksumICMPv6(ip.Src, ip.Dst, b) != 0 {
		return ICMPErrorRepr{}, ErrICMPChecksum
	}
	m := ICMPv6(b)
	r := ICMPErrorRepr{Code: m.Code(), Original: m.Payload()}
	switch m.Type() {
	case ICMPv6Unreachable:
		r.Kind = ICMPUnreachable
	case ICMPv6PacketTooBig: // RFC 4443 section 3.2: the code is ignored
		r.Kind, r.Code, r.MTU = ICMPTooBig, 0, binary.BigEndian.Uint32(b[4:8])
	case ICMPv6TimeExceeded:
		r.Kind = ICMPTimeExceeded
	default:
		return ICMPErrorRepr{}, ErrICMPType
	}
	return r, nil
}

// SizeICMPv4 is the length of the ICMPv4 message, in octets.
func (r ICMPErrorRepr) SizeICMPv4() int { return ICMPSize + min(len(r.Original), maxOriginalIPv4) }

// SizeICMPv6 is the length of the ICMPv6 message, in octets.
func (r ICMPErrorRepr) SizeICMPv6() int { return ICMPSize + min(len(r.Original), maxOriginalIPv6) }

// EmitICMPv4 writes the message with as much of the original as it may carry.
func (r ICMPErrorRepr) EmitICMPv4(dst []byte) int {
	kind, code, mtu := ICMPv4Unreachable, r.Code, uint16(0)
	switch r.Kind {
	case ICMPTooBig:
		code, mtu = icmpv4CodeTooBig, uint16(min(r.MTU, 0xffff))
	case ICMPTimeExceeded:
		kind = ICMPv4TimeExceeded
	}
	m := ICMPv4(dst[:r.SizeICMPv4()])
	copy(m[ICMPSize:], r.Original) // first: it may lie in dst
	m.SetType(kind)
	m.SetCode(code)
	m.SetChecksum(0)
	m.SetEchoID(0)
	m.SetEchoSeq(mtu)
	m.SetChecksum(Checksum(m, 0))
	return len(m)
}

// EmitICMPv6 is EmitICMPv4 for a message from src to to.
func (r ICMPErrorRepr) EmitICMPv6(dst []byte, src, to [16]byte) int {
	kind, code, mtu := ICMPv6Unreachable, r.Code, uint32(0)
	switch r.Kind {
	case ICMPTooBig:
		kind, code, mtu = ICMPv6PacketTooBig, 0, r.MTU
	case ICMPTimeExceeded:
		kind = ICMPv6TimeExceeded
	}
	m := ICMPv6(dst[:r.SizeICMPv6()])
	copy(m[ICMPSize:], r.Original) // first: it may lie in dst
	m.SetType(kind)
	m.SetCode(code)
	m.SetChecksum(0)
	binary.BigEndian.PutUint32(m[4:8], mtu)
	m.SetChecksum(ChecksumICMPv6(src, to, m))
	return len(m)
}
