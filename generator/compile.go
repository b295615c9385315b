package generator

import (
	"bytes"

	"glean/stack/header"
)

// definition is the compiled form of a traffic definition.
type definition struct {
	headers  []placed
	template []byte // the headers, with modified bits, lengths and checksums zero
	ops      []op
	cells    []cell
	lengths  *Lengths
	sizes    []sized  // one for each distinct length
	fluid    *fluid   // nil if frames of different lengths differ in more than it says
	sizeOf   []uint32 // by position in the cycle of lengths; nil for random ones
	flows    uint64
	first    uint64 // the global index of its first flow
	evenly   uint64 // the length of all its frames with FCS, 0 if they differ
	class    uint32 // of protocol counters

	learned bool     // frames take their destination MAC from adjacencies
	aside   bool     // no cell moves the digit of adjOp
	adjOp   int      // the op whose value decides the adjacency, -1 if none does
	adj     uint32   // when no op decides
	adjOf   []uint32 // by index of that op's value
	dstOp   int      // the op that changes the destination MAC, -1 if none does
	dst     uint64   // the template's destination MAC

	signature *Signature
	prbs      []byte // with FillPRBS, the octets of the sequence
}

// placed is a header at its place in the frame.
type placed struct {
	kind       protocol
	offset     int
	octets     []byte
	protocolID int
	spec       *headerSpec      // nil for an inserted tag
	tpid       header.EtherType // of an interface's tag; 0: as the place among the tags has it
}

func (h *placed) end() int { return h.offset + len(h.octets) }

// compiler holds what Compile needs in passing.
type compiler struct {
	p       *Program
	b       Binding
	faults  Faults
	hops    keyTable
	dests   keyTable
	macs    keyTable // MACs that need no learning, behind the hops
	plans   int
	entries int // of adjOf tables
	prbs    []byte
	tables  int // values in tables of ops
	classes classTable
}

// maxPlans bounds the lengths of all definitions together: each has a plan of
// some hundred octets.
const maxPlans = 1 << 17

// maxEntries bounds the tables from destinations to adjacencies.
const maxEntries = 4 * MaxDestinations

// Compile makes the program of a configuration that is bound to a target.
// Faults are those that only show on that target. It changes neither c nor
// anything else that others see, so it may run beside the loop if b.NextHop may.
func Compile(c *Config, b Binding) (*Program, Faults) {
	k := &compiler{p: &Program{config: c, learns: b.Interface, defs: make([]definition, len(c.Traffic))}, b: b}
	for i := range c.Traffic {
		k.definition(&c.Traffic[i], &k.p.defs[i])
		if len(k.faults) > maxFaults {
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

func (k *compiler) definition(t *Traffic, d *definition) {
	*d = definition{lengths: &t.Lengths, flows: t.flows, first: k.p.flows, signature: t.Signature, adjOp: -1, dstOp: -1}
	k.p.flows += t.flows
	k.place(t, d)
	d.chain()
	k.ops(t, d)
	k.destinations(t, d)
	k.cells(d)
	if len(k.faults) == 0 {
		k.sizes(t, d)
	}
	d.class = k.classes.of(d.headers)
}

// place lays the headers out, with the interface's tags behind an Ethernet
// header that has none.
func (k *compiler) place(t *Traffic, d *definition) {
	add := func(h placed) {
		if n := len(d.headers); n > 0 {
			h.offset = d.headers[n-1].end()
		}
		d.headers = append(d.headers, h)
	}
	tags := k.ownTags(t)
	configured := t.tags()
	for i := range t.headers {
		s := &t.headers[i]
		h := placed{kind: s.kind, octets: bytes.Clone(s.octets), protocolID: s.protocolID, spec: s}
		if i > 0 && i <= len(tags) && len(configured) > 0 {
			h.complete(&tags[i-1])
		}
		add(h)
		if i > 0 || len(configured) > 0 {
			continue
		}
		for j := range tags {
			add(newTag(&tags[j], get(s.octets, fieldOf(protoEthernet, "", roleNext))))
		}
	}
}

// chain writes what follows into each header's next-protocol field, from the
// last header back. A header of ours that follows is always right about what
// it is, so it overrules the configuration; nothing else does. On a port the outer
// one of two tags is a service tag, as in OpenPerf.
func (d *definition) chain() {
	for i := len(d.headers) - 2; i >= 0; i-- {
		h, next := &d.headers[i], &d.headers[i+1]
		f := fieldOf(h.kind, "", roleNext)
		if f == nil {
			continue
		}
		var v uint64
		ok := true
		switch {
		case h.kind.isIP():
			v, ok = ipProtocol(next)
		case h.kind == protoMPLS:
			v, ok = 0, next.kind == protoMPLS // bottom of stack
		case next.tpid != 0:
			v = uint64(next.tpid)
		case next.kind == protoVLAN && i+2 < len(d.headers) && d.headers[i+2].kind == protoVLAN:
			v = uint64(header.EtherTypeQinQ)
		default:
			v, ok = etherType(next)
		}
		if ok {
			put(h.octets, f, wide{lo: v})
		}
	}
}

func etherType(next *placed) (uint64, bool) {
	switch next.kind {
	case protoVLAN:
		return uint64(header.EtherTypeVLAN), true
	case protoMPLS:
		return uint64(header.EtherTypeMPLS), true
	case protoIPv4:
		return uint64(header.EtherTypeIPv4), true
	case protoIPv6:
		return uint64(header.EtherTypeIPv6), true
	case protoCustom:
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

func ipProtocol(next *placed) (uint64, bool) {
	switch next.kind {
	case protoTCP:
		return uint64(header.ProtocolTCP), true
	case protoUDP:
		return uint64(header.ProtocolUDP), true
	case protoIPv4:
		return protocolIPv4, true
	case protoIPv6:
		return protocolIPv6, true
	case protoMPLS:
		return protocolMPLS, true
	case protoCustom:
		return uint64(next.protocolID & 0xff), next.protocolID >= 0
	}
	return 0, false
}
