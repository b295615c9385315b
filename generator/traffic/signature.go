package traffic

import (
	"math"

	"glean/generator/signature"
	"glean/internal/document"
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

func parseSignature(o document.Object) *Signature {
	s := new(Signature)
	id, _ := o.RequiredInteger("stream_id", 1, math.MaxUint32)
	s.StreamID = uint32(id)
	latency, _ := o.RequiredChoice("latency", latencyWords...)
	s.EndOfFrame = latency == 1
	if f, ok := o.Child("fill"); ok {
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

func (s *Signature) parseFill(o document.Object) {
	found := 0
	for _, kind := range fills {
		if o.Given(kind.name) {
			v, _ := o.RequiredInteger(kind.name, 0, kind.limit)
			s.Fill, s.FillValue = kind.fill, uint16(v)
			found++
		}
	}
	if o.Flag("prbs", false) {
		s.Fill = FillPRBS
		found++
	}
	if found != 1 {
		o.Value.Wrong("needs exactly one of constant, increment, decrement, prbs (true); it has %d", found)
	}
}

// Flags returns the bits below the time in each signature.
func (s *Signature) Flags() uint64 { return signature.Flags(s.EndOfFrame, s.Fill == FillPRBS) }

// Stream returns the stream id of a flow of the definition.
func (s *Signature) Stream(flow uint64) uint32 { return signature.Stream(s.StreamID, flow) }
