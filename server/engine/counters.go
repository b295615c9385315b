package engine

import (
	"glean/generator"
	"glean/learning"
	"glean/stack"
)

// StackCounters are the counters of the ports' stacks.
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

// StackCountersByPort is StackCounters with the ports.
func (e *Engine) StackCountersByPort() []PortCounters {
	var list []PortCounters
	for _, p := range e.portList {
		if p != nil {
			list = append(list, PortCounters{p.spec.ID, p.stack.Counters()})
		}
	}
	return list
}

// Counts tells how many resources there are, by state where they have one, and what
// the generators have done.
type Counts struct {
	Interfaces, Active, Results int
	Generators                  map[string]int // by state of learning
	Requests                    map[string]int // learning requests by state
	Unresolved                  int            // next hops of generators

	First []generator.Totals // of the first generators by id
	All   generator.AllTotals
}

// Count counts the resources, and calls done with that and the totals of the first
// generators by id. These and the sum of all are of one moment, so none ever
// decreases from one call to the next; what takes a look at each generator is
// counted in several turns of the loop.
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
