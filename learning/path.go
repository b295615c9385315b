package learning

import (
	"glean/learning/congestion"
	"glean/stack/loop"
)

// path is a port while requests use it: the window and the lanes that share it.
type path struct {
	m       *Manager
	id      uint32
	lanes   int
	rounds  [numKinds]round
	waiting int  // questions queued in all lanes
	full    bool // the window, not the pace, keeps some of them waiting
	flights flights
	window  congestion.Window
	retrans loop.Duration // the shortest of the lanes
	latest  overtaker
	earned  int    // repeats that may be asked before first questions
	asked   uint32 // questions, for the repeats' turn
	timer   loop.Timer
}

// overtaker is the latest question that was answered.
type overtaker struct {
	at  loop.Time // when it was sent
	seq uint32
	rtt loop.Duration
}

// overtook tells whether a question was sent before it.
func (o *overtaker) overtook(f *flight) bool {
	return f.at < o.at || f.at == o.at && int32(f.seq-o.seq) < 0
}

// batch is how many questions are sent in one turn of the loop, so that
// answers are read in between.
const batch = 256

// First questions go before repeats, because most of those who were silent are
// dead. One question in repeatTurn is a repeat all the same, and one that is
// answered earns the right to repeatsEarned more: if more than half of them are
// answered, silence means loss, and repeats need not wait until everybody was
// asked.
const (
	repeatTurn    = 32
	repeatsEarned = 2
	mostEarned    = 4096
)

// defaultRetrans is used for a resolver that names no RetransTimer: RFC 4861
// section 10.
const defaultRetrans = loop.Second

// lane gives the lane of an interface and counts the request as its user.
func (m *Manager) lane(handle uint32) *lane {
	l := m.lanes[handle]
	if l == nil {
		b := m.resolver.Budget(handle)
		l = &lane{handle: handle, path: m.path(b), window: max(b.Window, 1)}
		l.queues[firstQuestion], l.queues[repeatQuestion] = emptyQueue, emptyQueue
		if b.RatePPS > 0 {
			l.Gap = loop.Second / loop.Duration(b.RatePPS)
		}
		m.lanes[handle] = l
	}
	l.users++
	return l
}

// path gives the path of a lane's budget and counts the lane.
func (m *Manager) path(b Budget) *path {
	p := m.paths[b.Path]
	retrans := b.RetransTimer
	if retrans <= 0 {
		retrans = defaultRetrans
	}
	if p == nil {
		p = &path{m: m, id: b.Path, flights: newFlights(), window: congestion.New(b.Drops),
			retrans: retrans, latest: overtaker{at: -1}}
		for kind := range p.rounds {
			p.rounds[kind].kind = kind
		}
		p.timer.Init(p.run)
		m.paths[b.Path] = p
	}
	p.lanes++
	p.window.Raise(max(b.Window, 1), b.Room)
	p.retrans = min(p.retrans, retrans)
	return p
}

// leave ends a request's use of a lane. A path that nobody uses is forgotten
// with its window and its round trip: every run begins the same way.
func (m *Manager) leave(l *lane) {
	if l.users--; l.users > 0 {
		return
	}
	if m.lanes[l.handle] == l {
		delete(m.lanes, l.handle)
	}
	if l.path.lanes--; l.path.lanes == 0 {
		m.loop.Disarm(&l.path.timer)
		delete(m.paths, l.path.id)
	}
}

// want queues a target for a question and has it asked in this turn of the loop
// if the window permits.
func (l *lane) want(ts []target, id uint32) {
	kind, where := repeatQuestion, placeRepeat
	if ts[id].asked == 0 {
		kind, where = firstQuestion, placeFirst
	}
	ts[id].setPlace(where)
	l.queues[kind].push(ts, id)
	if l.queues[kind].n == 1 {
		l.path.rounds[kind].join(l)
	}
	l.path.waiting++
	if kind == firstQuestion {
		l.path.window.FirstQueued(l.path.m.loop.Now())
	}
	l.path.kick()
}

// unplace takes a target out of its queue or the window; it is idle then.
func (l *lane) unplace(ts []target, id uint32) {
	switch ts[id].place() {
	case placeFirst:
		l.unqueue(ts, id, firstQuestion)
	case placeRepeat:
		l.unqueue(ts, id, repeatQuestion)
	case placeFlying:
		l.path.flights.remove(ts[id].next)
		l.flying--
		l.path.kick()
	}
	ts[id].setPlace(placeIdle)
	ts[id].next, ts[id].prev = none, none
}

func (l *lane) unqueue(ts []target, id uint32, kind int) {
	if l.queues[kind].remove(ts, id); l.gone {
		return
	}
	if l.queues[kind].n == 0 {
		l.path.rounds[kind].leave(l)
	}
	l.path.waiting--
}

// kick has the path run as soon as the loop comes round. It is not run at
// once: the resolver may be in the middle of something, and many answers of one
// turn are better followed by one batch of questions.
func (p *path) kick() {
	if now := p.m.loop.Now(); p.waiting > 0 && p.timer.At() > now {
		p.m.loop.Arm(&p.timer, now)
	}
}

// run sends what the window permits.
func (p *path) run() {
	now := p.m.loop.Now()
	p.expire(now)
	checked := false
	paced := loop.Never // when the first of the lanes that wait for their pace may ask
	p.window.SetBacklog(p.waiting, p.retrans)
	limit := p.window.InFlight(p.window.Limit())
	for asked := 0; p.waiting > 0 && p.flights.n < limit; asked++ {
		if asked == batch {
			p.m.loop.Arm(&p.timer, now)
			return
		}
		if at := p.window.NextAt(); at > now {
			p.full = false
			p.sleep(at)
			return
		}
		var l *lane
		var kind int
		if l, kind, paced = p.pick(now); l == nil {
			break
		}
		if !checked {
			checked = true
			p.window.SawDrops(p.m.resolver.Budget(l.handle).Drops, now)
			limit = p.window.InFlight(p.window.Limit())
			continue
		}
		p.ask(l, kind, now)
	}
	p.full = p.waiting > 0 && p.flights.n >= limit
	p.sleep(paced)
}

// pick gives the lane that asks next, first questions before repeats but for
// those that have the right of way. If none may ask now it says when the pace of
// one permits (Never: none waits for that).
func (p *path) pick(now loop.Time) (*lane, int, loop.Time) {
	paced, before := loop.Never, firstQuestion
	if p.earned > 0 || p.asked%repeatTurn == 0 || p.window.RepeatsFirst(now) {
		before = repeatQuestion
	}
	for n := range p.rounds {
		kind := n ^ before
		r := &p.rounds[kind]
		for range r.n {
			l := r.at
			switch {
			case l.flying >= p.window.InFlight(l.window):
			case l.NextAt > now:
				paced = min(paced, l.NextAt)
			default:
				return l, kind, paced
			}
			r.pass()
		}
	}
	return nil, 0, paced
}

// ask sends the first question of a lane's queue.
func (p *path) ask(l *lane, kind int, now loop.Time) {
	ts := p.m.targets.slots
	id := l.queues[kind].head
	p.rounds[kind].pass()
	l.unplace(ts, id)
	t := &ts[id]
	if !p.m.resolver.Solicit(t.ref) {
		return // SolicitDue comes when it is allowed
	}
	if t.asked < ^uint16(0) {
		t.asked++
	}
	epoch, round := p.window.Sent(t.asked, now)
	t.setAge(epoch - t.epoch)
	t.epoch = epoch
	p.asked++
	if kind == repeatQuestion && p.earned > 0 {
		p.earned--
	}
	t.setPlace(placeFlying)
	t.next = p.flights.push(id, now, round)
	l.flying++
	l.Pace(now)
	p.m.countSent(id)
}

// sleep arms the timer for the next time when something can be asked. Answers
// and new questions kick the path besides.
func (p *path) sleep(paced loop.Time) {
	at := paced
	if p.waiting > 0 && p.flights.n > 0 {
		at = min(at, p.silentAt(&p.flights.slots[p.flights.head]))
	}
	if at < loop.Never {
		p.m.loop.Arm(&p.timer, at)
	} else {
		p.m.loop.Disarm(&p.timer)
	}
}

// hold is how long a silent question counts.
func (p *path) hold() loop.Duration { return min(p.window.RTO(), p.retrans) }

// silentAt is when a question that is not answered leaves the window: after hold,
// or when the answer to a question sent later has overtaken it by more than
// answers are spread. The latter is what RFC 8985 (RACK) concludes from the
// order of acknowledgements (section 6.2, step 5); here the conclusion is that the
// address is dead or the question lost, and that in both cases no queue holds it
// any more. Dead addresses thus cost the window a round trip, not leastRTO.
func (p *path) silentAt(f *flight) loop.Time {
	after := p.hold()
	if p.latest.overtook(f) {
		after = min(after, p.latest.rtt+p.window.Reordering())
	}
	return f.at.Add(after)
}

// expire takes silent questions out of the window.
func (p *path) expire(now loop.Time) {
	ts := p.m.targets.slots
	for p.flights.n > 0 {
		f := &p.flights.slots[p.flights.head]
		if now < p.silentAt(f) {
			return
		}
		p.window.Left(f.round, ts[f.target].asked, false, now)
		p.m.laneOf(&ts[f.target]).unplace(ts, f.target)
		if p.full {
			p.window.Grow(false)
		}
	}
}

// answered takes the reply to a target's question into account. A round trip
// counts only if one question was asked (Karn's rule, RFC 6298 section 3).
func (p *path) answered(l *lane, id uint32, rtt loop.Duration, attempts uint32, now loop.Time) {
	t := &p.m.targets.slots[id]
	switch {
	case t.asked == 1 && attempts == 1:
		p.window.SampleRTT(rtt)
		p.overtake(t, rtt, now.Add(-rtt))
		p.window.Answered(t.epoch)
	case t.asked > 1 && attempts > 1:
		p.window.Answered(t.epoch)
		p.earned = min(p.earned+repeatsEarned, mostEarned)
		if t.age() < maxAge {
			p.window.Lost(t.epoch-t.age(), now)
		}
	}
	if t.place() == placeFlying {
		p.window.Left(p.flights.slots[t.next].round, t.asked, true, now)
		if p.full {
			p.window.Grow(true)
		}
	}
	l.unplace(p.m.targets.slots, id)
}

// overtake notes the answer to a question sent at a time.
func (p *path) overtake(t *target, rtt loop.Duration, at loop.Time) {
	if at >= p.latest.at && t.place() == placeFlying {
		p.latest = overtaker{at: at, seq: p.flights.slots[t.next].seq, rtt: rtt}
	}
}
