package header

import "encoding/binary"

// UDPSize is the length of a header, in octets.
const UDPSize = 8

// UDP is a view of a datagram (RFC 768).
type UDP []byte

func (u UDP) SrcPort() uint16      { return binary.BigEndian.Uint16(u[0:2]) }
func (u UDP) DstPort() uint16      { return binary.BigEndian.Uint16(u[2:4]) }
func (u UDP) Length() uint16       { return binary.BigEndian.Uint16(u[4:6]) }
func (u UDP) Checksum() uint16     { return binary.BigEndian.Uint16(u[6:8]) }
func (u UDP) Payload() []byte      { return u[UDPSize:] }
func (u UDP) SetSrcPort(v uint16)  { binary.BigEndian.PutUint16(u[0:2], v) }
func (u UDP) SetDstPort(v uint16)  { binary.BigEndian.PutUint16(u[2:4], v) }
func (u UDP) SetLength(v uint16)   { binary.BigEndian.PutUint16(u[4:6], v) }
func (u UDP) SetChecksum(v uint16) { binary.BigEndian.PutUint16(u[6:8], v) }

// UDPRepr is a header.
type UDPRepr struct {
	SrcPort, DstPort uint16
	PayloadLen       int // octets after the header, at most 65,527
}

// ParseUDPv4 reads a datagram, the payload of an IPv4 packet from src to dst.
// A checksum of 0 means that the sender made none. The payload ends where the
// UDP length ends.
func ParseUDPv4(src, dst [4]byte, b []byte) (UDPRepr, []byte, error) {
	length, err := udpLength(b)
	if err != nil {
		return UDPRepr{}, nil, err
	}
	u := UDP(b[:length])
	if u.Checksum() != 0 && Checksum(u, SumIPv4Pseudo(src, dst, ProtocolUDP, length)) != 0 {
		return UDPRepr{}, nil, ErrUDPChecksum
	}
	return u.repr(), u.Payload(), nil
}

// ParseUDPv6 reads a datagram, the payload of an IPv6 packet from src to dst.
// It must have a checksum (RFC 8200 section 8.1).
func ParseUDPv6(src, dst [16]byte, b []byte) (UDPRepr, []byte, error) {
	length, err := udpLength(b)
	if err != nil {
		return UDPRepr{}, nil, err
	}
	u := UDP(b[:length])
	if u.Checksum() == 0 {
		return UDPRepr{}, nil, ErrUDPChecksumMissing
	}
	if Checksum(u, SumIPv6Pseudo(src, dst, ProtocolUDP, length)) != 0 {
		return UDPRepr{}, nil, ErrUDPChecksum
	}
	return u.repr(), u.Payload(), nil
}

func udpLength(b []byte) (int, error) {
	if len(b) < UDPSize {
		return 0, ErrUDPShort
	}
	length := int(UDP(b).Length())
	if length < UDPSize || length > len(b) {
		return 0, ErrUDPLength
	}
	return length, nil
}

func (u UDP) repr() UDPRepr {
	return UDPRepr{SrcPort: u.SrcPort(), DstPort: u.DstPort(), PayloadLen: len(u) - UDPSize}
}

// Size is the length of the header, in octets.
func (r UDPRepr) Size() int { return UDPSize }

// EmitUDPv4 writes the header of a datagram from src to to over IPv4. The
// payload must be in its place already, PayloadLen octets from dst[UDPSize] on,
// because the checksum covers it.
func (r UDPRepr) EmitUDPv4(dst []byte, src, to [4]byte) int {
	u := r.emit(dst)
	u.SetChecksum(nonZero(Checksum(u, SumIPv4Pseudo(src, to, ProtocolUDP, len(u)))))
	return UDPSize
}

// EmitUDPv6 is EmitUDPv4 over IPv6.
func (r UDPRepr) EmitUDPv6(dst []byte, src, to [16]byte) int {
	u := r.emit(dst)
	u.SetChecksum(nonZero(Checksum(u, SumIPv6Pseudo(src, to, ProtocolUDP, len(u)))))
	return UDPSize
}

// emit writes all but the checksum, which is left 0, and returns the datagram.
func (r UDPRepr) emit(dst []byte) UDP {
	if uint(r.PayloadLen) > 0xffff-UDPSize {
		panic("header: UDP payload length out of range")
	}
	u := UDP(dst[:UDPSize+r.PayloadLen])
	u.SetSrcPort(r.SrcPort)
	u.SetDstPort(r.DstPort)
	u.SetLength(uint16(len(u)))
	u.SetChecksum(0)
	return u
}

// nonZero returns a UDP checksum that does not mean "none" (RFC 768): the two zeros of
// one's complement are the same number.
func nonZero(checksum uint16) uint16 {
	if checksum == 0 {
		return 0xffff
	}
	return checksum
}

// UpdateChecksum corrects the checksum after a field that it covers changed; from and to
// are as for the function UpdateChecksum. A datagram without a checksum keeps none.
func (u UDP) UpdateChecksum(from, to uint16) {
	if c := u.Checksum(); c != 0 {
		u.SetChecksum(nonZero(UpdateChecksum(c, from, to)))
	}
}
