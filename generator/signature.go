package generator

import (
	"encoding/binary"
	"math"
)

// Fill is what a frame's payload holds before its signature.
type Fill uint8

// Fills.
const (
	FillNone      Fill = iota // zeros
	FillConstant              // a 16-bit value over and over
	FillIncrement             // octets that rise from a value
	FillDecrement             // octets that fall from a value
	FillPRBS                  // x^23+x^18+1, inverted
)

// Signature is what a definition's frames carry at their end.
type Signature struct {
	StreamID   uint32
	EndOfFrame bool // the transmit time is that of the last bit, not of the first
	Fill       Fill
	FillValue  uint16
}

func parseSignature(n node) *Signature {
	s := new(Signature)
	if !n.has("stream_id") {
		n.member("stream_id").fault("is required")
	} else {
		id, _ := n.member("stream_id").integer(1, math.MaxUint32)
		s.StreamID = uint32(id)
	}
	if !n.has("latency") {
		n.member("latency").fault("is required")
	} else {
		i, _ := n.member("latency").word(latencyWords...)
		s.EndOfFrame = i == 1
	}
	if f, ok := n.object("fill"); ok {
		s.parseFill(f)
	}
	return s
}

var fills = []struct {
	fill  Fill
	name  string
	limit uint64
}{
	{FillConstant, "constant", math.MaxUint16},
	{FillIncrement, "increment", math.MaxUint8},
	{FillDecrement, "decrement", math.MaxUint8},
}

func (s *Signature) parseFill(n node) {
	found := 0
	for _, kind := range fills {
		if n.has(kind.name) {
			v, _ := n.member(kind.name).integer(0, kind.limit)
			s.Fill, s.FillValue = kind.fill, uint16(v)
			found++
		}
	}
	if n.has("prbs") && n.member("prbs").boolean() {
		s.Fill = FillPRBS
		found++
	}
	if found != 1 {
		n.fault("needs exactly one of constant, increment, decrement, prbs (true); it has %d", found)
	}
}

// A signature is 20 octets at the end of a frame, before the FCS. Numbers are
// big-endian.
//
//	octet 0  stream id, 32 bits: config stream_id (low 16 bits), index of the flow in its definition + 1
//	      4  sequence number, 32 bits: per flow, from 0, modulo 2^32
//	      8  transmit time, 62 bits: nanoseconds since the Unix epoch, modulo 2^62
//	         flags, 2 bits: 2 = the time is that of the frame's end, 1 = the payload is PRBS
//	     16  check, 16 bits: see check
//	     18  balance, 16 bits: 0, or what makes a transport checksum right that the signature covers
//
// Where a frame is too short for headers, payload and signature, the signature
// covers the end of the transport header; a frame in which it would reach an
// Ethernet, VLAN, MPLS or IP header is refused.
const (
	SignatureSize    = 20
	signatureBalance = 18
	flagEndOfFrame   = 2
	flagPRBS         = 1
)

// check is the check value of a signature's first 16 octets, a and b being their
// halves. It tells a signature from payload; a frame's integrity is the FCS's
// and the checksums' business. Two multiplications carry each bit of the
// input into the top 16 bits.
func check(a, b uint64) uint16 {
	h := (a ^ 0x9e3779b97f4a7c15) * 0xff51afd7ed558ccd
	h = (h ^ h>>32 ^ b) * 0xc4ceb9fe1a85ec53
	return uint16(h >> 48)
}

// Signed is what a signature says.
type Signed struct {
	Stream     uint32
	Sequence   uint32
	Time       uint64 // nanoseconds since the Unix epoch, modulo 2^62
	EndOfFrame bool
	PRBS       bool
}

// ReadSignature reads the signature at the end of a frame without FCS; ok is
// false if there is none.
func ReadSignature(frame []byte) (s Signed, ok bool) {
	if len(frame) < SignatureSize {
		return s, false
	}
	b := frame[len(frame)-SignatureSize:]
	first, second := binary.BigEndian.Uint64(b), binary.BigEndian.Uint64(b[8:])
	if check(first, second) != binary.BigEndian.Uint16(b[16:]) {
		return s, false
	}
	return Signed{
		Stream: uint32(first >> 32), Sequence: uint32(first), Time: second >> 2,
		EndOfFrame: second&flagEndOfFrame != 0, PRBS: second&flagPRBS != 0,
	}, true
}

// flags are the two bits below the time.
func (s *Signature) flags() (f uint64) {
	if s.EndOfFrame {
		f |= flagEndOfFrame
	}
	if s.Fill == FillPRBS {
		f |= flagPRBS
	}
	return f
}

// stream is the stream id of a flow of the definition.
func (s *Signature) stream(flow uint64) uint32 {
	return s.StreamID&0xffff<<16 | uint32(flow+1)&0xffff
}

// fillPayload writes what lies between the headers and the signature, or the
// part of it that begins at octet from.
func (d *definition) fillPayload(payload []byte, from int) {
	if d.signature == nil {
		clear(payload)
		return
	}
	v := d.signature.FillValue
	switch d.signature.Fill {
	case FillConstant:
		for i := range payload {
			payload[i] = byte(v >> (8 * (1 - (from+i)&1)))
		}
	case FillIncrement:
		for i := range payload {
			payload[i] = byte(v) + byte(from+i)
		}
	case FillDecrement:
		for i := range payload {
			payload[i] = byte(v) - byte(from+i)
		}
	case FillPRBS:
		copy(payload, d.prbs[from:])
	default:
		clear(payload)
	}
}

// prbs is the beginning of the inverted pseudo-random bit sequence of
// x^23+x^18+1 (ITU-T O.150 section 5.6), from a register of ones. Each frame's
// payload begins with it anew, so a receiver needs no other frame to check one.
func prbs(octets int) []byte {
	b := make([]byte, octets)
	register := uint32(1<<23 - 1)
	for i := range b {
		for range 8 {
			bit := register >> 22 & 1
			b[i] = b[i]<<1 | byte(bit^1)
			register = register<<1&(1<<23-1) | (register>>22^register>>17)&1
		}
	}
	return b
}

// signatureCovers names the header that a signature would make useless.
func (d *definition) signatureCovers(s *sized) string {
	if s.sign < 0 {
		return ""
	}
	for i := range d.headers {
		h := &d.headers[i]
		if !h.kind.isTransport() && h.kind != protoCustom && s.sign < h.end() {
			return h.kind.String()
		}
	}
	return ""
}
