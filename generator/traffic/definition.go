package traffic

import (
	"math"
	"slices"
	"strings"

	"glean/internal/arith"
	"glean/internal/document"
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
	stored uint64
	steps  int // of spreading mixes of lengths
}

// store accounts for n values before they are made. It reports whether the limit
// holds.
func (p *parser) store(v document.Value, values uint64) bool {
	if values > MaxStoredValues || p.stored+values > MaxStoredValues {
		v.Wrong("lists, skips, permutations and lengths hold more than %d values together", MaxStoredValues)
		return false
	}
	p.stored += values
	return true
}

func (p *parser) definitions(o document.Object) []Definition {
	items, ok := o.RequiredList("traffic", 1, math.MaxInt)
	if !ok {
		return nil
	}
	if items.Len > MaxDefinitions {
		o.Wrong("traffic", "%d definitions are more than %d", items.Len, MaxDefinitions)
		return nil
	}
	all := make([]Definition, items.Len)
	for i, item := range items.Objects() {
		p.definition(item, &all[i])
	}
	p.limitFlows(o, all)
	return all
}

// limitFlows adds faults for all definitions together: flow indexes and counts must
// stay exact in JSON, and each signed flow has a sequence number in memory.
func (p *parser) limitFlows(o document.Object, all []Definition) {
	flows, signed := uint64(0), uint64(0)
	for i := range all {
		flows += all[i].Flows // at most 2^16 times 2^48 - 1
		if all[i].Signature != nil {
			signed += all[i].Flows
		}
	}
	if flows > MaxAllFlows {
		o.Wrong("traffic", "%d flows are more than %d", flows, MaxAllFlows)
	}
	if signed > MaxAllSigned {
		o.Wrong("traffic", "%d flows with a signature are more than %d", signed, MaxAllSigned)
	}
}

func (p *parser) definition(o document.Object, t *Definition) {
	t.Path = o.Path()
	t.Weight = o.Integer("weight", 1, math.MaxUint32, 1)
	if l, ok := o.RequiredChild("length"); ok {
		t.Lengths = p.lengths(l)
	}
	if s, ok := o.Child("signature"); ok {
		t.Signature = parseSignature(s)
	}
	k, ok := o.RequiredChild("packet")
	if !ok {
		return
	}
	if k.Given("modifier_tie") {
		t.Tie = parseTie(k, "modifier_tie")
	}
	p.packet(k, t)
}

func parseTie(o document.Object, name string) Tie {
	i, _ := o.RequiredChoice(name, tieWords...)
	return Tie(i)
}

func (p *parser) packet(o document.Object, t *Definition) {
	items, ok := o.RequiredList("protocols", 1, math.MaxInt)
	if !ok {
		return
	}
	if items.Len > MaxProtocols {
		o.Wrong("protocols", "%d protocols are more than %d", items.Len, MaxProtocols)
		return
	}
	counts := make([]uint64, 0, items.Len)
	for i, item := range items.Objects() {
		h := p.header(item)
		if i == 0 {
			checkFirst(item, h)
		}
		t.modifiers += len(h.Modifiers)
		counts = append(counts, h.Variants)
		t.Headers = append(t.Headers, h)
	}
	if t.modifiers > MaxModifiers {
		o.Wrong("protocols", "%d modifiers are more than %d", t.modifiers, MaxModifiers)
	}
	limit := MaxFlows
	if t.Signature != nil {
		limit = MaxSignedFlows
	}
	if t.Flows, ok = combined(counts, t.Tie, limit); !ok {
		o.Value.Wrong("modifiers expand to more than %d flows", limit)
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
func checkFirst(o document.Object, h Header) {
	switch {
	case h.Octets == nil || h.Protocol == Ethernet: // a fault names it already, or it is right
	case h.Protocol != Custom:
		o.Value.Wrong("%s cannot come first: a frame begins with ethernet, or with a custom header in its place", h.Protocol)
	case len(h.Octets) < sizes[Ethernet]:
		o.Value.Wrong("a custom header that comes first has %d octets or more, not %d", sizes[Ethernet], len(h.Octets))
	}
}

// header reads one protocol with its modifiers.
func (p *parser) header(o document.Object) Header {
	h := Header{ProtocolID: -1, Variants: 1, Path: o.Path(), Protocol: NumProtocols}
	for kind, name := range protocolNames {
		if !o.Has(name) {
			continue
		}
		if h.Protocol != NumProtocols {
			o.Value.Wrong("has both %s and %s; it must have one protocol", h.Protocol, name)
			return h
		}
		h.Protocol = Protocol(kind)
		m, ok := o.Child(name)
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
		o.Value.Wrong("needs one of %s", strings.Join(protocolNames[:], ", "))
		h.Protocol = Custom
		return h
	}
	if m, ok := o.Child("modifiers"); ok {
		p.modifiers(m, &h)
	}
	return h
}

// parseFields makes the octets of a header from its members and defaults.
func (h *Header) parseFields(o document.Object) {
	octets := make([]byte, sizes[h.Protocol])
	for i := range fields[h.Protocol] {
		f := &fields[h.Protocol][i]
		v := f.preset
		if given, ok := o.Raw(f.Name); ok {
			h.given |= 1 << i
			v, _ = fieldValue(given, f)
		} else if f.Scale != 0 {
			v.Lo /= f.Scale
		}
		f.Put(octets, v)
	}
	h.Octets = octets
}

// fieldValue reads the value of a field in a template.
func fieldValue(v document.Value, f *Field) (w Uint128, ok bool) {
	switch f.Kind {
	case KindBoolean:
		if on, _ := v.Flag(); on {
			w.Lo = 1
		}
		return w, true
	case KindWord:
		i, ok := v.Choice(f.Words...)
		return Uint128{Lo: f.values[i]}, ok
	case KindFlags:
		list, _ := v.List(0, math.MaxInt)
		for _, flag := range list.All() {
			if i, ok := flag.Choice(f.Words...); ok {
				w.Lo |= f.values[i]
			}
		}
		return w, true
	}
	return readScalar(v, f.Kind, f.Max(), f.Scale)
}

// readScalar reads one number or address. A number is divided by scale.
func readScalar(v document.Value, kind FieldKind, limit, scale uint64) (w Uint128, ok bool) {
	switch kind {
	case KindMAC, KindIPv4, KindIPv6:
		return readAddress(v, kind)
	}
	w.Lo, ok = v.Integer(0, limit)
	if ok && scale > 1 {
		if w.Lo%scale != 0 {
			v.Wrong("%d is not a multiple of %d", w.Lo, scale)
			return w, false
		}
		w.Lo /= scale
	}
	return w, ok
}
