package learning

import (
	"maps"
	"slices"

	"glean/stack/loop"

	"pgregory.net/rapid"
)

// follow begins and ends in the model what was begun and ended since: the answers
// of a request up to one of them, which are as many as rows at most, in order.
func (s *machine) follow(r *modelRequest) {
	real := s.m.Request(r.id)
	if real.ending && r.ending == ReasonNone {
		r.ending = NoReply
	}
	for i, row := range r.rows {
		answer := int(real.result.destinations[i].result)
		if answer >= real.next || row.state != StateResolving {
			continue
		}
		switch {
		case row.gone:
			if real.ending || !real.sweeps || answer < real.swept {
				row.state, row.reason = StateTimedOut, InterfaceDeleted
			}
		case real.ending:
			if row.state, row.reason = StateTimedOut, r.ending; r.ending == NoReply && row.no != ReasonNone {
				row.reason = row.no
			}
		case row.begun:
		default:
			s.beginRow(r, row)
		}
	}
	s.note(r)
}

func (s *machine) beginRow(r *modelRequest, row *modelRow) {
	row.begun = true
	mac, cached := s.f.cached[row.key]
	switch {
	case row.no != ReasonNone:
		row.state, row.reason = StateTimedOut, row.no
	case cached && r.mode == ModeCached:
		row.state, row.mac, row.cached = StateCompleted, mac, true
	}
}

// step lets the loop run until a time, or until a request has ended, and the model
// follow each step.
func (s *machine) step(until loop.Time, r *modelRequest) {
	follow := func() bool {
		for _, r := range slices.Clone(s.requests) {
			s.follow(r)
		}
		return r == nil || r.state == StateResolving
	}
	s.f.loop.RunWhile(follow, until)
	if follow(); r == nil {
		s.f.loop.RunUntil(until)
	}
}

// Check compares everything with the model.
func (s *machine) Check(t *rapid.T) {
	s.m.check(t)
	wanted := map[key][]loop.Time{} // deadlines, one for each request
	for _, r := range s.requests {
		for _, row := range r.rows {
			waits := func(o *modelRow) bool {
				return o.begun && !o.gone && o.state == StateResolving && o.key == row.key
			}
			if waits(row) && r.rows[slices.IndexFunc(r.rows, waits)] == row {
				wanted[row.key] = append(wanted[row.key], r.deadline)
			}
		}
	}
	if len(wanted) != len(s.f.byKey) {
		t.Fatalf("held: %v, wanted: %v", s.f.byKey, wanted)
	}
	for k, want := range wanted {
		ref, ok := s.f.byKey[k]
		if !ok {
			t.Fatalf("%v is waited for, and not held", k)
		}
		got := slices.Sorted(slices.Values(s.f.refs[ref].deadlines))
		if slices.Sort(want); !slices.Equal(got, want) {
			t.Fatalf("%v is held for deadlines %v, waited for until %v", k, got, want)
		}
	}
	if n := len(s.m.Requests()); n != len(s.requests)+len(s.old) {
		t.Fatalf("%d requests, want %d", n, len(s.requests)+len(s.old))
	}
	if n := len(s.m.Results()); n != len(s.kept) {
		t.Fatalf("%d results, want %d", n, len(s.kept))
	}
	for id, r := range s.kept {
		s.checkResult(t, s.m.Result(id), r)
	}
	for a, word := range s.told {
		if got := s.o.told[a]; got != word && (word != "any" || got == "") {
			t.Fatalf("adjacency %v was told %q, want %q", a, got, word)
		}
	}
	if len(s.told) != len(s.o.told) || !maps.Equal(s.done, s.o.done) {
		t.Fatalf("told %v done %v, want %v %v", s.o.told, s.o.done, s.told, s.done)
	}
}

func (s *machine) checkResult(t *rapid.T, res *Result, r *modelRequest) {
	rows := res.Destinations(DestinationFilter{})
	if res.State() != r.state || len(rows) != len(r.rows) || res.LearningID() != r.id ||
		res.RequestsSent() != r.sent || res.RepliesReceived() != r.replies {
		t.Fatalf("%s: %v with %d rows, sent %d, replies %d; want %v, %d, %d, %d", r.id, res.State(),
			len(rows), res.RequestsSent(), res.RepliesReceived(), r.state, len(r.rows), r.sent, r.replies)
	}
	for i, row := range rows {
		w := r.rows[i]
		if row.Address != w.dst || row.InterfaceID != ifc(w.iface).ID || row.State != w.state ||
			row.Reason != w.reason || row.MAC != w.mac || row.NextHop != w.hop || row.FromCache != w.cached {
			t.Fatalf("%s row %d: %+v, want %+v", r.id, i, row, *w)
		}
	}
}
