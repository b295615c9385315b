package header

import "encoding/binary"

// ARPSize is the length of an ARP packet for IPv4 over Ethernet, in octets.
const ARPSize = 28

// arpHardwareEthernet is the hardware type of Ethernet.
const arpHardwareEthernet = 1

// ARPOp is an ARP operation.
type ARPOp uint16

// ARP operations.
const (
	ARPRequest ARPOp = 1
	ARPReply   ARPOp = 2
)

// ARP is a view of an ARP packet for IPv4 over Ethernet (RFC 826).
type ARP []byte

func (a ARP) HardwareType() uint16    { return binary.BigEndian.Uint16(a[0:2]) }
func (a ARP) ProtocolType() EtherType { return EtherType(binary.BigEndian.Uint16(a[2:4])) }
func (a ARP) HardwareSize() uint8     { return a[4] }
func (a ARP) ProtocolSize() uint8     { return a[5] }
func (a ARP) Op() ARPOp               { return ARPOp(binary.BigEndian.Uint16(a[6:8])) }
func (a ARP) SenderMAC() MAC          { return MAC(a[8:14]) }
func (a ARP) SenderIP() [4]byte       { return [4]byte(a[14:18]) }
func (a ARP) TargetMAC() MAC          { return MAC(a[18:24]) }
func (a ARP) TargetIP() [4]byte       { return [4]byte(a[24:28]) }

func (a ARP) SetHardwareType(t uint16)    { binary.BigEndian.PutUint16(a[0:2], t) }
func (a ARP) SetProtocolType(t EtherType) { binary.BigEndian.PutUint16(a[2:4], uint16(t)) }
func (a ARP) SetHardwareSize(n uint8)     { a[4] = n }
func (a ARP) SetProtocolSize(n uint8)     { a[5] = n }
func (a ARP) SetOp(op ARPOp)              { binary.BigEndian.PutUint16(a[6:8], uint16(op)) }
func (a ARP) SetSenderMAC(m MAC)          { copy(a[8:14], m[:]) }
func (a ARP) SetSenderIP(ip [4]byte)      { copy(a[14:18], ip[:]) }
func (a ARP) SetTargetMAC(m MAC)          { copy(a[18:24], m[:]) }
func (a ARP) SetTargetIP(ip [4]byte)      { copy(a[24:28], ip[:]) }

// UntaggedARPReply returns the reply in a frame without VLAN tags, nil if ParseEthernet and
// ParseARP would find anything else.
func UntaggedARPReply(frame []byte) ARP {
	const (
		fixed = uint64(EtherTypeARP)<<48 | arpHardwareEthernet<<32 | uint64(EtherTypeIPv4)<<16 | 6<<8 | 4
		at    = EthernetSize - 2 // from the Ethernet type on, all of them begin alike
	)
	if len(frame) < EthernetSize+ARPSize || binary.BigEndian.Uint64(frame[at:]) != fixed {
		return nil
	}
	if a := ARP(frame[EthernetSize:]); a.Op() == ARPReply {
		return a
	}
	return nil
}

// ARPRepr is a request or a reply. The addresses are as the sender wrote them:
// whether they may be believed is for the receiver to decide.
type ARPRepr struct {
	Op        ARPOp
	SenderMAC MAC
	SenderIP  [4]byte
	TargetMAC MAC // any value in a request
	TargetIP  [4]byte
}

// ParseARP reads an ARP packet. Octets behind its 28 octets are padding and are ignored.
func ParseARP(b []byte) (r ARPRepr, err error) {
	err = r.Parse(b)
	return r, err
}

// Parse is ParseARP into an r that is zero, as EthernetRepr.Parse.
func (r *ARPRepr) Parse(b []byte) error {
	if len(b) < ARPSize {
		return ErrARPShort
	}
	a := ARP(b)
	switch op := a.Op(); {
	case a.HardwareType() != arpHardwareEthernet:
		return ErrARPHardware
	case a.ProtocolType() != EtherTypeIPv4:
		return ErrARPProtocol
	case a.HardwareSize() != 6:
		return ErrARPHardwareSize
	case a.ProtocolSize() != 4:
		return ErrARPProtocolSize
	case op != ARPRequest && op != ARPReply:
		return ErrARPOperation
	}
	r.Op = a.Op()
	copy(r.SenderMAC[:], a[8:14])
	copy(r.SenderIP[:], a[14:18])
	copy(r.TargetMAC[:], a[18:24])
	copy(r.TargetIP[:], a[24:28])
	return nil
}

// Size is the length of the packet, in octets.
func (r ARPRepr) Size() int { return ARPSize }

// Emit writes the packet.
func (r ARPRepr) Emit(dst []byte) int { return r.EmitTo(dst) }

// EmitTo is Emit without a copy of r.
func (r *ARPRepr) EmitTo(dst []byte) int {
	a := ARP(dst[:ARPSize])
	a.SetHardwareType(arpHardwareEthernet)
	a.SetProtocolType(EtherTypeIPv4)
	a.SetHardwareSize(6)
	a.SetProtocolSize(4)
	a.SetOp(r.Op)
	copy(a[8:14], r.SenderMAC[:])
	copy(a[14:18], r.SenderIP[:])
	copy(a[18:24], r.TargetMAC[:])
	copy(a[24:28], r.TargetIP[:])
	return ARPSize
}
