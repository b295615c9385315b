package program

import (
	"net/netip"
	"reflect"
	"unsafe"

	"glean/generator/traffic"
	"glean/internal/memsize"
)

// The memory of programs and runs is counted in octets, so that a daemon can refuse a
// generator that does not fit: before it is compiled by an estimate from the
// configuration, afterwards by a count. A test compares both with runtime.MemStats.

// overhead is what the owner of a program holds of it besides, in octets: the
// generator, its ids and its places in tables.
const overhead = 512

// Size returns the memory in octets of the program and its configuration. The first call
// takes time in proportion to the number of traffic definitions.
func (p *Program) Size() int64 {
	if p.size == 0 {
		p.size = memsize.Of(p, reflect.TypeFor[*traffic.Field]()) + overhead
	}
	return p.size
}

// The parts of an estimate, in octets.
const (
	perProgram     = 400
	perDefinition  = 900 // with one header
	perHeader      = 200
	perModifier    = 340 // with its store unit
	perLength      = 200 // a length variant with its checksums
	perDestination = 32  // its key, its adjacency and the word of its next hop
)

// Estimate returns what a program of a configuration will hold, for how many
// destinations it will learn at most, and behind about how many next hops.
// Program.Size returns the first figure afterwards, exactly.
func Estimate(c *traffic.Config, b Binding) (octets int64, destinations, hops int) {
	octets = c.Size() + overhead + perProgram
	for i := range c.Traffic {
		t := &c.Traffic[i]
		octets += perDefinition
		if n := t.Lengths.Count(); n > 1 {
			octets += int64(n)*perLength + 4*int64(t.Lengths.Cycle())
		}
		for j := range t.Headers {
			octets += perHeader + int64(2*len(t.Headers[j].Octets))
			for k := range t.Headers[j].Modifiers {
				octets += perModifier + tableSize(&t.Headers[j].Modifiers[k].Values)
			}
		}
		n, h := estimateDestinations(t, b)
		destinations += n
		hops += h
	}
	destinations = min(destinations, maxEntries)
	return octets + int64(destinations)*perDestination, destinations, min(hops, destinations)
}

// tableSize returns the octets of a modifier's table of the values; see tabulate.
func tableSize(v *traffic.Values) int64 {
	if v.Count >= Batch && v.IsPlain() || v.List == nil && v.Count > maxTable {
		return 0
	}
	return 8 * int64(min(v.Count+Batch, maxTables))
}

// estimateDestinations returns how many unicast destinations of a definition may
// have to be learned, and about how many next hops they have; see
// compiler.destinations.
func estimateDestinations(t *traffic.Definition, b Binding) (n, hops int) {
	if !b.Interface || len(t.Headers) == 0 || t.Headers[0].Protocol != traffic.Ethernet {
		return 0, 0
	}
	for i := range t.Headers {
		h := &t.Headers[i]
		if !h.Protocol.IsIP() {
			continue
		}
		for j := range h.Modifiers {
			if m := &h.Modifiers[j]; m.Field != nil && m.Field.Role == traffic.RoleDestination {
				n := int(min(m.Values.Count, traffic.MaxDestinations))
				return n, sampledHops(&m.Values, n, h.Protocol == traffic.IPv4, b)
			}
		}
		return 1, 1
	}
	return 0, 0
}

// hopSamples is how many destinations sampledHops looks at.
const hopSamples = 256

// sampledHops estimates how many next hops n destinations have: as many as the samples
// stand for that are their own next hop, and one for each gateway.
func sampledHops(v *traffic.Values, n int, is4 bool, b Binding) int {
	if b.NextHop == nil || n <= hopSamples {
		return n
	}
	own, gateways := 0, make(map[netip.Addr]bool)
	for i := range hopSamples {
		dst := v.At(uint64(i) * uint64(n-1) / (hopSamples - 1)).Addr(is4)
		if hop, ok := b.NextHop(dst); ok && hop == dst {
			own++
		} else {
			gateways[hop] = true
		}
	}
	return n*own/hopSamples + len(gateways)
}

// Size returns the memory in octets of a run, parts included, without its program. It
// must not be called while a transmitter steps the run.
func (r *Run) Size() int64 {
	octets := int64(unsafe.Sizeof(*r)) + int64(cap(r.buffer)) + int64(cap(r.frameOf))*24 + 8*int64(cap(r.flowOf)) +
		memsize.OfSlice(r.flows) + memsize.OfSlice(r.slots) + memsize.OfSlice(r.slotRanges) + memsize.OfSlice(r.groups) + memsize.OfSlice(r.cursors) +
		memsize.OfSlice(r.columns.classes) + memsize.OfSlice(r.columns.signAt) + memsize.OfSlice(r.columns.totals) +
		memsize.OfSlice(r.tally.classes) + memsize.OfSlice(r.published.classes) + memsize.OfSlice(r.lookahead.ahead) + memsize.OfSlice(r.lookahead.interleaver.positions)
	for i := range r.cursors {
		octets += memsize.OfSlice(r.cursors[i].values) + memsize.OfSlice(r.cursors[i].seq)
	}
	for i := range r.columns.totals {
		octets += memsize.OfSlice(r.columns.totals[i].base) + memsize.OfSlice(r.columns.totals[i].at)
	}
	for _, part := range r.parts {
		octets += part.Size()
	}
	return octets
}

// RunEstimate returns what Size of a run of the program will be, about.
func (p *Program) RunEstimate() int64 {
	octets := int64(unsafe.Sizeof(Run{}))
	slots := int64(Batch)
	if n := int64(len(p.defs)); n > 1 {
		slots = min(n*Batch, max(Batch, maxSlotOctets/int64(p.maxOctets+slack)))
	}
	perSlot := int64(p.maxOctets+slack) + 24 + 8 + int64(unsafe.Sizeof(frameSlot{})) + 8 + 2*16
	octets += slots * perSlot
	if p.flows <= MaxCountedFlows {
		octets += int64(p.flows) * int64(unsafe.Sizeof(flowCount{}))
	}
	for i := range p.defs {
		d := &p.defs[i]
		octets += int64(unsafe.Sizeof(cursor{})+unsafe.Sizeof(slotRange{})+unsafe.Sizeof(position{})) + int64(len(d.modifiers))*int64(unsafe.Sizeof(valueCursor{}))
		if d.signature != nil {
			octets += 4 * int64(d.flows)
		}
	}
	return octets
}
