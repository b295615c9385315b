package header

import "encoding/binary"

// Protocol is an IP protocol number, or the type of an IPv6 extension header.
type Protocol uint8

// Protocols.
const (
	ProtocolHopByHop           Protocol = 0
	ProtocolICMPv4             Protocol = 1
	ProtocolTCP                Protocol = 6
	ProtocolUDP                Protocol = 17
	ProtocolRouting            Protocol = 43
	ProtocolFragment           Protocol = 44
	ProtocolICMPv6             Protocol = 58
	ProtocolNoNextHeader       Protocol = 59
	ProtocolDestinationOptions Protocol = 60
)

// IPv4Size is the length of a header without options, in octets.
const IPv4Size = 20

const (
	ipv4DontFragment  = 0x4000
	ipv4MoreFragments = 0x2000
	ipv4OffsetMask    = 0x1fff
)

// IPv4 is a view of a packet (RFC 791).
type IPv4 []byte

func (p IPv4) Version() uint8 { return p[0] >> 4 }

// HeaderLength is in octets, options included.
func (p IPv4) HeaderLength() int   { return int(p[0]&0x0f) * 4 }
func (p IPv4) TOS() uint8          { return p[1] }
func (p IPv4) TotalLength() uint16 { return binary.BigEndian.Uint16(p[2:4]) }
func (p IPv4) ID() uint16          { return binary.BigEndian.Uint16(p[4:6]) }
func (p IPv4) DontFragment() bool  { return p.fragment()&ipv4DontFragment != 0 }
func (p IPv4) MoreFragments() bool { return p.fragment()&ipv4MoreFragments != 0 }

// FragmentOffset is in octets.
func (p IPv4) FragmentOffset() int { return int(p.fragment()&ipv4OffsetMask) * 8 }

// IsFragment reports whether the packet is not whole.
func (p IPv4) IsFragment() bool { return p.fragment()&(ipv4MoreFragments|ipv4OffsetMask) != 0 }

func (p IPv4) fragment() uint16   { return binary.BigEndian.Uint16(p[6:8]) }
func (p IPv4) TTL() uint8         { return p[8] }
func (p IPv4) Protocol() Protocol { return Protocol(p[9]) }
func (p IPv4) Checksum() uint16   { return binary.BigEndian.Uint16(p[10:12]) }
func (p IPv4) Src() [4]byte       { return [4]byte(p[12:16]) }
func (p IPv4) Dst() [4]byte       { return [4]byte(p[16:20]) }

// Payload is all that follows header and options, padding included.
func (p IPv4) Payload() []byte { return p[p.HeaderLength():] }

func (p IPv4) SetTOS(v uint8)          { p[1] = v }
func (p IPv4) SetTotalLength(v uint16) { binary.BigEndian.PutUint16(p[2:4], v) }
func (p IPv4) SetID(v uint16)          { binary.BigEndian.PutUint16(p[4:6], v) }
func (p IPv4) SetTTL(v uint8)          { p[8] = v }
func (p IPv4) SetProtocol(v Protocol)  { p[9] = uint8(v) }
func (p IPv4) SetChecksum(v uint16)    { binary.BigEndian.PutUint16(p[10:12], v) }
func (p IPv4) SetSrc(ip [4]byte)       { copy(p[12:16], ip[:]) }
func (p IPv4) SetDst(ip [4]byte)       { copy(p[16:20], ip[:]) }

// SetVersionAndHeaderLength writes version 4 and the header's length, given in
// octets (a multiple of 4, at most 60).
func (p IPv4) SetVersionAndHeaderLength(octets int) { p[0] = 4<<4 | uint8(octets/4)&0x0f }

// SetFragment writes the flags and the offset, given in octets (a multiple of 8).
func (p IPv4) SetFragment(dont, more bool, offset int) {
	v := uint16(offset/8) & ipv4OffsetMask
	v |= uint16(bit(dont, ipv4DontFragment>>8)) << 8
	v |= uint16(bit(more, ipv4MoreFragments>>8)) << 8
	binary.BigEndian.PutUint16(p[6:8], v)
}

// UpdateChecksum corrects the checksum after a field of the header changed; from
// and to are as for the function UpdateChecksum.
func (p IPv4) UpdateChecksum(from, to uint16) {
	p.SetChecksum(UpdateChecksum(p.Checksum(), from, to))
}

// DecrementTTL lowers the TTL, which must not be 0, by one and corrects the
// checksum (RFC 1624).
func (p IPv4) DecrementTTL() {
	from := binary.BigEndian.Uint16(p[8:10])
	p[8]--
	p.UpdateChecksum(from, from-0x0100)
}

// IPv4Repr is a header without options.
type IPv4Repr struct {
	Src, Dst     [4]byte
	Protocol     Protocol
	TTL, TOS     uint8
	ID           uint16
	DontFragment bool
	PayloadLen   int // octets after the header, at most 65,515
}

// ParseIPv4 reads a packet. Options are skipped, and octets behind the total length are
// not part of the payload. A fragment is ErrFragment, with a header and payload that are
// otherwise valid; with any other error both are empty.
func ParseIPv4(b []byte) (IPv4Repr, []byte, error) {
	if len(b) < IPv4Size {
		return IPv4Repr{}, nil, ErrIPv4Short
	}
	p := IPv4(b)
	header, total := p.HeaderLength(), int(p.TotalLength())
	switch {
	case p.Version() != 4:
		return IPv4Repr{}, nil, ErrIPv4Version
	case header < IPv4Size || header > len(b):
		return IPv4Repr{}, nil, ErrIPv4HeaderLength
	case total < header || total > len(b):
		return IPv4Repr{}, nil, ErrIPv4TotalLength
	case Checksum(b[:header], 0) != 0:
		return IPv4Repr{}, nil, ErrIPv4Checksum
	}
	r := IPv4Repr{
		Src: p.Src(), Dst: p.Dst(),
		Protocol: p.Protocol(), TTL: p.TTL(), TOS: p.TOS(), ID: p.ID(),
		DontFragment: p.DontFragment(),
		PayloadLen:   total - header,
	}
	// RFC 1122 section 3.2.1.3: such sources are discarded silently.
	if r.Src[0]>>4 == 0xe || r.Src == [4]byte{255, 255, 255, 255} {
		return IPv4Repr{}, nil, ErrIPv4Source
	}
	if p.IsFragment() {
		return r, b[header:total], ErrFragment
	}
	return r, b[header:total], nil
}

// Size is the length of the header, in octets.
func (r IPv4Repr) Size() int { return IPv4Size }

// Emit writes the header with its checksum. It panics if PayloadLen does not
// fit the total length.
func (r IPv4Repr) Emit(dst []byte) int {
	p := IPv4(dst[:IPv4Size])
	total := IPv4Size + r.PayloadLen
	if uint(total) > 0xffff {
		panic("header: IPv4 payload length out of range")
	}
	p.SetVersionAndHeaderLength(IPv4Size)
	p.SetTOS(r.TOS)
	p.SetTotalLength(uint16(total))
	p.SetID(r.ID)
	p.SetFragment(r.DontFragment, false, 0)
	p.SetTTL(r.TTL)
	p.SetProtocol(r.Protocol)
	p.SetChecksum(0)
	p.SetSrc(r.Src)
	p.SetDst(r.Dst)
	p.SetChecksum(Checksum(p, 0))
	return IPv4Size
}
