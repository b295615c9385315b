package congestion

import "glean/stack/loop"

// spread has the repeats of an epoch sent evenly over a RetransTimer, instead of all at
// its beginning, if the epoch before had about as many replies as the one before that.
// Of the solicitations that are lost by chance a small part is lost again, and dead
// addresses do not reply at all, but a policer with a small bucket replies to one
// bucketful of each burst.
func (r *rate) spread(last, before *epochStats, backlog int, retrans loop.Duration, now loop.Time) {
	if r.bounded() && r.phase != spreading {
		return
	}
	left := max(int(last.sent)-int(last.answered), backlog)
	if last.first > 0 || last.answered == 0 || 3*last.answered < 2*before.answered || left < minPerRetrans {
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
