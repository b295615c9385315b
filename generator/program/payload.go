package program

import (
	"glean/generator/signature"
	"glean/generator/traffic"
	"glean/stack/loop"
)

// fillPayload writes what lies between the headers and the signature, or the
// part of it that begins at octet from.
func (d *definition) fillPayload(payload []byte, from int) {
	if d.signature == nil {
		clear(payload)
		return
	}
	v := d.signature.FillValue
	switch d.signature.Fill {
	case traffic.FillConstant:
		for i := range payload {
			payload[i] = byte(v >> (8 * (1 - (from+i)&1)))
		}
	case traffic.FillIncrement:
		for i := range payload {
			payload[i] = byte(v) + byte(from+i)
		}
	case traffic.FillDecrement:
		for i := range payload {
			payload[i] = byte(v) - byte(from+i)
		}
	case traffic.FillPRBS:
		copy(payload, d.prbs[from:])
	default:
		clear(payload)
	}
}

// signatureCovers names the header that a signature would make useless.
func (d *definition) signatureCovers(s *lengthVariant) string {
	if s.sign < 0 {
		return ""
	}
	for i := range d.headers {
		h := &d.headers[i]
		if !h.kind.IsTransport() && h.kind != traffic.Custom && s.sign < h.end() {
			return h.kind.String()
		}
	}
	return ""
}

// sign writes the signatures of a bout's frames and moves their flows' sequence
// numbers.
func (r *Run) sign(b *group, now loop.Time) {
	second := (r.options.Epoch+uint64(now))<<2 | b.d.signature.Flags()
	secondSum := sumOf(traffic.Uint128{Lo: second})
	c, stream := b.c, uint64(b.d.signature.StreamID&0xffff)<<48
	flow, stream, by, seq := c.flow, stream|(c.first+1)<<32, c.parts, c.seq
	at, sums := r.columns.signAt[b.row:b.row+b.n], r.columns.signed[:b.n]
	for i := range sums {
		first := stream + flow*by<<32 | uint64(seq[flow])
		seq[flow]++
		value := signature.Put(r.buffer[at[i]:at[i]+signature.Size], first, second)
		sums[i] = (first>>32 + first&0xffffffff + secondSum + value) << (at[i] & 1 * 8)
		if flow++; flow == uint64(len(seq)) {
			flow = 0
		}
	}
}
