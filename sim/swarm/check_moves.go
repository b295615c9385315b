package swarm

import (
	"net/netip"

	"glean/generator/program"
	"glean/sim/scenario"
	"glean/stack/header"
	"glean/stack/loop"
)

// checkMACsAt returns a step that checks the MACs that running generators use, some
// time after from. of selects next hops; nil selects all.
func checkMACsAt(from, within loop.Duration, of func(e *scenario.Endpoint, hop netip.Addr) bool) scenario.Step {
	return scenario.Step{At: from + within, Text: "check the MACs in use", Engine: func(r *scenario.Run) error {
		checkMACsInUse(r, within, of)
		return nil
	}}
}

// checkMACsInUse requires that generators that have run for some time send to the
// current owners of their next hops.
func checkMACsInUse(r *scenario.Run, within loop.Duration, of func(e *scenario.Endpoint, hop netip.Addr) bool) {
	forTrackedHops(r, within, func(id string, e *scenario.Endpoint, hop netip.Addr, mac header.MAC, state program.AdjacencyState) {
		owner, live := r.Network().Owners().Current(e.Segment, hop)
		if !live || of != nil && !of(e, hop) {
			return
		}
		if !r.Network().Owners().Has(e.Segment, hop, mac) || state != program.AdjacencyResolved {
			r.AddViolation(scenario.RuleFollowed, "generator %s sends to %s for %s, state %d; it is at %s", id, mac, hop, state, owner)
		}
	})
}

// checkLost requires that generators that have run for some time know which of their
// next hops belong to no host.
func checkLost(r *scenario.Run, within loop.Duration) {
	forTrackedHops(r, within, func(id string, e *scenario.Endpoint, hop netip.Addr, mac header.MAC, state program.AdjacencyState) {
		if _, live := r.Network().Owners().Current(e.Segment, hop); !live && state == program.AdjacencyResolved {
			r.AddViolation(scenario.RuleFollowed, "generator %s takes %s for reachable at %s, but no host has that address", id, hop, mac)
		}
	})
}

// forTrackedHops calls do with the next hops of all generators that track them and
// have run for some time, and with the MACs that the generators use.
func forTrackedHops(r *scenario.Run, within loop.Duration, do func(id string, e *scenario.Endpoint, hop netip.Addr, mac header.MAC, state program.AdjacencyState)) {
	for _, res := range r.Engine().Results() {
		p, e := res.Run().Program(), r.Target(res.Generator.ID)
		if !res.Active() || res.StartedAt.Add(within) > r.Network().World().Now() || !p.Config().Learning.Track || e == nil || e.IsCrowded() {
			continue
		}
		for adj, hop := range p.Hops() {
			if hop.IsValid() {
				mac, state := p.Adjacency(uint32(adj))
				do(res.Generator.ID, e, hop, mac, state)
			}
		}
	}
}
