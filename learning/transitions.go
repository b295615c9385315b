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
	if len(res.destinations) == 0 {
		r.count(0, StateResolving)
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
	to := min(r.next+m.slice, len(res.hops))
	others := m.pending.index != nil || len(m.active)-len(m.freeSlots) > 1 // else there is nothing to join
	if n := m.pending.live + to - r.next; others && 4*n > 3*len(m.pending.index) {
		m.rebuildIndex(m.pending.live + len(res.hops) - r.next)
	}
	m.pending.reserve(min(res.nextHops, len(res.hops)-r.next))
	for ; r.next < to; r.next++ {
		index := uint32(r.next)
		switch a := &res.hops[index]; {
		case a.state != StateResolving: // its generator went away meanwhile
		case r.queues[a.iface].gone:
			m.end(r, index, evInterfaceDeleted)
		case a.reason != ReasonNone:
			m.decide(r, index, evRefused, outcome{reason: a.reason})
		case !others || !m.joinPending(r, index):
			m.startPending(r, index)
		}
	}
	if m.finish(r); r.next < len(res.hops) && res.state == StateResolving {
		m.loop.Arm(&r.work, m.loop.Now())
	}
}

// join makes an answer wait for a target that another request waits for; it
// tells whether there is one. The question that is asked already will do,
// whatever the modes: it is at least as new as what either of them wants. What
// need not be asked for is known all the same.
func (m *Manager) joinPending(r *Request, index uint32) bool {
	if m.pending.index == nil { // the last target was given up meanwhile
		return false
	}
	a := &r.result.hops[index]
	hop, _ := r.result.hop(a)
	q := r.queues[a.iface]
	id := m.find(q, &hop)
	if id == none {
		return false
	}
	if mac, known := m.resolver.Known(q.handle, hop.ip(), r.mode != ModeCached, r.deadline); known {
		m.decide(r, index, evCached, outcome{mac: mac})
		return true
	}
	m.pending.addWaiter(id, r.slot, index)
	a.link = id
	m.resolver.AddDeadline(m.pending.slots[id].ref, r.deadline)
	return true
}

// attach makes an answer wait for a new target.
func (m *Manager) startPending(r *Request, index uint32) {
	a := &r.result.hops[index]
	q := r.queues[a.iface]
	hop, _ := r.result.hop(a)
	id := m.pending.alloc(r.slot, index)
	held := m.resolver.Subscribe(q.handle, hop.ip(), id, r.mode != ModeCached, r.deadline)
	switch held.State {
	case SubscribeDue, SubscribeWait:
		a.link = id
		m.pending.slots[id].ref = held.Ref
		m.addToIndex(id)
		if held.State == SubscribeDue {
			q.enqueue(m.pending.slots, id)
		}
	case SubscribeKnown:
		m.pending.release(id)
		m.decide(r, index, evCached, outcome{mac: held.MAC})
	default:
		m.pending.release(id)
		m.decide(r, index, evRefused, outcome{reason: held.Reason})
	}
}

func (m *Manager) queueOf(t *pendingHop) *ifaceQueue {
	r := m.active[t.request]
	return r.queues[r.result.hops[t.result].iface]
}

func (m *Manager) countSent(id uint32) {
	m.pending.eachWaiter(id, func(request, _ uint32) { m.active[request].result.sent++ })
}

// SolicitDue says that a held target may be asked (again).
func (m *Manager) SolicitDue(id uint32) {
	t := m.pending.at(id)
	if t == nil {
		return
	}
	q := m.queueOf(t)
	if q.gone {
		return
	}
	switch t.stage() {
	case stageInFlight:
		q.dequeue(m.pending.slots, id)
	case stageFirst, stageRepeat:
		return
	}
	q.enqueue(m.pending.slots, id)
}

// Confirmed decides a held target by its MAC, the time since the last solicitation,
// and the number of solicitations since Hold. The resolver has ended the hold already:
// no Release comes.
func (m *Manager) Confirmed(id uint32, mac header.MAC, rtt loop.Duration, attempts uint32) {
	t := m.pending.at(id)
	if t == nil {
		return
	}
	q := m.queueOf(t)
	if q.gone {
		return
	}
	q.scheduler.replied(q, id, rtt, attempts, m.loop.Now())
	out := outcome{mac: mac, rtt: rtt, attempts: attempts}
	for last := false; !last; {
		request, index := m.pending.slots[id].request, m.pending.slots[id].result
		last = m.pending.dropWaiter(id, request)
		if last {
			m.pending.release(id)
		}
		r := m.active[request]
		r.result.replies++
		m.decide(r, index, evReply, out)
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
	to := min(r.next+m.slice, len(r.result.hops))
	for ; r.next < to; r.next++ {
		m.end(r, uint32(r.next), r.end)
	}
	if !m.finish(r) {
		m.loop.Arm(&r.work, m.loop.Now())
	}
}

// goOn is the next turn of a request that begins or ends in several, in whole or
// in part.
func (m *Manager) resume(r *Request) {
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
	a := &r.result.hops[index]
	if r.queues[a.iface].gone {
		ev = evInterfaceDeleted // which came before
	}
	_, action := step(a.state, ev)
	if action&actRelease == 0 {
		return
	}
	out := outcome{}
	if a.link != none { // else it was not begun
		t := &m.pending.slots[a.link]
		out.attempts = uint32(t.attempts)
		if ev == evDeadline {
			out.reason = m.resolver.FailureReason(t.ref)
		}
		m.leavePending(r, a)
	} else {
		out.reason = a.reason
	}
	m.decide(r, index, ev, out)
}

// detach makes an answer leave its target; the last one out releases it.
func (m *Manager) leavePending(r *Request, a *hopResult) {
	id := a.link
	q, ref := r.queues[a.iface], m.pending.slots[id].ref
	if m.pending.dropWaiter(id, r.slot) {
		q.dequeue(m.pending.slots, id)
		m.pending.release(id)
		if !q.gone {
			m.resolver.Release(ref)
		}
	} else if !q.gone {
		m.resolver.RemoveDeadline(ref, r.deadline)
	}
}

// settle stores the fate of an answer and tells those who wait for it.
func (m *Manager) decide(r *Request, index uint32, ev event, out outcome) {
	a := &r.result.hops[index]
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
	r.count(r.result.destinationsOf(a), next)
	m.notify(r, index, a)
}

// account moves rows from resolving to next. The request's state is final when
// none is left, before anybody is told.
func (r *Request) count(rows int, next State) {
	p := &r.result.progress
	p.Resolving -= rows
	switch next {
	case StateCompleted:
		p.Completed += rows
	case StateTimedOut:
		p.TimedOut += rows
	}
	if p.Resolving == 0 {
		r.result.state = finalState(p.TimedOut, r.cancelled)
		r.result.finishedAt = r.manager.loop.Now()
	}
}

// tell reports a decided answer to the adjacencies that want it.
func (m *Manager) notify(r *Request, index uint32, a *hopResult) {
	for i, to := r.adjacencies.of(index); i < to; i++ {
		number, adj := r.adjacencies.get(i)
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
	m.loop.Disarm(&r.move.timer)
	m.active[r.slot] = nil
	m.freeSlots = append(m.freeSlots, r.slot)
	for _, q := range r.queues {
		m.releaseQueue(q)
	}
	for i := range r.generators {
		if g := &r.generators[i]; !g.gone {
			delete(m.learning, g.handle)
		}
	}
	r.queues, r.generators, r.adjacencies, res.live = nil, nil, adjacencyRefs{}, nil
	m.recharge(r)
	r.retained = m.oldRequests.items.PushBack(r)
	res.retained = m.oldResults.items.PushBack(res)
	m.observer.RequestChanged(r)
	m.trim()
	return true
}
