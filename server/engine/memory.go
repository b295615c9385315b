package engine

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"unsafe"

	"glean/generator/program"
	"glean/learning"
	"glean/stack"
)

// One budget bounds the memory of all that clients make: generators, learning, results,
// neighbors, interfaces, and bodies that are being read, parsed or compiled. Code that
// makes something large reserves an estimate first, and releases it when the result is
// made and counted by its size. All counting is done on the loop, so it is exact and
// needs no lock.

// DefaultMemory is the budget if Limits.Memory is 0.
const DefaultMemory = 1 << 30

// retainedPart is the part of the budget (one in so many) that finished learning results
// may hold, and generator results of ended runs, before the oldest are dropped.
const retainedPart = 4

// MemoryPart is the memory of the resources of one kind.
type MemoryPart struct {
	What   string // as in the paths of the API
	Count  int
	Octets int64
}

// MemoryItem is a resource that holds much memory, by the path whose DELETE frees it.
type MemoryItem struct {
	Path   string
	Octets int64
}

// MemoryUse is the present use of the budget.
type MemoryUse struct {
	Budget   int64        // octets
	Reserved int64        // by requests in progress
	Kept     []MemoryPart // by resources, the largest part first
}

// Used returns the number of octets in use.
func (u *MemoryUse) Used() int64 {
	n := u.Reserved
	for _, p := range u.Kept {
		n += p.Octets
	}
	return n
}

// MemoryShortage is the reason why a request was refused.
type MemoryShortage struct {
	MemoryUse
	Needed  int64        // octets that the request would take
	Largest []MemoryItem // the resources whose deletion frees the most
}

// Memory returns the present use of the budget.
func (e *Engine) Memory() MemoryUse {
	g, l := e.generators.Sizes(), e.learning.Sizes()
	neighbors, octets := 0, int64(0)
	for _, p := range e.portList {
		if p != nil {
			octets += p.stack.Size()
			neighbors += p.stack.NeighborCount()
		}
	}
	u := MemoryUse{Budget: e.limits.Memory, Reserved: e.reserved, Kept: []MemoryPart{
		{"generators", e.generators.Count(), g.Generators},
		{"generator-results", e.generators.ResultCount(), g.Results},
		{"learning", e.learning.RequestCount(), l.Requests},
		{"learning-results", e.learning.ResultCount(), l.Results},
		{"neighbors", neighbors, octets},
		{"interfaces", len(e.interfaces), e.interfaceOctets},
		{"events", len(e.events.slots), e.events.octets()},
	}}
	slices.SortStableFunc(u.Kept, func(a, b MemoryPart) int { return cmp.Compare(b.Octets, a.Octets) })
	return u
}

// Reserve takes octets from the budget for work in progress, or returns an error of kind
// TooMany that names the resources that hold the memory. Release returns the octets.
func (e *Engine) Reserve(octets int64) error {
	u := e.Memory()
	if u.Used()+octets > u.Budget {
		return e.shortage(u, octets)
	}
	e.reserved += octets
	return nil
}

// Release returns octets that were reserved.
func (e *Engine) Release(octets int64) { e.reserved -= octets }

// fits returns the error of Reserve, but reserves nothing.
func (e *Engine) fits(octets int64) error {
	err := e.Reserve(octets)
	if err == nil {
		e.Release(octets)
	}
	return err
}

// Shortage returns the error of a request that is refused, although the budget has octets
// left, because requests of its kind hold as much as they may.
func (e *Engine) Shortage(octets int64) *Error { return e.shortage(e.Memory(), octets) }

// shortage returns the error of a request that does not fit.
func (e *Engine) shortage(u MemoryUse, needed int64) *Error {
	s := &MemoryShortage{MemoryUse: u, Needed: needed, Largest: e.largest(5)}
	var b strings.Builder
	fmt.Fprintf(&b, "memory: the request needs %s, and %s of the budget of %s are in use", octetsText(needed), octetsText(u.Used()), octetsText(u.Budget))
	separator := " ("
	for _, p := range u.Kept[:3] {
		if p.Octets > u.Budget/100 {
			fmt.Fprintf(&b, "%s%s of %d %s", separator, octetsText(p.Octets), p.Count, p.What)
			separator = ", "
		}
	}
	if u.Reserved > u.Budget/100 {
		fmt.Fprintf(&b, "%s%s of requests in progress", separator, octetsText(u.Reserved))
		separator = ", "
	}
	if separator == ", " {
		b.WriteString(")")
	}
	switch {
	case needed > u.Budget:
		b.WriteString("; ask for less, or set limits.memory higher")
	case len(s.Largest) > 0:
		b.WriteString("; free some")
		for n, item := range s.Largest[:min(len(s.Largest), 2)] {
			fmt.Fprintf(&b, "%s DELETE %s (%s)", [...]string{" with", " or"}[n], item.Path, octetsText(item.Octets))
		}
		b.WriteString(", or set limits.memory higher")
	default:
		b.WriteString("; try again soon, or set limits.memory higher")
	}
	return &Error{Kind: TooMany, Detail: b.String(), Memory: s}
}

// largest returns the n largest resources, the largest first. It leaves out resources that
// hold less than a thousandth of the budget.
func (e *Engine) largest(n int) []MemoryItem {
	var items []MemoryItem
	add := func(octets int64, path, id string) {
		if octets > e.limits.Memory/1000 {
			items = append(items, MemoryItem{path + id, octets})
		}
	}
	for g := range e.generators.All() {
		add(g.Size(), "/packet/generators/", g.ID)
	}
	for r := range e.generators.Results() {
		if !r.Active() {
			add(r.Size(), "/packet/generator-results/", r.ID)
		}
	}
	e.learning.EachResult(func(r *learning.Result) {
		if r.State() != learning.StateResolving {
			add(r.Size(), "/learning-results/", r.ID())
		}
	})
	for id, i := range e.interfaces {
		add(int64(i.stack.NeighborCount())*stack.NeighborSize, "/neighbors?interface_id=", id)
	}
	slices.SortFunc(items, func(a, b MemoryItem) int {
		return cmp.Or(cmp.Compare(b.Octets, a.Octets), cmp.Compare(a.Path, b.Path))
	})
	return items[:min(n, len(items))]
}

// octetsText returns a number of octets with a unit.
func octetsText(n int64) string {
	units := [...]string{"octets", "KiB", "MiB", "GiB", "TiB"}
	unit, v := 0, float64(n)
	for v >= 1024 && unit < len(units)-1 {
		unit, v = unit+1, v/1024
	}
	if unit == 0 || v >= 10 {
		return fmt.Sprintf("%.0f %s", v, units[unit])
	}
	return fmt.Sprintf("%.1f %s", v, units[unit])
}

// perDestinationCompiled is the temporary memory of compiling for each destination, in
// octets: indexes and the lists that tables are made from.
const perDestinationCompiled = 100

// perHop is the memory of a stack for a next hop while it is solicited, in octets.
const perHop = stack.NeighborSize + stack.SolicitationSize

// need returns the memory in octets for making a generator and for its learning.
func (s *GeneratorSpec) need(b program.Binding) int64 {
	octets, destinations, hops := program.Estimate(s.Config, b)
	if b.Interface {
		octets += learningNeed(destinations, hops, 1)
	}
	return octets
}

// need returns the memory in octets for a bound learning request.
func (spec *LearningSpec) need() int64 {
	hops := len(spec.Addresses)
	for _, g := range spec.bound.of.generators {
		hops += g.Program().Counts().Total
	}
	return learningNeed(spec.destinations(), hops, len(spec.GeneratorIDs))
}

func learningNeed(destinations, hops, generators int) int64 {
	return learning.Estimate(destinations, hops, generators) + int64(destinations)*perDestinationCompiled + int64(hops)*perHop
}

// interfaceSize returns the memory of an interface without its neighbors, in octets.
func (spec *InterfaceSpec) interfaceSize() int64 {
	return 3072 + 96*int64(len(spec.Static)) + 64*int64(len(spec.RespondFor)) + int64(len(spec.Echo.Neighbor))
}

// octets returns the memory of the ring.
func (r *eventRing) octets() int64 {
	return int64(cap(r.slots))*int64(unsafe.Sizeof(Event{})) + r.texts
}
