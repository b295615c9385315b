package scenario

import (
	"slices"

	"glean/generator/traffic"
	"glean/learning"
	"glean/server/engine"
	"glean/stack/loop"
)

// checkRows compares the results of a request with the addresses' owners.
func (r *Run) checkRows(q *learning.Request, rows []learning.Destination) {
	for i := range rows {
		row := &rows[i]
		e := r.endpoints[row.InterfaceID]
		if e == nil {
			continue
		}
		hop := e.NextHop(row.Address)
		switch {
		case row.State == learning.StateCompleted && row.NextHop != hop:
			r.AddViolation(RuleNextHop, "%s: next hop of %s is %s, not %s", row.InterfaceID, row.Address, hop, row.NextHop)
		case row.State == learning.StateCompleted:
			r.checkCompleted(e, q, row)
		case row.State == learning.StateTimedOut && row.Reason == learning.NoRoute && hop.IsValid(),
			row.State == learning.StateTimedOut && row.Reason == learning.NoReply && !hop.IsValid():
			r.AddViolation(RuleNextHop, "%s: %s timed out with %s, but its next hop is %v", row.InterfaceID, row.Address, row.Reason, hop)
		}
	}
}

// checkCompleted requires that a learned MAC had the address when it was learned, or
// a little before, since an answer may be late.
func (r *Run) checkCompleted(e *Endpoint, q *learning.Request, row *learning.Destination) {
	from := max(0, row.DecidedAt.Add(-r.late))
	if row.FromCache && q.Mode() != learning.ModeCached && q.Timeout() >= e.RetransTimer {
		r.AddViolation(RuleConfirmed, "%s: %s was taken from the cache in mode %s", q.ID(), row.Address, q.Mode())
	}
	if row.FromCache {
		from = 0 // checkAnswer checks that the entry was confirmed recently
	}
	r.checkAnswer(e, q, row)
	if !r.network.Owners().Had(e.Segment, row.NextHop, row.MAC, from, row.DecidedAt) {
		r.AddViolation(RuleMAC, "%s learned %s for %s (next hop %s) at %s, but that MAC did not have the address then",
			row.InterfaceID, row.MAC, row.Address, row.NextHop, row.DecidedAt)
	}
}

// maxReachable is how long a confirmation counts at most: the default ReachableTime
// times MAX_RANDOM_FACTOR (RFC 4861 section 10).
const maxReachable = 45 * loop.Second

// checkAnswer requires that an answer with the MAC of a row has arrived. It must have
// come at the moment when the row was decided, because learning is driven by events.
func (r *Run) checkAnswer(e *Endpoint, q *learning.Request, row *learning.Destination) {
	i := slices.IndexFunc(r.ports, func(p *watchedPort) bool { return p.id == e.PortID })
	if i < 0 || r.ports[i].answers == nil {
		return
	}
	from := row.DecidedAt
	switch {
	case row.FromCache && q.Mode() == learning.ModeCached:
		from = from.Add(-maxReachable)
	case row.FromCache: // so recent that another solicitation would have been too early
		from = from.Add(-e.RetransTimer)
	}
	for _, a := range r.ports[i].answers[vlanAddr{e.vlans, row.NextHop}] {
		if (a.mac == row.MAC || a.mac.IsZero()) && a.at >= from && a.at <= row.DecidedAt {
			return
		}
	}
	r.AddViolation(RuleConfirmed, "%s learned %s for %s at %s (from cache: %t), but no answer came then",
		row.InterfaceID, row.MAC, row.NextHop, row.DecidedAt, row.FromCache)
}

// requestChanged follows the states of a request and checks that they change only as
// its table allows.
func (r *Run) requestChanged(id, state string) {
	next, ok := learning.ParseState(state)
	if !ok {
		r.AddViolation(RuleStates, "request %s: unknown state %q", id, state)
		return
	}
	was, known := r.safety.requests[id]
	if !known {
		r.resolving++
		r.requests = append(r.requests, id)
		r.countWanted(id, +1)
	}
	if next != learning.StateResolving {
		r.resolving--
		r.countWanted(id, -1)
	}
	if known && was != learning.StateResolving {
		r.AddViolation(RuleStates, "request %s: %s after %s", id, next, was)
	}
	r.safety.requests[id] = next
}

// checkStart requires that a generator starts only if its next hops are resolved and
// confirmed, or its policy permits it to start without some of them.
func (r *Run) checkStart(id string) {
	g, err := r.engine.Generator(id)
	if err != nil {
		return
	}
	if policy := r.policies[id]; policy == traffic.PolicyRefuse && g.Learning != "resolved" && g.Learning != "unsupported" {
		r.AddViolation(RuleStates, "generator %s was started while %s", id, g.Learning)
	}
	if n := r.engine.Unconfirmed(id); n > 0 {
		r.AddViolation(RuleStates, "generator %s was started while %d next hops are unconfirmed", id, n)
	}
}

// checkWorld checks what must hold between any two events.
func (r *Run) checkWorld() {
	if err := r.world.Check(); err != nil {
		r.AddViolation(RuleConserve, "%v", err)
	}
	for _, h := range r.network.Hosts() {
		if err := h.Stack().Check(); err != nil {
			r.AddViolation(RuleInvariants, "host %s: %v", h.Name(), err)
		}
	}
	if err := r.checkEngine(); err != nil {
		r.AddViolation(RuleInvariants, "glean: %v", err)
	}
	for _, q := range r.engine.LearningRequests() {
		p := q.Progress()
		if p.Resolving+p.Completed+p.TimedOut != p.Total {
			r.AddViolation(RuleCounters, "request %s: progress %+v does not add up", q.ID(), p)
		}
	}
}

// checkEngine checks the engine's invariants. It skips large networks: it is called
// ten times a second, and would visit a million neighbors.
func (r *Run) checkEngine() error {
	if !r.isSmall() {
		return nil
	}
	return r.engine.Check()
}

// checkNeighbors requires that every MAC in the neighbor cache has had its address,
// or was announced for it.
func (r *Run) checkNeighbors() {
	for _, n := range r.engine.Neighbors(engine.NeighborFilter{}) {
		e := r.endpoints[n.InterfaceID]
		if e == nil || n.Info.MAC.IsZero() {
			continue
		}
		if o := r.network.Owners(); !o.Had(e.Segment, n.Info.Addr, n.Info.MAC, 0, r.world.Now()) && !o.WasSpoofed(e.Segment, n.Info.Addr, n.Info.MAC) {
			r.AddViolation(RuleMAC, "%s has %s at %s in its cache, which never had that address", n.InterfaceID, n.Info.Addr, n.Info.MAC)
		}
	}
}
