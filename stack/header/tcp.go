package header

import "encoding/binary"

// TCPSize is the length of a header without options, in octets.
const TCPSize = 20

// TCPFlags are the control bits of a segment.
type TCPFlags uint8

// Control bits (RFC 9293 section 3.1).
const (
	TCPFin TCPFlags = 1 << iota
	TCPSyn
	TCPRst
	TCPPsh
	TCPAck
	TCPUrg
	TCPEce
	TCPCwr
)

// TCP is a view of a segment (RFC 9293).
type TCP []byte

func (s TCP) SrcPort() uint16 { return binary.BigEndian.Uint16(s[0:2]) }
func (s TCP) DstPort() uint16 { return binary.BigEndian.Uint16(s[2:4]) }
func (s TCP) Seq() uint32     { return binary.BigEndian.Uint32(s[4:8]) }
func (s TCP) Ack() uint32     { return binary.BigEndian.Uint32(s[8:12]) }

// DataOffset is where the payload begins, in octets.
func (s TCP) DataOffset() int  { return int(s[12]>>4) * 4 }
func (s TCP) Flags() TCPFlags  { return TCPFlags(s[13]) }
func (s TCP) Window() uint16   { return binary.BigEndian.Uint16(s[14:16]) }
func (s TCP) Checksum() uint16 { return binary.BigEndian.Uint16(s[16:18]) }
func (s TCP) Urgent() uint16   { return binary.BigEndian.Uint16(s[18:20]) }
func (s TCP) Payload() []byte  { return s[s.DataOffset():] }

func (s TCP) SetSrcPort(v uint16)  { binary.BigEndian.PutUint16(s[0:2], v) }
func (s TCP) SetDstPort(v uint16)  { binary.BigEndian.PutUint16(s[2:4], v) }
func (s TCP) SetSeq(v uint32)      { binary.BigEndian.PutUint32(s[4:8], v) }
func (s TCP) SetAck(v uint32)      { binary.BigEndian.PutUint32(s[8:12], v) }
func (s TCP) SetFlags(v TCPFlags)  { s[13] = uint8(v) }
func (s TCP) SetWindow(v uint16)   { binary.BigEndian.PutUint16(s[14:16], v) }
func (s TCP) SetChecksum(v uint16) { binary.BigEndian.PutUint16(s[16:18], v) }
func (s TCP) SetUrgent(v uint16)   { binary.BigEndian.PutUint16(s[18:20], v) }

// SetDataOffset writes where the payload begins, given in octets (a multiple of
// 4, at most 60), and clears the reserved bits.
func (s TCP) SetDataOffset(octets int) { s[12] = uint8(octets/4) << 4 }

// UpdateChecksum corrects the checksum after a field that it covers changed;
// from and to are as for the function UpdateChecksum.
func (s TCP) UpdateChecksum(from, to uint16) {
	s.SetChecksum(UpdateChecksum(s.Checksum(), from, to))
}

// TCPRepr is a header without options.
type TCPRepr struct {
	SrcPort, DstPort uint16
	Seq, Ack         uint32
	Flags            TCPFlags
	Window, Urgent   uint16
	PayloadLen       int // octets after the header
}

// ParseTCPv4 reads a segment, the whole payload of an IPv4 packet from src to
// dst. Options are skipped.
func ParseTCPv4(src, dst [4]byte, b []byte) (TCPRepr, []byte, error) {
	return parseTCP(b, SumIPv4Pseudo(src, dst, ProtocolTCP, len(b)))
}

// ParseTCPv6 reads a segment, the whole payload of an IPv6 packet from src to
// dst. Options are skipped.
func ParseTCPv6(src, dst [16]byte, b []byte) (TCPRepr, []byte, error) {
	return parseTCP(b, SumIPv6Pseudo(src, dst, ProtocolTCP, len(b)))
}

func parseTCP(b []byte, pseudo uint16) (TCPRepr, []byte, error) {
	if len(b) < TCPSize {
		return TCPRepr{}, nil, ErrTCPShort
	}
	s := TCP(b)
	if offset := s.DataOffset(); offset < TCPSize || offset > len(b) {
		return TCPRepr{}, nil, ErrTCPOffset
	}
	if Checksum(b, pseudo) != 0 {
		return TCPRepr{}, nil, ErrTCPChecksum
	}
	return TCPRepr{
		SrcPort: s.SrcPort(), DstPort: s.DstPort(),
		Seq: s.Seq(), Ack: s.Ack(),
		Flags:  s.Flags(),
		Window: s.Window(), Urgent: s.Urgent(),
		PayloadLen: len(s.Payload()),
	}, s.Payload(), nil
}

// Size is the length of the header, in octets.
func (r TCPRepr) Size() int { return TCPSize }

// EmitTCPv4 writes the header of a segment from src to to over IPv4. The
// payload must be in its place already, PayloadLen octets from dst[TCPSize] on,
// because the checksum covers it.
func (r TCPRepr) EmitTCPv4(dst []byte, src, to [4]byte) int {
	s := r.emit(dst)
	s.SetChecksum(Checksum(s, SumIPv4Pseudo(src, to, ProtocolTCP, len(s))))
	return TCPSize
}

// EmitTCPv6 is EmitTCPv4 over IPv6.
func (r TCPRepr) EmitTCPv6(dst []byte, src, to [16]byte) int {
	s := r.emit(dst)
	s.SetChecksum(Checksum(s, SumIPv6Pseudo(src, to, ProtocolTCP, len(s))))
	return TCPSize
}

// emit writes all but the checksum, which is left 0, and returns the segment.
func (r TCPRepr) emit(dst []byte) TCP {
	s := TCP(dst[:TCPSize+r.PayloadLen])
	s.SetSrcPort(r.SrcPort)
	s.SetDstPort(r.DstPort)
	s.SetSeq(r.Seq)
	s.SetAck(r.Ack)
	s.SetDataOffset(TCPSize)
	s.SetFlags(r.Flags)
	s.SetWindow(r.Window)
	s.SetChecksum(0)
	s.SetUrgent(r.Urgent)
	return s
}
