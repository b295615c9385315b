package afpacket

import (
	"encoding/binary"

	"glean/stack/header"
)

// finishChecksum calculates the checksum of ICMP, ICMPv6, UDP or TCP in a frame whose
// sender left it to a device. Other frames and malformed ones stay as they are.
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
	clear(field) // the sender left the sum of the pseudo header there
	sum := header.Checksum(message, pseudo)
	if sum == 0 && p == header.ProtocolUDP {
		sum = 0xffff // RFC 768: zero means no checksum
	}
	binary.BigEndian.PutUint16(field, sum)
}
