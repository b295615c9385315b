package learning

import "testing"

// check walks all structures of a manager and fails on any that contradicts
// another. It is slow.
func (m *Manager) check(t interface{ Fatalf(string, ...any) }) {
	if got, want := m.Sizes(), m.CountSizes(); got != want {
		t.Fatalf("%+v accounted for, %+v counted", got, want)
	}
	table := &m.pending
	live, holders := 0, 0
	queued := map[*ifaceQueue][numKinds]int{}
	flying := map[*portScheduler]int{}
	flyingLane := map[*ifaceQueue]int{}
	for id := range table.slots {
		tg := &table.slots[id]
		if tg.stage() == stageFree {
			continue
		}
		live++
		l := m.queueOf(tg)
		_, hop := m.key(tg)
		if table.index != nil && m.find(l, &hop) != uint32(id) {
			t.Fatalf("target %d is not in the index", id)
		}
		table.eachWaiter(uint32(id), func(request, index uint32) {
			holders++
			r := m.active[request]
			h := &r.result.hops[index]
			if h.state != StateResolving || h.link != uint32(id) || r.queues[h.iface] != l {
				t.Fatalf("target %d and answer %d of %s disagree", id, index, r.id)
			}
		})
		switch tg.stage() {
		case stageFirst, stageRepeat:
			q := queued[l]
			q[tg.stage()-stageFirst]++
			queued[l] = q
			if (tg.attempts > 0) != (tg.stage() == stageRepeat) {
				t.Fatalf("target %d is in the wrong queue", id)
			}
		case stageInFlight:
			flying[l.scheduler]++
			flyingLane[l]++
			if l.scheduler.outstanding.slots[tg.next].pending != uint32(id) {
				t.Fatalf("target %d is not in the window", id)
			}
		}
	}
	if live != table.live {
		t.Fatalf("%d live targets, counted %d", live, table.live)
	}
	resolving := 0
	users := map[*ifaceQueue]int{}
	for slot, r := range m.active {
		if r == nil {
			continue
		}
		if r.State() != StateResolving || int(r.slot) != slot || m.requests.byID[r.id] != r {
			t.Fatalf("request %s is active but %v", r.id, r.State())
		}
		for i := range r.result.hops {
			switch h := &r.result.hops[i]; {
			case h.state != StateResolving:
			case h.link != none:
				resolving++
			case i < r.next && !r.ending || !r.work.Armed():
				t.Fatalf("answer %d of %s was not begun, and will not be", i, r.id)
			}
			if h := &r.result.hops[i]; h.state == StateResolving && r.queues[h.iface].gone &&
				(!r.work.Armed() || !r.ending && i < r.next && (!r.sweeps || i < r.swept)) {
				t.Fatalf("answer %d of %s is of an interface that went away", i, r.id)
			}
		}
		for _, l := range r.queues {
			users[l]++
		}
		checkProgress(t, r)
	}
	if resolving != holders {
		t.Fatalf("%d answers are resolving, %d hold targets", resolving, holders)
	}
	waiting := map[*portScheduler]int{}
	lanes := map[*portScheduler]int{}
	rounds := map[*portScheduler][numKinds]int{}
	for l, n := range users {
		if l.users != n {
			t.Fatalf("lane %d has %d users, counted %d", l.handle, l.users, n)
		}
		q := queued[l]
		rn := rounds[l.scheduler]
		for kind := range l.lists {
			if l.lists[kind].n != q[kind] {
				t.Fatalf("lane %d has %d queued, counted %d", l.handle, l.lists[kind].n, q[kind])
			}
			if q[kind] > 0 && !l.gone {
				waiting[l.scheduler] += q[kind]
				rn[kind]++
			}
		}
		rounds[l.scheduler] = rn
		lanes[l.scheduler]++
		if l.inFlight != flyingLane[l] || l.inFlight > min(2*l.window, max(l.window, l.scheduler.window.State().MaxInFlight)) {
			t.Fatalf("lane %d has %d in flight of %d, counted %d", l.handle, l.inFlight, l.window, flyingLane[l])
		}
	}
	for handle, l := range m.queues {
		if users[l] == 0 || l.handle != handle || l.gone {
			t.Fatalf("lane %d has no users", handle)
		}
	}
	for id, p := range m.schedulers {
		if p.id != id || p.interfaces != lanes[p] || p.queued != waiting[p] || p.outstanding.n != flying[p] {
			t.Fatalf("path %d: %d lanes %d waiting %d in flight, counted %d %d %d",
				id, p.interfaces, p.queued, p.outstanding.n, lanes[p], waiting[p], flying[p])
		}
		if most := p.window.State().MaxInFlight; p.outstanding.n > most || len(p.outstanding.slots) > most {
			t.Fatalf("path %d: %d in flight, at most %d", id, p.outstanding.n, most)
		}
		for kind := range p.ready {
			if p.ready[kind].n != rounds[p][kind] {
				t.Fatalf("path %d: %d lanes in round %d, counted %d", id, p.ready[kind].n, kind, rounds[p][kind])
			}
		}
		// A scheduler with queued solicitations wakes only by its timer.
		if p.queued > 0 && !p.timer.Armed() {
			t.Fatalf("path %d: %d wait and nothing will wake it", id, p.queued)
		}
	}
}

func checkProgress(t interface{ Fatalf(string, ...any) }, r *Request) {
	var p Progress
	for _, row := range r.Destinations(DestinationFilter{}) {
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
		"waiting": func() func() { m.schedulers[0].queued++; return func() { m.schedulers[0].queued-- } },
		"users":   func() func() { m.queues[1].users++; return func() { m.queues[1].users-- } },
		"live":    func() func() { m.pending.live++; return func() { m.pending.live-- } },
		"place": func() func() {
			m.pending.slots[0].setStage(stageIdle)
			return func() { m.pending.slots[0].setStage(stageFirst) }
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
