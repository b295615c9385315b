package congestion

import "glean/stack/loop"

// maxAttempts is up to which attempt solicitations count as evidence: of the
// addresses asked more often, an unknown fraction is dead.
const maxAttempts = 2

// tally counts solicitations and the answered ones among them.
type tally struct{ sent, answered int }

// add adds another tally.
func (t *tally) add(u tally) { t.sent += u.sent; t.answered += u.answered }

// expect returns how many of n solicitations are answered if the same fraction is, in
// units of 1/one.
func (t tally) expect(n int) int64 {
	if t.sent == 0 {
		return 0
	}
	return int64(n) * one * int64(t.answered) / int64(t.sent)
}

// tallies are the tallies of first and of second solicitations to an address.
type tallies [maxAttempts]tally

// span is the fate of consecutive solicitations.
type span struct {
	attempts tallies
	all      tally
	took     loop.Duration // to send them, without the pauses in which nothing was queued
}

// add appends a round.
func (s *span) add(r *round) {
	for i := range s.attempts {
		s.attempts[i].add(r.attempts[i])
	}
	s.all.add(tally{r.sent, r.answered})
	s.took += r.ended.Sub(r.began)
}

// gap returns the mean time between two solicitations.
func (s *span) gap() loop.Duration { return s.took / loop.Duration(max(s.all.sent, 1)) }

// gapFor returns the gap at which the answered of the expected replies are all that
// come: the rate of the replies, divided by the live fraction. The peer replies to at
// least as many a second as were answered.
func (s *span) gapFor(expected, answered int64) loop.Duration {
	gap := s.gap() * loop.Duration(expected) / loop.Duration(max(answered, 1))
	return min(gap, s.took/loop.Duration(max(s.all.answered, 1)))
}

// nearlyAll reports whether nearly all solicitations were answered.
func (s *span) nearlyAll() bool { return 8*s.all.answered >= 7*s.all.sent }

// compare returns the replies that are expected to first and second solicitations if
// the fractions of alive are answered, and those that came, in units of 1/one.
func (s *span) compare(alive *tallies) (expected, got int64) {
	for i, t := range s.attempts {
		expected += alive[i].expect(t.sent)
		got += int64(t.answered) * one
	}
	return expected, got
}

// tooFast reports whether more replies are missing than are tolerated.
func tooFast(expected, got int64) bool {
	return expected-got > expected/tinyLoss+tinyNumber*one
}
