package traffic

import (
	"fmt"
	"math"
	"slices"

	"glean/internal/arith"
)

// Tie is the way in which values of several modifiers are combined.
type Tie uint8

// Ties.
const (
	TieZip       Tie = iota // side by side, each cycling: as many flows as the least common multiple of the counts
	TieCartesian            // each with each, the last varying fastest: as many flows as the product
)

// Definition is one traffic definition: a template of headers whose modified fields
// expand to flows.
type Definition struct {
	Path      string // in the configuration, for faults
	Weight    uint64 // frames in each turn of OrderRoundRobin
	Lengths   Lengths
	Signature *Signature // nil if frames carry none

	Headers   []Header // outermost first
	Tie       Tie      // of modifiers of different headers
	Flows     uint64   // combinations of all modifiers' values
	modifiers int      // of all headers
}

// Header is one protocol of a packet template.
type Header struct {
	Path       string // in the configuration, for faults
	Protocol   Protocol
	Octets     []byte // as configured, without next-protocol fields, lengths and checksums
	ProtocolID int    // what a header before a custom one says of it, else -1
	Modifiers  []Modifier
	Tie        Tie    // of Modifiers
	Variants   uint64 // combinations of the modifiers' values
	given      uint32 // bit i: the configuration sets field i of the protocol
}

// Sets reports whether the configuration sets a field or modifies it.
func (h *Header) Sets(name string) bool {
	i := slices.IndexFunc(fields[h.Protocol], func(f Field) bool { return f.Name == name })
	return h.given>>i&1 != 0 || len(h.ModifiersOf(name)) > 0
}

// ModifiersOf returns the modifiers of a field.
func (h *Header) ModifiersOf(name string) (all []*Modifier) {
	for i := range h.Modifiers {
		if m := &h.Modifiers[i]; m.Field != nil && m.Field.Name == name {
			all = append(all, m)
		}
	}
	return all
}

// Modifier is a field of a header with the values that it takes from flow to flow.
type Modifier struct {
	Path   string // in the configuration, for faults
	Field  *Field // nil in a custom header
	Bit    int    // where the field begins, from the header's first bit
	Width  uint   // in bits
	XOR    bool   // each value is XORed with the template's
	Values Values
}

// parser reads traffic definitions and counts the values that they store.
type parser struct {
	faults *Faults
	stored uint64
	steps  int // of spreading mixes of lengths
}

// store accounts for n values before they are made. It reports whether the limit
// holds.
func (p *parser) store(n node, values uint64) bool {
	if values > MaxStoredValues || p.stored+values > MaxStoredValues {
		n.fault("lists, skips, permutations and lengths hold more than %d values together", MaxStoredValues)
		return false
	}
	p.stored += values
	return true
}

func (p *parser) definitions(n node) []Definition {
	if !n.has("traffic") {
		n.member("traffic").fault("is required")
		return nil
	}
	items := n.member("traffic").items()
	if len(items) > MaxDefinitions {
		n.member("traffic").fault("%d definitions are more than %d", len(items), MaxDefinitions)
		return nil
	}
	all := make([]Definition, len(items))
	for i, item := range items {
		if item = item.at(i); item.isObject() {
			p.definition(item, &all[i])
		}
	}
	p.limitFlows(n, all)
	return all
}

// limitFlows adds faults for all definitions together: flow indexes and counts must
// stay exact in JSON, and each signed flow has a sequence number in memory.
func (p *parser) limitFlows(n node, all []Definition) {
	flows, signed := uint64(0), uint64(0)
	for i := range all {
		flows += all[i].Flows // at most 2^16 times 2^48 - 1
		if all[i].Signature != nil {
			signed += all[i].Flows
		}
	}
	if flows > MaxAllFlows {
		n.member("traffic").fault("%d flows are more than %d", flows, MaxAllFlows)
	}
	if signed > MaxAllSigned {
		n.member("traffic").fault("%d flows with a signature are more than %d", signed, MaxAllSigned)
	}
}

func (p *parser) definition(n node, t *Definition) {
	t.Path, t.Weight = n.path, 1
	if n.has("weight") {
		t.Weight, _ = n.member("weight").integer(1, math.MaxUint32)
	}
	if l, ok := n.required("length"); ok {
		t.Lengths = p.lengths(l)
	}
	if s, ok := n.object("signature"); ok {
		t.Signature = parseSignature(s)
	}
	k, ok := n.required("packet")
	if !ok {
		return
	}
	if k.has("modifier_tie") {
		t.Tie = parseTie(k.member("modifier_tie"))
	}
	if !k.has("protocols") {
		k.member("protocols").fault("is required")
		return
	}
	p.packet(k, t)
}

func parseTie(n node) Tie {
	i, _ := n.word(tieWords...)
	return Tie(i)
}

func (p *parser) packet(n node, t *Definition) {
	list := n.member("protocols")
	items := list.items()
	if len(items) > MaxProtocols {
		list.fault("%d protocols are more than %d", len(items), MaxProtocols)
		return
	}
	counts := make([]uint64, 0, len(items))
	for i, item := range items {
		item = item.at(i)
		if !item.isObject() {
			continue
		}
		h := p.header(item)
		if i == 0 {
			checkFirst(item, h)
		}
		t.modifiers += len(h.Modifiers)
		counts = append(counts, h.Variants)
		t.Headers = append(t.Headers, h)
	}
	if t.modifiers > MaxModifiers {
		list.fault("%d modifiers are more than %d", t.modifiers, MaxModifiers)
	}
	limit := MaxFlows
	if t.Signature != nil {
		limit = MaxSignedFlows
	}
	var ok bool
	if t.Flows, ok = combined(counts, t.Tie, limit); !ok {
		n.fault("modifiers expand to more than %d flows", limit)
	}
}

// combined returns the number of combinations of parts with these counts; ok is
// false if it exceeds limit.
func combined(counts []uint64, tie Tie, limit uint64) (total uint64, ok bool) {
	total = 1
	for _, c := range counts {
		if c == 0 {
			continue // a fault names it already
		}
		combine := arith.Product
		if tie == TieZip {
			combine = arith.LCM
		}
		if total, ok = combine(total, c); !ok || total > limit {
			return limit, false
		}
	}
	return total, true
}

// checkFirst adds a fault if a frame cannot begin with the header.
func checkFirst(n node, h Header) {
	switch {
	case h.Octets == nil || h.Protocol == Ethernet: // a fault names it already, or it is right
	case h.Protocol != Custom:
		n.fault("%s cannot come first: a frame begins with ethernet, or with a custom header in its place", h.Protocol)
	case len(h.Octets) < sizes[Ethernet]:
		n.fault("a custom header that comes first has %d octets or more, not %d", sizes[Ethernet], len(h.Octets))
	}
}

// header reads one protocol with its modifiers.
func (p *parser) header(n node) Header {
	h := Header{ProtocolID: -1, Variants: 1, Path: n.path, Protocol: NumProtocols}
	for kind, name := range protocolNames {
		m, ok := n.object(name)
		if m.value == nil {
			continue
		}
		if h.Protocol != NumProtocols {
			n.fault("has both %s and %s; it must have one protocol", h.Protocol, name)
			return h
		}
		h.Protocol = Protocol(kind)
		if !ok {
			return h
		}
		if h.Protocol == Custom {
			parseCustom(m, &h)
		} else {
			h.parseFields(m)
		}
	}
	if h.Protocol == NumProtocols {
		n.fault("needs one of %s", listed(protocolNames[:]))
		h.Protocol = Custom
		return h
	}
	if m, ok := n.object("modifiers"); ok {
		p.modifiers(m, &h)
	}
	return h
}

// parseFields makes the octets of a header from its members and defaults.
func (h *Header) parseFields(n node) {
	octets := make([]byte, sizes[h.Protocol])
	for i := range fields[h.Protocol] {
		f := &fields[h.Protocol][i]
		v := f.preset
		if n.has(f.Name) {
			h.given |= 1 << i
			v, _ = n.member(f.Name).fieldValue(f)
		} else if f.Scale != 0 {
			v.Lo /= f.Scale
		}
		f.Put(octets, v)
	}
	h.Octets = octets
}

// fieldValue reads the value of a field in a template.
func (n node) fieldValue(f *Field) (v Uint128, ok bool) {
	var problem string
	switch f.Kind {
	case KindBoolean:
		if n.boolean() {
			v.Lo = 1
		}
		return v, true
	case KindWord:
		i, ok := n.word(f.Words...)
		return Uint128{Lo: f.values[i]}, ok
	case KindFlags:
		return n.flags(f), true
	default:
		v, problem = scalar(n.value, f.Kind, f.Max(), f.Scale)
	}
	if problem != "" {
		n.fault("%s", problem)
	}
	return v, problem == ""
}

func (n node) flags(f *Field) (v Uint128) {
	a, ok := n.value.([]any)
	if !ok {
		n.fault("must be an array, not %s", n.kind())
		return v
	}
	for i := range a {
		if w, ok := (node{n.path, a[i], n.faults}).at(i).word(f.Words...); ok {
			v.Lo |= f.values[w]
		}
	}
	return v
}

// scalar reads one number or address; problem is empty if the value is one.
func scalar(value any, kind FieldKind, limit, scale uint64) (v Uint128, problem string) {
	switch kind {
	case KindMAC, KindIPv4, KindIPv6:
		s, ok := value.(string)
		if !ok {
			return v, fmt.Sprintf("must be a string, not %s", node{value: value}.kind())
		}
		return parseAddress(s, kind)
	}
	v.Lo, problem = integer(value, 0, limit)
	if problem == "" && scale > 1 {
		if v.Lo%scale != 0 {
			return v, fmt.Sprintf("%d is not a multiple of %d", v.Lo, scale)
		}
		v.Lo /= scale
	}
	return v, problem
}
