package scenario

import (
	"net/netip"
	"slices"

	"glean/generator"
	"glean/generator/program"
	"glean/generator/traffic"
	"glean/sim"
)

// trafficSent counts a generator's frame and compares its destination MAC with the
// MACs that the next hop has had.
func (r *Run) trafficSent(p *watchedPort, e *Endpoint, q *watchedQueue, f *parsedFrame) {
	if flow, ok := sim.FlowOf(f.payload); ok {
		if q.last == nil || q.last.Flow != flow {
			q.last = r.flow(q.run, flow)
		}
		q.last.sent++
	}
	if e == nil || f.kind != kindTraffic {
		return
	}
	hop := e.NextHop(f.to)
	if r.changed {
		r.countStale(q.run, hop, f)
	}
	if f.to.IsMulticast() {
		return
	}
	if p.flapped {
		r.checkUnconfirmed(p, e, q.run, hop, f)
	}
	if q.run.Program().Config().Learning.Policy == traffic.PolicyFallback {
		return
	}
	if !hop.IsValid() {
		r.AddViolation(RuleUnresolved, "%s sent a frame to %s, to which there is no route", e.ID, f.to)
		return
	}
	if o := r.network.Owners(); !o.Had(e.Segment, hop, f.dst, 0, r.world.Now()) && !o.WasSpoofed(e.Segment, hop, f.dst) {
		r.AddViolation(RuleUnresolved, "%s sent a frame to %s (next hop %s) to MAC %s, which never had that address",
			e.ID, f.to, hop, f.dst)
	}
}

// countStale counts a frame to a MAC that the generator knows to be wrong. hop is
// the frame's next hop.
func (r *Run) countStale(run *program.Run, hop netip.Addr, f *parsedFrame) {
	adj, ok := run.Program().AdjacencyOf(hop)
	if !ok {
		return
	}
	mac, state := run.Program().Adjacency(adj)
	if state == program.AdjacencyStale || state == program.AdjacencyResolved && mac != f.dst {
		r.stale[run]++
	}
}

// checkUnconfirmed counts a frame to a MAC that the generator knows to be
// unconfirmed. It requires that a MAC counts as confirmed only if an answer has come
// since the link was down.
func (r *Run) checkUnconfirmed(p *watchedPort, e *Endpoint, run *program.Run, hop netip.Addr, f *parsedFrame) {
	adj, ok := run.Program().AdjacencyOf(hop)
	if !ok {
		return
	}
	mac, state := run.Program().Adjacency(adj)
	switch {
	case state == program.AdjacencyUnconfirmed:
		r.unconfirmed[run]++
	case state == program.AdjacencyResolved && mac == f.dst && p.answers != nil:
		answers := p.answers[vlanAddr{e.vlans, hop}]
		if n := len(answers); n == 0 || answers[n-1].at < p.downAt {
			r.AddViolation(RuleConfirmed, "%s sent a frame to %s (next hop %s) with a MAC that counts as confirmed, but the next hop has not answered since the link was down at %s",
				e.ID, f.to, hop, p.downAt)
		}
	}
}

// checkStaleCount compares a run's counters of frames to outdated MACs with the
// frames that left.
func (r *Run) checkStaleCount(id string, res *generator.Result) {
	sum, seen := uint64(0), r.stale[res.Run()]
	kept, left := res.NeighborChanges()
	for _, c := range kept {
		sum += c.FramesToStale
	}
	all := res.Run().Counters().PacketsToStale
	if all != seen || sum > all || left == 0 && sum != all {
		r.AddViolation(RuleCounters, "generator %s counts %d frames to stale MACs, %d of them for changes that it lists; %d were seen", id, all, sum, seen)
	}
}

// checkUnconfirmedCount compares a run's counter of frames to unconfirmed MACs with
// the frames that left.
func (r *Run) checkUnconfirmedCount(id string, res *generator.Result) {
	if all, seen := res.Run().Counters().PacketsToUnconfirmed, r.unconfirmed[res.Run()]; all != seen {
		r.AddViolation(RuleCounters, "generator %s counts %d frames to unconfirmed MACs; %d were seen", id, all, seen)
	}
}

// HasLostNextHop reports whether a next hop of a generator stopped answering while
// the generator ran.
func (r *Run) HasLostNextHop(generatorID string) bool {
	for _, res := range r.engine.Results() {
		changes, _ := res.NeighborChanges()
		if res.Generator.ID == generatorID && slices.ContainsFunc(changes, func(c generator.NeighborChange) bool { return c.New.IsZero() }) {
			return true
		}
	}
	return false
}
