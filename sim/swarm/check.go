package swarm

import (
	"fmt"
	"net/netip"

	"glean/generator/program"
	"glean/generator/traffic"
	"glean/learning"
	"glean/server/engine"
	"glean/sim/scenario"
	"glean/stack/loop"
)

// Outcome is the result of a random world.
type Outcome struct {
	World       *RandomWorld
	Violations  []scenario.Violation
	Fingerprint string
}

// OK reports whether no rule was broken.
func (o *Outcome) OK() bool { return len(o.Violations) == 0 }

// CheckSeed runs the world of a seed: faults, then the network is healed, then every
// address must be decided in time. Its error is of a world that cannot run, which is
// a fault of the drawing.
func CheckSeed(seed uint64, o scenario.Options) (*Outcome, error) {
	w := Draw(seed)
	r, err := scenario.Prepare(w.Scenario(), o)
	if err != nil {
		return nil, fmt.Errorf("seed %d: %w", seed, err)
	}
	r.Play()
	w.check(r)
	report, err := r.Finish()
	if err != nil {
		return nil, err
	}
	if len(report.Faults) > 0 {
		return nil, fmt.Errorf("seed %d: step %s", seed, report.Faults[0])
	}
	return &Outcome{World: w, Violations: report.Violations, Fingerprint: report.Fingerprint}, nil
}

// check compares the result of each requested address with the result that it had to
// have.
func (w *RandomWorld) check(r *scenario.Run) {
	for _, q := range r.Engine().LearningRequests() {
		if w.Policer != nil && q.ID() == policedRequest {
			w.Policer.check(r, q)
			continue
		}
		if q.State() == learning.StateResolving {
			r.AddViolation(scenario.RuleLiveness, "request %s is still in progress", q.ID())
		}
		for _, row := range q.Destinations(learning.DestinationFilter{}) {
			w.checkRow(r, q, &row)
		}
	}
	if len(w.Orders) == 0 { // else an order may have removed it
		checkKept(r)
		for _, g := range r.Engine().Generators() {
			checkGenerator(r, g)
		}
	}
}

// checkGenerator requires that a generator's state agrees with the results of its
// addresses, that it has transmitted if its policy permits, and that it has sent to
// every address that had a MAC when it started.
func checkGenerator(r *scenario.Run, g engine.GeneratorView) {
	checkRelearned(r, g)
	now, then := r.AddressesOf(g.ID), r.AddressesAtStart(g.ID)
	want := "resolved"
	if now.TimedOut > 0 {
		want = "timed_out"
	}
	lost := r.HasLostNextHop(g.ID) // then it may have lost MACs that it had learned
	if g.Learning != want && !lost {
		r.AddViolation(scenario.RuleLiveness, "generator %s is %s; of its addresses %d are completed and %d timed out", g.ID, g.Learning, len(now.Completed), now.TimedOut)
	}
	starts := then.TimedOut == 0
	switch r.Policy(g.ID) {
	case traffic.PolicySkip:
		starts = len(then.Completed) > 0 || then.Total() == 0
	case traffic.PolicyFallback:
		starts = true
	}
	starts = starts && then.Unconfirmed == 0
	if reason, refused := r.Refusal(g.ID); refused == starts {
		r.AddViolation(scenario.RuleLiveness, "generator %s: start refused: %t (%s); of its addresses %d were completed, %d timed out and %d unconfirmed",
			g.ID, refused, reason, len(then.Completed), then.TimedOut, then.Unconfirmed)
	}
	for _, res := range r.Engine().Results() {
		if c := res.Run().Counters(); res.Generator.ID == g.ID && !lost && c.Errors == 0 && c.PacketsActual >= 2*g.FlowCount {
			checkAllSent(r, then, res.Run())
		}
	}
}

func checkAllSent(r *scenario.Run, then scenario.GeneratorAddresses, run *program.Run) {
	sent := make(map[netip.Addr]bool)
	for _, f := range r.SentFlows(run) {
		sent[f.Dst] = true
	}
	for _, a := range then.Completed {
		if !sent[a] {
			r.AddViolation(scenario.RuleLiveness, "%s had a MAC when its generator started, but no frame was sent to it", a)
		}
	}
}

// checkRow checks the liveness of one address.
func (w *RandomWorld) checkRow(r *scenario.Run, q *learning.Request, row *learning.Destination) {
	e := r.Endpoint(row.InterfaceID)
	if row.Reason == learning.Cancelled || row.Reason == learning.InterfaceDeleted || row.Reason == learning.GeneratorDeleted {
		if len(w.Orders) == 0 {
			r.AddViolation(scenario.RuleLiveness, "%s: %s ended with %s, which no order caused", q.ID(), row.Address, row.Reason)
		}
		return
	}
	hop := e.NextHop(row.Address)
	want := ""
	switch {
	case e.IsOwn(row.Address):
		if row.Reason != learning.OwnAddress || row.DecidedAt != q.CreatedAt() {
			want = "own_address at once"
		}
	case !hop.IsValid():
		if row.Reason != learning.NoRoute || row.DecidedAt != q.CreatedAt() {
			want = "no_route at once"
		}
	default:
		want = w.requiredInstead(r, e, hop, q, row)
	}
	if want != "" {
		r.AddViolation(scenario.RuleLiveness, "%s: %s (next hop %v) is %s %s at %s after %d attempts; it had to be %s (begun %s, deadline %s, healed %s)",
			q.ID(), row.Address, hop, row.State, row.Reason, row.DecidedAt, row.Attempts, want, q.CreatedAt(), q.Deadline(), w.Heal)
	}
}

// requiredInstead returns the result that an address with a next hop had to have, or
// "" if its result is right.
func (w *RandomWorld) requiredInstead(r *scenario.Run, e *scenario.Endpoint, hop netip.Addr, q *learning.Request, row *learning.Destination) string {
	_, live := r.Network().Owners().Current(e.Segment, hop)
	deadline := q.Deadline()
	healed, delay := max(loop.Time(w.Heal), q.CreatedAt()), delayByLimits(r, e)+w.Policer.most()
	by := healed.Add(answeredWithin + delay)
	switch {
	case row.Reason == learning.TableFull && e.IsCrowded():
	case live && healed.Add(w.foundWithin()+delay) <= deadline && row.State != learning.StateCompleted:
		return "completed by its deadline"
	case live && by < deadline && (row.State != learning.StateCompleted || row.DecidedAt > by):
		return fmt.Sprintf("completed by %s", by)
	case !live:
		want := w.reasonOfDead(e, hop, deadline, row.Reason)
		if e.PortID == "0" && w.isDownAt(deadline) {
			want = learning.LinkDown
		}
		if row.Reason != want || row.DecidedAt != deadline {
			return fmt.Sprintf("timed_out %s at the deadline", want)
		}
	}
	return ""
}

// isDownAt reports whether the link of port 0 was down at a time.
func (w *RandomWorld) isDownAt(at loop.Time) (down bool) {
	last := loop.Time(-1)
	for _, c := range w.Cuts {
		from, to := loop.Time(c.From), loop.Time(c.To)
		if c.Down && from <= at && from >= last {
			last, down = from, true
		}
		if c.Down && to <= at && to >= last {
			last, down = to, false
		}
	}
	return down
}

// checkRelearned requires that no address of a generator is left unresolved because
// the link was down: it has been up again for a long time.
func checkRelearned(r *scenario.Run, g engine.GeneratorView) {
	q, err := r.Engine().LearningRequest(g.LearningID)
	if err != nil {
		return
	}
	for _, row := range q.Destinations(learning.DestinationFilter{State: learning.StateTimedOut}) {
		if row.Reason == learning.LinkDown {
			r.AddViolation(scenario.RuleLiveness, "generator %s: %s was not learned again after the link was down", g.ID, row.Address)
		}
	}
}
