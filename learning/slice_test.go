package learning

import (
	"testing"

	"glean/stack/loop"
)

// TestLargeRequestsAreSliced: what a turn of the loop does for a request, begun or
// ended, is bounded, and the numbers are right in between.
func TestLargeRequestsAreSliced(t *testing.T) {
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
		{"interface", func(m *Manager, _ *Request) { m.InterfaceDeleted(1) }, StateTimedOut, InterfaceDeleted, n},
		{"interface early", func(m *Manager, _ *Request) { m.InterfaceDeleted(1) }, StateTimedOut, InterfaceDeleted, 2 * slice},
	} {
		t.Run(c.name, func(t *testing.T) {
			s, m := newMirror(Options{})
			s.dead = func(Ref) bool { return true }
			r := startWants(t, m, wantsOf(n))
			if p := r.Progress(); p.Total != n || m.pending.live != slice {
				t.Fatalf("%+v, %d asked", p, m.pending.live)
			}
			turns := 0
			// changes runs the loop while pending next hops come or go.
			changes := func(until func() bool) {
				for !until() {
					before := m.pending.live
					if !s.loop.Step() {
						t.Fatal("nothing will happen any more")
					}
					change := max(m.pending.live-before, before-m.pending.live)
					if change > slice {
						t.Fatalf("%d in one turn", change)
					}
					if change > 0 {
						turns++
						m.check(t)
					}
				}
			}
			changes(func() bool { return m.pending.live == c.begun })
			if c.end != nil {
				c.end(m, r)
				if r.State() != StateResolving || r.Progress().TimedOut != slice {
					t.Fatalf("%v %+v after one turn", r.State(), r.Progress())
				}
			}
			changes(func() bool { return r.State() != StateResolving })
			rows := r.Destinations(DestinationFilter{})
			if last := rows[n-1]; r.State() != c.state || last.Reason != c.why || m.pending.live != 0 || turns < 2 {
				t.Errorf("%v, %v, %d live, %d turns", r.State(), last.Reason, m.pending.live, turns)
			}
		})
	}
}

// TestDeletedInterfaceIsSlicedOverAllRequests: the bound is for all requests of an
// interface together. Meanwhile nothing is sent through it, another interface
// gets its handle, and another event ends a request for its own reason.
func TestDeletedInterfaceIsSlicedOverAllRequests(t *testing.T) {
	const n = slice / 2
	s, m := newMirror(Options{})
	s.dead = func(Ref) bool { return true }
	var all []*Request
	for k := range 8 {
		list := spread(n)
		if k%2 > 0 {
			list = spread(2 * n)[n:]
		}
		all = append(all, start(t, m, Spec{Interface: ifc(1), Addresses: list}))
	}
	other := start(t, m, Spec{Interface: ifc(2), Addresses: spread(n)})
	s.loop.RunFor(2 * loop.Second)
	m.InterfaceDeleted(1)
	m.check(t)
	resolving := func() (n int) {
		for _, r := range all {
			n += r.Progress().Resolving
		}
		return n
	}
	if got := resolving(); got != 6*n {
		t.Fatalf("%d of %d resolving after one turn", got, 8*n)
	}
	again := start(t, m, Spec{Interface: ifc(1), Addresses: spread(n)})
	m.Cancel(all[7].ID())
	m.check(t)
	asked := all[3].RequestsSent()
	for resolving() > 0 {
		before := resolving()
		s.loop.Step()
		if m.check(t); before-resolving() > slice {
			t.Fatalf("%d ended in one turn", before-resolving())
		}
	}
	for k, r := range all {
		want := StateTimedOut
		if k == 7 {
			want = StateCancelled
		}
		if row := r.Destinations(DestinationFilter{})[n-1]; r.State() != want || row.Reason != InterfaceDeleted {
			t.Errorf("request %d: %v, %+v", k, r.State(), row)
		}
	}
	if all[3].RequestsSent() != asked || other.State() != StateResolving || again.State() != StateResolving || m.pending.live != 2*n {
		t.Errorf("%d solicitations more; %v, %v; %d live", all[3].RequestsSent()-asked, other.State(), again.State(), m.pending.live)
	}
}
