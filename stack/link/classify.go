package link

import (
	"encoding/binary"

	"glean/stack/header"
)

// Class is the destination of a received frame.
type Class uint8

// Classes of frames.
const (
	ClassTraffic Class = iota // test traffic: the analyzer, never the loop
	ClassControl              // for the stack: through the inbox onto the loop
)

// String returns the class as a word.
func (c Class) String() string {
	if c == ClassControl {
		return "control"
	}
	return "traffic"
}

// Classify returns whether a frame is for the stack. These are ARP, ICMP and ICMPv6
// (with Neighbor Discovery), and frames that may carry one of them unseen: IPv4
// fragments and IPv6 packets that begin with a hop-by-hop, fragment or destination
// options header. Up to two VLAN tags may be in front. Classify does not validate: the
// stack does, and counts invalid frames by reason.
func Classify(frame []byte) Class {
	if len(frame) < header.EthernetSize {
		return ClassTraffic
	}
	kind := header.Ethernet(frame).Type()
	payload := frame[header.EthernetSize:]
	for tags := 0; kind.IsTag() && tags < header.MaxTags && len(payload) >= header.VLANSize; tags++ {
		kind = header.Dot1Q(payload).Type()
		payload = payload[header.VLANSize:]
	}
	switch kind {
	case header.EtherTypeARP:
		return ClassControl
	case header.EtherTypeIPv4:
		return classifyIPv4(payload)
	case header.EtherTypeIPv6:
		return classifyIPv6(payload)
	}
	return ClassTraffic
}

func classifyIPv4(packet []byte) Class {
	const moreFragmentsOrOffset = 0x3fff // RFC 791 section 3.1: all but "reserved" and "don't fragment"
	if len(packet) < header.IPv4Size {
		return ClassTraffic
	}
	if header.Protocol(packet[9]) == header.ProtocolICMPv4 || binary.BigEndian.Uint16(packet[6:])&moreFragmentsOrOffset != 0 {
		return ClassControl
	}
	return ClassTraffic
}

func classifyIPv6(packet []byte) Class {
	const nextHeader = 6 // RFC 8200 section 3
	if len(packet) <= nextHeader {
		return ClassTraffic
	}
	switch header.Protocol(packet[nextHeader]) {
	case header.ProtocolICMPv6, header.ProtocolHopByHop, header.ProtocolFragment, header.ProtocolDestinationOptions:
		return ClassControl
	}
	return ClassTraffic
}
