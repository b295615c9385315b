package engine

import (
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

// Counts tells how many resources there are, by state where they have one.
type Counts struct {
	Interfaces, Active, Results int
	Generators                  map[string]int // by state of learning
	Requests                    map[string]int // learning requests by state
}

// Counts counts the resources.
func (e *Engine) Counts() Counts {
	c := Counts{
		Interfaces: len(e.interfaces),
		Results:    e.generators.ResultCount(),
		Generators: make(map[string]int),
		Requests:   make(map[string]int),
	}
	for g := range e.generators.All() {
		state, _ := g.Learning()
		c.Generators[state.String()]++
		if g.Active() {
			c.Active++
		}
	}
	e.learning.EachRequest(func(r *learning.Request) { c.Requests[r.State().String()]++ })
	return c
}
