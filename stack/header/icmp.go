package header

import "encoding/binary"

// Types of ICMPv4 messages (RFC 792).
const (
	ICMPv4EchoReply    uint8 = 0
	ICMPv4Unreachable  uint8 = 3
	ICMPv4EchoRequest  uint8 = 8
	ICMPv4TimeExceeded uint8 = 11
)

// Types of ICMPv6 messages (RFC 4443, RFC 4861).
const (
	ICMPv6Unreachable           uint8 = 1
	ICMPv6PacketTooBig          uint8 = 2
	ICMPv6TimeExceeded          uint8 = 3
	ICMPv6EchoRequest           uint8 = 128
	ICMPv6EchoReply             uint8 = 129
	ICMPv6RouterSolicitation    uint8 = 133
	ICMPv6RouterAdvertisement   uint8 = 134
	ICMPv6NeighborSolicitation  uint8 = 135
	ICMPv6NeighborAdvertisement uint8 = 136
	ICMPv6Redirect              uint8 = 137
)

// ICMPSize is the length of an echo's or error's header, in octets.
const ICMPSize = 8

// ICMPv4 is a view of a message.
type ICMPv4 []byte

func (m ICMPv4) Type() uint8          { return m[0] }
func (m ICMPv4) Code() uint8          { return m[1] }
func (m ICMPv4) Checksum() uint16     { return binary.BigEndian.Uint16(m[2:4]) }
func (m ICMPv4) EchoID() uint16       { return binary.BigEndian.Uint16(m[4:6]) }
func (m ICMPv4) EchoSeq() uint16      { return binary.BigEndian.Uint16(m[6:8]) }
func (m ICMPv4) Payload() []byte      { return m[ICMPSize:] }
func (m ICMPv4) SetType(v uint8)      { m[0] = v }
func (m ICMPv4) SetCode(v uint8)      { m[1] = v }
func (m ICMPv4) SetChecksum(v uint16) { binary.BigEndian.PutUint16(m[2:4], v) }
func (m ICMPv4) SetEchoID(v uint16)   { binary.BigEndian.PutUint16(m[4:6], v) }
func (m ICMPv4) SetEchoSeq(v uint16)  { binary.BigEndian.PutUint16(m[6:8], v) }

// ICMPv6 is a view of a message.
type ICMPv6 []byte

func (m ICMPv6) Type() uint8          { return m[0] }
func (m ICMPv6) Code() uint8          { return m[1] }
func (m ICMPv6) Checksum() uint16     { return binary.BigEndian.Uint16(m[2:4]) }
func (m ICMPv6) EchoID() uint16       { return binary.BigEndian.Uint16(m[4:6]) }
func (m ICMPv6) EchoSeq() uint16      { return binary.BigEndian.Uint16(m[6:8]) }
func (m ICMPv6) Payload() []byte      { return m[ICMPSize:] }
func (m ICMPv6) SetType(v uint8)      { m[0] = v }
func (m ICMPv6) SetCode(v uint8)      { m[1] = v }
func (m ICMPv6) SetChecksum(v uint16) { binary.BigEndian.PutUint16(m[2:4], v) }
func (m ICMPv6) SetEchoID(v uint16)   { binary.BigEndian.PutUint16(m[4:6], v) }
func (m ICMPv6) SetEchoSeq(v uint16)  { binary.BigEndian.PutUint16(m[6:8], v) }

// ICMPEchoRepr is an echo request or reply, of ICMPv4 or ICMPv6.
type ICMPEchoRepr struct {
	Reply   bool
	ID, Seq uint16
	Payload []byte
}

// ParseICMPv4Echo reads an echo request or reply: the payload of an IPv4
// packet, whole.
func ParseICMPv4Echo(b []byte) (ICMPEchoRepr, error) {
	if len(b) < ICMPSize {
		return ICMPEchoRepr{}, ErrICMPShort
	}
	if Checksum(b, 0) != 0 {
		return ICMPEchoRepr{}, ErrICMPChecksum
	}
	return parseEcho(b, ICMPv4EchoRequest, ICMPv4EchoReply)
}

// ParseICMPv6Echo reads an echo request or reply: the payload of the IPv6
// packet whose header is ip, whole.
func ParseICMPv6Echo(ip IPv6Repr, b []byte) (ICMPEchoRepr, error) {
	if len(b) < ICMPSize {
		return ICMPEchoRepr{}, ErrICMPShort
	}
	if ChecksumICMPv6(ip.Src, ip.Dst, b) != 0 {
		return ICMPEchoRepr{}, ErrICMPChecksum
	}
	return parseEcho(b, ICMPv6EchoRequest, ICMPv6EchoReply)
}

// parseEcho reads the fields, which are the same in both versions.
func parseEcho(b []byte, request, reply uint8) (ICMPEchoRepr, error) {
	m := ICMPv4(b)
	if m.Type() != request && m.Type() != reply {
		return ICMPEchoRepr{}, ErrICMPType
	}
	if m.Code() != 0 {
		return ICMPEchoRepr{}, ErrICMPCode
	}
	return ICMPEchoRepr{Reply: m.Type() == reply, ID: m.EchoID(), Seq: m.EchoSeq(), Payload: m.Payload()}, nil
}

// Size is the length of the message, payload included, in octets.
func (r ICMPEchoRepr) Size() int { return ICMPSize + len(r.Payload) }

// EmitICMPv4 writes the message, payload included. The payload may already be
// in its place in dst.
func (r ICMPEchoRepr) EmitICMPv4(dst []byte) int {
	kind := ICMPv4EchoRequest
	if r.Reply {
		kind = ICMPv4EchoReply
	}
	m := ICMPv4(r.emit(dst, kind))
	m.SetChecksum(Checksum(m, 0))
	return len(m)
}

// EmitICMPv6 is EmitICMPv4 for a message from src to to.
func (r ICMPEchoRepr) EmitICMPv6(dst []byte, src, to [16]byte) int {
	kind := ICMPv6EchoRequest
	if r.Reply {
		kind = ICMPv6EchoReply
	}
	m := ICMPv6(r.emit(dst, kind))
	m.SetChecksum(ChecksumICMPv6(src, to, m))
	return len(m)
}

// emit writes all but the checksum, which is left 0.
func (r ICMPEchoRepr) emit(dst []byte, kind uint8) []byte {
	m := ICMPv4(dst[:r.Size()])
	copy(m[ICMPSize:], r.Payload) // first: it may lie in dst
	m.SetType(kind)
	m.SetCode(0)
	m.SetChecksum(0)
	m.SetEchoID(r.ID)
	m.SetEchoSeq(r.Seq)
	return m
}

// ChecksumICMPv6 returns the checksum of message, pseudo header included (RFC 4443
// section 2.3). It is 0 if the message has a valid checksum, and the value to write if
// its checksum field is 0.
func ChecksumICMPv6(src, dst [16]byte, message []byte) uint16 {
	return Checksum(message, SumIPv6Pseudo(src, dst, ProtocolICMPv6, len(message)))
}
