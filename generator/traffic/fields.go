package traffic

import "glean/stack/header"

// FieldKind is the way in which a field is written in JSON. It decides which modifiers
// fit the field.
type FieldKind uint8

// Kinds of fields.
const (
	KindInteger FieldKind = iota
	KindBoolean
	KindWord  // one of Words, each of which stands for a number
	KindFlags // any of Words, each of which stands for a bit
	KindMAC
	KindIPv4
	KindIPv6
)

// Field is one field of a header: its name, its place and its kind.
type Field struct {
	Name   string
	Bit    int  // from the header's first bit
	Width  uint // in bits
	Kind   FieldKind
	Scale  uint64 // the field holds the JSON value divided by Scale; 0 means 1
	Words  []string
	values []uint64
	preset Uint128 // the value if the configuration sets none
	Role   Role
}

// Role marks a field that the compiler fills or looks at.
type Role uint8

// Roles of fields.
const (
	RoleNone Role = iota
	RoleSource
	RoleDestination
	RoleNext         // the kind of the header that follows
	RoleLength       // of this header and what follows, or of what follows only
	RoleChecksum     // of this header, or of it and all that follows
	RoleHeaderLength // where the payload begins
)

// Max returns the largest value of the field as JSON has it.
func (f *Field) Max() uint64 {
	m := uint64(1)<<f.Width - 1
	if f.Scale != 0 {
		m *= f.Scale
	}
	return m
}

// Protocol is a kind of header.
type Protocol uint8

// Protocols of a packet template.
const (
	Ethernet Protocol = iota
	VLAN
	MPLS
	IPv4
	IPv6
	TCP
	UDP
	Custom
	NumProtocols
)

var protocolNames = [NumProtocols]string{"ethernet", "vlan", "mpls", "ipv4", "ipv6", "tcp", "udp", "custom"}

// String returns the word that the API uses.
func (p Protocol) String() string { return protocolNames[p] }

// IsIP reports whether the header is of IPv4 or IPv6.
func (p Protocol) IsIP() bool { return p == IPv4 || p == IPv6 }

// IsTransport reports whether the header is of TCP or UDP.
func (p Protocol) IsTransport() bool { return p == TCP || p == UDP }

const (
	mplsSize = 4
	tcpSize  = 20
)

// sizes holds the lengths of the headers in octets. A custom header is as long as its
// data.
var sizes = [NumProtocols]int{
	Ethernet: header.EthernetSize,
	VLAN:     header.VLANSize,
	MPLS:     mplsSize,
	IPv4:     header.IPv4Size,
	IPv6:     header.IPv6Size,
	TCP:      tcpSize,
	UDP:      header.UDPSize,
}

func preset(v uint64) Uint128 { return Uint128{Lo: v} }

// fields lists the fields of each header, in the words of the API. Their places are
// those of IEEE 802.3 and 802.1Q, RFC 3032, 791, 8200, 9293 and 768.
var fields = [NumProtocols][]Field{
	Ethernet: {
		{Name: "destination", Bit: 0, Width: 48, Kind: KindMAC, Role: RoleDestination},
		{Name: "source", Bit: 48, Width: 48, Kind: KindMAC, Role: RoleSource},
		{Name: "ether_type", Bit: 96, Width: 16, Role: RoleNext},
	},
	VLAN: {
		{Name: "priority", Bit: 0, Width: 3, Kind: KindWord, Words: []string{"best_effort", "background",
			"excellent_effort", "critical_app", "video", "voice", "internetwork_control", "network_control"},
			values: []uint64{0, 1, 2, 3, 4, 5, 6, 7}},
		{Name: "drop_eligible", Bit: 3, Width: 1, Kind: KindBoolean},
		{Name: "id", Bit: 4, Width: 12},
		{Name: "ether_type", Bit: 16, Width: 16, Role: RoleNext},
	},
	MPLS: {
		{Name: "label", Bit: 0, Width: 20},
		{Name: "traffic_class", Bit: 20, Width: 3},
		{Name: "bottom_of_stack", Bit: 23, Width: 1, Kind: KindBoolean, preset: preset(1), Role: RoleNext},
		{Name: "ttl", Bit: 24, Width: 8, preset: preset(64)},
	},
	IPv4: {
		{Name: "version", Bit: 0, Width: 4, preset: preset(4)},
		{Name: "header_length", Bit: 4, Width: 4, Scale: 4, preset: preset(20), Role: RoleHeaderLength},
		{Name: "dscp", Bit: 8, Width: 6},
		{Name: "ecn", Bit: 14, Width: 2, Kind: KindWord, Words: []string{"non_ect", "ect_1", "ect_0", "ce"},
			values: []uint64{0, 1, 2, 3}},
		{Name: "total_length", Bit: 16, Width: 16, Role: RoleLength},
		{Name: "identification", Bit: 32, Width: 16},
		{Name: "flags", Bit: 48, Width: 3, Kind: KindFlags, Words: []string{"evil_bit", "dont_fragment", "more_fragments"},
			values: []uint64{4, 2, 1}},
		{Name: "fragment_offset", Bit: 51, Width: 13, Scale: 8},
		{Name: "time_to_live", Bit: 64, Width: 8, preset: preset(64)},
		{Name: "protocol", Bit: 72, Width: 8, preset: preset(254), Role: RoleNext},
		{Name: "checksum", Bit: 80, Width: 16, Role: RoleChecksum},
		{Name: "source", Bit: 96, Width: 32, Kind: KindIPv4, Role: RoleSource},
		{Name: "destination", Bit: 128, Width: 32, Kind: KindIPv4, Role: RoleDestination},
	},
	IPv6: {
		{Name: "version", Bit: 0, Width: 4, preset: preset(6)},
		{Name: "traffic_class", Bit: 4, Width: 8},
		{Name: "flow_label", Bit: 12, Width: 20},
		{Name: "payload_length", Bit: 32, Width: 16, Role: RoleLength},
		{Name: "next_header", Bit: 48, Width: 8, preset: preset(59), Role: RoleNext},
		{Name: "hop_limit", Bit: 56, Width: 8, preset: preset(64)},
		{Name: "source", Bit: 64, Width: 128, Kind: KindIPv6, Role: RoleSource},
		{Name: "destination", Bit: 192, Width: 128, Kind: KindIPv6, Role: RoleDestination},
	},
	TCP: {
		{Name: "source", Bit: 0, Width: 16, preset: preset(3357)},
		{Name: "destination", Bit: 16, Width: 16, preset: preset(3357)},
		{Name: "sequence", Bit: 32, Width: 32},
		{Name: "ack", Bit: 64, Width: 32},
		{Name: "data_offset", Bit: 96, Width: 4, Scale: 4, preset: preset(20)},
		{Name: "reserved", Bit: 100, Width: 3},
		{Name: "flags", Bit: 103, Width: 9, Kind: KindFlags,
			Words:  []string{"ns", "cwr", "ece", "urg", "ack", "psh", "rst", "syn", "fin"},
			values: []uint64{256, 128, 64, 32, 16, 8, 4, 2, 1}},
		{Name: "window", Bit: 112, Width: 16},
		{Name: "checksum", Bit: 128, Width: 16, Role: RoleChecksum},
		{Name: "urgent_pointer", Bit: 144, Width: 16},
	},
	UDP: {
		{Name: "source", Bit: 0, Width: 16, preset: preset(3357)},
		{Name: "destination", Bit: 16, Width: 16, preset: preset(3357)},
		{Name: "length", Bit: 32, Width: 16, Role: RoleLength},
		{Name: "checksum", Bit: 48, Width: 16, Role: RoleChecksum},
	},
}

// Fields returns the fields of the header. The caller must not change them.
func (p Protocol) Fields() []Field { return fields[p] }

// Field returns the field of a role, nil if the header has none.
func (p Protocol) Field(r Role) *Field {
	for i := range fields[p] {
		if f := &fields[p][i]; f.Role == r {
			return f
		}
	}
	return nil
}

// fieldNamed returns the field of that name, nil if there is none.
func (p Protocol) fieldNamed(name string) *Field {
	for i := range fields[p] {
		if f := &fields[p][i]; f.Name == name {
			return f
		}
	}
	return nil
}

// Put writes v into the field of a header b, bit by bit. It is for templates: the
// transmit loop writes one field of a whole batch at a time.
func (f *Field) Put(b []byte, v Uint128) {
	for i := uint(0); i < f.Width; i++ {
		at := f.Bit + int(f.Width-1-i)
		bit := byte(v.Lo >> i & 1)
		if i >= 64 {
			bit = byte(v.Hi >> (i - 64) & 1)
		}
		mask := byte(0x80) >> (at & 7)
		b[at>>3] &^= mask
		if bit != 0 {
			b[at>>3] |= mask
		}
	}
}

// Get reads the field of a header b.
func (f *Field) Get(b []byte) (v Uint128) {
	for i := uint(0); i < f.Width; i++ {
		at := f.Bit + int(i)
		v = Uint128{v.Hi<<1 | v.Lo>>63, v.Lo<<1 | uint64(b[at>>3]>>(7-at&7)&1)}
	}
	return v
}
