package learning

import "glean/stack/loop"

// proof is the number of repeats that show whether a rate is needed.
const proof = 128

// doubtful reports whether repeats are to prove that the rate is needed.
func (r *rate) doubtful(retrans loop.Duration, now loop.Time) bool {
	return !r.proven && (r.phase == steady || r.phase == checking) && now.Sub(r.from) >= retrans
}

// prove reports whether the rate stays. If the addresses that were silent are
// silent when they are asked again at the rate that was found, they are dead, and
// the peer is not too slow: live and dead addresses in blocks look like that.
func (r *rate) prove(f *windowful, retrans loop.Duration, now loop.Time) bool {
	if r.phase != steady && r.phase != checking || now.Sub(r.from) < retrans {
		return true
	}
	first := f.attempts[0]
	r.repeats.add(tally{f.asked - first.asked, f.answered - first.answered})
	switch {
	case r.repeats.asked < proof:
	case 2*r.repeats.answered < r.repeats.asked:
		r.useless = true
		r.alive = tallies{}
		r.set(unbounded, 0, now)
		return false
	default:
		r.proven, r.repeats = true, tally{}
	}
	return true
}

// stay is judge for late questions. Which share of them is dead is unknown, so
// that a search ends, and the rate grows only if nearly all are answered.
func (r *rate) stay(retrans loop.Duration, now loop.Time) {
	switch {
	case r.phase == spreading:
	case r.phase == searching || r.phase == rising:
		r.set(unbounded, 0, now)
	case r.phase == steady && now.Sub(r.since) < retrans:
	case r.phase == steady && r.present.nearlyAll():
		r.raise(now)
	default:
		r.set(steady, max(r.good, r.gap), now)
	}
}
