package swarm

import (
	"fmt"
	"net/netip"

	"glean/learning"
	"glean/server/engine"
	"glean/sim/scenario"
	"glean/stack/header"
	"glean/stack/loop"
)

// The checks of this file hold whatever spoofers do and however an interface is
// limited.

// check requires that a host that has solicited an address of glean's knows
// glean's MAC, and that a host that has solicited an address beyond glean's ranges
// knows none.
func (v drawnVisit) check(r *scenario.Run, host string, a netip.Addr) {
	e, i := r.Endpoint(interfaceID(v.Segment)), r.Network().Host(host).Interface(0)
	info, _ := i.Neighbor(a)
	i.Untrack(a)
	if _, gone := r.Engine().Interface(e.ID); gone != nil {
		return
	}
	want := e.MAC
	if v.What == visitBeyond {
		want = header.MAC{}
	}
	if info.MAC != want {
		r.AddViolation(scenario.RuleAnswers, "%s has %s for %s of %s, want %s", host, info.MAC, a, e.ID, want)
	}
}

// checkConflict requires that an interface shows which MAC took its address a moment
// ago, and that an event said so.
func checkConflict(r *scenario.Run, id, spoofer string, a netip.Addr) {
	v, gone := r.Engine().Interface(id)
	if gone != nil {
		return // an order has deleted it
	}
	mac := v.Conflict4
	if a.Is6() {
		mac = v.Conflict6
	}
	want := r.Network().Host(spoofer).Interface(0).MAC()
	if mac != want {
		r.AddViolation(scenario.RuleConflict, "%s shows a conflict with %s over its address %s; it is with %s", id, mac, a, want)
	}
	// An event need not name this spoofer: several may claim the address in turn.
	if !r.HasConflict(id, a.String()) {
		r.AddViolation(scenario.RuleConflict, "no event of %s says that another station claims its address %s", id, a)
	}
}

// nextHop is a next hop of an interface.
type nextHop struct {
	endpoint *scenario.Endpoint
	addr     netip.Addr
}

// checkKept requires that learned MACs are still in the cache, however many peers
// needed an entry there, if there is room for all next hops that were wanted. It
// leaves out next hops that a later request could not resolve, and interfaces of
// generators.
func checkKept(r *scenario.Run) {
	timedOut := make(map[nextHop]bool)
	for _, q := range r.Engine().LearningRequests() {
		for _, row := range q.Destinations(learning.DestinationFilter{State: learning.StateTimedOut}) {
			if row.NextHop.IsValid() {
				timedOut[nextHop{r.Endpoint(row.InterfaceID), row.NextHop}] = true
			}
		}
	}
	for _, q := range r.Engine().LearningRequests() {
		for _, row := range q.Destinations(learning.DestinationFilter{State: learning.StateCompleted}) {
			e := r.Endpoint(row.InterfaceID)
			if !e.IsCrowded() && !r.IsTarget(e) && !timedOut[nextHop{e, row.NextHop}] {
				checkKeptRow(r, q, &row)
			}
		}
	}
}

func checkKeptRow(r *scenario.Run, q *learning.Request, row *learning.Destination) {
	if len(r.Engine().Neighbors(engine.NeighborFilter{InterfaceID: row.InterfaceID, Address: row.NextHop})) == 0 {
		r.AddViolation(scenario.RuleKept, "%s: %s learned %s for %s, which is no longer in its cache", q.ID(), row.InterfaceID, row.MAC, row.NextHop)
	}
}

// delayByLimits returns how much longer an answer may take because of the limits of
// an interface: all next hops of the port may be solicited before, three times each.
// Each solicitation takes its turn in the pace and, unanswered, a place in the window
// for a RetransTimer.
func delayByLimits(r *scenario.Run, e *scenario.Endpoint) (more loop.Duration) {
	hops, window := 0, 0
	for _, other := range r.Endpoints() {
		if other.PortID != e.PortID {
			continue
		}
		hops += other.NextHops()
		if other.Window > 0 && (window == 0 || other.Window < window) {
			window = other.Window
		}
	}
	if e.Rate > 0 {
		more += loop.Duration(3*e.NextHops()) * loop.Second / loop.Duration(e.Rate)
	}
	if window > 0 {
		more += loop.Duration(3*hops/window) * e.RetransTimer
	}
	return more
}

// reasonOfDead returns the reason with which an address that belongs to no host must
// time out: no_reply or, if a spoofer took glean's own address and would have
// received the answer, address_conflict.
func (w *RandomWorld) reasonOfDead(e *scenario.Endpoint, hop netip.Addr, deadline loop.Time, got learning.Reason) learning.Reason {
	for i := range w.Segments {
		s := w.Segments[i].Spoofer
		if s == nil || e.ID != interfaceID(i) {
			continue
		}
		for _, lie := range s.Lies {
			at := loop.Time(lie.At)
			if lie.Target.Kind != targetOwn || lie.Target.V6 != hop.Is6() || at > deadline {
				continue
			}
			if lie.At > w.Heal && at.Add(maxLate) < deadline {
				return learning.AddressConflict
			}
			if got == learning.AddressConflict {
				return got // the announcement may have been lost, or be in flight
			}
		}
	}
	return learning.NoReply
}

// interfaceID returns the ID of glean's interface in segment i.
func interfaceID(i int) string { return fmt.Sprintf("if-%d", i) }
