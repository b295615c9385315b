package program

import (
	"bytes"

	"glean/generator/traffic"
	"glean/stack/header"
)

// definition is the compiled form of a traffic definition.
type definition struct {
	headers     []frameHeader
	template    []byte // the headers, with modified bits, lengths and checksums zero
	modifiers   []fieldModifier
	units       []storeUnit
	lengths     *traffic.Lengths
	variants    []lengthVariant // one for each distinct length
	lengthTable *lengthTable    // nil if frames of different lengths differ in more than it holds
	variantOf   []uint32        // by position in the cycle of lengths; nil for random ones
	flows       uint64
	first       uint64 // the global index of its first flow
	fixedLength uint64 // the length of all its frames with FCS, 0 if they differ
	class       uint32 // of protocol counters

	learned     bool     // frames take their destination MAC from adjacencies
	adjUnstored bool     // no unit moves the value cursor of adjModifier
	adjModifier int      // the modifier whose value decides the adjacency, -1 if none does
	adj         uint32   // if no modifier decides
	adjOf       []uint32 // by index of that modifier's value
	dstModifier int      // the modifier of the destination MAC, -1 if there is none
	dst         uint64   // the template's destination MAC

	signature *traffic.Signature
	prbs      []byte // with FillPRBS, the octets of the sequence
}

// frameHeader is a header at its place in the frame.
type frameHeader struct {
	kind       traffic.Protocol
	offset     int
	octets     []byte
	protocolID int
	spec       *traffic.Header  // nil for an inserted tag
	tpid       header.EtherType // of an interface's tag; 0: by the tag's place among the tags
}

func (h *frameHeader) end() int { return h.offset + len(h.octets) }

// compiler is the state of one Compile.
type compiler struct {
	p       *Program
	b       Binding
	faults  traffic.Faults
	hops    keyTable
	dests   keyTable
	macs    keyTable // MACs that need no learning; their adjacencies follow those of the hops
	plans   int
	entries int // of adjOf tables
	prbs    []byte
	tables  int // values in tables of modifiers
	classes classTable
}

// maxPlans bounds the lengths of all definitions together: each has a variant of some
// hundred octets.
const maxPlans = 1 << 17

// maxEntries bounds the tables from destinations to adjacencies.
const maxEntries = 4 * traffic.MaxDestinations

// Compile returns the program of a configuration for a target, or the faults that only
// this target shows. It changes neither c nor anything that other code sees, so it may
// run beside the loop if b.NextHop may.
func Compile(c *traffic.Config, b Binding) (*Program, traffic.Faults) {
	k := &compiler{p: &Program{config: c, learns: b.Interface, defs: make([]definition, len(c.Traffic))}, b: b}
	for i := range c.Traffic {
		k.definition(&c.Traffic[i], &k.p.defs[i])
		if k.faults.Full() {
			break
		}
	}
	if len(k.faults) > 0 {
		return nil, k.faults
	}
	k.adjacencies()
	k.p.setPace()
	k.p.setRound()
	k.p.classes = k.classes.list
	return k.p, nil
}

func (k *compiler) definition(t *traffic.Definition, d *definition) {
	*d = definition{lengths: &t.Lengths, flows: t.Flows, first: k.p.flows, signature: t.Signature, adjModifier: -1, dstModifier: -1}
	k.p.flows += t.Flows
	k.placeHeaders(t, d)
	d.chain()
	k.modifiers(t, d)
	k.destinations(t, d)
	k.units(d)
	if len(k.faults) == 0 {
		k.lengths(t, d)
	}
	d.class = k.classes.of(d.headers)
}

// placeHeaders lays the headers out. It inserts the interface's tags after an Ethernet
// header that has no tags.
func (k *compiler) placeHeaders(t *traffic.Definition, d *definition) {
	add := func(h frameHeader) {
		if n := len(d.headers); n > 0 {
			h.offset = d.headers[n-1].end()
		}
		d.headers = append(d.headers, h)
	}
	tags := k.ownTags(t)
	configured := templateTags(t)
	for i := range t.Headers {
		s := &t.Headers[i]
		h := frameHeader{kind: s.Protocol, octets: bytes.Clone(s.Octets), protocolID: s.ProtocolID, spec: s}
		if i > 0 && i <= len(tags) && len(configured) > 0 {
			h.complete(&tags[i-1])
		}
		add(h)
		if i > 0 || len(configured) > 0 {
			continue
		}
		for j := range tags {
			add(newTag(&tags[j], traffic.Ethernet.Field(traffic.RoleNext).Get(s.Octets)))
		}
	}
}

// chain writes the next-protocol field of each header, from the last header back. A
// header of the language overrules the configured value, since its kind is known; a
// custom header without protocol_id does not. On a port the outer of two tags is a
// service tag, as in OpenPerf.
func (d *definition) chain() {
	for i := len(d.headers) - 2; i >= 0; i-- {
		h, next := &d.headers[i], &d.headers[i+1]
		f := h.kind.Field(traffic.RoleNext)
		if f == nil {
			continue
		}
		var v uint64
		ok := true
		switch {
		case h.kind.IsIP():
			v, ok = ipProtocol(next)
		case h.kind == traffic.MPLS:
			v, ok = 0, next.kind == traffic.MPLS // bottom of stack
		case next.tpid != 0:
			v = uint64(next.tpid)
		case next.kind == traffic.VLAN && i+2 < len(d.headers) && d.headers[i+2].kind == traffic.VLAN:
			v = uint64(header.EtherTypeQinQ)
		default:
			v, ok = etherType(next)
		}
		if ok {
			f.Put(h.octets, traffic.Uint128{Lo: v})
		}
	}
}

func etherType(next *frameHeader) (uint64, bool) {
	switch next.kind {
	case traffic.VLAN:
		return uint64(header.EtherTypeVLAN), true
	case traffic.MPLS:
		return uint64(header.EtherTypeMPLS), true
	case traffic.IPv4:
		return uint64(header.EtherTypeIPv4), true
	case traffic.IPv6:
		return uint64(header.EtherTypeIPv6), true
	case traffic.Custom:
		return uint64(next.protocolID), next.protocolID >= 0
	}
	return 0, false
}

// Protocol numbers of IP in IP (RFC 2003, RFC 2473) and MPLS in IP (RFC 4023).
const (
	protocolIPv4 = 4
	protocolIPv6 = 41
	protocolMPLS = 137
)

func ipProtocol(next *frameHeader) (uint64, bool) {
	switch next.kind {
	case traffic.TCP:
		return uint64(header.ProtocolTCP), true
	case traffic.UDP:
		return uint64(header.ProtocolUDP), true
	case traffic.IPv4:
		return protocolIPv4, true
	case traffic.IPv6:
		return protocolIPv6, true
	case traffic.MPLS:
		return protocolMPLS, true
	case traffic.Custom:
		return uint64(next.protocolID & 0xff), next.protocolID >= 0
	}
	return 0, false
}
