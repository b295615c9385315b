package learning

import "glean/stack/loop"

// spread has the repeats of an epoch asked evenly over a RetransTimer, instead of
// all at its beginning, if the epoch before had no fewer answers than the one
// before that. Of the questions that are lost by chance a small part is lost again,
// and dead addresses do not answer at all, but a policer with a small bucket
// answers one bucketful of each burst.
func (r *rate) spread(last, before *cohort, waiting int, retrans loop.Duration, now loop.Time) {
	if r.bounded() && r.phase != spreading {
		return
	}
	left := max(int(last.asked)-int(last.answered), waiting)
	if last.first > 0 || last.answered == 0 || 3*last.answered < 2*before.answered || left < mostGap {
		r.unspread(now)
		return
	}
	r.set(spreading, retrans*7/8/loop.Duration(left), now)
}

// unspread ends spreading.
func (r *rate) unspread(now loop.Time) {
	if r.phase == spreading {
		r.set(unbounded, 0, now)
	}
}
