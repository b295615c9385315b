package learning

import "glean/stack/loop"

// Constants of the rate. docs/learning-congestion.md has the reasons.
const (
	leastGap    = 50 * loop.Microsecond // a faster peer is bounded by the window alone
	mostGap     = 8                     // at least so many questions in a RetransTimer
	roundSize   = 32                    // questions in a windowful at a bounded rate
	evidence    = 64                    // expected answers that support a judgement
	countable   = 8                     // answers from which a rate follows within an eighth
	mostSlower  = 8                     // the measured rate is at most by this factor lower
	mostCut     = 4                     // the rate falls at most by this factor if fewer were answered
	patience    = 10 * loop.Millisecond // without any answer, before a search ends
	tinyLoss    = 32                    // one lost answer in so many is borne
	tinyNumber  = 3                     // lost answers that are borne besides
	knownLoss   = 16                    // lost answers by which a lower rate is compared with a higher one
	maxAttempts = 2                     // of the addresses asked more often, an unknown share is dead
	mostFast    = 2                     // searches that may end so: a bucket that was full looks like a fast peer
	worthProbe  = 4                     // RetransTimers of work for which a higher rate is tried
	firstStep   = 8                     // the rate grows by 1/firstStep first
)

// tally counts questions and their answers.
type tally struct{ asked, answered int }

// add adds another tally.
func (t *tally) add(u tally) { t.asked += u.asked; t.answered += u.answered }

// expect returns how many of n questions are answered if the same share is, in
// units of 1/whole.
func (t tally) expect(n int) int64 {
	if t.asked == 0 {
		return 0
	}
	return int64(n) * whole * int64(t.answered) / int64(t.asked)
}

// tallies are the tallies of first and of second questions to an address.
type tallies [maxAttempts]tally

// span is the fate of consecutive questions.
type span struct {
	attempts tallies
	all      tally
	took     loop.Duration // to ask them; pauses with nothing to ask do not count
}

// add appends a windowful.
func (s *span) add(f *windowful) {
	for i := range s.attempts {
		s.attempts[i].add(f.attempts[i])
	}
	s.all.add(tally{f.asked, f.answered})
	s.took += f.ended.Sub(f.began)
}

// gap returns the mean time between two questions.
func (s *span) gap() loop.Duration { return s.took / loop.Duration(max(s.all.asked, 1)) }

// gapFor returns the gap at which answered of expected answers are all that come:
// the rate of the answers, divided by the share that is alive. The peer answers at
// least as many a second as have come.
func (s *span) gapFor(expected, answered int64) loop.Duration {
	gap := s.gap() * loop.Duration(expected) / loop.Duration(max(answered, 1))
	return min(gap, s.took/loop.Duration(max(s.all.answered, 1)))
}

// nearlyAll reports whether nearly all questions were answered.
func (s *span) nearlyAll() bool { return 8*s.all.answered >= 7*s.all.asked }

// compare returns the answers that are expected of first and second questions if
// the shares of alive are answered, and those that came, in units of 1/whole.
func (s *span) compare(alive *tallies) (expected, got int64) {
	for i, t := range s.attempts {
		expected += alive[i].expect(t.asked)
		got += int64(t.answered) * whole
	}
	return expected, got
}

// tooFast reports whether more answers are missing than are borne.
func tooFast(expected, got int64) bool {
	return expected-got > expected/tinyLoss+tinyNumber*whole
}

// phase is a state of the rate.
type phase uint8

const (
	unbounded phase = iota // the window alone decides
	searching              // the rate falls until a larger part is answered
	rising                 // the rate grows until something is lost
	measuring              // at a rate that is too high, how many answers come
	checking               // whether the measured rate loses less
	steady
	spreading // repeats are asked evenly over a RetransTimer
)

// rate decides how fast questions are asked on a path whose peer answers a number
// of them in a second and drops the rest.
type rate struct {
	pacer
	phase   phase
	era     uint32        // grows with each change of the gap
	since   loop.Time     // when the era began
	before  loop.Duration // the gap of the era before
	earlier span          // what was asked in the era before
	present span          // what was asked in this era and has left the window
	alive   tallies       // the shares that are answered when the rate is not too high
	fewer   bool          // the last span was answered less well than alive says
	helped  bool          // the search has raised the share of answers
	fast    int           // searches that ended because the peer was fast enough for the window
	useless bool          // a search has failed: no other is begun
	good    loop.Duration // the gap that was measured last
	room    int           // answers to the windowful that began the search
	step    int           // the rate grows by 1/step next
	from    loop.Time     // when the search began that found the rate
	repeats tally         // that were asked a RetransTimer after that or later
	proven  bool          // the repeats were answered: what was silent had been lost
}

// bounded reports whether questions are paced.
func (r *rate) bounded() bool { return r.phase != unbounded }

// set begins an era.
func (r *rate) set(p phase, gap loop.Duration, now loop.Time) {
	if !r.bounded() || r.phase == spreading {
		r.from, r.repeats, r.proven, r.good, r.step = now, tally{}, false, 0, firstStep
	}
	r.before, r.earlier = r.gap, r.present
	r.phase, r.gap, r.nextAt, r.since = p, gap, now, now
	r.present = span{}
	r.era++
}

// look begins a search from a gap.
func (r *rate) look(gap loop.Duration, now loop.Time) {
	r.set(searching, max(gap, leastGap), now)
	r.helped = false
	r.earlier = span{} // its first answers may have come out of a full bucket
}

// abandon ends a search: asking more slowly does not raise the share of answers,
// so that the silent addresses are dead.
func (r *rate) abandon(now loop.Time) {
	r.useless = true
	r.alive = r.present.attempts
	r.set(unbounded, 0, now)
}

// judge takes a windowful that has left the window into account. It reports
// whether the rate is bounded.
func (r *rate) judge(w *window, f *windowful, now loop.Time) bool {
	if f.era != r.era || !r.prove(f, w.retrans, now) {
		return r.bounded()
	}
	r.present.add(f)
	if r.bounded() && f.late() {
		r.stay(w.retrans, now)
		return r.bounded()
	}
	switch r.phase {
	case unbounded:
		r.watch(f, now)
	case searching:
		r.search(w.retrans, now)
	case measuring:
		r.measure(w.retrans, now)
	case checking:
		r.check(now)
	case rising, steady:
		r.probe(w, now)
	}
	return r.bounded()
}

// watch begins a search when the share of answers falls by half but not to
// nothing. A share that was low from the beginning is that of the live addresses.
func (r *rate) watch(f *windowful, now loop.Time) {
	if r.learnShares() {
		return
	}
	expected, got := r.present.compare(&r.alive)
	if expected < evidence*whole {
		return
	}
	if !r.useless && got > 0 && 2*got < expected {
		r.room = f.answered
		r.look(r.present.gapFor(expected/whole, got/whole), now)
		return
	}
	fewer := 8*got < 7*expected
	switch {
	case !fewer:
		for i := range r.alive {
			r.alive[i].add(r.present.attempts[i])
		}
	case r.fewer: // twice in a row: the addresses of this range are so
		r.alive = r.present.attempts
	}
	r.fewer = fewer
	r.present = span{}
}

// learnShares uses the present span for the shares of which little is known, and
// reports whether it was used.
func (r *rate) learnShares() (used bool) {
	for i := range r.alive {
		if a, t := &r.alive[i], r.present.attempts[i]; a.asked < evidence && t.asked > 0 {
			a.add(t)
			used = true
		}
	}
	if used {
		r.present = span{}
	}
	return used
}

// search lowers the rate to that of the answers as long as this has a larger part
// of the questions answered. If all but a few are, or if a further step no longer
// helps, the rate is found.
func (r *rate) search(retrans loop.Duration, now loop.Time) {
	asked, answered := int64(r.present.all.asked), int64(r.present.all.answered)
	if answered == 0 && r.present.took < patience {
		return
	}
	if 4*answered >= 3*asked {
		if expected, got := r.present.compare(&r.alive); got > expected {
			r.alive = r.present.attempts
		}
		r.set(rising, r.gap, now)
		return
	}
	helped, known := r.compareEras()
	switch {
	case answered == 0, known && !helped && !r.helped:
		r.abandon(now)
		return
	case known && !helped:
		r.alive = r.present.attempts
		r.set(rising, r.gap, now)
		return
	case known:
		r.helped = true
	}
	gap := r.present.gapFor(asked, answered)
	if answered < countable {
		gap = min(gap, mostCut*r.present.gap())
	}
	if gap = max(gap, r.gap); gap > retrans/mostGap {
		r.abandon(now)
		return
	}
	r.set(searching, gap, now)
}

// compareEras reports whether the lower rate of this era had a larger part of the
// questions answered than that of the era before: at least halfway between the
// same share, as of dead addresses, and the same number of answers a second, as
// of a policer. known is false if the rates differ too little.
func (r *rate) compareEras() (helped, known bool) {
	a, b := &r.earlier, &r.present
	if a.gap() == 0 || 3*b.gap() < 4*a.gap() {
		return false, false
	}
	slower := int64(b.gap()) * whole / int64(a.gap())
	return 2*whole*int64(b.all.answered+1)*int64(a.all.asked) > int64(a.all.answered)*int64(b.all.asked)*(whole+slower), true
}

// probe raises the rate: round by round until something is lost the first time,
// then once a RetransTimer. A higher rate that loses questions costs a
// RetransTimer, so that it is not tried when little is left to ask.
func (r *rate) probe(w *window, now loop.Time) {
	expected, got := r.present.compare(&r.alive)
	switch {
	case tooFast(expected, got):
		r.phase, r.present = measuring, span{} // a bucket's rest has gone before
	case r.phase == rising:
		if gap := r.gap * 4 / 5; gap >= leastGap {
			r.set(rising, gap, now)
			return
		}
		r.fast++
		r.useless = r.fast == mostFast
		r.set(unbounded, 0, now)
		w.noRoom(r.room)
	case now.Sub(r.since) < w.retrans:
	case loop.Duration(w.waiting)*r.gap > worthProbe*w.retrans && (expected >= evidence*whole || r.present.nearlyAll()):
		r.raise(now)
	case r.good > r.gap:
		r.set(steady, r.good, now)
	}
}

// raise raises a steady rate: by an eighth, by a quarter if that went well, then
// by a half and by the whole.
func (r *rate) raise(now loop.Time) {
	step := loop.Duration(r.step)
	r.step = max(1, r.step/2)
	r.set(steady, max(r.gap*step/(step+1), leastGap), now)
}

// measure sets the rate a little below that of the answers at a rate that was too
// high.
func (r *rate) measure(retrans loop.Duration, now loop.Time) {
	expected, got := r.present.compare(&r.alive)
	switch {
	case expected < evidence*whole:
	case !tooFast(expected, got):
		r.phase = steady
	default:
		gap := min(r.present.gapFor(expected/whole, got/whole), mostSlower*r.gap)
		r.good, r.step = min(max(gap, r.gap)*33/32, retrans/mostGap), firstStep
		r.set(checking, r.good, now)
	}
}

// check goes back to the rate before if the lower one loses as large a part: then
// the loss is no matter of the rate, or the addresses are dead.
func (r *rate) check(now loop.Time) {
	expected, got := r.present.compare(&r.alive)
	e, g := r.earlier.compare(&r.alive)
	would := expected - expected/max(e/whole, 1)*(g/whole) // be lost
	switch {
	case expected < evidence*whole || would < knownLoss*whole:
	case 2*(expected-got) > would:
		r.alive = r.present.attempts
		r.set(steady, r.before, now)
	default:
		r.phase = steady
	}
}
