package learning

import (
	"glean/learning/congestion"
	"glean/stack/loop"
)

// portScheduler decides what is sent next on a port while requests use it: it has the
// congestion window, and the interface queues that share it.
type portScheduler struct {
	m            *Manager
	id           uint32
	interfaces   int
	ready        [numKinds]roundRobin
	queued       int  // solicitations queued in all interface queues
	full         bool // the window, not the pace, keeps some of them waiting
	outstanding  outstandingList
	window       congestion.Window
	retrans      loop.Duration // the shortest of the interfaces
	latest       overtaker
	repeatCredit int    // repeats that may go before first solicitations
	sent         uint32 // solicitations, to count to repeatEvery
	timer        loop.Timer
}

// overtaker is the latest solicitation that was answered.
type overtaker struct {
	at  loop.Time // when it was sent
	seq uint32
	rtt loop.Duration
}

// overtook reports whether a solicitation was sent before it.
func (o *overtaker) overtook(f *outstanding) bool {
	return f.at < o.at || f.at == o.at && int32(f.seq-o.seq) < 0
}

// solicitBatch is how many solicitations are sent in one turn of the loop. Replies are
// read in between.
const solicitBatch = 256

// First solicitations go before repeats, because most silent addresses are dead. One
// solicitation in repeatEvery is a repeat all the same, and a repeat that is answered
// lets creditPerReply others go first: if more than half of them are answered, silence
// means loss, and repeats need not wait for all first solicitations.
const (
	repeatEvery     = 32
	creditPerReply  = 2
	maxRepeatCredit = 4096
)

// defaultRetrans is for a Budget without RetransTimer: RFC 4861 section 10.
const defaultRetrans = loop.Second

// acquireQueue returns the queue of an interface, and counts the request as its user.
func (m *Manager) acquireQueue(handle uint32) *ifaceQueue {
	q := m.queues[handle]
	if q == nil {
		b := m.resolver.Budget(handle)
		q = &ifaceQueue{handle: handle, scheduler: m.schedulerOf(b), window: max(b.Window, 1)}
		q.lists[firstSolicit], q.lists[repeatSolicit] = emptyList, emptyList
		if b.RatePPS > 0 {
			q.Gap = loop.Second / loop.Duration(b.RatePPS)
		}
		m.queues[handle] = q
	}
	q.users++
	return q
}

// schedulerOf returns the scheduler of a budget's port, and counts the interface.
func (m *Manager) schedulerOf(b Budget) *portScheduler {
	p := m.schedulers[b.Port]
	retrans := b.RetransTimer
	if retrans <= 0 {
		retrans = defaultRetrans
	}
	if p == nil {
		p = &portScheduler{m: m, id: b.Port, outstanding: newOutstandingList(), window: congestion.New(b.Drops),
			retrans: retrans, latest: overtaker{at: -1}}
		for kind := range p.ready {
			p.ready[kind].kind = kind
		}
		p.timer.Init(p.run)
		m.schedulers[b.Port] = p
	}
	p.interfaces++
	p.window.Raise(max(b.Window, 1), b.Room)
	p.retrans = min(p.retrans, retrans)
	return p
}

// releaseQueue ends a request's use of a queue. A scheduler without queues is forgotten
// with its window and round trip: every run begins the same way.
func (m *Manager) releaseQueue(q *ifaceQueue) {
	if q.users--; q.users > 0 {
		return
	}
	if m.queues[q.handle] == q {
		delete(m.queues, q.handle)
	}
	if q.scheduler.interfaces--; q.scheduler.interfaces == 0 {
		m.loop.Disarm(&q.scheduler.timer)
		delete(m.schedulers, q.scheduler.id)
	}
}

// enqueue queues a pending next hop. It is solicited in this turn of the loop if the
// window permits.
func (q *ifaceQueue) enqueue(hs []pendingHop, id uint32) {
	kind, where := repeatSolicit, stageRepeat
	if hs[id].attempts == 0 {
		kind, where = firstSolicit, stageFirst
	}
	hs[id].setStage(where)
	q.lists[kind].push(hs, id)
	if q.lists[kind].n == 1 {
		q.scheduler.ready[kind].add(q)
	}
	q.scheduler.queued++
	if kind == firstSolicit {
		q.scheduler.window.FirstQueued(q.scheduler.m.loop.Now())
	}
	q.scheduler.wake()
}

// dequeue removes a pending next hop from its list or from the solicitations in flight.
// It is idle then.
func (q *ifaceQueue) dequeue(hs []pendingHop, id uint32) {
	switch hs[id].stage() {
	case stageFirst:
		q.unlist(hs, id, firstSolicit)
	case stageRepeat:
		q.unlist(hs, id, repeatSolicit)
	case stageInFlight:
		q.scheduler.outstanding.remove(hs[id].next)
		q.inFlight--
		q.scheduler.wake()
	}
	hs[id].setStage(stageIdle)
	hs[id].next, hs[id].prev = none, none
}

func (q *ifaceQueue) unlist(hs []pendingHop, id uint32, kind int) {
	if q.lists[kind].remove(hs, id); q.gone {
		return
	}
	if q.lists[kind].n == 0 {
		q.scheduler.ready[kind].remove(q)
	}
	q.scheduler.queued--
}

// wake arms the timer to run in this turn of the loop. It does not call run: the resolver
// may be in the middle of a call, and one batch of solicitations after all replies of a
// turn is cheaper.
func (p *portScheduler) wake() {
	if now := p.m.loop.Now(); p.queued > 0 && p.timer.At() > now {
		p.m.loop.Arm(&p.timer, now)
	}
}

// run sends what the window permits.
func (p *portScheduler) run() {
	now := p.m.loop.Now()
	p.expire(now)
	checked := false
	paced := loop.Never // when the first of the queues that wait for their pace may send
	p.window.SetBacklog(p.queued, p.retrans)
	limit := p.window.InFlight(p.window.Limit())
	for sent := 0; p.queued > 0 && p.outstanding.n < limit; sent++ {
		if sent == solicitBatch {
			p.m.loop.Arm(&p.timer, now)
			return
		}
		if at := p.window.NextAt(); at > now {
			p.full = false
			p.sleep(at)
			return
		}
		var q *ifaceQueue
		var kind int
		if q, kind, paced = p.pick(now); q == nil {
			break
		}
		if !checked {
			checked = true
			p.window.SawDrops(p.m.resolver.Budget(q.handle).Drops, now)
			limit = p.window.InFlight(p.window.Limit())
			continue
		}
		p.solicit(q, kind, now)
	}
	p.full = p.queued > 0 && p.outstanding.n >= limit
	p.sleep(paced)
}

// pick returns the queue that sends next, and the kind. First solicitations go before
// repeats, except for those that go first by repeatEvery, by credit, or because the
// window wants them. If no queue may send now, pick returns when the pace of one
// permits it (Never: none waits for that).
func (p *portScheduler) pick(now loop.Time) (*ifaceQueue, int, loop.Time) {
	paced, before := loop.Never, firstSolicit
	if p.repeatCredit > 0 || p.sent%repeatEvery == 0 || p.window.RepeatsFirst(now) {
		before = repeatSolicit
	}
	for n := range p.ready {
		kind := n ^ before
		r := &p.ready[kind]
		for range r.n {
			q := r.at
			switch {
			case q.inFlight >= p.window.InFlight(q.window):
			case q.NextAt > now:
				paced = min(paced, q.NextAt)
			default:
				return q, kind, paced
			}
			r.advance()
		}
	}
	return nil, 0, paced
}

// solicit sends the first solicitation of a queue.
func (p *portScheduler) solicit(q *ifaceQueue, kind int, now loop.Time) {
	hs := p.m.pending.slots
	id := q.lists[kind].head
	p.ready[kind].advance()
	q.dequeue(hs, id)
	ph := &hs[id]
	if !p.m.resolver.Solicit(ph.ref) {
		return // SolicitDue comes when it is allowed
	}
	if ph.attempts < ^uint16(0) {
		ph.attempts++
	}
	epoch, round := p.window.Sent(ph.attempts, now)
	ph.setAge(epoch - ph.epoch)
	ph.epoch = epoch
	p.sent++
	if kind == repeatSolicit && p.repeatCredit > 0 {
		p.repeatCredit--
	}
	ph.setStage(stageInFlight)
	ph.next = p.outstanding.push(id, now, round)
	q.inFlight++
	q.Pace(now)
	p.m.countSent(id)
}

// sleep arms the timer for the next time when something can be sent. Replies and newly
// queued next hops wake the scheduler besides.
func (p *portScheduler) sleep(paced loop.Time) {
	at := paced
	if p.queued > 0 && p.outstanding.n > 0 {
		at = min(at, p.silentAt(&p.outstanding.slots[p.outstanding.head]))
	}
	if at < loop.Never {
		p.m.loop.Arm(&p.timer, at)
	} else {
		p.m.loop.Disarm(&p.timer)
	}
}

// silentAfter returns how long a silent solicitation counts as in flight.
func (p *portScheduler) silentAfter() loop.Duration { return min(p.window.RTO(), p.retrans) }

// silentAt returns when a solicitation without a reply leaves the window: after
// silentAfter, or when the reply to a later one has overtaken it by more than replies
// are reordered. RFC 8985 (RACK, section 6.2, step 5) infers loss from the order of
// acknowledgements in the same way. Here the address is dead or the solicitation lost,
// and in both cases no queue has it any more. Dead addresses thus cost the window a round
// trip, not the least RTO.
func (p *portScheduler) silentAt(f *outstanding) loop.Time {
	after := p.silentAfter()
	if p.latest.overtook(f) {
		after = min(after, p.latest.rtt+p.window.Reordering())
	}
	return f.at.Add(after)
}

// expire removes silent solicitations from the window.
func (p *portScheduler) expire(now loop.Time) {
	hs := p.m.pending.slots
	for p.outstanding.n > 0 {
		f := &p.outstanding.slots[p.outstanding.head]
		if now < p.silentAt(f) {
			return
		}
		p.window.Left(f.round, hs[f.pending].attempts, false, now)
		p.m.queueOf(&hs[f.pending]).dequeue(hs, f.pending)
		if p.full {
			p.window.Grow(false)
		}
	}
}

// replied records the reply of a pending next hop. A round trip counts only if one
// solicitation was sent (Karn's rule, RFC 6298 section 3).
func (p *portScheduler) replied(q *ifaceQueue, id uint32, rtt loop.Duration, attempts uint32, now loop.Time) {
	ph := &p.m.pending.slots[id]
	switch {
	case ph.attempts == 1 && attempts == 1:
		p.window.SampleRTT(rtt)
		p.overtake(ph, rtt, now.Add(-rtt))
		p.window.Answered(ph.epoch)
	case ph.attempts > 1 && attempts > 1:
		p.window.Answered(ph.epoch)
		p.repeatCredit = min(p.repeatCredit+creditPerReply, maxRepeatCredit)
		if ph.age() < maxAge {
			p.window.Lost(ph.epoch-ph.age(), now)
		}
	}
	if ph.stage() == stageInFlight {
		p.window.Left(p.outstanding.slots[ph.next].round, ph.attempts, true, now)
		if p.full {
			p.window.Grow(true)
		}
	}
	q.dequeue(p.m.pending.slots, id)
}

// overtake records the reply to a solicitation that was sent at a time.
func (p *portScheduler) overtake(ph *pendingHop, rtt loop.Duration, at loop.Time) {
	if at >= p.latest.at && ph.stage() == stageInFlight {
		p.latest = overtaker{at: at, seq: p.outstanding.slots[ph.next].seq, rtt: rtt}
	}
}
