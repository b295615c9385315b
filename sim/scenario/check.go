package scenario

import (
	"fmt"
	"net/netip"

	"glean/generator"
	"glean/learning"
	"glean/server/engine"
	"glean/stack/loop"
)

// Outcome is what a drawn world came to.
type Outcome struct {
	Drawn       *Drawn
	Violations  []Violation
	Fingerprint string
}

// OK tells whether nothing was wrong.
func (o *Outcome) OK() bool { return len(o.Violations) == 0 }

// CheckSeed runs the world of a seed: faults, then the network is healed, then
// everything must be decided in time. The error is of a world that can't be run,
// which is a fault of the drawing.
func CheckSeed(seed uint64, o Options) (*Outcome, error) {
	d := Draw(seed)
	r, err := prepare(d.Scenario(), o)
	if err != nil {
		return nil, fmt.Errorf("seed %d: %w", seed, err)
	}
	r.play()
	d.judge(r)
	report, err := r.finish()
	if err != nil {
		return nil, err
	}
	if len(report.Faults) > 0 {
		return nil, fmt.Errorf("seed %d: step %s", seed, report.Faults[0])
	}
	return &Outcome{Drawn: d, Violations: report.Violations, Fingerprint: report.Fingerprint}, nil
}

// judge holds each address that was asked for against what had to become of it.
func (w *Drawn) judge(r *Run) {
	for _, q := range r.engine.LearningRequests() {
		if w.Policer != nil && q.ID() == policedRequest {
			w.Policer.judge(r, q)
			continue
		}
		if q.State() == learning.StateResolving {
			r.violated(RuleLiveness, "request %s is still in progress", q.ID())
		}
		for _, row := range q.Rows(learning.RowFilter{}) {
			w.judgeRow(r, q, &row)
		}
	}
	if len(w.Orders) == 0 { // else who wanted what is hard to say
		r.judgeKept()
		for _, g := range r.engine.Generators() {
			w.judgeGenerator(r, g)
		}
	}
}

// judgeGenerator wants a generator to be what its addresses are, to have
// transmitted if its policy says so, and to have sent to every address that had
// a MAC when it started.
func (w *Drawn) judgeGenerator(r *Run, g engine.GeneratorView) {
	r.judgeRelearned(g)
	now, then := r.fatesOf(g.ID), r.starts[g.ID]
	want := "resolved"
	if now.timedOut > 0 {
		want = "timed_out"
	}
	lost := r.hasLost(g.ID) // then it may not have any more what it had learned
	if g.Learning != want && !lost {
		r.violated(RuleLiveness, "generator %s is %s; of its addresses %d are completed and %d timed out", g.ID, g.Learning, len(now.completed), now.timedOut)
	}
	starts := then.timedOut == 0
	switch r.policies[g.ID] {
	case generator.PolicySkip:
		starts = len(then.completed) > 0 || then.total() == 0
	case generator.PolicyFallback:
		starts = true
	}
	starts = starts && then.unconfirmed == 0
	if _, refused := r.refused[g.ID]; refused == starts {
		r.violated(RuleLiveness, "generator %s: start refused: %t (%s); of its addresses %d were completed, %d timed out and %d unconfirmed",
			g.ID, refused, r.refused[g.ID], len(then.completed), then.timedOut, then.unconfirmed)
	}
	for _, res := range r.engine.Results() {
		if c := res.Run().Counters(); res.Generator.ID == g.ID && !lost && c.Errors == 0 && c.PacketsActual >= 2*g.FlowCount {
			w.judgeSent(r, then, res.Run())
		}
	}
}

func (w *Drawn) judgeSent(r *Run, then fates, run *generator.Run) {
	sent := make(map[netip.Addr]bool)
	for _, f := range r.flowList {
		if f.run == run {
			sent[f.Dst] = true
		}
	}
	for _, a := range then.completed {
		if !sent[a] {
			r.violated(RuleLiveness, "%s had a MAC when its generator started, but nothing was sent to it", a)
		}
	}
}

// judgeRow is the liveness of one address.
func (w *Drawn) judgeRow(r *Run, q *learning.Request, row *learning.Row) {
	e := r.endpoints[row.InterfaceID]
	if row.Reason == learning.Cancelled || row.Reason == learning.InterfaceDeleted || row.Reason == learning.GeneratorDeleted {
		if len(w.Orders) == 0 {
			r.violated(RuleLiveness, "%s: %s ended with %s, which nobody asked for", q.ID(), row.Address, row.Reason)
		}
		return
	}
	deadline := q.Deadline()
	hop := e.nextHop(row.Address)
	wrong := func(want string) {
		r.violated(RuleLiveness, "%s: %s (next hop %v) is %s %s at %s after %d attempts; it had to be %s (begun %s, deadline %s, healed %s)",
			q.ID(), row.Address, hop, row.State, row.Reason, row.DecidedAt, row.Attempts, want, q.CreatedAt(), deadline, w.Heal)
	}
	switch {
	case e.isOwn(row.Address):
		if row.Reason != learning.OwnAddress || row.DecidedAt != q.CreatedAt() {
			wrong("own_address at once")
		}
	case !hop.IsValid():
		if row.Reason != learning.NoRoute || row.DecidedAt != q.CreatedAt() {
			wrong("no_route at once")
		}
	default:
		_, live := r.network.owners.current(e.segment, hop)
		healed, patience := max(loop.Time(w.Heal), q.CreatedAt()), r.patience(e)+w.Policer.most()
		by := healed.Add(answeredWithin + patience)
		switch {
		case row.Reason == learning.TableFull && e.crowded():
		case live && healed.Add(w.foundWithin()+patience) <= deadline && row.State != learning.StateCompleted:
			wrong("completed by its deadline")
		case live && by < deadline && (row.State != learning.StateCompleted || row.DecidedAt > by):
			wrong(fmt.Sprintf("completed by %s", by))
		case !live:
			want := w.verdict(e, hop, deadline, row.Reason)
			if e.port == "0" && w.downAt(deadline) {
				want = learning.LinkDown
			}
			if row.Reason != want || row.DecidedAt != deadline {
				wrong(fmt.Sprintf("timed_out %s at the deadline", want))
			}
		}
	}
}

// downAt tells whether the link of port 0 was down at a time.
func (w *Drawn) downAt(at loop.Time) (down bool) {
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
