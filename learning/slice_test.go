package learning

import "testing"

// TestLargeRequestsTakeTurns: what a turn of the loop does for a request, begun or
// ended, is bounded, and the numbers are right in between.
func TestLargeRequestsTakeTurns(t *testing.T) {
	const n = 5*slice + 7
	for _, c := range []struct {
		name  string
		end   func(*Manager, *Request)
		state State
		why   Reason
		begun int // when it ends
	}{
		{"deadline", nil, StateTimedOut, NoReply, n},
		{"cancel", func(m *Manager, r *Request) { m.Cancel(r.ID()) }, StateCancelled, Cancelled, n},
		{"cancel early", func(m *Manager, r *Request) { m.Cancel(r.ID()) }, StateCancelled, Cancelled, 2 * slice},
		{"generator", func(m *Manager, _ *Request) { m.GeneratorDeleted(1) }, StateCancelled, GeneratorDeleted, n},
	} {
		t.Run(c.name, func(t *testing.T) {
			s, m := newMirror(Options{})
			s.dead = func(Ref) bool { return true }
			r := startWants(t, m, wantsOf(n))
			if p := r.Progress(); p.Total != n || m.targets.live != slice {
				t.Fatalf("%+v, %d asked", p, m.targets.live)
			}
			turns := 0
			// changes runs the loop while live targets come or go.
			changes := func(until func() bool) {
				for !until() {
					before := m.targets.live
					if !s.loop.Step() {
						t.Fatal("nothing will happen any more")
					}
					change := max(m.targets.live-before, before-m.targets.live)
					if change > slice {
						t.Fatalf("%d in one turn", change)
					}
					if change > 0 {
						turns++
						m.check(t)
					}
				}
			}
			changes(func() bool { return m.targets.live == c.begun })
			if c.end != nil {
				c.end(m, r)
				if r.State() != StateResolving || r.Progress().TimedOut != slice {
					t.Fatalf("%v %+v after one turn", r.State(), r.Progress())
				}
			}
			changes(func() bool { return r.State() != StateResolving })
			rows := r.Rows(RowFilter{})
			if last := rows[n-1]; r.State() != c.state || last.Reason != c.why || m.targets.live != 0 || turns < 2 {
				t.Errorf("%v, %v, %d live, %d turns", r.State(), last.Reason, m.targets.live, turns)
			}
		})
	}
}
