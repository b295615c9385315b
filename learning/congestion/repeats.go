package congestion

import "glean/stack/loop"

// proofRepeats is the number of repeats that show whether a rate is needed.
const proofRepeats = 128

// doubtful reports whether repeats have yet to show that the rate is needed.
func (r *rate) doubtful(retrans loop.Duration, now loop.Time) bool {
	return !r.proven && (r.phase == steady || r.phase == checking) && now.Sub(r.searchedAt) >= retrans
}

// prove reports whether the rate stays. If addresses that were silent are silent again
// at the rate that was found, they are dead, and the peer does not police: live and
// dead addresses in blocks look like a policer at first.
func (r *rate) prove(last *round, retrans loop.Duration, now loop.Time) bool {
	if r.phase != steady && r.phase != checking || now.Sub(r.searchedAt) < retrans {
		return true
	}
	first := last.attempts[0]
	r.repeats.add(tally{last.sent - first.sent, last.answered - first.answered})
	switch {
	case r.repeats.sent < proofRepeats:
	case 2*r.repeats.answered < r.repeats.sent:
		r.useless = true
		r.alive = tallies{}
		r.set(unbounded, 0, now)
		return false
	default:
		r.proven, r.repeats = true, tally{}
	}
	return true
}

// judgeLate is judge for a late round. The dead fraction of its addresses is unknown,
// so a search ends, and the rate grows only if nearly all are answered.
func (r *rate) judgeLate(retrans loop.Duration, now loop.Time) {
	switch {
	case r.phase == spreading:
	case r.phase == searching || r.phase == rising:
		r.set(unbounded, 0, now)
	case r.phase == steady && now.Sub(r.since) < retrans:
	case r.phase == steady && r.present.nearlyAll():
		r.raise(now)
	default:
		r.set(steady, max(r.measured, r.Gap), now)
	}
}
