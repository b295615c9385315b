package program

import (
	"net/netip"
	"slices"
	"sync/atomic"

	"glean/generator/traffic"
	"glean/stack/header"
)

// fieldModifier is the compiled form of a modifier: it changes one field of the frames.
// The field lies within span octets at off. A store unit writes it together with what
// shares its octets.
type fieldModifier struct {
	off    int
	span   uint8  // 1, 2, 4, 6, 8 or 16 octets, 0 for a modifier that writes nothing
	shift  uint8  // of the field in the unit, or in the span if the unit is overlapping
	mask   uint64 // the field's bits within the span; not used when span is 16
	fixed  uint64 // constant bits of the unit that are written with the field
	bit    int    // the field's place in the frame
	width  int
	values *traffic.Values
	stride uint64          // frames of a definition for which the value stays
	period uint64          // the same for a value cursor; 1 if a table repeats the values
	count  uint64          // of values of a value cursor
	xor    traffic.Uint128 // of each value with this
	table  []uint64        // the unit's values by index, followed by a batch from the first on; nil if they are computed

	fill    fill
	fillTo  traffic.Uint128 // instead of a zero value
	fillLL  traffic.Uint128 // instead of a zero value, on the way to a link-local address
	fillDst int             // the modifier of the destination
}

// at returns the value at index i of a value cursor, as the unit holds it.
func (o *fieldModifier) at(i uint64) traffic.Uint128 {
	if o.table != nil {
		return traffic.Uint128{Lo: o.table[i]}
	}
	if o.period < o.stride {
		i /= o.stride
	}
	v := o.values.At(i)
	if o.span == 16 {
		return v
	}
	return traffic.Uint128{Lo: (v.Lo^o.xor.Lo)<<o.shift | o.fixed}
}

// step returns the difference of neighboring values of a sequence.
func (o *fieldModifier) step() traffic.Uint128 {
	if o.span == 16 {
		return o.values.Step
	}
	return traffic.Uint128{Lo: o.values.Step.Lo << o.shift}
}

// straight returns for how many values from index i on each is the one before plus
// step.
func (o *fieldModifier) straight(i uint64) uint64 {
	if !o.xor.IsZero() {
		return 1
	}
	return o.values.Straight(i)
}

// fill is the way in which a zero source is filled from the interface.
type fill uint8

const (
	fillNone   fill = iota
	fillAlways      // with fillTo
	fillByDst       // with fillTo or fillLL, by the scope of the frame's destination
)

// modifiers compiles each modifier, and each source whose filling changes from frame to
// frame.
//
// The value index of a modifier is flow / stride mod count. Cartesian parts are like the
// digits of a number, the last changing fastest. Zipped parts all have the stride of the
// digit in whose place they are, and their cycles fit into its range. So the same formula
// holds for both, and for ties within ties.
func (k *compiler) modifiers(t *traffic.Definition, d *definition) {
	stride := uint64(1)
	for i := len(d.headers) - 1; i >= 0; i-- {
		h := &d.headers[i]
		if h.spec == nil {
			continue
		}
		inner := stride
		ops := make([]fieldModifier, len(h.spec.Modifiers))
		for j := len(ops) - 1; j >= 0; j-- {
			ops[j] = newModifier(h, &h.spec.Modifiers[j], inner)
			if h.spec.Tie == traffic.TieCartesian {
				inner *= h.spec.Modifiers[j].Values.Count
			}
		}
		d.modifiers = append(ops, d.modifiers...)
		if t.Tie == traffic.TieCartesian {
			stride *= h.spec.Variants
		}
	}
	k.sources(d)
	for i := range d.modifiers {
		d.modifiers[i].clear(d)
	}
	for i := range d.headers {
		d.template = append(d.template, d.headers[i].octets...)
	}
}

func newModifier(h *frameHeader, m *traffic.Modifier, stride uint64) fieldModifier {
	first := m.Bit / 8
	last := (m.Bit + int(m.Width) - 1) / 8
	if last-first == 2 { // four octets of the same header instead of three
		if first > 0 {
			first--
		} else {
			last++
		}
	}
	o := fieldModifier{
		off: h.offset + first, span: uint8(last - first + 1), shift: uint8((last+1)*8 - m.Bit - int(m.Width)),
		bit: h.offset*8 + m.Bit, width: int(m.Width),
		values: &m.Values, stride: stride, period: stride, count: m.Values.Count, fillDst: -1,
	}
	if m.Width < 64 {
		o.mask = (1<<m.Width - 1) << o.shift
	}
	if m.XOR {
		f := traffic.Field{Bit: m.Bit, Width: m.Width}
		o.xor = f.Get(h.octets)
	}
	return o
}

// clear sets the modifier's bits in the template to zero.
func (o *fieldModifier) clear(d *definition) {
	for i := range d.headers {
		h := &d.headers[i]
		if o.off < h.offset || o.off >= h.end() {
			continue
		}
		b := h.octets[o.off-h.offset:]
		if o.span == 16 {
			clear(b[:16])
			return
		}
		for j := 0; j < int(o.span); j++ {
			b[j] &^= byte(o.mask >> (8 * (int(o.span) - 1 - j)))
		}
	}
}

// sources fills sources that are zero from the interface: constant ones in the template,
// others in their modifier. A generator on a port sends its sources as configured.
func (k *compiler) sources(d *definition) {
	if !k.b.Interface {
		return
	}
	if h := &d.headers[0]; h.kind == traffic.Ethernet {
		k.fillSource(d, h, traffic.Uint128{Lo: k.b.MAC.Uint64()})
	}
	h := d.outerIP()
	if h == nil {
		return
	}
	if h.kind == traffic.IPv4 {
		if k.b.IPv4.Is4() {
			k.fillSource(d, h, traffic.Uint128FromAddr(k.b.IPv4))
		}
		return
	}
	k.fillIPv6(d, h)
}

// outerIP returns the IP header that decides where a frame goes: the first one. It is
// nil if there is none, or if the frame does not begin with Ethernet.
func (d *definition) outerIP() *frameHeader {
	if d.headers[0].kind != traffic.Ethernet {
		return nil
	}
	for i := range d.headers {
		if d.headers[i].kind.IsIP() {
			return &d.headers[i]
		}
	}
	return nil
}

// modifierOf returns the index of the modifier of a header's field by its role, -1 if
// there is none. If there are several, frames have the values of the last.
func (d *definition) modifierOf(h *frameHeader, r traffic.Role) int {
	f := h.kind.Field(r)
	for i := len(d.modifiers) - 1; i >= 0; i-- {
		if d.modifiers[i].bit == h.offset*8+f.Bit {
			return i
		}
	}
	return -1
}

func (k *compiler) fillSource(d *definition, h *frameHeader, with traffic.Uint128) {
	f := h.kind.Field(traffic.RoleSource)
	if i := d.modifierOf(h, traffic.RoleSource); i >= 0 {
		if d.modifiers[i].values.MayBeZero() {
			d.modifiers[i].fill, d.modifiers[i].fillTo = fillAlways, with
		}
	} else if f.Get(h.octets).IsZero() {
		f.Put(h.octets, with)
	}
}

// fillIPv6 chooses a source of the destination's scope (RFC 6724 section 5 rule 2).
// Without a global address it fills nothing in for a global destination.
func (k *compiler) fillIPv6(d *definition, h *frameHeader) {
	global, local := addrOrZero(k.b.IPv6), addrOrZero(k.b.LinkLocal)
	if local.IsZero() {
		local = global
	}
	dst := d.modifierOf(h, traffic.RoleDestination)
	to, same := isLinkLocal(traffic.IPv6.Field(traffic.RoleDestination).Get(h.octets)), true
	if dst >= 0 && len(k.faults) == 0 {
		to, same = scopeOf(d.modifiers[dst].values)
	}
	if same {
		with := global
		if to {
			with = local
		}
		k.fillSource(d, h, with)
		return
	}
	src := d.modifierOf(h, traffic.RoleSource)
	f := traffic.IPv6.Field(traffic.RoleSource)
	if src < 0 {
		if !f.Get(h.octets).IsZero() {
			return
		}
		constant := traffic.Modifier{Field: f, Bit: f.Bit, Width: f.Width, Values: traffic.Values{Count: 1, List: make([]traffic.Uint128, 1)}}
		d.modifiers = append(d.modifiers, newModifier(h, &constant, 1))
		src = len(d.modifiers) - 1
	}
	o := &d.modifiers[src]
	o.fill, o.fillTo, o.fillLL, o.fillDst = fillByDst, global, local, dst
}

func addrOrZero(a netip.Addr) traffic.Uint128 {
	if !a.IsValid() {
		return traffic.Uint128{}
	}
	return traffic.Uint128FromAddr(a.WithZone(""))
}

// isLinkLocal reports whether an IPv6 address is in fe80::/10.
func isLinkLocal(a traffic.Uint128) bool { return a.Hi>>54 == 0xfe80>>6 }

// scopeOf reports whether destinations are link-local; same is false if only some are,
// or if they are too many to learn, which is a fault elsewhere.
func scopeOf(v *traffic.Values) (linkLocal, same bool) {
	linkLocal = isLinkLocal(v.At(0))
	if v.Count > traffic.MaxDestinations {
		return linkLocal, false
	}
	for i := range v.Count {
		if isLinkLocal(v.At(i)) != linkLocal {
			return linkLocal, false
		}
	}
	return linkLocal, true
}

// destinations finds the destinations of the frames and their adjacencies.
func (k *compiler) destinations(t *traffic.Definition, d *definition) {
	eth := &d.headers[0]
	if eth.kind != traffic.Ethernet {
		return
	}
	d.dstModifier = d.modifierOf(eth, traffic.RoleDestination)
	d.dst = traffic.Ethernet.Field(traffic.RoleDestination).Get(eth.octets).Lo
	ip := d.outerIP()
	if !k.b.Interface || ip == nil || k.p.config.Learning.Configured && (d.dst != 0 || d.dstModifier >= 0) {
		d.dstModifier = -1 // its modifier writes it
		return
	}
	d.learned = true
	for i := range d.modifiers {
		if d.modifiers[i].bit == 0 { // the destination MAC
			d.modifiers[i].span = 0 // the adjacency decides what is written
		}
	}
	d.adjModifier = d.modifierOf(ip, traffic.RoleDestination)
	if d.adjModifier < 0 {
		dst := ip.kind.Field(traffic.RoleDestination).Get(ip.octets)
		d.adj = k.adjacency(dst.Addr(ip.kind == traffic.IPv4))
		k.checkFallback(t, d, []uint32{d.adj})
		return
	}
	v := d.modifiers[d.adjModifier].values
	if v.Count > traffic.MaxDestinations {
		k.faults.Add(t.Path+".packet", "%d destinations are more than the %d that can be learned", v.Count, traffic.MaxDestinations)
		return
	}
	if k.entries += int(v.Count); k.entries > maxEntries {
		k.faults.Add("config.traffic", "all definitions together list more than %d destinations, repeated ones included", maxEntries)
		return
	}
	d.adjOf = make([]uint32, v.Count)
	for i := range d.adjOf {
		d.adjOf[i] = k.adjacency(v.At(uint64(i)).Addr(ip.kind == traffic.IPv4))
		if len(k.dests.keys) > traffic.MaxDestinations {
			k.faults.Add("config.traffic", "more than %d destinations to be learned", traffic.MaxDestinations)
			return
		}
	}
	k.checkFallback(t, d, d.adjOf)
}

// checkFallback adds a fault if frames with these adjacencies may need a fallback MAC
// and the configuration has none.
func (k *compiler) checkFallback(t *traffic.Definition, d *definition, adjacencies []uint32) {
	l := &k.p.config.Learning
	if l.Policy != traffic.PolicyFallback || l.HasFallback ||
		!slices.ContainsFunc(adjacencies, func(adj uint32) bool { return adj&staticAdjacency == 0 }) {
		return
	}
	if d.dstModifier < 0 && d.dst == 0 || d.dstModifier >= 0 && d.modifiers[d.dstModifier].values.MayBeZero() {
		k.faults.Add("config.learning.on_unresolved", `"fallback" needs a MAC for %s; set config.learning.fallback_mac, or the destination of its ethernet header`, t.Path)
	}
}

// staticAdjacency marks an index into compiler.macs until all hops are known.
const staticAdjacency = 1 << 31

// adjacency returns the adjacency of a destination. Multicast and broadcast addresses
// have a MAC by rule; 0.0.0.0 and :: have no route.
func (k *compiler) adjacency(dst netip.Addr) uint32 {
	if mac, ok := k.groupMAC(dst); ok {
		i, _ := k.macs.add(traffic.Uint128{Lo: mac.Uint64()}.Bytes())
		return i | staticAdjacency
	}
	i, fresh := k.dests.add(keyOfAddr(dst))
	if !fresh {
		return k.p.destAdj[i]
	}
	var hop netip.Addr
	if !dst.IsUnspecified() && k.b.NextHop != nil {
		if h, ok := k.b.NextHop(dst); ok {
			hop = h
		}
	}
	adj, _ := k.hops.add(keyOfAddr(hop))
	k.p.destAdj = append(k.p.destAdj, adj)
	return adj
}

// groupMAC returns the MAC of a multicast or broadcast destination.
func (k *compiler) groupMAC(dst netip.Addr) (header.MAC, bool) {
	if dst.IsMulticast() {
		return header.MulticastMAC(dst), true
	}
	if !dst.Is4() {
		return header.MAC{}, false
	}
	broadcast := dst == netip.AddrFrom4([4]byte{255, 255, 255, 255})
	if n := k.b.Prefix4; n.IsValid() && n.Addr().Is4() && n.Bits() < 31 && n.Contains(dst) {
		host := uint64(1)<<(32-n.Bits()) - 1
		broadcast = broadcast || traffic.Uint128FromAddr(dst).Lo&host == host
	}
	return header.Broadcast, broadcast
}

// adjacencies makes the adjacency words when all hops are known.
func (k *compiler) adjacencies() {
	p := k.p
	p.hops, p.dests = k.hops.keys, k.dests.keys
	if slices.Equal(p.hops, p.dests) {
		p.dests = p.hops // all are on the link, so one table holds both
	}
	p.index = newHopIndex(p.hops)
	p.words = make([]atomic.Uint64, len(p.hops)+len(k.macs.keys))
	for i, key := range p.hops {
		if key == noRoute {
			p.words[i].Store(word(header.MAC{}, AdjacencyFailed))
			p.counts.Failed++
		}
	}
	p.counts.Total = len(p.hops)
	for i, key := range k.macs.keys {
		mac := header.MACFromUint64(traffic.Uint128FromBytes(key).Lo)
		p.words[len(p.hops)+i].Store(word(mac, AdjacencyResolved))
	}
	for i := range p.defs {
		d := &p.defs[i]
		fix := func(adj uint32) uint32 {
			if adj&staticAdjacency != 0 {
				return uint32(len(p.hops)) + adj&^staticAdjacency
			}
			return adj
		}
		d.adj = fix(d.adj)
		for j := range d.adjOf {
			d.adjOf[j] = fix(d.adjOf[j])
		}
		d.oneHop()
	}
}

// oneHop drops the table of a definition that has one next hop.
func (d *definition) oneHop() {
	for _, adj := range d.adjOf {
		if adj != d.adjOf[0] {
			return
		}
	}
	if len(d.adjOf) > 0 {
		d.adj, d.adjModifier, d.adjOf = d.adjOf[0], -1, nil
	}
}
