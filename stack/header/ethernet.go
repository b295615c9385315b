package header

import (
	"encoding/binary"
	"fmt"
)

// EtherType is the type of the payload of an Ethernet frame or a VLAN tag.
type EtherType uint16

// Ethernet types.
const (
	EtherTypeIPv4 EtherType = 0x0800
	EtherTypeARP  EtherType = 0x0806
	EtherTypeVLAN EtherType = 0x8100 // IEEE 802.1Q customer tag
	EtherTypeIPv6 EtherType = 0x86dd
	EtherTypeMPLS EtherType = 0x8847
	EtherTypeQinQ EtherType = 0x88a8 // IEEE 802.1ad service tag

	// minEtherType is the smallest type; less is an IEEE 802.3 length.
	minEtherType EtherType = 0x0600
)

// String returns the form "0x0806".
func (t EtherType) String() string { return fmt.Sprintf("0x%04x", uint16(t)) }

// IsTag reports whether a VLAN tag follows.
func (t EtherType) IsTag() bool { return t == EtherTypeVLAN || t == EtherTypeQinQ }

// Sizes in octets.
const (
	EthernetSize = 14
	VLANSize     = 4
	MaxTags      = 2 // VLAN tags that a frame may have here
)

// Ethernet is a view of a frame, without FCS.
type Ethernet []byte

func (e Ethernet) Dst() MAC            { return MAC(e[0:6]) }
func (e Ethernet) Src() MAC            { return MAC(e[6:12]) }
func (e Ethernet) Type() EtherType     { return EtherType(binary.BigEndian.Uint16(e[12:14])) }
func (e Ethernet) Payload() []byte     { return e[EthernetSize:] }
func (e Ethernet) SetDst(m MAC)        { copy(e[0:6], m[:]) }
func (e Ethernet) SetSrc(m MAC)        { copy(e[6:12], m[:]) }
func (e Ethernet) SetType(t EtherType) { binary.BigEndian.PutUint16(e[12:14], uint16(t)) }

// Dot1Q is a view of a VLAN tag behind its TPID: the tag control information and the
// type of the payload.
type Dot1Q []byte

// ID is the VLAN's, of 12 bits.
func (d Dot1Q) ID() uint16 { return binary.BigEndian.Uint16(d[0:2]) & 0x0fff }

// Priority is the priority code point, of 3 bits.
func (d Dot1Q) Priority() uint8     { return d[0] >> 5 }
func (d Dot1Q) DropEligible() bool  { return d[0]&0x10 != 0 }
func (d Dot1Q) Type() EtherType     { return EtherType(binary.BigEndian.Uint16(d[2:4])) }
func (d Dot1Q) Payload() []byte     { return d[VLANSize:] }
func (d Dot1Q) SetType(t EtherType) { binary.BigEndian.PutUint16(d[2:4], uint16(t)) }

// SetID sets the VLAN's ID, of which the low 12 bits count.
func (d Dot1Q) SetID(id uint16) {
	binary.BigEndian.PutUint16(d[0:2], binary.BigEndian.Uint16(d[0:2])&0xf000|id&0x0fff)
}

// SetPriority sets the priority code point, of which the low 3 bits count.
func (d Dot1Q) SetPriority(p uint8) { d[0] = d[0]&0x1f | p<<5 }

func (d Dot1Q) SetDropEligible(eligible bool) { d[0] = d[0]&^0x10 | bit(eligible, 0x10) }

// bit returns mask if set, else 0.
func bit(set bool, mask uint8) uint8 {
	if set {
		return mask
	}
	return 0
}

// VLAN is a tag (IEEE 802.1Q section 9).
type VLAN struct {
	TPID         EtherType // EtherTypeVLAN or EtherTypeQinQ; 0 is emitted as EtherTypeVLAN
	ID           uint16    // 12 bits; 0 is a priority tag, of no VLAN
	Priority     uint8     // 3 bits
	DropEligible bool
}

// EthernetRepr is a frame's header and its VLAN tags, outermost first.
type EthernetRepr struct {
	Dst, Src MAC
	Tags     [MaxTags]VLAN
	NumTags  uint8     // how many of Tags count
	Type     EtherType // of the payload
}

// ParseEthernet reads a frame without FCS. It parses up to two VLAN tags; the payload
// begins behind them and includes padding.
func ParseEthernet(frame []byte) (r EthernetRepr, payload []byte, err error) {
	payload, err = r.Parse(frame)
	return r, payload, err
}

// Parse is ParseEthernet into an r that is zero. It is faster because it avoids a copy
// of the result: a struct that was written field by field cannot be copied in wide loads
// without a stall.
func (r *EthernetRepr) Parse(frame []byte) (payload []byte, err error) {
	if len(frame) < EthernetSize {
		return nil, ErrEthernetShort
	}
	copy(r.Dst[:], frame[0:6])
	copy(r.Src[:], frame[6:12])
	r.Type = Ethernet(frame).Type()
	payload = frame[EthernetSize:]
	for r.Type.IsTag() {
		if r.NumTags == MaxTags {
			return payload, ErrVLANDepth
		}
		if len(payload) < VLANSize {
			return payload, ErrEthernetShort
		}
		d := Dot1Q(payload)
		r.Tags[r.NumTags] = VLAN{TPID: r.Type, ID: d.ID(), Priority: d.Priority(), DropEligible: d.DropEligible()}
		r.NumTags++
		r.Type = d.Type()
		payload = payload[VLANSize:]
	}
	if r.Type < minEtherType {
		return payload, ErrEthernetLength
	}
	return payload, nil
}

// Size is the length of the header and its tags, in octets.
func (r EthernetRepr) Size() int { return EthernetSize + VLANSize*int(r.NumTags) }

// Emit writes the header and its tags.
func (r EthernetRepr) Emit(dst []byte) int {
	return EmitEthernet(dst, &r.Dst, &r.Src, r.Tags[:r.NumTags], r.Type)
}

// Type returns the TPID with which the tag is emitted.
func (t VLAN) Type() EtherType {
	if t.TPID == 0 {
		return EtherTypeVLAN
	}
	return t.TPID
}

// EmitEthernet is the Emit of an EthernetRepr of these parts.
func EmitEthernet(b []byte, dst, src *MAC, tags []VLAN, kind EtherType) int {
	b = b[:EthernetSize+VLANSize*len(tags)]
	copy(b[0:6], dst[:])
	copy(b[6:12], src[:])
	at := 12
	for i := range tags {
		t := &tags[i]
		control := uint16(t.Priority&7)<<13 | uint16(bit(t.DropEligible, 0x10))<<8 | t.ID&0x0fff
		binary.BigEndian.PutUint16(b[at:], uint16(t.Type()))
		binary.BigEndian.PutUint16(b[at+2:], control)
		at += VLANSize
	}
	binary.BigEndian.PutUint16(b[at:], uint16(kind))
	return len(b)
}
