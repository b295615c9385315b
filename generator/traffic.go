package generator

import (
	"fmt"
	"math"
	"slices"
)

// Tie is how values of several modifiers are combined.
type Tie uint8

// Ties.
const (
	TieZip       Tie = iota // side by side, each cycling: lcm of the counts
	TieCartesian            // each with each, the last varying fastest: their product
)

// Traffic is one traffic definition.
type Traffic struct {
	Weight    uint64
	Lengths   Lengths
	Signature *Signature

	headers   []headerSpec
	tie       Tie
	flows     uint64
	modifiers int
	path      string
}

// Flows is the number of header variants.
func (t *Traffic) Flows() uint64 { return t.flows }

// headerSpec is one protocol of a packet template.
type headerSpec struct {
	kind       protocol
	octets     []byte // as configured; next-protocol fields, lengths and checksums come later
	protocolID int    // of a custom header, else -1
	modifiers  []modifier
	tie        Tie
	count      uint64 // of variants
	given      uint32 // bit i: field i of the kind's fields is set
	path       string
}

// sets reports whether the configuration sets a field or modifies it.
func (h *headerSpec) sets(name string) bool {
	i := slices.IndexFunc(fields[h.kind], func(f field) bool { return f.name == name })
	return h.given>>i&1 != 0 || len(h.modifiersOf(name)) > 0
}

// modifier gives a field of a header its values.
type modifier struct {
	field  *field // nil in a custom header
	bit    int    // from the header's first bit
	width  uint
	xor    bool // the value is XORed with what the template has there
	values values
	path   string
}

// trafficParser reads traffic definitions and counts what they store.
type trafficParser struct {
	faults *Faults
	stored uint64
	steps  int // of spreading mixes of lengths
}

// store accounts for n values before they are made. It tells whether the
// limit holds.
func (p *trafficParser) store(n node, values uint64) bool {
	if values > MaxStoredValues || p.stored+values > MaxStoredValues {
		n.fault("lists, skips, permutations and lengths hold more than %d values together", MaxStoredValues)
		return false
	}
	p.stored += values
	return true
}

func (p *trafficParser) definitions(n node) []Traffic {
	if !n.has("traffic") {
		n.member("traffic").fault("is required")
		return nil
	}
	items := n.member("traffic").items()
	if len(items) > MaxDefinitions {
		n.member("traffic").fault("%d definitions are more than %d", len(items), MaxDefinitions)
		return nil
	}
	all := make([]Traffic, len(items))
	for i, item := range items {
		if item = item.at(i); item.isObject() {
			p.definition(item, &all[i])
		}
	}
	p.limitFlows(n, all)
	return all
}

// limitFlows looks at all definitions together: flow indexes and counts must
// stay exact in JSON, and each signed flow has a sequence number in memory.
func (p *trafficParser) limitFlows(n node, all []Traffic) {
	flows, signed := uint64(0), uint64(0)
	for i := range all {
		flows += all[i].flows // at most 2^16 times 2^48 - 1
		if all[i].Signature != nil {
			signed += all[i].flows
		}
	}
	if flows > MaxAllFlows {
		n.member("traffic").fault("%d flows are more than %d", flows, uint64(MaxAllFlows))
	}
	if signed > MaxAllSigned {
		n.member("traffic").fault("%d flows with a signature are more than %d", signed, MaxAllSigned)
	}
}

func (p *trafficParser) definition(n node, t *Traffic) {
	t.path, t.Weight = n.path, 1
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
		t.tie = parseTie(k.member("modifier_tie"))
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

func (p *trafficParser) packet(n node, t *Traffic) {
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
		t.modifiers += len(h.modifiers)
		counts = append(counts, h.count)
		t.headers = append(t.headers, h)
	}
	if t.modifiers > MaxModifiers {
		list.fault("%d modifiers are more than %d", t.modifiers, MaxModifiers)
	}
	limit := MaxFlows
	if t.Signature != nil {
		limit = MaxSignedFlows
	}
	var ok bool
	if t.flows, ok = combined(counts, t.tie, limit); !ok {
		n.fault("modifiers expand to more than %d flows", limit)
	}
}

// combined is the number of combinations of parts with these counts; ok is
// false when it exceeds limit.
func combined(counts []uint64, tie Tie, limit uint64) (total uint64, ok bool) {
	total, ok = 1, true
	for _, c := range counts {
		if c == 0 {
			continue // at fault already
		}
		combine := product
		if tie == TieZip {
			combine = lcm
		}
		if total, ok = combine(total, c); !ok || total > limit {
			return limit, false
		}
	}
	return total, true
}

// checkFirst makes sure that what stands first can be a frame's beginning.
func checkFirst(n node, h headerSpec) {
	switch {
	case h.octets == nil || h.kind == protoEthernet: // at fault already, or right
	case h.kind != protoCustom:
		n.fault("%s cannot come first: a frame begins with ethernet, or with a custom header in its place", h.kind)
	case len(h.octets) < sizes[protoEthernet]:
		n.fault("a custom header that comes first has %d octets or more, not %d", sizes[protoEthernet], len(h.octets))
	}
}

// header reads one protocol with its modifiers.
func (p *trafficParser) header(n node) headerSpec {
	h := headerSpec{protocolID: -1, count: 1, path: n.path, kind: numProtocols}
	for kind, name := range protocolNames {
		m, ok := n.object(name)
		if m.value == nil {
			continue
		}
		if h.kind != numProtocols {
			n.fault("has both %s and %s; it must have one protocol", h.kind, name)
			return h
		}
		h.kind = protocol(kind)
		if !ok {
			return h
		}
		if h.kind == protoCustom {
			parseCustom(m, &h)
		} else {
			h.parseFields(m)
		}
	}
	if h.kind == numProtocols {
		n.fault("needs one of %s", listed(protocolNames[:]))
		h.kind = protoCustom
		return h
	}
	if m, ok := n.object("modifiers"); ok {
		p.modifiers(m, &h)
	}
	return h
}

// parseFields makes the octets of a header from its members and presets.
func (h *headerSpec) parseFields(n node) {
	octets := make([]byte, sizes[h.kind])
	for i := range fields[h.kind] {
		f := &fields[h.kind][i]
		v := f.preset
		if n.has(f.name) {
			h.given |= 1 << i
			v, _ = n.member(f.name).fieldValue(f)
		} else if f.scale != 0 {
			v.lo /= f.scale
		}
		put(octets, f, v)
	}
	h.octets = octets
}

// fieldValue reads a field's value as a template has it.
func (n node) fieldValue(f *field) (v wide, ok bool) {
	var problem string
	switch f.kind {
	case typeBoolean:
		if n.boolean() {
			v.lo = 1
		}
		return v, true
	case typeWord:
		i, ok := n.word(f.words...)
		return wide{lo: f.values[i]}, ok
	case typeFlags:
		return n.flags(f), true
	default:
		v, problem = scalar(n.value, f.kind, f.max(), f.scale)
	}
	if problem != "" {
		n.fault("%s", problem)
	}
	return v, problem == ""
}

func (n node) flags(f *field) (v wide) {
	a, ok := n.value.([]any)
	if !ok {
		n.fault("must be an array, not %s", n.kind())
		return v
	}
	for i := range a {
		if w, ok := (node{n.path, a[i], n.faults}).at(i).word(f.words...); ok {
			v.lo |= f.values[w]
		}
	}
	return v
}

// scalar reads one number or address; problem is empty if it is one.
func scalar(value any, kind fieldType, limit, scale uint64) (v wide, problem string) {
	switch kind {
	case typeMAC, typeIPv4, typeIPv6:
		s, ok := value.(string)
		if !ok {
			return v, fmt.Sprintf("must be a string, not %s", node{value: value}.kind())
		}
		return parseAddress(s, kind)
	}
	v.lo, problem = integer(value, 0, limit)
	if problem == "" && scale > 1 {
		if v.lo%scale != 0 {
			return v, fmt.Sprintf("%d is not a multiple of %d", v.lo, scale)
		}
		v.lo /= scale
	}
	return v, problem
}
