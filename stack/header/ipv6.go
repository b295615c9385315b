package header

import (
	"encoding/binary"
	"errors"
)

// IPv6Size is the length of the fixed header, in octets.
const IPv6Size = 40

// IPv6 is a view of a packet (RFC 8200).
type IPv6 []byte

func (p IPv6) Version() uint8        { return p[0] >> 4 }
func (p IPv6) TrafficClass() uint8   { return uint8(binary.BigEndian.Uint16(p[0:2]) >> 4) }
func (p IPv6) FlowLabel() uint32     { return binary.BigEndian.Uint32(p[0:4]) & 0xfffff }
func (p IPv6) PayloadLength() uint16 { return binary.BigEndian.Uint16(p[4:6]) }
func (p IPv6) NextHeader() Protocol  { return Protocol(p[6]) }
func (p IPv6) HopLimit() uint8       { return p[7] }
func (p IPv6) Src() [16]byte         { return [16]byte(p[8:24]) }
func (p IPv6) Dst() [16]byte         { return [16]byte(p[24:40]) }

// Payload is all that follows the fixed header, extension headers and padding
// included.
func (p IPv6) Payload() []byte { return p[IPv6Size:] }

func (p IPv6) SetPayloadLength(v uint16) { binary.BigEndian.PutUint16(p[4:6], v) }
func (p IPv6) SetNextHeader(v Protocol)  { p[6] = uint8(v) }
func (p IPv6) SetHopLimit(v uint8)       { p[7] = v }
func (p IPv6) SetSrc(ip [16]byte)        { copy(p[8:24], ip[:]) }
func (p IPv6) SetDst(ip [16]byte)        { copy(p[24:40], ip[:]) }

// SetVersionClassLabel writes version 6, the traffic class and the flow label,
// of which the low 20 bits count.
func (p IPv6) SetVersionClassLabel(class uint8, label uint32) {
	binary.BigEndian.PutUint32(p[0:4], 6<<28|uint32(class)<<20|label&0xfffff)
}

// IPv6Repr is the fixed header of a packet without extension headers.
type IPv6Repr struct {
	Src, Dst     [16]byte
	NextHeader   Protocol // the upper protocol
	HopLimit     uint8
	TrafficClass uint8
	FlowLabel    uint32 // 20 bits
	PayloadLen   int    // octets of the upper protocol, at most 65,535
}

// ParseIPv6 reads a packet. It walks over hop-by-hop options, destination
// options and routing headers with no segments left, so that NextHeader and the
// payload are those of the upper protocol. What follows the payload length is
// cut off. A packet with a Fragment header, atomic ones too, is ErrFragment
// (for Neighbor Discovery RFC 6980 section 5 demands to ignore it), with a
// header whose NextHeader is ProtocolFragment and the payload from there; with
// any other error both are empty.
func ParseIPv6(b []byte) (r IPv6Repr, payload []byte, err error) {
	payload, err = r.Parse(b)
	return r, payload, err
}

// Parse is ParseIPv6 into an r that is zero, as EthernetRepr.Parse.
func (r *IPv6Repr) Parse(b []byte) (payload []byte, err error) {
	if len(b) < IPv6Size {
		return nil, ErrIPv6Short
	}
	p := IPv6(b)
	length := int(p.PayloadLength())
	switch {
	case p.Version() != 6:
		return nil, ErrIPv6Version
	case length > len(b)-IPv6Size:
		return nil, ErrIPv6PayloadLength
	case p[8] == 0xff: // RFC 4291 section 2.7: never a source
		return nil, ErrIPv6Source
	}
	next, payload := p.NextHeader(), b[IPv6Size:IPv6Size+length]
	if isExtension(next) {
		next, payload, err = walkExtensions(next, payload)
		if err != nil && !errors.Is(err, ErrFragment) {
			return nil, err
		}
	}
	copy(r.Src[:], b[8:24])
	copy(r.Dst[:], b[24:40])
	r.NextHeader, r.HopLimit = next, p.HopLimit()
	r.TrafficClass, r.FlowLabel = p.TrafficClass(), p.FlowLabel()
	r.PayloadLen = len(payload)
	return payload, err
}

func isExtension(p Protocol) bool {
	switch p {
	case ProtocolHopByHop, ProtocolRouting, ProtocolFragment, ProtocolDestinationOptions:
		return true
	}
	return false
}

// walkExtensions finds the upper protocol and its octets (RFC 8200 section 4).
// It ends because each extension header has at least 8 octets.
func walkExtensions(next Protocol, b []byte) (Protocol, []byte, error) {
	for first := true; isExtension(next); first = false {
		if next == ProtocolFragment {
			return next, b, ErrFragment
		}
		if len(b) < 8 {
			return next, nil, ErrIPv6Extension
		}
		size := 8 + 8*int(b[1])
		if len(b) < size || (next == ProtocolHopByHop && !first) {
			return next, nil, ErrIPv6Extension
		}
		switch {
		case next == ProtocolRouting && b[3] != 0: // RFC 8200 section 4.4: no type is known here
			return next, nil, ErrIPv6Routing
		case next != ProtocolRouting && !optionsAccepted(b[2:size]):
			return next, nil, ErrIPv6Option
		}
		next, b = Protocol(b[0]), b[size:]
	}
	return next, b, nil
}

// optionsAccepted reports whether the options of a hop-by-hop or destination options
// header permit processing. An unknown option is skipped only if the highest two bits of
// its type are 00 (RFC 8200 section 4.2). No known option has other bits: padding and
// the router alert have 00, and a jumbo payload does not fit Ethernet.
func optionsAccepted(b []byte) bool {
	const pad1 = 0
	for len(b) > 0 {
		if b[0] == pad1 {
			b = b[1:]
			continue
		}
		if b[0]&0xc0 != 0 || len(b) < 2 || len(b) < 2+int(b[1]) {
			return false
		}
		b = b[2+int(b[1]):]
	}
	return true
}

// Size is the length of the header, in octets.
func (r IPv6Repr) Size() int { return IPv6Size }

// Emit writes the header. It panics if PayloadLen does not fit the payload
// length.
func (r IPv6Repr) Emit(dst []byte) int {
	p := IPv6(dst[:IPv6Size])
	if uint(r.PayloadLen) > 0xffff {
		panic("header: IPv6 payload length out of range")
	}
	p.SetVersionClassLabel(r.TrafficClass, r.FlowLabel)
	p.SetPayloadLength(uint16(r.PayloadLen))
	p.SetNextHeader(r.NextHeader)
	p.SetHopLimit(r.HopLimit)
	p.SetSrc(r.Src)
	p.SetDst(r.Dst)
	return IPv6Size
}
