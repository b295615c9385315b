package program

import (
	"glean/generator/traffic"
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
func (d *definition) signatureCovers(s *sized) string {
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
