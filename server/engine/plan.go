package engine

import (
	"net/netip"
	"slices"

	"glean/generator/program"
	"glean/learning"
	"glean/stack"
)

// PlanView lists the next hops that learning a generator would solicit. Making it sends no
// frame. Its lists are sorted by address.
type PlanView struct {
	GeneratorID string
	InterfaceID string
	VLANs       []uint16
	NextHops    []PlanHop
	Rows        []PlanRow
}

// PlanHop is a next hop that would be solicited, with its present state.
type PlanHop struct {
	Address      netip.Addr
	Destinations int                    // rows behind it
	State        program.AdjacencyState // of the generator
}

// PlanRow is a destination with its next hop, or the reason why it has none.
type PlanRow struct {
	Destination netip.Addr
	NextHop     netip.Addr
	Reason      learning.Reason
}

// Plan returns a function that makes the plan for a generator, and the number n of its
// destinations. The function may be called anywhere, because a million destinations take
// a second.
func (e *Engine) Plan(generatorID string) (view func() PlanView, n int, err error) {
	g, err := e.generators.Get(generatorID)
	if err != nil {
		return nil, 0, generatorError(err)
	}
	i := targetOf(g).iface
	if i == nil {
		return nil, 0, invalid("generator_id", "generator %q is bound to a port, so there is nothing to learn", generatorID)
	}
	if e.interfaces[g.TargetID] != i {
		return nil, 0, conflict("the interface of generator %q is deleted", generatorID)
	}
	plan := PlanView{GeneratorID: g.ID, InterfaceID: i.spec.ID, VLANs: i.forLearning().VLANs}
	return func() PlanView { return plan.of(g.Program(), i.stack) }, g.Program().DestinationCount(), nil
}

// of fills in the lists of the plan.
func (plan PlanView) of(p *program.Program, from *stack.Interface) PlanView {
	index := make(map[netip.Addr]int)
	for _, d := range p.Destinations() {
		hop, reason := from.NextHop(d.Addr)
		why := learningReason(reason)
		plan.Rows = append(plan.Rows, PlanRow{Destination: d.Addr, NextHop: hop, Reason: why})
		if why != learning.ReasonNone {
			continue
		}
		n, known := index[hop]
		if !known {
			n = len(plan.NextHops)
			index[hop] = n
			_, state := p.Adjacency(d.Adj)
			plan.NextHops = append(plan.NextHops, PlanHop{Address: hop, State: state})
		}
		plan.NextHops[n].Destinations++
	}
	slices.SortFunc(plan.NextHops, func(a, b PlanHop) int { return a.Address.Compare(b.Address) })
	slices.SortFunc(plan.Rows, func(a, b PlanRow) int { return a.Destination.Compare(b.Destination) })
	return plan
}
