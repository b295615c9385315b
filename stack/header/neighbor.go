package header

import "encoding/binary"

// Sizes of neighbor discovery messages, in octets.
const (
	NeighborSize   = 24 // solicitation or advertisement without options
	LinkOptionSize = 8  // link-layer address option of Ethernet
)

// NeighborHopLimit is the hop limit that proves that a message comes from the
// link (RFC 4861 section 7.1).
const NeighborHopLimit = 255

const (
	optionSourceLink = 1
	optionTargetLink = 2

	flagRouter    = 0x80
	flagSolicited = 0x40
	flagOverride  = 0x20
)

// NeighborSolicitation is a request for the link-layer address of Target, or for a proof
// that it is still reachable (RFC 4861 section 4.3).
type NeighborSolicitation struct {
	Target        [16]byte
	SourceLink    MAC
	HasSourceLink bool
}

// NeighborAdvertisement is an announcement of the link-layer address of Target (RFC 4861
// section 4.4).
type NeighborAdvertisement struct {
	Router, Solicited, Override bool
	Target                      [16]byte
	TargetLink                  MAC
	HasTargetLink               bool
}

// ParseNeighborSolicitation reads the ICMPv6 message icmp of the packet whose
// header is ip, and applies all of RFC 4861 section 7.1.1. Options other than
// the source link-layer address are ignored; of several the first counts.
func ParseNeighborSolicitation(ip IPv6Repr, icmp []byte) (r NeighborSolicitation, err error) {
	if err := r.Parse(&ip, icmp); err != nil {
		return NeighborSolicitation{}, err
	}
	return r, nil
}

// Parse is ParseNeighborSolicitation into an r that is zero, as
// EthernetRepr.Parse. After an error it is undefined.
func (r *NeighborSolicitation) Parse(ip *IPv6Repr, icmp []byte) (err error) {
	if err := checkNeighbor(ip, icmp, ICMPv6NeighborSolicitation); err != nil {
		return err
	}
	copy(r.Target[:], icmp[8:24])
	if r.HasSourceLink, err = linkOption(&r.SourceLink, icmp[NeighborSize:], optionSourceLink); err != nil {
		return err
	}
	if ip.Src == [16]byte{} {
		if !IsSolicitedNode(ip.Dst) {
			return ErrNSUnspecifiedDst
		}
		if r.HasSourceLink {
			return ErrNSUnspecifiedLink
		}
	}
	return nil
}

// ParseNeighborAdvertisement reads the ICMPv6 message icmp of the packet whose
// header is ip, and applies all of RFC 4861 section 7.1.2. Options other than
// the target link-layer address are ignored; of several the first counts.
func ParseNeighborAdvertisement(ip IPv6Repr, icmp []byte) (r NeighborAdvertisement, err error) {
	if err := r.Parse(&ip, icmp); err != nil {
		return NeighborAdvertisement{}, err
	}
	return r, nil
}

// Parse is ParseNeighborAdvertisement into an r that is zero, as
// EthernetRepr.Parse. After an error it is undefined.
func (r *NeighborAdvertisement) Parse(ip *IPv6Repr, icmp []byte) (err error) {
	if err := checkNeighbor(ip, icmp, ICMPv6NeighborAdvertisement); err != nil {
		return err
	}
	flags := icmp[4] // the bits after these three are reserved, to be ignored
	r.Router, r.Solicited, r.Override = flags&flagRouter != 0, flags&flagSolicited != 0, flags&flagOverride != 0
	copy(r.Target[:], icmp[8:24])
	if r.HasTargetLink, err = linkOption(&r.TargetLink, icmp[NeighborSize:], optionTargetLink); err != nil {
		return err
	}
	if r.Solicited && ip.Dst[0] == 0xff {
		return ErrNASolicited
	}
	return nil
}

// checkNeighbor checks the rules that sections 7.1.1 and 7.1.2 have in common, except
// those of options.
func checkNeighbor(ip *IPv6Repr, icmp []byte, kind uint8) error {
	switch {
	case ip.HopLimit != NeighborHopLimit:
		return ErrNDHopLimit
	case len(icmp) < NeighborSize:
		return ErrNDLength
	case ICMPv6(icmp).Type() != kind:
		return ErrICMPType
	case ChecksumICMPv6(ip.Src, ip.Dst, icmp) != 0:
		return ErrNDChecksum
	case ICMPv6(icmp).Code() != 0:
		return ErrNDCode
	case icmp[8] == 0xff:
		return ErrNDTarget
	}
	return nil
}

// linkOption walks options and stores the address in the first one of the wanted type,
// if there is one. It walks all of them, because a length of 0 anywhere makes the
// message invalid. So does a wanted option whose length is not that of Ethernet (RFC
// 2464 section 6), because its meaning is not defined.
func linkOption(m *MAC, b []byte, wanted uint8) (found bool, err error) {
	for len(b) > 0 {
		if len(b) < 2 {
			return false, ErrNDOptionTruncated
		}
		kind, size := b[0], 8*int(b[1])
		switch {
		case size == 0:
			return false, ErrNDOptionZero
		case size > len(b):
			return false, ErrNDOptionTruncated
		case kind == wanted && size != LinkOptionSize:
			return false, ErrNDLinkOption
		case kind == wanted && !found:
			copy(m[:], b[2:8])
			found = true
		}
		b = b[size:]
	}
	return found, nil
}

// Size is the length of the ICMPv6 message, in octets.
func (r NeighborSolicitation) Size() int {
	return NeighborSize + int(bit(r.HasSourceLink, LinkOptionSize))
}

// Emit writes the ICMPv6 message for a packet from src to to, which must have
// hop limit NeighborHopLimit.
func (r NeighborSolicitation) Emit(dst []byte, src, to [16]byte) int {
	m := dst[:r.Size()]
	emitNeighbor(m, ICMPv6NeighborSolicitation, 0, r.Target)
	if r.HasSourceLink {
		emitLinkOption(m[NeighborSize:], optionSourceLink, r.SourceLink)
	}
	ICMPv6(m).SetChecksum(ChecksumICMPv6(src, to, m))
	return len(m)
}

// EmitPacket writes the IPv6 packet from src to dst with the message.
func (r *NeighborSolicitation) EmitPacket(b []byte, src, dst *[16]byte) int {
	size := NeighborSize + int(bit(r.HasSourceLink, LinkOptionSize))
	m := emitNeighborHeader(b, size, src, dst)
	emitNeighbor(m, ICMPv6NeighborSolicitation, 0, r.Target)
	if r.HasSourceLink {
		emitLinkOption(m[NeighborSize:], optionSourceLink, r.SourceLink)
	}
	return finishNeighbor(b, m)
}

// Size is the length of the ICMPv6 message, in octets.
func (r NeighborAdvertisement) Size() int {
	return NeighborSize + int(bit(r.HasTargetLink, LinkOptionSize))
}

// Emit writes the ICMPv6 message for a packet from src to to, which must have
// hop limit NeighborHopLimit.
func (r NeighborAdvertisement) Emit(dst []byte, src, to [16]byte) int {
	m := dst[:r.Size()]
	flags := bit(r.Router, flagRouter) | bit(r.Solicited, flagSolicited) | bit(r.Override, flagOverride)
	emitNeighbor(m, ICMPv6NeighborAdvertisement, flags, r.Target)
	if r.HasTargetLink {
		emitLinkOption(m[NeighborSize:], optionTargetLink, r.TargetLink)
	}
	ICMPv6(m).SetChecksum(ChecksumICMPv6(src, to, m))
	return len(m)
}

// EmitPacket writes the IPv6 packet from src to dst with the message.
func (r *NeighborAdvertisement) EmitPacket(b []byte, src, dst *[16]byte) int {
	size := NeighborSize + int(bit(r.HasTargetLink, LinkOptionSize))
	m := emitNeighborHeader(b, size, src, dst)
	flags := bit(r.Router, flagRouter) | bit(r.Solicited, flagSolicited) | bit(r.Override, flagOverride)
	emitNeighbor(m, ICMPv6NeighborAdvertisement, flags, r.Target)
	if r.HasTargetLink {
		emitLinkOption(m[NeighborSize:], optionTargetLink, r.TargetLink)
	}
	return finishNeighbor(b, m)
}

// emitNeighborHeader writes the header of a packet with a message of some size,
// and returns the place for that.
func emitNeighborHeader(b []byte, size int, src, dst *[16]byte) (message []byte) {
	p := IPv6(b[:IPv6Size+size])
	p.SetVersionClassLabel(0, 0)
	p.SetPayloadLength(uint16(size))
	p.SetNextHeader(ProtocolICMPv6)
	p.SetHopLimit(NeighborHopLimit)
	copy(p[8:24], src[:])
	copy(p[24:40], dst[:])
	return p[IPv6Size:]
}

// finishNeighbor writes the checksum of a packet's message. The addresses of the pseudo
// header lie before the message and are summed with it.
func finishNeighbor(b, m []byte) (size int) {
	size = IPv6Size + len(m)
	ICMPv6(m).SetChecksum(Checksum(b[8:size], uint16(len(m))+uint16(ProtocolICMPv6)))
	return size
}

// emitNeighbor writes all before the options; the checksum is left 0.
func emitNeighbor(m []byte, kind, flags uint8, target [16]byte) {
	binary.BigEndian.PutUint32(m[0:4], uint32(kind)<<24)
	binary.BigEndian.PutUint32(m[4:8], uint32(flags)<<24)
	copy(m[8:24], target[:])
}

func emitLinkOption(b []byte, kind uint8, m MAC) {
	b[0], b[1] = kind, LinkOptionSize/8
	copy(b[2:8], m[:])
}

// Advert is the IPv6 packet of a neighbor advertisement that UntaggedAdvert found.
type Advert []byte

// UntaggedAdvert returns the packet in a frame without VLAN tags and IPv6 extension
// headers, if it is a neighbor advertisement with the solicited flag to one station and
// with a target link-layer address as its only option. It returns nil if ParseEthernet,
// ParseIPv6 and ParseNeighborAdvertisement would find anything else.
func UntaggedAdvert(frame []byte) Advert {
	const (
		size  = NeighborSize + LinkOptionSize
		fixed = size<<16 | uint32(ProtocolICMPv6)<<8 | NeighborHopLimit
		kind  = uint16(ICMPv6NeighborAdvertisement) << 8 // and code 0
		group = 0xff
	)
	if len(frame) < EthernetSize+IPv6Size+size || Ethernet(frame).Type() != EtherTypeIPv6 {
		return nil
	}
	p := frame[EthernetSize : EthernetSize+IPv6Size+size]
	icmp := p[IPv6Size:]
	switch {
	case binary.BigEndian.Uint32(p[4:]) != fixed || p[0]>>4 != 6 || binary.BigEndian.Uint16(icmp) != kind:
		return nil
	case icmp[4]&flagSolicited == 0 || icmp[NeighborSize] != optionTargetLink || icmp[NeighborSize+1] != LinkOptionSize/8:
		return nil
	case p[8] == group || p[24] == group || icmp[8] == group:
		return nil
	}
	// Both addresses of the pseudo header lie before the message.
	if Checksum(p[8:], size+uint16(ProtocolICMPv6)) != 0 {
		return nil
	}
	return Advert(p)
}

func (a Advert) Dst() [16]byte    { return [16]byte(a[24:40]) }
func (a Advert) Router() bool     { return a[IPv6Size+4]&flagRouter != 0 }
func (a Advert) Override() bool   { return a[IPv6Size+4]&flagOverride != 0 }
func (a Advert) Target() [16]byte { return [16]byte(a[IPv6Size+8 : IPv6Size+24]) }
func (a Advert) TargetLink() MAC  { return MAC(a[IPv6Size+NeighborSize+2 : IPv6Size+NeighborSize+8]) }
