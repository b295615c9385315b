package traffic

import (
	"math"

	"glean/generator/signature"
)

// Fill is the content of a frame's payload before its signature.
type Fill uint8

// Fills.
const (
	FillNone      Fill = iota // zeros
	FillConstant              // a 16-bit value over and over
	FillIncrement             // octets that rise from a value
	FillDecrement             // octets that fall from a value
	FillPRBS                  // x^23+x^18+1, inverted
)

// Signature is the signature of a definition's frames, without what differs from frame
// to frame.
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

// Flags returns the bits below the time in each signature.
func (s *Signature) Flags() uint64 { return signature.Flags(s.EndOfFrame, s.Fill == FillPRBS) }

// Stream returns the stream id of a flow of the definition.
func (s *Signature) Stream(flow uint64) uint32 { return signature.Stream(s.StreamID, flow) }
