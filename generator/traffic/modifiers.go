package traffic

import (
	"encoding/base64"
	"math"
	"net/netip"

	"glean/internal/document"
	"glean/stack/header"
)

// readAddress reads an address of a kind.
func readAddress(v document.Value, kind FieldKind) (w Uint128, ok bool) {
	s, ok := v.Text()
	if !ok {
		return w, false
	}
	if kind == KindMAC {
		m, err := header.ParseMAC(s)
		if err != nil {
			v.Wrong("%q is not a MAC address", document.Shorten(s))
		}
		return Uint128{Lo: m.Uint64()}, err == nil
	}
	a, err := netip.ParseAddr(s)
	switch {
	case kind == KindIPv4 && (err != nil || !a.Is4()):
		v.Wrong("%q is not an IPv4 address", document.Shorten(s))
		return w, false
	case kind == KindIPv6 && (err != nil || a.Is4() || a.Zone() != ""):
		v.Wrong("%q is not an IPv6 address", document.Shorten(s))
		return w, false
	}
	return Uint128FromAddr(a), true
}

// parseCustom reads a custom header. Frames hold its data unchanged, whatever its
// layer.
func parseCustom(o document.Object, h *Header) {
	if s, ok := o.RequiredText("data"); ok {
		data, err := base64.StdEncoding.DecodeString(s)
		switch {
		case err != nil:
			o.Wrong("data", "is not base64: %v", err)
		case len(data) == 0 || len(data) > MaxCustomSize:
			o.Wrong("data", "has %d octets; it must have 1 to %d", len(data), MaxCustomSize)
		default:
			h.Octets = data
		}
	}
	o.RequiredChoice("layer", customLayers...)
	if o.Given("protocol_id") {
		if id, ok := o.RequiredInteger("protocol_id", 0, math.MaxUint16); ok {
			h.ProtocolID = int(id)
		}
	}
}

func (p *parser) modifiers(o document.Object, h *Header) {
	items, _ := o.RequiredList("items", 1, math.MaxInt)
	if items.Len > MaxModifiers {
		o.Wrong("items", "%d modifiers are more than %d", items.Len, MaxModifiers)
		return
	}
	if o.Given("tie") {
		h.Tie = parseTie(o, "tie")
	} else if items.Len > 1 {
		o.Wrong("tie", "is required with more than one modifier")
	}
	counts := make([]uint64, 0, items.Len)
	for _, item := range items.Objects() {
		if m, ok := p.modifier(item, h); ok {
			h.Modifiers = append(h.Modifiers, m)
			counts = append(counts, m.Values.Count)
		}
	}
	var ok bool
	if h.Variants, ok = combined(counts, h.Tie, MaxFlows); !ok {
		o.Value.Wrong("modifiers expand to more than %d variants", MaxFlows)
	}
}

// modifierKinds lists the members that hold a modifier's values, with the kind of field
// that each fits and its width in a custom header in bits.
var modifierKinds = []struct {
	name  string
	kind  FieldKind
	width uint
}{{"field", KindInteger, 32}, {"ipv4", KindIPv4, 32}, {"ipv6", KindIPv6, 128}, {"mac", KindMAC, 48}}

func (p *parser) modifier(o document.Object, h *Header) (m Modifier, ok bool) {
	m.Path = o.Path()
	permute := o.RequiredFlag("permute")
	which, below := -1, document.Object{}
	for i, k := range modifierKinds {
		child, there := o.Child(k.name)
		if there && which >= 0 {
			o.Value.Wrong("has both %s and %s; it must have one", modifierKinds[which].name, k.name)
			return m, false
		} else if there {
			which, below = i, child
		}
	}
	if which < 0 {
		o.Value.Wrong("needs one of field, ipv4, ipv6, mac")
		return m, false
	}
	kind := modifierKinds[which]
	name, ok := o.RequiredText("name")
	if !ok || !locate(o, h, name, kind.name, kind.kind, kind.width, &m) {
		return m, false
	}
	m.Values, ok = p.values(below, &m, kind.kind, permute)
	return m, ok
}

// locate finds the bits of the header that a modifier changes.
func locate(o document.Object, h *Header, name, kindName string, kind FieldKind, width uint, m *Modifier) bool {
	if h.Protocol == Custom {
		return locateCustom(o, h, name, kind, width, m)
	}
	f := h.Protocol.fieldNamed(name)
	if f == nil {
		o.Wrong("name", "%q is not a field of %s", document.Shorten(name), h.Protocol)
		return false
	}
	addressed := f.Kind == KindMAC || f.Kind == KindIPv4 || f.Kind == KindIPv6
	if addressed && f.Kind != kind || !addressed && kind != KindInteger {
		o.Value.Wrong("%s does not fit %s.%s", kindName, h.Protocol, name)
		return false
	}
	m.Field, m.Bit, m.Width = f, f.Bit, f.Width
	return true
}

func locateCustom(o document.Object, h *Header, name string, kind FieldKind, width uint, m *Modifier) bool {
	if name != "data" {
		o.Wrong("name", "%q is not data, the only field of a custom header", document.Shorten(name))
		return false
	}
	if !o.Given("offset") {
		o.Wrong("offset", "is required in a custom header")
		return false
	}
	octets := int(width / 8)
	if h.Octets == nil {
		return false // a fault names its data already
	}
	if len(h.Octets) < octets {
		o.Value.Wrong("a value of %d octets does not fit %d octets of data", octets, len(h.Octets))
		return false
	}
	offset, ok := o.RequiredInteger("offset", 0, uint64(len(h.Octets)-octets))
	m.Bit, m.Width, m.XOR = int(offset)*8, width, kind == KindInteger
	return ok
}

// values reads the list or the sequence of a modifier.
func (p *parser) values(o document.Object, m *Modifier, kind FieldKind, permute bool) (v Values, ok bool) {
	limit, scale := uint64(math.MaxUint32), uint64(1)
	if m.Field != nil && kind == KindInteger {
		limit = m.Field.Max()
		scale = max(m.Field.Scale, 1)
	}
	s, hasSequence := o.Child("sequence")
	list, hasList := o.Raw("list")
	switch {
	case hasList && hasSequence:
		o.Value.Wrong("has both list and sequence; it must have one")
	case hasList:
		if v.List, ok = p.list(list, kind, limit, scale); ok && permute {
			shuffle(v.List)
		}
		v.Count = uint64(len(v.List))
	case hasSequence:
		return p.sequence(s, m, kind, limit, permute)
	default:
		o.Value.Wrong("needs a list or a sequence")
	}
	return v, ok
}

// list reads a list of one value or more.
func (p *parser) list(v document.Value, kind FieldKind, limit, scale uint64) ([]Uint128, bool) {
	values, ok := v.List(1, math.MaxInt)
	if !ok || !p.store(v, uint64(values.Len)) {
		return nil, false
	}
	list := make([]Uint128, values.Len)
	for i, value := range values.All() {
		var right bool
		if list[i], right = readScalar(value, kind, limit, scale); !right {
			ok = false
		}
	}
	return list, ok
}

func (p *parser) sequence(o document.Object, m *Modifier, kind FieldKind, limit uint64, permute bool) (v Values, ok bool) {
	s := sequence{permute: permute, width: m.Width}
	if m.Field != nil {
		s.scale = m.Field.Scale
	}
	ok = true
	read := func(name string) Uint128 {
		given, _ := o.Raw(name)
		w, right := readScalar(given, kind, limit, 1)
		ok = ok && right
		return w
	}
	for _, name := range []string{"count", "start"} {
		if !o.Given(name) {
			o.Wrong(name, "is required")
			return v, false
		}
	}
	if s.count, ok = o.RequiredInteger("count", 1, MaxFlows); !ok {
		return v, false
	}
	s.start = read("start")
	if o.Given("stop") {
		stop := read("stop")
		s.stop = &stop
	}
	if skip, given := o.Get("skip"); given {
		if s.skip, ok = p.skips(skip, kind, limit, ok); !ok {
			return v, false
		}
	}
	if !ok || permute && !p.store(o.Member("count"), s.count+uint64(len(s.skip))) {
		return v, false
	}
	v, member, problem := s.compile()
	if problem != "" {
		o.Wrong(member, "%s", problem)
	}
	return v, problem == ""
}

// skips reads the values to leave out of a sequence; there may be none.
func (p *parser) skips(v document.Value, kind FieldKind, limit uint64, ok bool) ([]Uint128, bool) {
	if v.IsEmptyList() {
		return nil, ok
	}
	skip, right := p.list(v, kind, limit, 1)
	return skip, ok && right
}
