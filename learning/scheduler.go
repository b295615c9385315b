package learning

import (
	"glean/learning/congestion"
	"glean/stack/loop"
)

// path is a port while requests use it: the window and the lanes that share it.
type portScheduler struct {
	m            *Manager
	id           uint32
	interfaces   int
	ready        [numKinds]roundRobin
	queued       int  // questions queued in all lanes
	full         bool // the window, not the pace, keeps some of them waiting
	outstanding  outstandingList
	window       congestion.Window
	retrans      loop.Duration // the shortest of the lanes
	latest       overtaker
	repeatCredit int    // repeats that may be asked before first questions
	sent         uint32 // questions, for the repeats' turn
	timer        loop.Timer
}

// overtaker is the latest question that was answered.
type overtaker struct {
	at  loop.Time // when it was sent
	seq uint32
	rtt loop.Duration
}

// overtook tells whether a question was sent before it.
func (o *overtaker) overtook(f *outstanding) bool {
	return f.at < o.at || f.at == o.at && int32(f.seq-o.seq) < 0
}

// batch is how many questions are sent in one turn of the loop, so that
// answers are read in between.
const solicitBatch = 256

// First questions go before repeats, because most of those who were silent are
// dead. One question in repeatTurn is a repeat all the same, and one that is
// answered earns the right to repeatsEarned more: if more than half of them are
// answered, silence means loss, and repeats need not wait until everybody was
// asked.
const (
	repeatEvery     = 32
	creditPerReply  = 2
	maxRepeatCredit = 4096
)

// defaultRetrans is used for a resolver that names no RetransTimer: RFC 4861
// section 10.
const defaultRetrans = loop.Second

// lane gives the lane of an interface and counts the request as its user.
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

// path gives the path of a lane's budget and counts the lane.
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

// leave ends a request's use of a lane. A path that nobody uses is forgotten
// with its window and its round trip: every run begins the same way.
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

// want queues a target for a question and has it asked in this turn of the loop
// if the window permits.
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

// unplace takes a target out of its queue or the window; it is idle then.
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

// kick has the path run as soon as the loop comes round. It is not run at
// once: the resolver may be in the middle of something, and many answers of one
// turn are better followed by one batch of questions.
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
	paced := loop.Never // when the first of the lanes that wait for their pace may ask
	p.window.SetBacklog(p.queued, p.retrans)
	limit := p.window.InFlight(p.window.Limit())
	for asked := 0; p.queued > 0 && p.outstanding.n < limit; asked++ {
		if asked == solicitBatch {
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

// pick gives the lane that asks next, first questions before repeats but for
// those that have the right of way. If none may ask now it says when the pace of
// one permits (Never: none waits for that).
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

// ask sends the first question of a lane's queue.
func (p *portScheduler) solicit(q *ifaceQueue, kind int, now loop.Time) {
	hs := p.m.pending.slots
	id := q.lists[kind].head
	p.ready[kind].advance()
	q.dequeue(hs, id)
	t := &hs[id]
	if !p.m.resolver.Solicit(t.ref) {
		return // SolicitDue comes when it is allowed
	}
	if t.attempts < ^uint16(0) {
		t.attempts++
	}
	epoch, round := p.window.Sent(t.attempts, now)
	t.setAge(epoch - t.epoch)
	t.epoch = epoch
	p.sent++
	if kind == repeatSolicit && p.repeatCredit > 0 {
		p.repeatCredit--
	}
	t.setStage(stageInFlight)
	t.next = p.outstanding.push(id, now, round)
	q.inFlight++
	q.Pace(now)
	p.m.countSent(id)
}

// sleep arms the timer for the next time when something can be asked. Answers
// and new questions kick the path besides.
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

// hold is how long a silent question counts.
func (p *portScheduler) silentAfter() loop.Duration { return min(p.window.RTO(), p.retrans) }

// silentAt is when a question that is not answered leaves the window: after hold,
// or when the answer to a question sent later has overtaken it by more than
// answers are spread. The latter is what RFC 8985 (RACK) concludes from the
// order of acknowledgements (section 6.2, step 5); here the conclusion is that the
// address is dead or the question lost, and that in both cases no queue holds it
// any more. Dead addresses thus cost the window a round trip, not leastRTO.
func (p *portScheduler) silentAt(f *outstanding) loop.Time {
	after := p.silentAfter()
	if p.latest.overtook(f) {
		after = min(after, p.latest.rtt+p.window.Reordering())
	}
	return f.at.Add(after)
}

// expire takes silent questions out of the window.
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

// answered takes the reply to a target's question into account. A round trip
// counts only if one question was asked (Karn's rule, RFC 6298 section 3).
func (p *portScheduler) replied(q *ifaceQueue, id uint32, rtt loop.Duration, attempts uint32, now loop.Time) {
	t := &p.m.pending.slots[id]
	switch {
	case t.attempts == 1 && attempts == 1:
		p.window.SampleRTT(rtt)
		p.overtake(t, rtt, now.Add(-rtt))
		p.window.Answered(t.epoch)
	case t.attempts > 1 && attempts > 1:
		p.window.Answered(t.epoch)
		p.repeatCredit = min(p.repeatCredit+creditPerReply, maxRepeatCredit)
		if t.age() < maxAge {
			p.window.Lost(t.epoch-t.age(), now)
		}
	}
	if t.stage() == stageInFlight {
		p.window.Left(p.outstanding.slots[t.next].round, t.attempts, true, now)
		if p.full {
			p.window.Grow(true)
		}
	}
	q.dequeue(p.m.pending.slots, id)
}

// overtake notes the answer to a question sent at a time.
func (p *portScheduler) overtake(t *pendingHop, rtt loop.Duration, at loop.Time) {
	if at >= p.latest.at && t.stage() == stageInFlight {
		p.latest = overtaker{at: at, seq: p.outstanding.slots[t.next].seq, rtt: rtt}
	}
}
