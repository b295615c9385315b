package generator

import "glean/stack/header"

// fieldType says how a field is written in JSON and which modifiers fit it.
type fieldType uint8

const (
	typeInteger fieldType = iota
	typeBoolean
	typeWord  // one of words; its value is in values
	typeFlags // any of words; each stands for the bit in values
	typeMAC
	typeIPv4
	typeIPv6
)

// field is one field of a header: where it is and how it is named.
type field struct {
	name   string
	bit    int  // from the header's first bit
	width  uint // in bits
	kind   fieldType
	scale  uint64 // the JSON value is in units of 1/scale; 0 means 1
	words  []string
	values []uint64
	preset wide // what stands there when nothing is said
	role   role
}

// role marks the fields that the generator itself fills.
type role uint8

const (
	roleNone role = iota
	roleSource
	roleDestination
	roleNext      // what kind of header follows
	roleLength    // of this header and what follows, or of what follows only
	roleChecksum  //
	roleHeaderLen // where the payload begins
)

// max is the largest value of the field, in JSON's units.
func (f *field) max() uint64 {
	m := uint64(1)<<f.width - 1
	if f.scale != 0 {
		m *= f.scale
	}
	return m
}

// protocol is a kind of header.
type protocol uint8

const (
	protoEthernet protocol = iota
	protoVLAN
	protoMPLS
	protoIPv4
	protoIPv6
	protoTCP
	protoUDP
	protoCustom
	numProtocols
)

var protocolNames = [numProtocols]string{"ethernet", "vlan", "mpls", "ipv4", "ipv6", "tcp", "udp", "custom"}

func (p protocol) String() string { return protocolNames[p] }

func (p protocol) isIP() bool        { return p == protoIPv4 || p == protoIPv6 }
func (p protocol) isTransport() bool { return p == protoTCP || p == protoUDP }

const (
	mplsSize = 4
	tcpSize  = 20
)

// sizes are the lengths of the headers in octets; a custom one is as long as
// its data.
var sizes = [numProtocols]int{
	protoEthernet: header.EthernetSize,
	protoVLAN:     header.VLANSize,
	protoMPLS:     mplsSize,
	protoIPv4:     header.IPv4Size,
	protoIPv6:     header.IPv6Size,
	protoTCP:      tcpSize,
	protoUDP:      header.UDPSize,
}

func preset(v uint64) wide { return wide{lo: v} }

// fields are those of each header, in the words of the API. Their places are
// those of IEEE 802.3 and 802.1Q, RFC 3032, 791, 8200, 9293 and 768.
var fields = [numProtocols][]field{
	protoEthernet: {
		{name: "destination", bit: 0, width: 48, kind: typeMAC, role: roleDestination},
		{name: "source", bit: 48, width: 48, kind: typeMAC, role: roleSource},
		{name: "ether_type", bit: 96, width: 16, role: roleNext},
	},
	protoVLAN: {
		{name: "priority", bit: 0, width: 3, kind: typeWord, words: []string{"best_effort", "background",
			"excellent_effort", "critical_app", "video", "voice", "internetwork_control", "network_control"},
			values: []uint64{0, 1, 2, 3, 4, 5, 6, 7}},
		{name: "drop_eligible", bit: 3, width: 1, kind: typeBoolean},
		{name: "id", bit: 4, width: 12},
		{name: "ether_type", bit: 16, width: 16, role: roleNext},
	},
	protoMPLS: {
		{name: "label", bit: 0, width: 20},
		{name: "traffic_class", bit: 20, width: 3},
		{name: "bottom_of_stack", bit: 23, width: 1, kind: typeBoolean, preset: preset(1), role: roleNext},
		{name: "ttl", bit: 24, width: 8, preset: preset(64)},
	},
	protoIPv4: {
		{name: "version", bit: 0, width: 4, preset: preset(4)},
		{name: "header_length", bit: 4, width: 4, scale: 4, preset: preset(20), role: roleHeaderLen},
		{name: "dscp", bit: 8, width: 6},
		{name: "ecn", bit: 14, width: 2, kind: typeWord, words: []string{"non_ect", "ect_1", "ect_0", "ce"},
			values: []uint64{0, 1, 2, 3}},
		{name: "total_length", bit: 16, width: 16, role: roleLength},
		{name: "identification", bit: 32, width: 16},
		{name: "flags", bit: 48, width: 3, kind: typeFlags, words: []string{"evil_bit", "dont_fragment", "more_fragments"},
			values: []uint64{4, 2, 1}},
		{name: "fragment_offset", bit: 51, width: 13, scale: 8},
		{name: "time_to_live", bit: 64, width: 8, preset: preset(64)},
		{name: "protocol", bit: 72, width: 8, preset: preset(254), role: roleNext},
		{name: "checksum", bit: 80, width: 16, role: roleChecksum},
		{name: "source", bit: 96, width: 32, kind: typeIPv4, role: roleSource},
		{name: "destination", bit: 128, width: 32, kind: typeIPv4, role: roleDestination},
	},
	protoIPv6: {
		{name: "version", bit: 0, width: 4, preset: preset(6)},
		{name: "traffic_class", bit: 4, width: 8},
		{name: "flow_label", bit: 12, width: 20},
		{name: "payload_length", bit: 32, width: 16, role: roleLength},
		{name: "next_header", bit: 48, width: 8, preset: preset(59), role: roleNext},
		{name: "hop_limit", bit: 56, width: 8, preset: preset(64)},
		{name: "source", bit: 64, width: 128, kind: typeIPv6, role: roleSource},
		{name: "destination", bit: 192, width: 128, kind: typeIPv6, role: roleDestination},
	},
	protoTCP: {
		{name: "source", bit: 0, width: 16, preset: preset(3357)},
		{name: "destination", bit: 16, width: 16, preset: preset(3357)},
		{name: "sequence", bit: 32, width: 32},
		{name: "ack", bit: 64, width: 32},
		{name: "data_offset", bit: 96, width: 4, scale: 4, preset: preset(20)},
		{name: "reserved", bit: 100, width: 3},
		{name: "flags", bit: 103, width: 9, kind: typeFlags,
			words:  []string{"ns", "cwr", "ece", "urg", "ack", "psh", "rst", "syn", "fin"},
			values: []uint64{256, 128, 64, 32, 16, 8, 4, 2, 1}},
		{name: "window", bit: 112, width: 16},
		{name: "checksum", bit: 128, width: 16, role: roleChecksum},
		{name: "urgent_pointer", bit: 144, width: 16},
	},
	protoUDP: {
		{name: "source", bit: 0, width: 16, preset: preset(3357)},
		{name: "destination", bit: 16, width: 16, preset: preset(3357)},
		{name: "length", bit: 32, width: 16, role: roleLength},
		{name: "checksum", bit: 48, width: 16, role: roleChecksum},
	},
}

// fieldOf finds a field by its role or, if name is not empty, by its name.
func fieldOf(p protocol, name string, r role) *field {
	for i := range fields[p] {
		f := &fields[p][i]
		if name != "" && f.name == name || name == "" && f.role == r {
			return f
		}
	}
	return nil
}

// put writes v into a field of the header b. It is used to build templates;
// the transmit loop has ops of its own.
func put(b []byte, f *field, v wide) {
	for i := uint(0); i < f.width; i++ {
		at := f.bit + int(f.width-1-i)
		bit := byte(v.lo >> i & 1)
		if i >= 64 {
			bit = byte(v.hi >> (i - 64) & 1)
		}
		mask := byte(0x80) >> (at & 7)
		b[at>>3] &^= mask
		if bit != 0 {
			b[at>>3] |= mask
		}
	}
}

// get reads a field of the header b.
func get(b []byte, f *field) (v wide) {
	for i := uint(0); i < f.width; i++ {
		at := f.bit + int(i)
		v = wide{v.hi<<1 | v.lo>>63, v.lo<<1 | uint64(b[at>>3]>>(7-at&7)&1)}
	}
	return v
}
