package generator

import (
	"net/netip"
	"reflect"
	"unsafe"
)

// What a program and a run hold is counted in octets, so that a daemon can refuse
// what does not fit into its memory: before it is compiled by an estimate from the
// configuration, afterwards by what was made of it. Both are held against
// runtime.MemStats by a test.

// measurer adds up the memory behind a value: the room of slices, strings, maps
// and pointers. What two values share it counts once.
type measurer struct{ seen map[unsafe.Pointer]bool }

// sizeOf is the memory of the struct that p points to and of all behind it.
func sizeOf[T any](p *T) int64 {
	m := measurer{seen: make(map[unsafe.Pointer]bool)}
	v := reflect.ValueOf(p)
	return m.behind(v)
}

// skipped are the types of tables that all programs share.
var skipped = map[reflect.Type]bool{reflect.TypeFor[*field](): true}

func (m *measurer) behind(v reflect.Value) (octets int64) {
	switch v.Kind() {
	case reflect.Pointer:
		if v.IsNil() || skipped[v.Type()] || m.met(v.UnsafePointer()) {
			return 0
		}
		return int64(v.Type().Elem().Size()) + m.behind(v.Elem())
	case reflect.String:
		return int64(v.Len())
	case reflect.Slice:
		if v.Cap() == 0 || m.met(v.UnsafePointer()) {
			return 0
		}
		octets = int64(v.Cap()) * int64(v.Type().Elem().Size())
		fallthrough
	case reflect.Array:
		if hasPointers(v.Type().Elem()) {
			for i := range v.Len() {
				octets += m.behind(v.Index(i))
			}
		}
	case reflect.Struct:
		for i := range v.NumField() {
			octets += m.behind(v.Field(i))
		}
	}
	return octets
}

func (m *measurer) met(p unsafe.Pointer) bool {
	met := m.seen[p]
	m.seen[p] = true
	return met
}

// hasPointers reports whether values of a type lead to other memory. It is what
// keeps a table of a million numbers from being walked.
func hasPointers(t reflect.Type) bool {
	switch t.Kind() {
	case reflect.Pointer, reflect.String, reflect.Slice, reflect.Map, reflect.Interface, reflect.UnsafePointer:
		return true
	case reflect.Array:
		return hasPointers(t.Elem())
	case reflect.Struct:
		for i := range t.NumField() {
			if hasPointers(t.Field(i).Type) {
				return true
			}
		}
	}
	return false
}

// generatorOverhead is what a manager holds of a generator besides its program:
// the generator itself, its ids and its places in tables.
const generatorOverhead = 512

// Size is the memory in octets of the program and its configuration. It takes
// time in proportion to the number of traffic definitions.
func (p *Program) Size() int64 {
	if p.size == 0 {
		p.size = sizeOf(p) + generatorOverhead
	}
	return p.size
}

// Size is the memory in octets of a parsed configuration.
func (c *Config) Size() int64 { return sizeOf(c) }

// The parts of an estimate, in octets.
const (
	perProgram     = 400
	perDefinition  = 900 // with one header
	perHeader      = 200
	perOp          = 340 // with its cell
	perLength      = 200 // a plan: lengths, checksums and how they are made
	perDestination = 32  // its key, its adjacency and the word of its next hop
)

// Estimate is what a program of the configuration will hold, for how many
// destinations it will learn at most, and behind about how many next hops. Size says
// the first afterwards, exactly.
func (c *Config) Estimate(b Binding) (octets int64, destinations, hops int) {
	octets = c.Size() + generatorOverhead + perProgram
	for i := range c.Traffic {
		t := &c.Traffic[i]
		octets += perDefinition
		if n := t.Lengths.count(); n > 1 {
			octets += int64(n)*perLength + 4*int64(t.Lengths.cycle())
		}
		for j := range t.headers {
			octets += perHeader + int64(2*len(t.headers[j].octets))
			for k := range t.headers[j].modifiers {
				octets += perOp + t.headers[j].modifiers[k].values.tableSize()
			}
		}
		n, h := c.destinations(t, b)
		destinations += n
		hops += h
	}
	destinations = min(destinations, maxEntries)
	return octets + int64(destinations)*perDestination, destinations, min(hops, destinations)
}

// tableSize is what an op's table of the values takes; see tabulate.
func (v *values) tableSize() int64 {
	if v.count >= Batch && v.isPlain() || v.list == nil && v.count > maxTable {
		return 0
	}
	return 8 * int64(min(v.count+Batch, maxTables))
}

// count is about how many lengths occur.
func (l *Lengths) count() int {
	if l.random {
		return int(l.high-l.low) + 1
	}
	return len(l.distinct())
}

// destinations is how many unicast destinations of a definition may have to be
// learned, and about how many next hops they have; see compiler.destinations.
func (c *Config) destinations(t *Traffic, b Binding) (n, hops int) {
	if !b.Interface || len(t.headers) == 0 || t.headers[0].kind != protoEthernet {
		return 0, 0
	}
	for i := range t.headers {
		h := &t.headers[i]
		if !h.kind.isIP() {
			continue
		}
		for j := range h.modifiers {
			if m := &h.modifiers[j]; m.field != nil && m.field.role == roleDestination {
				n := int(min(m.values.count, MaxDestinations))
				return n, sampledHops(&m.values, n, h.kind == protoIPv4, b)
			}
		}
		return 1, 1
	}
	return 0, 0
}

// hopSamples is how many destinations sampledHops looks at.
const hopSamples = 256

// sampledHops is about how many next hops n destinations have: as many as the samples
// among them that are their own next hop stand for, and one for each gateway.
func sampledHops(v *values, n int, is4 bool, b Binding) int {
	if b.NextHop == nil || n <= hopSamples {
		return n
	}
	own, gateways := 0, make(map[netip.Addr]bool)
	for i := range hopSamples {
		dst := v.at(uint64(i) * uint64(n-1) / (hopSamples - 1)).addr(is4)
		if hop, ok := b.NextHop(dst); ok && hop == dst {
			own++
		} else {
			gateways[hop] = true
		}
	}
	return n*own/hopSamples + len(gateways)
}

// Size is the memory in octets of a run, parts included, without its program. It must
// not be called while a transmitter steps the run.
func (r *Run) Size() int64 {
	octets := int64(unsafe.Sizeof(*r)) + int64(cap(r.buffer)) + int64(cap(r.views))*24 + 8*int64(cap(r.flowOf)) +
		octetsOf(r.flows) + octetsOf(r.slots) + octetsOf(r.regions) + octetsOf(r.bouts) + octetsOf(r.cursors) +
		octetsOf(r.columns.classes) + octetsOf(r.columns.signAt) + octetsOf(r.columns.totals) +
		octetsOf(r.tally.classes) + octetsOf(r.published.classes) + octetsOf(r.turns.ahead) + octetsOf(r.turns.walk.spots)
	for i := range r.cursors {
		octets += octetsOf(r.cursors[i].digits) + octetsOf(r.cursors[i].seq)
	}
	for i := range r.columns.totals {
		octets += octetsOf(r.columns.totals[i].base) + octetsOf(r.columns.totals[i].at)
	}
	for _, part := range r.parts {
		octets += part.Size()
	}
	return octets
}

// octetsOf is the memory of a slice itself.
func octetsOf[T any](s []T) int64 {
	var v T
	return int64(cap(s)) * int64(unsafe.Sizeof(v))
}

// RunEstimate is what a run of the program will hold, see Run.Size.
func (p *Program) RunEstimate() int64 {
	octets := int64(unsafe.Sizeof(Run{}))
	slots := int64(Batch)
	if n := int64(len(p.defs)); n > 1 {
		slots = min(n*Batch, max(Batch, maxRoom/int64(p.room+slack)))
	}
	perSlot := int64(p.room+slack) + 24 + 8 + int64(unsafe.Sizeof(slot{})) + 8 + 2*16
	octets += slots * perSlot
	if p.flows <= MaxCountedFlows {
		octets += int64(p.flows) * int64(unsafe.Sizeof(flowCount{}))
	}
	for i := range p.defs {
		d := &p.defs[i]
		octets += int64(unsafe.Sizeof(cursor{})+unsafe.Sizeof(region{})+unsafe.Sizeof(spot{})) + int64(len(d.ops))*int64(unsafe.Sizeof(digit{}))
		if d.signature != nil {
			octets += 4 * int64(d.flows)
		}
	}
	return octets
}
