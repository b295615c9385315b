package header

import "encoding/binary"

// MPLSSize is the length of a label stack entry, in octets.
const MPLSSize = 4

// MPLS is a view of a label stack entry and the octets behind it (RFC 3032).
type MPLS []byte

func (m MPLS) entry() uint32 { return binary.BigEndian.Uint32(m[0:4]) }

// Label has 20 bits.
func (m MPLS) Label() uint32 { return m.entry() >> 12 }

// TrafficClass has 3 bits (RFC 5462).
func (m MPLS) TrafficClass() uint8 { return m[2] >> 1 & 7 }

// Bottom reports whether this is the last entry of the stack.
func (m MPLS) Bottom() bool    { return m[2]&1 != 0 }
func (m MPLS) TTL() uint8      { return m[3] }
func (m MPLS) Payload() []byte { return m[MPLSSize:] }

// SetLabel sets the label, of which the low 20 bits count.
func (m MPLS) SetLabel(v uint32) {
	binary.BigEndian.PutUint32(m[0:4], m.entry()&0xfff|v<<12)
}

// SetTrafficClass sets the traffic class, of which the low 3 bits count.
func (m MPLS) SetTrafficClass(v uint8) { m[2] = m[2]&^0x0e | v&7<<1 }
func (m MPLS) SetBottom(bottom bool)   { m[2] = m[2]&^1 | bit(bottom, 1) }
func (m MPLS) SetTTL(v uint8)          { m[3] = v }

// MPLSRepr is a label stack entry.
type MPLSRepr struct {
	Label        uint32 // 20 bits
	TrafficClass uint8  // 3 bits
	Bottom       bool   // last of the stack
	TTL          uint8
}

// ParseMPLS reads one label stack entry. Another one follows if it is not the
// bottom.
func ParseMPLS(b []byte) (MPLSRepr, []byte, error) {
	if len(b) < MPLSSize {
		return MPLSRepr{}, nil, ErrMPLSShort
	}
	m := MPLS(b)
	return MPLSRepr{Label: m.Label(), TrafficClass: m.TrafficClass(), Bottom: m.Bottom(), TTL: m.TTL()}, m.Payload(), nil
}

// Size is the length of the entry, in octets.
func (r MPLSRepr) Size() int { return MPLSSize }

// Emit writes the entry.
func (r MPLSRepr) Emit(dst []byte) int {
	m := MPLS(dst[:MPLSSize])
	clear(m)
	m.SetLabel(r.Label)
	m.SetTrafficClass(r.TrafficClass)
	m.SetBottom(r.Bottom)
	m.SetTTL(r.TTL)
	return MPLSSize
}
