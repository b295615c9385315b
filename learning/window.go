package learning

import "glean/stack/loop"

// Constants of the window. It counts questions, not octets, else it follows
// RFC 5681 (slow start and congestion avoidance, section 3.1) and RFC 6298 (the
// round trip, section 2).
const (
	initialWindow = 64 // well below any device ring
	leastWindow   = 16 // after any number of losses
	initialRTO    = 20 * loop.Millisecond
	leastRTO      = 5 * loop.Millisecond // a loop's turn and a busy host fit in
)

// window decides how many questions may be in flight on a path. Silence is not
// a loss sign: most silent addresses are dead, and a question to a dead address
// harms nobody. Signs of loss are an answer to a repeated question and a rise of
// the path's drop counter.
type window struct {
	size      int
	threshold int // slow start below it
	ceiling   int // what the inbox and the device's ring hold
	credit    int // answers since size grew last, above the threshold

	epoch    uint8 // counts halvings
	halvedAt loop.Time
	halved   bool

	drops uint64 // the path's counter when it was looked at last
	rtt   estimator
}

func newWindow(drops uint64) window {
	return window{size: initialWindow, drops: drops, rtt: estimator{rto: initialRTO}}
}

// raise makes room for an interface whose budget is larger.
func (w *window) raise(ceiling int) {
	w.ceiling = max(w.ceiling, ceiling)
	if !w.halved {
		w.threshold = w.ceiling
	}
}

// limit is how many questions may be in flight.
func (w *window) limit() int { return min(w.size, w.ceiling) }

// grow is called for a question that left a full window. In slow
// start a silent one counts as well, else a network that is dead but for one
// host would never be asked faster; beyond it only answers are a reason to grow.
func (w *window) grow(answered bool) {
	switch {
	case w.size >= w.ceiling:
	case w.size < w.threshold:
		w.size++
	case answered:
		if w.credit++; w.credit >= w.size {
			w.credit = 0
			w.size++
		}
	}
}

// lost halves the window.
func (w *window) lost(now loop.Time) {
	w.size = max(w.limit()/2, min(leastWindow, w.ceiling))
	w.threshold = w.size
	w.credit = 0
	w.epoch++
	w.halved, w.halvedAt = true, now
}

// sawDrops looks at the path's drop counter. Drops that come to light within a
// round trip of a halving belong to the burst that caused it.
func (w *window) sawDrops(drops uint64, now loop.Time) {
	if drops > w.drops && (!w.halved || now.Sub(w.halvedAt) >= w.rtt.rto) {
		w.lost(now)
	}
	w.drops = drops
}

// estimator follows the round trip as RFC 6298 section 2 says, in integers.
type estimator struct {
	smoothed  loop.Duration
	variation loop.Duration
	rto       loop.Duration
	sampled   bool
}

func (e *estimator) sample(rtt loop.Duration) {
	rtt = max(rtt, 0)
	if e.sampled {
		e.variation += (max(e.smoothed-rtt, rtt-e.smoothed) - e.variation) / 4
		e.smoothed += (rtt - e.smoothed) / 8
	} else {
		e.sampled = true
		e.smoothed, e.variation = rtt, rtt/2
	}
	e.rto = max(leastRTO, e.smoothed+4*e.variation)
}

// reordering is how much later than a later question's answer an answer may
// come. Only meaningful after a sample.
func (e *estimator) reordering() loop.Duration { return 4 * e.variation }
