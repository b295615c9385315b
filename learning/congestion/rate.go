package congestion

import "glean/stack/loop"

// Constants of the rate. docs/learning-congestion.md has the reasons.
const (
	minGap          = 50 * loop.Microsecond // a faster peer is bounded by the window alone
	minPerRetrans   = 8                     // at least so many solicitations in a RetransTimer
	pacedRound      = 32                    // solicitations in a round at a bounded rate
	minEvidence     = 64                    // expected replies that support a judgement
	minCountable    = 8                     // replies from which a rate follows within an eighth
	maxSlower       = 8                     // the measured rate is at most by this factor lower
	maxCut          = 4                     // the rate falls at most by this factor if fewer were answered
	silentFor       = 10 * loop.Millisecond // without any reply, before a search ends
	tinyLoss        = 32                    // one lost reply in so many is tolerated
	tinyNumber      = 3                     // lost replies that are tolerated besides
	knownLoss       = 16                    // lost replies by which a lower rate is compared with a higher one
	maxFastSearches = 2                     // searches that may end with a fast peer: a full bucket looks like one
	worthProbe      = 4                     // RetransTimers of work for which a higher rate is tried
	firstStep       = 8                     // the rate grows by 1/firstStep first
)

// phase is a state of the rate.
type phase uint8

const (
	unbounded phase = iota // the window alone decides
	searching              // the rate falls until a larger fraction is answered
	rising                 // the rate grows until something is lost
	measuring              // at a rate that is too high, how many replies come
	checking               // whether the measured rate loses less
	steady
	spreading // repeats are sent evenly over a RetransTimer
)

// rate decides how many solicitations a second a port may send when its peer polices
// them: it replies to a number of them a second and drops the rest.
type rate struct {
	Pacer
	phase   phase
	era     uint32        // grows with each change of the gap
	since   loop.Time     // when the era began
	before  loop.Duration // the gap of the era before
	earlier span          // what was sent in the era before
	present span          // what was sent in this era and is no longer in flight
	alive   tallies       // the fractions that are answered when the rate is not too high

	dipped       bool          // the last span had fewer replies than alive predicts
	helped       bool          // the search has raised the replied fraction
	fastSearches int           // searches that ended because the peer was fast enough for the window
	useless      bool          // a search has failed: no other is begun
	measured     loop.Duration // the gap that was measured last
	plateau      int           // the replies to the round that began the search
	step         int           // the rate grows by 1/step next
	searchedAt   loop.Time     // when the search began that found the rate
	repeats      tally         // those sent a RetransTimer after searchedAt or later
	proven       bool          // the repeats were answered: what was silent had been lost
}

// bounded reports whether solicitations are paced.
func (r *rate) bounded() bool { return r.phase != unbounded }

// set begins an era.
func (r *rate) set(p phase, gap loop.Duration, now loop.Time) {
	if !r.bounded() || r.phase == spreading {
		r.searchedAt, r.repeats, r.proven, r.measured, r.step = now, tally{}, false, 0, firstStep
	}
	r.before, r.earlier = r.Gap, r.present
	r.phase, r.Gap, r.NextAt, r.since = p, gap, now, now
	r.present = span{}
	r.era++
}

// beginSearch begins a search at a gap.
func (r *rate) beginSearch(gap loop.Duration, now loop.Time) {
	r.set(searching, max(gap, minGap), now)
	r.helped = false
	r.earlier = span{} // its first replies may have come out of a full bucket
}

// abandon ends a search: a lower rate does not raise the replied fraction, so the
// silent addresses are dead.
func (r *rate) abandon(now loop.Time) {
	r.useless = true
	r.alive = r.present.attempts
	r.set(unbounded, 0, now)
}

// judge adjusts the rate after a round of which nothing is in flight any more. It
// reports whether the rate is bounded.
func (r *rate) judge(w *Window, last *round, now loop.Time) bool {
	if last.era != r.era || !r.prove(last, w.retrans, now) {
		return r.bounded()
	}
	r.present.add(last)
	if r.bounded() && last.late() {
		r.judgeLate(w.retrans, now)
		return r.bounded()
	}
	switch r.phase {
	case unbounded:
		r.watch(last, now)
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

// watch begins a search when the replied fraction falls by half but not to nothing. A
// fraction that was low from the beginning is that of the live addresses.
func (r *rate) watch(last *round, now loop.Time) {
	if r.learnFractions() {
		return
	}
	expected, got := r.present.compare(&r.alive)
	if expected < minEvidence*one {
		return
	}
	if !r.useless && got > 0 && 2*got < expected {
		r.plateau = last.answered
		r.beginSearch(r.present.gapFor(expected/one, got/one), now)
		return
	}
	dipped := 8*got < 7*expected
	switch {
	case !dipped:
		for i := range r.alive {
			r.alive[i].add(r.present.attempts[i])
		}
	case r.dipped: // twice in a row: this range has fewer live addresses
		r.alive = r.present.attempts
	}
	r.dipped = dipped
	r.present = span{}
}

// learnFractions adds the present span to the fractions of which little is known, and
// reports whether there was one.
func (r *rate) learnFractions() (used bool) {
	for i := range r.alive {
		if a, t := &r.alive[i], r.present.attempts[i]; a.sent < minEvidence && t.sent > 0 {
			a.add(t)
			used = true
		}
	}
	if used {
		r.present = span{}
	}
	return used
}

// search lowers the rate to that of the replies as long as a larger fraction is
// answered then. The rate is found when all but a few are answered, or when a further
// step no longer helps.
func (r *rate) search(retrans loop.Duration, now loop.Time) {
	sent, answered := int64(r.present.all.sent), int64(r.present.all.answered)
	if answered == 0 && r.present.took < silentFor {
		return
	}
	if 4*answered >= 3*sent {
		if expected, got := r.present.compare(&r.alive); got > expected {
			r.alive = r.present.attempts
		}
		r.set(rising, r.Gap, now)
		return
	}
	helped, known := r.compareEras()
	switch {
	case answered == 0, known && !helped && !r.helped:
		r.abandon(now)
		return
	case known && !helped:
		r.alive = r.present.attempts
		r.set(rising, r.Gap, now)
		return
	case known:
		r.helped = true
	}
	gap := r.present.gapFor(sent, answered)
	if answered < minCountable {
		gap = min(gap, maxCut*r.present.gap())
	}
	if gap = max(gap, r.Gap); gap > retrans/minPerRetrans {
		r.abandon(now)
		return
	}
	r.set(searching, gap, now)
}

// compareEras reports whether the lower rate of this era had a larger fraction of the
// solicitations answered than that of the era before: at least halfway between the
// same fraction, as of dead addresses, and the same number of replies a second, as of
// a policer. known is false if the rates differ too little.
func (r *rate) compareEras() (helped, known bool) {
	a, b := &r.earlier, &r.present
	if a.gap() == 0 || 3*b.gap() < 4*a.gap() {
		return false, false
	}
	slower := int64(b.gap()) * one / int64(a.gap())
	return 2*one*int64(b.all.answered+1)*int64(a.all.sent) > int64(a.all.answered)*int64(b.all.sent)*(one+slower), true
}

// probe raises the rate: round by round until something is lost the first time, then
// once a RetransTimer. A higher rate that loses solicitations costs a RetransTimer, so
// it is not tried when little is left to send.
func (r *rate) probe(w *Window, now loop.Time) {
	expected, got := r.present.compare(&r.alive)
	switch {
	case tooFast(expected, got):
		r.phase, r.present = measuring, span{} // the bucket is empty from here on
	case r.phase == rising:
		if gap := r.Gap * 4 / 5; gap >= minGap {
			r.set(rising, gap, now)
			return
		}
		r.fastSearches++
		r.useless = r.fastSearches == maxFastSearches
		r.set(unbounded, 0, now)
		w.reachPlateau(r.plateau)
	case now.Sub(r.since) < w.retrans:
	case loop.Duration(w.backlog)*r.Gap > worthProbe*w.retrans && (expected >= minEvidence*one || r.present.nearlyAll()):
		r.raise(now)
	case r.measured > r.Gap:
		r.set(steady, r.measured, now)
	}
}

// raise raises a steady rate: by an eighth, then by a quarter, a half and the whole as
// long as nothing is lost.
func (r *rate) raise(now loop.Time) {
	step := loop.Duration(r.step)
	r.step = max(1, r.step/2)
	r.set(steady, max(r.Gap*step/(step+1), minGap), now)
}

// measure sets the rate a little below that of the replies at a rate that was too
// high.
func (r *rate) measure(retrans loop.Duration, now loop.Time) {
	expected, got := r.present.compare(&r.alive)
	switch {
	case expected < minEvidence*one:
	case !tooFast(expected, got):
		r.phase = steady
	default:
		gap := min(r.present.gapFor(expected/one, got/one), maxSlower*r.Gap)
		r.measured, r.step = min(max(gap, r.Gap)*33/32, retrans/minPerRetrans), firstStep
		r.set(checking, r.measured, now)
	}
}

// check returns to the rate before if the lower one loses as large a fraction: then
// the loss does not depend on the rate, or the addresses are dead.
func (r *rate) check(now loop.Time) {
	expected, got := r.present.compare(&r.alive)
	e, g := r.earlier.compare(&r.alive)
	lostBefore := expected - expected/max(e/one, 1)*(g/one) // if the fraction were that of the rate before
	switch {
	case expected < minEvidence*one || lostBefore < knownLoss*one:
	case 2*(expected-got) > lostBefore:
		r.alive = r.present.attempts
		r.set(steady, r.before, now)
	default:
		r.phase = steady
	}
}
