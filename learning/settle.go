package learning

import (
	"glean/stack/header"
	"glean/stack/loop"
)

// outcome is what came with an event.
type outcome struct {
	mac      header.MAC    // evReply, evCached
	rtt      loop.Duration // evReply
	attempts uint32
	reason   Reason // evRefused, evDeadline
}

// slice is how many answers are begun or ended in one turn of the loop, so that
// a request for a million addresses does not keep the loop from everything else
// for a quarter of a second. A request of fewer begins and ends in one turn.
const slice = 8192

// begin decides what is known at once and has the rest asked.
func (m *Manager) begin(r *Request) {
	res := r.result
	for i := range r.generators {
		m.observer.GeneratorBegins(r.generators[i].handle, r)
	}
	if len(res.rows) == 0 {
		r.account(0, StateResolving)
	}
	for i := range r.generators {
		if g := &r.generators[i]; g.pending == 0 { // it wants nothing
			m.observer.GeneratorDone(g.handle, true, r)
		}
	}
	if m.beginSome(r); res.state == StateResolving {
		m.observer.RequestChanged(r)
	}
}

// beginSome begins the next slice.
func (m *Manager) beginSome(r *Request) {
	res := r.result
	to := min(r.next+m.slice, len(res.answers))
	others := m.targets.index != nil || len(m.active)-len(m.freeSlots) > 1 // else there is nothing to join
	if n := m.targets.live + to - r.next; others && 4*n > 3*len(m.targets.index) {
		m.rebuildIndex(m.targets.live + len(res.answers) - r.next)
	}
	m.targets.reserve(min(res.nextHops, len(res.answers)-r.next))
	for ; r.next < to; r.next++ {
		index := uint32(r.next)
		switch a := &res.answers[index]; {
		case a.state != StateResolving: // its generator went away meanwhile
		case r.lanes[a.iface].gone:
			m.end(r, index, evInterfaceDeleted)
		case a.reason != ReasonNone:
			m.settle(r, index, evRefused, outcome{reason: a.reason})
		case !others || !m.join(r, index):
			m.attach(r, index)
		}
	}
	if m.finish(r); r.next < len(res.answers) && res.state == StateResolving {
		m.loop.Arm(&r.work, m.loop.Now())
	}
}

// join makes an answer wait for a target that another request waits for; it
// tells whether there is one. The question that is asked already will do,
// whatever the modes: it is at least as new as what either of them wants. What
// need not be asked for is known all the same.
func (m *Manager) join(r *Request, index uint32) bool {
	if m.targets.index == nil { // the last target was given up meanwhile
		return false
	}
	a := &r.result.answers[index]
	hop, _ := r.result.hop(a)
	l := r.lanes[a.iface]
	id := m.find(l, &hop)
	if id == none {
		return false
	}
	if mac, known := m.resolver.Known(l.handle, hop.ip(), r.mode != ModeCached, r.deadline); known {
		m.settle(r, index, evCached, outcome{mac: mac})
		return true
	}
	m.targets.addHolder(id, r.slot, index)
	a.link = id
	m.resolver.Also(m.targets.slots[id].ref, r.deadline)
	return true
}

// attach makes an answer wait for a new target.
func (m *Manager) attach(r *Request, index uint32) {
	a := &r.result.answers[index]
	l := r.lanes[a.iface]
	hop, _ := r.result.hop(a)
	id := m.targets.alloc(r.slot, index)
	held := m.resolver.Hold(l.handle, hop.ip(), id, r.mode != ModeCached, r.deadline)
	switch held.State {
	case HeldAsk, HeldWait:
		a.link = id
		m.targets.slots[id].ref = held.Ref
		m.enter(id)
		if held.State == HeldAsk {
			l.want(m.targets.slots, id)
		}
	case HeldKnown:
		m.targets.release(id)
		m.settle(r, index, evCached, outcome{mac: held.MAC})
	default:
		m.targets.release(id)
		m.settle(r, index, evRefused, outcome{reason: held.Reason})
	}
}

func (m *Manager) laneOf(t *target) *lane {
	r := m.active[t.request]
	return r.lanes[r.result.answers[t.answer].iface]
}

func (m *Manager) countSent(id uint32) {
	m.targets.eachHolder(id, func(request, _ uint32) { m.active[request].result.sent++ })
}

// SolicitDue says that a held target may be asked (again).
func (m *Manager) SolicitDue(id uint32) {
	t := m.targets.at(id)
	if t == nil {
		return
	}
	l := m.laneOf(t)
	if l.gone {
		return
	}
	switch t.place() {
	case placeFlying:
		l.unplace(m.targets.slots, id)
	case placeFirst, placeRepeat:
		return
	}
	l.want(m.targets.slots, id)
}

// Confirmed decides a held target by its MAC, the time since the last solicitation,
// and the number of solicitations since Hold. The resolver has ended the hold already:
// no Release comes.
func (m *Manager) Confirmed(id uint32, mac header.MAC, rtt loop.Duration, attempts uint32) {
	t := m.targets.at(id)
	if t == nil {
		return
	}
	l := m.laneOf(t)
	if l.gone {
		return
	}
	l.path.answered(l, id, rtt, attempts, m.loop.Now())
	out := outcome{mac: mac, rtt: rtt, attempts: attempts}
	for last := false; !last; {
		request, index := m.targets.slots[id].request, m.targets.slots[id].answer
		last = m.targets.dropHolder(id, request)
		if last {
			m.targets.release(id)
		}
		r := m.active[request]
		r.result.replies++
		m.settle(r, index, evReply, out)
		m.finish(r)
	}
}

// Cancel ends a request in progress, a large one in several turns of the loop; it
// tells whether there was one.
func (m *Manager) Cancel(id string) bool {
	r := m.requests.byID[id]
	if r == nil || r.State() != StateResolving || r.cancelled {
		return false
	}
	m.cancel(r, evCancel)
	return true
}

func (m *Manager) cancel(r *Request, ev event) {
	r.cancelled = true
	m.endAll(r, ev)
}

// expire ends a request at its deadline.
func (m *Manager) expire(r *Request) {
	if !r.ending {
		m.endAll(r, evDeadline)
	}
}

// endAll ends what is still resolving. An event that comes while another one does
// so changes the reason of what is left.
func (m *Manager) endAll(r *Request, ev event) {
	if !r.ending {
		r.ending, r.next = true, 0
	}
	r.end = ev
	m.endSome(r)
}

// endSome ends the next slice.
func (m *Manager) endSome(r *Request) {
	to := min(r.next+m.slice, len(r.result.answers))
	for ; r.next < to; r.next++ {
		m.end(r, uint32(r.next), r.end)
	}
	if !m.finish(r) {
		m.loop.Arm(&r.work, m.loop.Now())
	}
}

// goOn is the next turn of a request that begins or ends in several, in whole or
// in part.
func (m *Manager) goOn(r *Request) {
	switch {
	case r.ending:
		m.endSome(r)
	case r.sweeps:
		m.sweep(r)
	default:
		m.beginSome(r)
	}
}

// end decides an answer without a MAC.
func (m *Manager) end(r *Request, index uint32, ev event) {
	a := &r.result.answers[index]
	if r.lanes[a.iface].gone {
		ev = evInterfaceDeleted // which came before
	}
	_, action := step(a.state, ev)
	if action&actRelease == 0 {
		return
	}
	out := outcome{}
	if a.link != none { // else it was not begun
		t := &m.targets.slots[a.link]
		out.attempts = uint32(t.asked)
		if ev == evDeadline {
			out.reason = m.resolver.Verdict(t.ref)
		}
		m.detach(r, a)
	} else {
		out.reason = a.reason
	}
	m.settle(r, index, ev, out)
}

// detach makes an answer leave its target; the last one out releases it.
func (m *Manager) detach(r *Request, a *answer) {
	id := a.link
	l, ref := r.lanes[a.iface], m.targets.slots[id].ref
	if m.targets.dropHolder(id, r.slot) {
		l.unplace(m.targets.slots, id)
		m.targets.release(id)
		if !l.gone {
			m.resolver.Release(ref)
		}
	} else if !l.gone {
		m.resolver.NoLonger(ref, r.deadline)
	}
}

// settle stores the fate of an answer and tells those who wait for it.
func (m *Manager) settle(r *Request, index uint32, ev event, out outcome) {
	a := &r.result.answers[index]
	next, action := step(a.state, ev)
	if action == actNone {
		return
	}
	a.state, a.at, a.link = next, m.loop.Now(), none
	a.attempts = uint16(min(out.attempts, 1<<16-1))
	if action&actConfirm != 0 {
		a.mac = out.mac
		a.setRTT(out.rtt)
		if ev == evCached {
			a.rttHigh |= cachedMark
		}
	}
	if action&actFail != 0 {
		a.reason = ev.reason(out.reason)
	}
	r.account(r.result.rowsOf(a), next)
	m.tell(r, index, a)
}

// account moves rows from resolving to next. The request's state is final when
// none is left, before anybody is told.
func (r *Request) account(rows int, next State) {
	p := &r.result.progress
	p.Resolving -= rows
	switch next {
	case StateCompleted:
		p.Completed += rows
	case StateTimedOut:
		p.TimedOut += rows
	}
	if p.Resolving == 0 {
		r.result.state = verdict(p.TimedOut, r.cancelled)
		r.result.finishedAt = r.manager.loop.Now()
	}
}

// tell reports a decided answer to the adjacencies that want it.
func (m *Manager) tell(r *Request, index uint32, a *answer) {
	for i, to := r.subs.of(index); i < to; i++ {
		number, adj := r.subs.get(i)
		g := &r.generators[number]
		if g.gone {
			continue
		}
		if a.state != StateCompleted {
			g.failed = true
		}
		switch {
		case adj == NoAdjacency:
		case a.state == StateCompleted:
			m.observer.Learned(g.handle, adj, a.mac)
		default:
			m.observer.Lost(g.handle, adj, a.reason, int(a.attempts))
		}
		if g.pending--; g.pending == 0 {
			m.observer.GeneratorDone(g.handle, !g.failed, r)
		}
	}
}

// finish puts a request away if nothing of it is resolving; it tells whether
// that is so.
func (m *Manager) finish(r *Request) bool {
	res := r.result
	if res.state == StateResolving {
		return false
	}
	m.loop.Disarm(&r.timer)
	m.loop.Disarm(&r.work)
	m.loop.Disarm(&r.renewal.timer)
	m.active[r.slot] = nil
	m.freeSlots = append(m.freeSlots, r.slot)
	for _, l := range r.lanes {
		m.leave(l)
	}
	for i := range r.generators {
		if g := &r.generators[i]; !g.gone {
			delete(m.learning, g.handle)
		}
	}
	r.lanes, r.generators, r.subs, res.live = nil, nil, subscriptions{}, nil
	m.recharge(r)
	r.shelved = m.oldRequests.items.PushBack(r)
	res.shelved = m.oldResults.items.PushBack(res)
	m.observer.RequestChanged(r)
	m.trim()
	return true
}
