package congestion

import "glean/stack/loop"

const (
	initialRTO = 20 * loop.Millisecond
	minRTO     = 5 * loop.Millisecond // covers a turn of the loop and a busy host
)

// rttEstimator follows the round trip as RFC 6298 section 2 says, in integers.
type rttEstimator struct {
	smoothed  loop.Duration
	variation loop.Duration
	rto       loop.Duration
	sampled   bool
}

func (e *rttEstimator) sample(rtt loop.Duration) {
	rtt = max(rtt, 0)
	if e.sampled {
		e.variation += (max(e.smoothed-rtt, rtt-e.smoothed) - e.variation) / 4
		e.smoothed += (rtt - e.smoothed) / 8
	} else {
		e.sampled = true
		e.smoothed, e.variation = rtt, rtt/2
	}
	e.rto = max(minRTO, e.smoothed+4*e.variation)
}
