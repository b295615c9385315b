package engine

import (
	"glean/generator"
	"glean/learning"
	"glean/stack"
)

// StackCounters returns the counters of the ports' stacks.
func (e *Engine) StackCounters() []stack.Counters {
	var list []stack.Counters
	for _, p := range e.portList {
		if p != nil {
			list = append(list, p.stack.Counters())
		}
	}
	return list
}

// PortCounters are the counters of one port's stack.
type PortCounters struct {
	PortID string
	stack.Counters
}

// StackCountersByPort returns the counters of the ports' stacks with the ids of the ports.
func (e *Engine) StackCountersByPort() []PortCounters {
	var list []PortCounters
	for _, p := range e.portList {
		if p != nil {
			list = append(list, PortCounters{p.spec.ID, p.stack.Counters()})
		}
	}
	return list
}

// Counts holds the numbers of resources, by state where they have one, and the totals of
// the generators.
type Counts struct {
	Interfaces, Active, Results int
	Generators                  map[string]int // by state of learning
	Requests                    map[string]int // learning requests by state
	Unresolved                  int            // next hops of generators

	First []generator.Totals // of the first generators by id
	All   generator.AllTotals
}

// Count counts the resources and calls done with the counts. The totals of the first
// generators by id and the sum of all totals are taken in one turn of the loop, so they
// never decrease from one call to the next. Counts that need a look at each generator
// take several turns.
func (e *Engine) Count(first int, done func(*Counts)) {
	c := &Counts{
		Interfaces: len(e.interfaces),
		Active:     e.generators.ActiveCount(),
		Results:    e.generators.ResultCount(),
		Generators: make(map[string]int),
		Requests:   make(map[string]int),
		All:        e.generators.Totals(),
	}
	for _, g := range e.generators.After("", first) {
		c.First = append(c.First, g.Totals())
	}
	after := ""
	e.inTurns(func() bool {
		list := e.generators.After(after, sliceCount)
		for _, g := range list {
			state, _ := g.Learning()
			c.Generators[state.String()]++
			c.Unresolved += g.Program().Counts().Unresolved()
			after = g.ID
		}
		return len(list) == sliceCount
	}, func() {
		e.learning.EachRequest(func(r *learning.Request) { c.Requests[r.State().String()]++ })
		done(c)
	})
}
