package header

// Error is a reason why bytes are not the header they were taken for. It is a
// small number so that counters can be an array: [NumErrors]uint64 indexed by
// Error. The zero Error is no error and is never returned.
type Error uint8

// Errors of the Parse functions.
const (
	ErrEthernetShort  Error = iota + 1 // fewer octets than the header or its tags
	ErrEthernetLength                  // IEEE 802.3 length where a type should be
	ErrVLANDepth                       // more than two VLAN tags

	ErrARPShort        // fewer than 28 octets
	ErrARPHardware     // hardware type is not Ethernet
	ErrARPProtocol     // protocol type is not IPv4
	ErrARPHardwareSize // hardware address length is not 6
	ErrARPProtocolSize // protocol address length is not 4
	ErrARPOperation    // neither request nor reply

	ErrIPv4Short        // fewer than 20 octets
	ErrIPv4Version      // version is not 4
	ErrIPv4HeaderLength // header length under 20 or over the octets there are
	ErrIPv4TotalLength  // total length under the header's or over the octets there are
	ErrIPv4Checksum     // header checksum does not match
	ErrIPv4Source       // multicast or limited broadcast as source

	ErrIPv6Short         // fewer than 40 octets
	ErrIPv6Version       // version is not 6
	ErrIPv6PayloadLength // payload length over the octets there are
	ErrIPv6Source        // multicast as source
	ErrIPv6Extension     // extension header cut off, or hop-by-hop not first
	ErrIPv6Option        // option cut off, or unknown with orders to discard
	ErrIPv6Routing       // routing header with segments left

	ErrFragment // a fragment, an atomic one too

	ErrICMPShort    // fewer octets than the message has
	ErrICMPChecksum // ICMPv4 or ICMPv6 checksum does not match
	ErrICMPType     // another type of message
	ErrICMPCode     // echo with a code other than 0

	ErrNDHopLimit        // hop limit is not 255
	ErrNDChecksum        // checksum does not match
	ErrNDCode            // code is not 0
	ErrNDLength          // fewer than 24 octets
	ErrNDTarget          // multicast target
	ErrNDOptionZero      // option of length 0
	ErrNDOptionTruncated // option longer than what is left
	ErrNDLinkOption      // link-layer address option that holds no Ethernet address
	ErrNSUnspecifiedDst  // solicitation from :: to other than a solicited-node address
	ErrNSUnspecifiedLink // solicitation from :: with a source link-layer address
	ErrNASolicited       // advertisement to a multicast address with the solicited flag

	ErrUDPShort           // fewer than 8 octets
	ErrUDPLength          // length under 8 or over the octets there are
	ErrUDPChecksum        // checksum does not match
	ErrUDPChecksumMissing // no checksum over IPv6

	ErrTCPShort    // fewer than 20 octets
	ErrTCPOffset   // data offset under 20 octets or over the octets there are
	ErrTCPChecksum // checksum does not match

	ErrMPLSShort // fewer than 4 octets

	// NumErrors is one more than the largest Error.
	NumErrors
)

// errorWords holds the label and the sentence of each error.
var errorWords = [NumErrors]struct{ label, text string }{
	0:                     {"none", "no error"},
	ErrEthernetShort:      {"ethernet_short", "Ethernet frame is cut off in its header"},
	ErrEthernetLength:     {"ethernet_length", "Ethernet frame has an IEEE 802.3 length, not a type"},
	ErrVLANDepth:          {"vlan_depth", "Ethernet frame has more than two VLAN tags"},
	ErrARPShort:           {"arp_short", "ARP packet is shorter than 28 octets"},
	ErrARPHardware:        {"arp_hardware", "ARP hardware type is not Ethernet"},
	ErrARPProtocol:        {"arp_protocol", "ARP protocol type is not IPv4"},
	ErrARPHardwareSize:    {"arp_hardware_size", "ARP hardware address length is not 6"},
	ErrARPProtocolSize:    {"arp_protocol_size", "ARP protocol address length is not 4"},
	ErrARPOperation:       {"arp_operation", "ARP operation is neither request nor reply"},
	ErrIPv4Short:          {"ipv4_short", "IPv4 packet is shorter than 20 octets"},
	ErrIPv4Version:        {"ipv4_version", "IPv4 version is not 4"},
	ErrIPv4HeaderLength:   {"ipv4_header_length", "IPv4 header length is impossible"},
	ErrIPv4TotalLength:    {"ipv4_total_length", "IPv4 total length is impossible"},
	ErrIPv4Checksum:       {"ipv4_checksum", "IPv4 header checksum is wrong"},
	ErrIPv4Source:         {"ipv4_source", "IPv4 source is a multicast or broadcast address"},
	ErrIPv6Short:          {"ipv6_short", "IPv6 packet is shorter than 40 octets"},
	ErrIPv6Version:        {"ipv6_version", "IPv6 version is not 6"},
	ErrIPv6PayloadLength:  {"ipv6_payload_length", "IPv6 payload length is impossible"},
	ErrIPv6Source:         {"ipv6_source", "IPv6 source is a multicast address"},
	ErrIPv6Extension:      {"ipv6_extension", "IPv6 extension header is cut off or out of place"},
	ErrIPv6Option:         {"ipv6_option", "IPv6 option is cut off or demands discarding"},
	ErrIPv6Routing:        {"ipv6_routing", "IPv6 routing header has segments left"},
	ErrFragment:           {"fragment", "packet is a fragment"},
	ErrICMPShort:          {"icmp_short", "ICMP message is cut off"},
	ErrICMPChecksum:       {"icmp_checksum", "ICMP checksum is wrong"},
	ErrICMPType:           {"icmp_type", "ICMP message is of another type"},
	ErrICMPCode:           {"icmp_code", "ICMP echo has a code other than 0"},
	ErrNDHopLimit:         {"nd_hop_limit", "neighbor discovery message has a hop limit other than 255"},
	ErrNDChecksum:         {"nd_checksum", "neighbor discovery message has a wrong checksum"},
	ErrNDCode:             {"nd_code", "neighbor discovery message has a code other than 0"},
	ErrNDLength:           {"nd_length", "neighbor discovery message is shorter than 24 octets"},
	ErrNDTarget:           {"nd_target", "neighbor discovery message has a multicast target"},
	ErrNDOptionZero:       {"nd_option_zero", "neighbor discovery option has length 0"},
	ErrNDOptionTruncated:  {"nd_option_truncated", "neighbor discovery option is cut off"},
	ErrNDLinkOption:       {"nd_link_option", "link-layer address option holds no Ethernet address"},
	ErrNSUnspecifiedDst:   {"ns_unspecified_dst", "neighbor solicitation from :: is not to a solicited-node address"},
	ErrNSUnspecifiedLink:  {"ns_unspecified_link", "neighbor solicitation from :: has a source link-layer address"},
	ErrNASolicited:        {"na_solicited", "neighbor advertisement to a multicast address claims to be solicited"},
	ErrUDPShort:           {"udp_short", "UDP datagram is shorter than 8 octets"},
	ErrUDPLength:          {"udp_length", "UDP length is impossible"},
	ErrUDPChecksum:        {"udp_checksum", "UDP checksum is wrong"},
	ErrUDPChecksumMissing: {"udp_checksum_missing", "UDP over IPv6 has no checksum"},
	ErrTCPShort:           {"tcp_short", "TCP segment is shorter than 20 octets"},
	ErrTCPOffset:          {"tcp_offset", "TCP data offset is impossible"},
	ErrTCPChecksum:        {"tcp_checksum", "TCP checksum is wrong"},
	ErrMPLSShort:          {"mpls_short", "MPLS label stack entry is cut off"},
}

// Error returns a sentence for people.
func (e Error) Error() string {
	if e >= NumErrors {
		return "unknown header error"
	}
	return errorWords[e].text
}

// Label returns a word for counters, as "nd_hop_limit".
func (e Error) Label() string {
	if e >= NumErrors {
		return "unknown"
	}
	return errorWords[e].label
}
