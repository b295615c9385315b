package engine

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"unsafe"

	"glean/generator"
	"glean/learning"
	"glean/stack"
)

// One budget bounds the memory of all that clients make: generators, learning,
// results, neighbors, interfaces, and what is being read, parsed or compiled. Who
// makes something large reserves an estimate first, and gives it back when the
// thing is made; from then on it is counted as what it is. All of it is counted on
// the loop, so it is exact and needs no lock.

// DefaultMemory is the budget if Limits.Memory is 0.
const DefaultMemory = 1 << 30

// retainedPart is which part of the budget finished learning results may hold, and
// generator results of ended runs, before the oldest are dropped.
const retainedPart = 4

// MemoryPart is what the resources of one kind hold.
type MemoryPart struct {
	What   string // as in the paths of the API
	Count  int
	Octets int64
}

// MemoryItem is one resource that holds much, by the path whose DELETE frees it.
type MemoryItem struct {
	Path   string
	Octets int64
}

// MemoryUse is how the budget is used.
type MemoryUse struct {
	Budget   int64        // octets
	Reserved int64        // by requests in progress
	Kept     []MemoryPart // by what was made, the largest part first
}

// Used is the number of octets in use.
func (u *MemoryUse) Used() int64 {
	n := u.Reserved
	for _, p := range u.Kept {
		n += p.Octets
	}
	return n
}

// MemoryShortage is why a request was refused.
type MemoryShortage struct {
	MemoryUse
	Needed  int64        // octets that the request would have taken
	Largest []MemoryItem // what frees the most
}

// Memory tells how the budget is used.
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

// Reserve takes octets from the budget for work in progress, or returns an error
// of kind TooMany that says what holds the memory. Release gives them back.
func (e *Engine) Reserve(octets int64) error {
	u := e.Memory()
	if u.Used()+octets > u.Budget {
		return e.shortage(u, octets)
	}
	e.reserved += octets
	return nil
}

// Release gives back what was reserved.
func (e *Engine) Release(octets int64) { e.reserved -= octets }

// fits is Reserve for what is made at once.
func (e *Engine) fits(octets int64) error {
	err := e.Reserve(octets)
	if err == nil {
		e.Release(octets)
	}
	return err
}

// Shortage is the error of a request that must not have octets though they may be
// there, because others hold as much as work like it may hold.
func (e *Engine) Shortage(octets int64) *Error { return e.shortage(e.Memory(), octets) }

// shortage makes the error of a request that does not fit.
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

// largest lists the resources that hold most, the largest first. What holds less
// than a thousandth of the budget is not worth naming.
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

// octetsText is a number of octets for people.
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

// perDestinationCompiled is what compiling takes in passing for each destination,
// in octets: tables to find it by and the lists that tables are made from.
const perDestinationCompiled = 100

// perHop is what a stack holds of a next hop while it is asked for, in octets.
const perHop = stack.NeighborSize + stack.SolicitationSize

// need is the memory that making a generator takes, in octets, and learning for it.
func (s *GeneratorSpec) need(b generator.Binding) int64 {
	octets, destinations, hops := s.Config.Estimate(b)
	if b.Interface {
		octets += learningNeed(destinations, hops, 1)
	}
	return octets
}

// need is the memory that a bound learning request takes, in octets.
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

// interfaceSize is what an interface takes, in octets, without its neighbors.
func (spec *InterfaceSpec) interfaceSize() int64 {
	return 3072 + 96*int64(len(spec.Static)) + 64*int64(len(spec.RespondFor)) + int64(len(spec.Echo.Neighbor))
}

// octets is the memory that the ring holds.
func (r *eventRing) octets() int64 {
	return int64(cap(r.slots))*int64(unsafe.Sizeof(Event{})) + r.texts
}
