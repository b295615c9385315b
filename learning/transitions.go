package learning

import (
	"glean/stack/header"
	"glean/stack/loop"
)

// outcome is the data of an event.
type outcome struct {
	mac      header.MAC    // evReply, evCached
	rtt      loop.Duration // evReply
	attempts uint32
	reason   Reason // evRefused, evDeadline
}

// slice is how many next hops begin or end in one turn of the loop. A request for a million
// addresses in one turn would block the loop for a quarter of a second. A request of at
// most a slice begins and ends in one turn.
const slice = 8192

// begin decides the next hops that are known at once, and queues the others.
func (m *Manager) begin(r *Request) {
	res := r.result
	for i := range r.generators {
		m.observer.GeneratorBegins(r.generators[i].handle, r)
	}
	if len(res.destinations) == 0 {
		r.count(0, StateResolving)
	}
	for i := range r.generators {
		if g := &r.generators[i]; g.pending == 0 { // it has no destinations
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
	others := m.pending.index != nil || len(m.active)-len(m.freeSlots) > 1 // else no other request waits for anything
	if n := m.pending.live + to - r.next; others && 4*n > 3*len(m.pending.index) {
		m.rebuildIndex(m.pending.live + len(res.hops) - r.next)
	}
	m.pending.reserve(min(res.nextHops, len(res.hops)-r.next))
	for ; r.next < to; r.next++ {
		index := uint32(r.next)
		switch h := &res.hops[index]; {
		case h.state != StateResolving: // its generator was deleted meanwhile
		case r.queues[h.iface].gone:
			m.end(r, index, evInterfaceDeleted)
		case h.reason != ReasonNone:
			m.decide(r, index, evRefused, outcome{reason: h.reason})
		case !others || !m.joinPending(r, index):
			m.startPending(r, index)
		}
	}
	if m.finish(r); r.next < len(res.hops) && res.state == StateResolving {
		m.loop.Arm(&r.work, m.loop.Now())
	}
}

// joinPending makes a next hop wait for a pending one of another request, and reports
// whether there is one. The solicitation that was sent already serves both requests,
// whatever their modes: it is recent enough for either. A next hop that the mode allows
// to take from the cache is decided at once.
func (m *Manager) joinPending(r *Request, index uint32) bool {
	if m.pending.index == nil { // the last pending next hop was released meanwhile
		return false
	}
	h := &r.result.hops[index]
	hop, _ := r.result.hop(h)
	q := r.queues[h.iface]
	id := m.find(q, &hop)
	if id == none {
		return false
	}
	if mac, known := m.resolver.Known(q.handle, hop.ip(), r.mode != ModeCached, r.deadline); known {
		m.decide(r, index, evCached, outcome{mac: mac})
		return true
	}
	m.pending.addWaiter(id, r.slot, index)
	h.link = id
	m.resolver.AddDeadline(m.pending.slots[id].ref, r.deadline)
	return true
}

// startPending makes a next hop wait for a new pending one.
func (m *Manager) startPending(r *Request, index uint32) {
	h := &r.result.hops[index]
	q := r.queues[h.iface]
	hop, _ := r.result.hop(h)
	id := m.pending.alloc(r.slot, index)
	result := m.resolver.Subscribe(q.handle, hop.ip(), id, r.mode != ModeCached, r.deadline)
	switch result.State {
	case SubscribeDue, SubscribeWait:
		h.link = id
		m.pending.slots[id].ref = result.Ref
		m.addToIndex(id)
		if result.State == SubscribeDue {
			q.enqueue(m.pending.slots, id)
		}
	case SubscribeKnown:
		m.pending.release(id)
		m.decide(r, index, evCached, outcome{mac: result.MAC})
	default:
		m.pending.release(id)
		m.decide(r, index, evRefused, outcome{reason: result.Reason})
	}
}

func (m *Manager) queueOf(ph *pendingHop) *ifaceQueue {
	r := m.active[ph.request]
	return r.queues[r.result.hops[ph.result].iface]
}

func (m *Manager) countSent(id uint32) {
	m.pending.eachWaiter(id, func(request, _ uint32) { m.active[request].result.sent++ })
}

// SolicitDue queues a pending next hop, because the resolver may solicit it now.
func (m *Manager) SolicitDue(id uint32) {
	ph := m.pending.at(id)
	if ph == nil {
		return
	}
	q := m.queueOf(ph)
	if q.gone {
		return
	}
	switch ph.stage() {
	case stageInFlight:
		q.dequeue(m.pending.slots, id)
	case stageFirst, stageRepeat:
		return
	}
	q.enqueue(m.pending.slots, id)
}

// Confirmed decides a pending next hop by its MAC, the time since the last solicitation,
// and the number of solicitations since Subscribe. The resolver has ended the subscription
// already: no Release comes.
func (m *Manager) Confirmed(id uint32, mac header.MAC, rtt loop.Duration, attempts uint32) {
	ph := m.pending.at(id)
	if ph == nil {
		return
	}
	q := m.queueOf(ph)
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

// Cancel ends a request in progress, a large one in several turns of the loop. It reports
// whether there was one.
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

// endAll ends all next hops that are resolving. A second event while endAll is in progress
// changes the reason of those that are left.
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

// resume continues a request that begins or ends, in whole or in part, in several turns.
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

// end decides a next hop without a MAC.
func (m *Manager) end(r *Request, index uint32, ev event) {
	h := &r.result.hops[index]
	if r.queues[h.iface].gone {
		ev = evInterfaceDeleted // the earlier event
	}
	_, action := step(h.state, ev)
	if action&actRelease == 0 {
		return
	}
	out := outcome{}
	if h.link != none { // else it has not begun
		ph := &m.pending.slots[h.link]
		out.attempts = uint32(ph.attempts)
		if ev == evDeadline {
			out.reason = m.resolver.FailureReason(ph.ref)
		}
		m.leavePending(r, h)
	} else {
		out.reason = h.reason
	}
	m.decide(r, index, ev, out)
}

// leavePending removes a next hop from its pending one, and releases that if it was the
// last.
func (m *Manager) leavePending(r *Request, h *hopResult) {
	id := h.link
	q, ref := r.queues[h.iface], m.pending.slots[id].ref
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

// decide stores the outcome of a next hop, and notifies the adjacencies that use it.
func (m *Manager) decide(r *Request, index uint32, ev event, out outcome) {
	h := &r.result.hops[index]
	next, action := step(h.state, ev)
	if action == actNone {
		return
	}
	h.state, h.at, h.link = next, m.loop.Now(), none
	h.attempts = uint16(min(out.attempts, 1<<16-1))
	if action&actConfirm != 0 {
		h.mac = out.mac
		h.setRTT(out.rtt)
		if ev == evCached {
			h.rttHigh |= cachedMark
		}
	}
	if action&actFail != 0 {
		h.reason = ev.reason(out.reason)
	}
	r.count(r.result.destinationsOf(h), next)
	m.notify(r, index, h)
}

// count moves destinations from resolving to next. The request's state is final when none
// is left, before the observer is called.
func (r *Request) count(n int, next State) {
	p := &r.result.progress
	p.Resolving -= n
	switch next {
	case StateCompleted:
		p.Completed += n
	case StateTimedOut:
		p.TimedOut += n
	}
	if p.Resolving == 0 {
		r.result.state = finalState(p.TimedOut, r.cancelled)
		r.result.finishedAt = r.manager.loop.Now()
	}
}

// notify reports a decided next hop to the adjacencies that use it.
func (m *Manager) notify(r *Request, index uint32, h *hopResult) {
	for i, to := r.adjacencies.of(index); i < to; i++ {
		number, adj := r.adjacencies.get(i)
		g := &r.generators[number]
		if g.gone {
			continue
		}
		if h.state != StateCompleted {
			g.failed = true
		}
		switch {
		case adj == NoAdjacency:
		case h.state == StateCompleted:
			m.observer.Learned(g.handle, adj, h.mac)
		default:
			m.observer.Lost(g.handle, adj, h.reason, int(h.attempts))
		}
		if g.pending--; g.pending == 0 {
			m.observer.GeneratorDone(g.handle, !g.failed, r)
		}
	}
}

// finish retires a request without resolving destinations, and reports whether it is one.
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
