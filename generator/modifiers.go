package generator

import (
	"encoding/base64"
	"fmt"
	"math"
	"net/netip"

	"glean/stack/header"
)

// parseAddress reads an address of the kind; problem is empty if it is one.
func parseAddress(s string, kind fieldType) (v wide, problem string) {
	if kind == typeMAC {
		m, err := header.ParseMAC(s)
		if err != nil {
			return v, fmt.Sprintf("%q is not a MAC address", shown(s))
		}
		return wide{lo: m.Uint64()}, ""
	}
	a, err := netip.ParseAddr(s)
	switch {
	case kind == typeIPv4 && (err != nil || !a.Is4()):
		return v, fmt.Sprintf("%q is not an IPv4 address", shown(s))
	case kind == typeIPv6 && (err != nil || a.Is4() || a.Zone() != ""):
		return v, fmt.Sprintf("%q is not an IPv6 address", shown(s))
	}
	return wideFromAddr(a), ""
}

// parseCustom reads a custom header. Its layer only names what it stands for;
// the frame holds its data as it is.
func parseCustom(n node, h *headerSpec) {
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
			h.octets = data
		}
	}
	if !n.has("layer") {
		n.member("layer").fault("is required")
	} else {
		n.member("layer").word(customLayers...)
	}
	if n.has("protocol_id") {
		if id, ok := n.member("protocol_id").integer(0, math.MaxUint16); ok {
			h.protocolID = int(id)
		}
	}
}

func (p *trafficParser) modifiers(n node, h *headerSpec) {
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
		h.tie = parseTie(n.member("tie"))
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
			h.modifiers = append(h.modifiers, m)
			counts = append(counts, m.values.count)
		}
	}
	var ok bool
	if h.count, ok = combined(counts, h.tie, MaxFlows); !ok {
		n.fault("modifiers expand to more than %d variants", MaxFlows)
	}
}

// modifierKinds are the members that hold a modifier's values, with the type
// of field that each fits and its width in a custom header.
var modifierKinds = []struct {
	name  string
	kind  fieldType
	width uint
}{{"field", typeInteger, 32}, {"ipv4", typeIPv4, 32}, {"ipv6", typeIPv6, 128}, {"mac", typeMAC, 48}}

func (p *trafficParser) modifier(n node, h *headerSpec) (m modifier, ok bool) {
	m.path = n.path
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
	if !ok || !place(n, h, name, kind.name, kind.kind, kind.width, &m) {
		return m, false
	}
	m.values, ok = p.values(n.member(kind.name), &m, kind.kind, permute)
	return m, ok
}

// place finds out which bits of the header a modifier changes.
func place(n node, h *headerSpec, name, kindName string, kind fieldType, width uint, m *modifier) bool {
	if h.kind == protoCustom {
		return placeCustom(n, h, name, kind, width, m)
	}
	f := fieldOf(h.kind, name, roleNone)
	if f == nil {
		n.member("name").fault("%q is not a field of %s", shown(name), h.kind)
		return false
	}
	addressed := f.kind == typeMAC || f.kind == typeIPv4 || f.kind == typeIPv6
	if addressed && f.kind != kind || !addressed && kind != typeInteger {
		n.fault("%s does not fit %s.%s", kindName, h.kind, name)
		return false
	}
	m.field, m.bit, m.width = f, f.bit, f.width
	return true
}

func placeCustom(n node, h *headerSpec, name string, kind fieldType, width uint, m *modifier) bool {
	if name != "data" {
		n.member("name").fault("%q is not data, the only field of a custom header", shown(name))
		return false
	}
	if !n.has("offset") {
		n.member("offset").fault("is required in a custom header")
		return false
	}
	octets := int(width / 8)
	if h.octets == nil {
		return false // its data is at fault
	}
	if len(h.octets) < octets {
		n.fault("a value of %d octets does not fit %d octets of data", octets, len(h.octets))
		return false
	}
	offset, ok := n.member("offset").integer(0, uint64(len(h.octets)-octets))
	m.bit, m.width, m.xor = int(offset)*8, width, kind == typeInteger
	return ok
}

// values reads a list or a sequence.
func (p *trafficParser) values(n node, m *modifier, kind fieldType, permute bool) (v values, ok bool) {
	limit, scale := uint64(math.MaxUint32), uint64(1)
	if m.field != nil && kind == typeInteger {
		limit = m.field.max()
		scale = max(m.field.scale, 1)
	}
	s, hasSequence := n.object("sequence")
	switch {
	case n.has("list") && hasSequence:
		n.fault("has both list and sequence; it must have one")
	case n.has("list"):
		if v.list, ok = p.list(n.member("list"), kind, limit, scale); ok && permute {
			shuffle(v.list)
		}
		v.count = uint64(len(v.list))
	case hasSequence:
		return p.sequence(s, m, kind, limit, permute)
	default:
		n.fault("needs a list or a sequence")
	}
	return v, ok
}

func (p *trafficParser) list(n node, kind fieldType, limit, scale uint64) ([]wide, bool) {
	a, ok := n.value.([]any)
	if !ok || len(a) == 0 {
		n.fault("must be an array with one value or more")
		return nil, false
	}
	if !p.store(n, uint64(len(a))) {
		return nil, false
	}
	list := make([]wide, len(a))
	for i := range a {
		var problem string
		if list[i], problem = scalar(a[i], kind, limit, scale); problem != "" {
			n.at(i).fault("%s", problem)
			ok = false
		}
	}
	return list, ok
}

func (p *trafficParser) sequence(n node, m *modifier, kind fieldType, limit uint64, permute bool) (v values, ok bool) {
	s := sequence{permute: permute, width: m.width}
	if m.field != nil {
		s.scale = m.field.scale
	}
	ok = true
	read := func(name string) (w wide) {
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

// skips reads a list of values to leave out, which may be empty.
func (p *trafficParser) skips(n node, kind fieldType, limit uint64, ok bool) ([]wide, bool) {
	if a, isArray := n.value.([]any); isArray && len(a) == 0 {
		return nil, ok
	}
	skip, right := p.list(n, kind, limit, 1)
	return skip, ok && right
}
