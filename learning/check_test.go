package learning

import "testing"

// check walks all structures of a manager and fails on any that contradicts
// another. It is slow.
func (m *Manager) check(t interface{ Fatalf(string, ...any) }) {
	if got, want := m.Sizes(), m.CountSizes(); got != want {
		t.Fatalf("%+v accounted for, %+v counted", got, want)
	}
	ts := &m.targets
	live, holders := 0, 0
	queued := map[*lane][numKinds]int{}
	flying := map[*path]int{}
	flyingLane := map[*lane]int{}
	for id := range ts.slots {
		tg := &ts.slots[id]
		if tg.place() == placeFree {
			continue
		}
		live++
		l := m.laneOf(tg)
		_, hop := m.key(tg)
		if ts.index != nil && m.find(l, &hop) != uint32(id) {
			t.Fatalf("target %d is not in the index", id)
		}
		ts.eachHolder(uint32(id), func(request, index uint32) {
			holders++
			r := m.active[request]
			a := &r.result.answers[index]
			if a.state != StateResolving || a.link != uint32(id) || r.lanes[a.iface] != l {
				t.Fatalf("target %d and answer %d of %s disagree", id, index, r.id)
			}
		})
		switch tg.place() {
		case placeFirst, placeRepeat:
			q := queued[l]
			q[tg.place()-placeFirst]++
			queued[l] = q
			if (tg.asked > 0) != (tg.place() == placeRepeat) {
				t.Fatalf("target %d is in the wrong queue", id)
			}
		case placeFlying:
			flying[l.path]++
			flyingLane[l]++
			if l.path.flights.slots[tg.next].target != uint32(id) {
				t.Fatalf("target %d is not in the window", id)
			}
		}
	}
	if live != ts.live {
		t.Fatalf("%d live targets, counted %d", live, ts.live)
	}
	resolving := 0
	users := map[*lane]int{}
	for slot, r := range m.active {
		if r == nil {
			continue
		}
		if r.State() != StateResolving || int(r.slot) != slot || m.requests.byID[r.id] != r {
			t.Fatalf("request %s is active but %v", r.id, r.State())
		}
		for i := range r.result.answers {
			switch a := &r.result.answers[i]; {
			case a.state != StateResolving:
			case a.link != none:
				resolving++
			case i < r.next && !r.ending || !r.work.Armed():
				t.Fatalf("answer %d of %s was not begun, and will not be", i, r.id)
			}
			if a := &r.result.answers[i]; a.state == StateResolving && r.lanes[a.iface].gone &&
				(!r.work.Armed() || !r.ending && i < r.next && (!r.sweeps || i < r.swept)) {
				t.Fatalf("answer %d of %s is of an interface that went away", i, r.id)
			}
		}
		for _, l := range r.lanes {
			users[l]++
		}
		checkProgress(t, r)
	}
	if resolving != holders {
		t.Fatalf("%d answers are resolving, %d hold targets", resolving, holders)
	}
	waiting := map[*path]int{}
	lanes := map[*path]int{}
	rounds := map[*path][numKinds]int{}
	for l, n := range users {
		if l.users != n {
			t.Fatalf("lane %d has %d users, counted %d", l.handle, l.users, n)
		}
		q := queued[l]
		rn := rounds[l.path]
		for kind := range l.queues {
			if l.queues[kind].n != q[kind] {
				t.Fatalf("lane %d has %d queued, counted %d", l.handle, l.queues[kind].n, q[kind])
			}
			if q[kind] > 0 && !l.gone {
				waiting[l.path] += q[kind]
				rn[kind]++
			}
		}
		rounds[l.path] = rn
		lanes[l.path]++
		if l.flying != flyingLane[l] || l.flying > min(2*l.window, max(l.window, l.path.window.State().MaxInFlight)) {
			t.Fatalf("lane %d has %d in flight of %d, counted %d", l.handle, l.flying, l.window, flyingLane[l])
		}
	}
	for handle, l := range m.lanes {
		if users[l] == 0 || l.handle != handle || l.gone {
			t.Fatalf("lane %d has no users", handle)
		}
	}
	for id, p := range m.paths {
		if p.id != id || p.lanes != lanes[p] || p.waiting != waiting[p] || p.flights.n != flying[p] {
			t.Fatalf("path %d: %d lanes %d waiting %d in flight, counted %d %d %d",
				id, p.lanes, p.waiting, p.flights.n, lanes[p], waiting[p], flying[p])
		}
		if most := p.window.State().MaxInFlight; p.flights.n > most || len(p.flights.slots) > most {
			t.Fatalf("path %d: %d in flight, at most %d", id, p.flights.n, most)
		}
		for kind := range p.rounds {
			if p.rounds[kind].n != rounds[p][kind] {
				t.Fatalf("path %d: %d lanes in round %d, counted %d", id, p.rounds[kind].n, kind, rounds[p][kind])
			}
		}
		// Only a target in the index or the network can wake a path that waits.
		if p.waiting > 0 && !p.timer.Armed() {
			t.Fatalf("path %d: %d wait and nothing will wake it", id, p.waiting)
		}
	}
}

func checkProgress(t interface{ Fatalf(string, ...any) }, r *Request) {
	var p Progress
	for _, row := range r.Rows(RowFilter{}) {
		p.Total++
		switch row.State {
		case StateResolving:
			p.Resolving++
		case StateCompleted:
			p.Completed++
		case StateTimedOut:
			p.TimedOut++
		}
	}
	if p != r.Progress() {
		t.Fatalf("request %s: progress %+v, counted %+v", r.ID(), r.Progress(), p)
	}
}

// TestCheckFindsFaults makes sure that check is not blind.
func TestCheckFindsFaults(t *testing.T) {
	_, _, m := newManager(t, Options{})
	start(t, m, Spec{Interface: ifc(1), Addresses: addresses("10.0.0.1", "10.0.0.2")})
	m.check(t)
	faults := map[string]func() func(){
		"waiting": func() func() { m.paths[0].waiting++; return func() { m.paths[0].waiting-- } },
		"users":   func() func() { m.lanes[1].users++; return func() { m.lanes[1].users-- } },
		"live":    func() func() { m.targets.live++; return func() { m.targets.live-- } },
		"place": func() func() {
			m.targets.slots[0].setPlace(placeIdle)
			return func() { m.targets.slots[0].setPlace(placeFirst) }
		},
	}
	for name, breakIt := range faults {
		found := catch{}
		repair := breakIt()
		func() {
			defer func() { _ = recover() }()
			m.check(&found)
		}()
		repair()
		if !found.failed {
			t.Errorf("%s: not found", name)
		}
	}
	m.check(t)
}

type catch struct{ failed bool }

func (c *catch) Fatalf(string, ...any) { c.failed = true; panic("found") }
