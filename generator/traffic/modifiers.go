package traffic

import (
	"encoding/base64"
	"fmt"
	"math"
	"net/netip"

	"glean/internal/document"
	"glean/stack/header"
)

// parseAddress reads an address of a kind; problem is empty if s is one.
func parseAddress(s string, kind FieldKind) (v Uint128, problem string) {
	if kind == KindMAC {
		m, err := header.ParseMAC(s)
		if err != nil {
			return v, fmt.Sprintf("%q is not a MAC address", document.Shorten(s))
		}
		return Uint128{Lo: m.Uint64()}, ""
	}
	a, err := netip.ParseAddr(s)
	switch {
	case kind == KindIPv4 && (err != nil || !a.Is4()):
		return v, fmt.Sprintf("%q is not an IPv4 address", document.Shorten(s))
	case kind == KindIPv6 && (err != nil || a.Is4() || a.Zone() != ""):
		return v, fmt.Sprintf("%q is not an IPv6 address", document.Shorten(s))
	}
	return Uint128FromAddr(a), ""
}

// parseCustom reads a custom header. Frames hold its data unchanged, whatever its
// layer.
func parseCustom(n node, h *Header) {
	if !n.has("data") {
		n.member("data").fault("is required")
	} else if s, ok := n.member("data").text(); ok {
		data, err := base64.StdEncoding.DecodeString(s)
		switch {
		case err != nil:
			n.member("data").fault("is not base64: %v", err)
		case len(data) == 0 || len(data) > MaxCustomSize:
			n.member("data").fault("has %d octets; it must have 1 to %d", len(data), MaxCustomSize)
		default:
			h.Octets = data
		}
	}
	if !n.has("layer") {
		n.member("layer").fault("is required")
	} else {
		n.member("layer").word(customLayers...)
	}
	if n.has("protocol_id") {
		if id, ok := n.member("protocol_id").integer(0, math.MaxUint16); ok {
			h.ProtocolID = int(id)
		}
	}
}

func (p *parser) modifiers(n node, h *Header) {
	if !n.has("items") {
		n.member("items").fault("is required")
		return
	}
	items := n.member("items").items()
	if len(items) > MaxModifiers {
		n.member("items").fault("%d modifiers are more than %d", len(items), MaxModifiers)
		return
	}
	if n.has("tie") {
		h.Tie = parseTie(n.member("tie"))
	} else if len(items) > 1 {
		n.member("tie").fault("is required with more than one modifier")
	}
	counts := make([]uint64, 0, len(items))
	for i, item := range items {
		item = item.at(i)
		if !item.isObject() {
			continue
		}
		if m, ok := p.modifier(item, h); ok {
			h.Modifiers = append(h.Modifiers, m)
			counts = append(counts, m.Values.Count)
		}
	}
	var ok bool
	if h.Variants, ok = combined(counts, h.Tie, MaxFlows); !ok {
		n.fault("modifiers expand to more than %d variants", MaxFlows)
	}
}

// modifierKinds lists the members that hold a modifier's values, with the kind of field
// that each fits and its width in a custom header in bits.
var modifierKinds = []struct {
	name  string
	kind  FieldKind
	width uint
}{{"field", KindInteger, 32}, {"ipv4", KindIPv4, 32}, {"ipv6", KindIPv6, 128}, {"mac", KindMAC, 48}}

func (p *parser) modifier(n node, h *Header) (m Modifier, ok bool) {
	m.Path = n.path
	permute := false
	if !n.has("permute") {
		n.member("permute").fault("is required")
	} else {
		permute = n.member("permute").boolean()
	}
	which := -1
	for i, k := range modifierKinds {
		if _, there := n.object(k.name); there && which >= 0 {
			n.fault("has both %s and %s; it must have one", modifierKinds[which].name, k.name)
			return m, false
		} else if there {
			which = i
		}
	}
	if which < 0 {
		n.fault("needs one of field, ipv4, ipv6, mac")
		return m, false
	}
	kind := modifierKinds[which]
	if !n.has("name") {
		n.member("name").fault("is required")
		return m, false
	}
	name, ok := n.member("name").text()
	if !ok || !locate(n, h, name, kind.name, kind.kind, kind.width, &m) {
		return m, false
	}
	m.Values, ok = p.values(n.member(kind.name), &m, kind.kind, permute)
	return m, ok
}

// locate finds the bits of the header that a modifier changes.
func locate(n node, h *Header, name, kindName string, kind FieldKind, width uint, m *Modifier) bool {
	if h.Protocol == Custom {
		return locateCustom(n, h, name, kind, width, m)
	}
	f := h.Protocol.fieldNamed(name)
	if f == nil {
		n.member("name").fault("%q is not a field of %s", document.Shorten(name), h.Protocol)
		return false
	}
	addressed := f.Kind == KindMAC || f.Kind == KindIPv4 || f.Kind == KindIPv6
	if addressed && f.Kind != kind || !addressed && kind != KindInteger {
		n.fault("%s does not fit %s.%s", kindName, h.Protocol, name)
		return false
	}
	m.Field, m.Bit, m.Width = f, f.Bit, f.Width
	return true
}

func locateCustom(n node, h *Header, name string, kind FieldKind, width uint, m *Modifier) bool {
	if name != "data" {
		n.member("name").fault("%q is not data, the only field of a custom header", document.Shorten(name))
		return false
	}
	if !n.has("offset") {
		n.member("offset").fault("is required in a custom header")
		return false
	}
	octets := int(width / 8)
	if h.Octets == nil {
		return false // a fault names its data already
	}
	if len(h.Octets) < octets {
		n.fault("a value of %d octets does not fit %d octets of data", octets, len(h.Octets))
		return false
	}
	offset, ok := n.member("offset").integer(0, uint64(len(h.Octets)-octets))
	m.Bit, m.Width, m.XOR = int(offset)*8, width, kind == KindInteger
	return ok
}

// values reads the list or the sequence of a modifier.
func (p *parser) values(n node, m *Modifier, kind FieldKind, permute bool) (v Values, ok bool) {
	limit, scale := uint64(math.MaxUint32), uint64(1)
	if m.Field != nil && kind == KindInteger {
		limit = m.Field.Max()
		scale = max(m.Field.Scale, 1)
	}
	s, hasSequence := n.object("sequence")
	switch {
	case n.has("list") && hasSequence:
		n.fault("has both list and sequence; it must have one")
	case n.has("list"):
		if v.List, ok = p.list(n.member("list"), kind, limit, scale); ok && permute {
			shuffle(v.List)
		}
		v.Count = uint64(len(v.List))
	case hasSequence:
		return p.sequence(s, m, kind, limit, permute)
	default:
		n.fault("needs a list or a sequence")
	}
	return v, ok
}

func (p *parser) list(n node, kind FieldKind, limit, scale uint64) ([]Uint128, bool) {
	a, ok := n.value.([]any)
	if !ok || len(a) == 0 {
		n.fault("must be an array with one value or more")
		return nil, false
	}
	if !p.store(n, uint64(len(a))) {
		return nil, false
	}
	list := make([]Uint128, len(a))
	for i := range a {
		var problem string
		if list[i], problem = scalar(a[i], kind, limit, scale); problem != "" {
			n.at(i).fault("%s", problem)
			ok = false
		}
	}
	return list, ok
}

func (p *parser) sequence(n node, m *Modifier, kind FieldKind, limit uint64, permute bool) (v Values, ok bool) {
	s := sequence{permute: permute, width: m.Width}
	if m.Field != nil {
		s.scale = m.Field.Scale
	}
	ok = true
	read := func(name string) (w Uint128) {
		var problem string
		if w, problem = scalar(n.member(name).value, kind, limit, 1); problem != "" {
			n.member(name).fault("%s", problem)
			ok = false
		}
		return w
	}
	for _, name := range []string{"count", "start"} {
		if !n.has(name) {
			n.member(name).fault("is required")
			return v, false
		}
	}
	if s.count, ok = n.member("count").integer(1, MaxFlows); !ok {
		return v, false
	}
	s.start = read("start")
	if n.has("stop") {
		stop := read("stop")
		s.stop = &stop
	}
	if skip := n.member("skip"); skip.value != nil {
		if s.skip, ok = p.skips(skip, kind, limit, ok); !ok {
			return v, false
		}
	}
	if !ok || permute && !p.store(n.member("count"), s.count+uint64(len(s.skip))) {
		return v, false
	}
	v, member, problem := s.compile()
	if problem != "" {
		n.member(member).fault("%s", problem)
	}
	return v, problem == ""
}

// skips reads the values to leave out of a sequence; there may be none.
func (p *parser) skips(n node, kind FieldKind, limit uint64, ok bool) ([]Uint128, bool) {
	if a, isArray := n.value.([]any); isArray && len(a) == 0 {
		return nil, ok
	}
	skip, right := p.list(n, kind, limit, 1)
	return skip, ok && right
}
