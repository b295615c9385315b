package afpacket

import (
	"encoding/binary"

	"golang.org/x/sys/unix"

	"glean/stack/header"
)

// tagRoom is how many octets must be free before a received frame, so that the
// tag can be put back without moving the payload.
const tagRoom = header.VLANSize

// addresses is the length of the two MAC addresses, behind which a tag stands.
const addresses = 12

// restoreTag gives the frame that begins tagRoom octets into b as it was on the
// wire. The kernel takes the outermost VLAN tag off and tells it apart.
func restoreTag(b []byte, aux *unix.TpacketAuxdata) []byte {
	if aux.Status&unix.TP_STATUS_VLAN_VALID == 0 {
		return b[tagRoom:]
	}
	kind := header.EtherTypeVLAN
	if aux.Status&unix.TP_STATUS_VLAN_TPID_VALID != 0 {
		kind = header.EtherType(aux.Vlan_tpid)
	}
	copy(b[:addresses], b[tagRoom:])
	header.Ethernet(b).SetType(kind)
	binary.BigEndian.PutUint16(b[header.EthernetSize:], aux.Vlan_tci)
	return b
}

// finishChecksum calculates the checksum of ICMP, ICMPv6, UDP or TCP in a frame
// that its sender left to a device. What is none of these, or is malformed,
// stays as it is.
func finishChecksum(frame []byte) {
	e, packet, err := header.ParseEthernet(frame)
	if err != nil {
		return
	}
	switch e.Type {
	case header.EtherTypeIPv4:
		if ip, b, err := header.ParseIPv4(packet); err == nil {
			pseudo := header.SumIPv4Pseudo(ip.Src, ip.Dst, ip.Protocol, len(b))
			if ip.Protocol == header.ProtocolICMPv4 {
				pseudo = 0 // RFC 792 has none
			}
			writeChecksum(ip.Protocol, b, pseudo)
		}
	case header.EtherTypeIPv6:
		if ip, b, err := header.ParseIPv6(packet); err == nil {
			writeChecksum(ip.NextHeader, b, header.SumIPv6Pseudo(ip.Src, ip.Dst, ip.NextHeader, len(b)))
		}
	}
}

// writeChecksum calculates the checksum of message, the payload of an IP packet
// with the sum pseudo of the pseudo header.
func writeChecksum(p header.Protocol, message []byte, pseudo uint16) {
	var at int
	switch p {
	case header.ProtocolICMPv4, header.ProtocolICMPv6:
		at = 2
	case header.ProtocolUDP:
		at = 6
	case header.ProtocolTCP:
		at = 16
	default:
		return
	}
	if len(message) < at+2 {
		return
	}
	field := message[at : at+2]
	clear(field) // it holds the sum of the pseudo header
	sum := header.Checksum(message, pseudo)
	if sum == 0 && p == header.ProtocolUDP {
		sum = 0xffff // RFC 768: zero means that there is none
	}
	binary.BigEndian.PutUint16(field, sum)
}
