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

// Loss that is no congestion: a network may lose a part of all frames by
// chance, and asking more slowly does not help it. 1/4 is more than a tenth lost
// each way, and what a receiver drops that is asked a third faster than it can.
const (
	tolerated   = 4  // one in so many
	significant = 32 // lost questions that are no accident
)

// numEpochs is how many epochs the window remembers; a target knows in which of
// them it was asked (see target.age).
const numEpochs = 32

// cohort is what became of the questions of an epoch, a time of one RetransTimer,
// as far as it is known. Questions to dead addresses are in neither number.
type cohort struct {
	window                       int    // the largest at that time
	asked, first, answered, lost uint32 // all questions, first ones to an address
}

// windowful is as many consecutive questions as the window had when the first of
// them was asked: about a round trip's.
type windowful struct {
	size, asked, left, answered int
	attempts                    tallies
	began, ended                loop.Time // when the question before the first one was asked, and the last one
	era                         uint32    // of the rate
}

// late reports whether most of the questions are third or later ones.
func (f *windowful) late() bool {
	early := 0
	for i := range f.attempts {
		early += f.attempts[i].asked
	}
	return 2*early < f.asked
}

// numWindowfuls is how many may be under way at a time.
const numWindowfuls = 8

// share is a part of whole.
type share int32

const whole = 1 << 16

// plenty is how many answers of a windowful say something about the next.
const plenty = 32

// window decides how many questions may be in flight on a path. Silence is not
// a loss sign: most silent addresses are dead, and a question to a dead address
// harms nobody. There are two signs of loss. A rise of the path's drop counter
// halves the window. The answer to a repeated question tells that the question
// before it was lost, a RetransTimer or more ago: if that holds for too large a
// part of an epoch's questions, the window becomes what was answered of that
// epoch's window. As that comes late, slow start pauses when a larger window has
// brought no more answers than the one before.
type window struct {
	size      int
	threshold int // slow start below it
	most      int // that size may reach in this epoch
	ceiling   int // what the inbox and the device's ring hold
	room      int // questions in flight, if part of them is silent
	credit    int // answers since size grew last, above the threshold

	halvedAt loop.Time // because of drops; 0: never
	shrunk   bool      // for whatever reason
	lossy    bool      // the receiver was asked too fast

	windowfuls [numWindowfuls]windowful
	windowful  uint32    // the number of the one that is being asked
	smaller    windowful // the last one of half the size or so
	plateau    int       // what was answered of a windowful that was too large; 0: of none
	patchy     bool      // live and dead ones come in blocks, so that windowfuls tell nothing

	epoch   uint8
	begins  loop.Time // when the next epoch does
	cohorts [numEpochs]cohort

	rate    rate
	retrans loop.Duration // the path's
	waiting int           // questions that are queued
	askedAt loop.Time     // when the last question was asked

	drops uint64 // the path's counter when it was looked at last
	rtt   estimator
	live  share // of the questions that are answered
}

func newWindow(drops uint64) window {
	return window{size: initialWindow, drops: drops, rtt: estimator{rto: initialRTO}, live: whole}
}

// raise makes room for an interface whose budget is larger.
func (w *window) raise(ceiling, room int) {
	w.ceiling = max(w.ceiling, ceiling)
	w.room = max(w.room, w.ceiling, room)
	if !w.shrunk {
		w.threshold, w.most = w.ceiling, w.ceiling
	}
}

// limit is how many answers may be expected at a time.
func (w *window) limit() int { return min(w.size, w.ceiling) }

// stretch is how many questions may be in flight for n expected answers. What
// fills an inbox is answers, so half of the addresses being dead is a reason for
// twice the questions. A receiver, however, is filled by questions, so that
// holds only when nothing but the inbox bounds the window.
func (w *window) stretch(n int) int {
	if w.size < w.ceiling || w.halvedAt > 0 {
		return n
	}
	return min(int(int64(n)*whole/int64(max(w.live, whole/2))), max(w.room, n))
}

// join gives the windowful of a question that is asked.
func (w *window) join(attempt uint16, now loop.Time) uint32 {
	f := &w.windowfuls[w.windowful%numWindowfuls]
	if f.asked >= f.size || f.era != w.rate.era {
		w.windowful++
		f = &w.windowfuls[w.windowful%numWindowfuls]
		*f = windowful{size: w.limit(), began: w.askedAt, era: w.rate.era}
		if w.rate.gap > 0 {
			f.size = min(f.size, roundSize)
		}
	}
	if idle := now.Sub(w.askedAt); idle > 2*max(w.rtt.rto, w.rate.gap) { // there was nothing to ask
		f.began = f.began.Add(idle)
	}
	f.asked++
	f.ended, w.askedAt = now, now
	if attempt <= maxAttempts {
		f.attempts[attempt-1].asked++
	}
	return w.windowful
}

// leave is told of every question that leaves the window.
func (w *window) leave(number uint32, attempt uint16, answered bool, now loop.Time) {
	if w.windowful-number >= numWindowfuls {
		return
	}
	f := &w.windowfuls[number%numWindowfuls]
	f.left++
	if answered {
		f.answered++
		if attempt <= maxAttempts {
			f.attempts[attempt-1].answered++
		}
	}
	if f.left == f.size {
		w.compare(f, now)
	}
}

// compare looks whether a larger windowful had more answers than a smaller one,
// now that all of its questions have left the window.
func (w *window) compare(f *windowful, now loop.Time) {
	w.live = (w.live + share(f.answered*whole/f.size)) / 2
	if w.rate.judge(w, f, now) {
		return
	}
	b := &w.smaller
	switch {
	case w.plateau > 0:
		if 2*f.answered < min(w.plateau, f.size) { // who is asked now is dead, and maybe was then
			w.patchy = true
			w.resume()
		}
	case 2*f.size < 3*b.size && f.size > b.size:
		return
	case !w.patchy && w.size < w.threshold && f.size > b.size && b.answered >= plenty &&
		5*f.answered <= 6*b.answered && 2*f.answered >= b.answered:
		w.noRoom(f.answered)
	}
	*b = *f
}

// noRoom keeps to what was answered of a windowful that was too large for the
// receiver's queue.
func (w *window) noRoom(answered int) {
	if answered < w.size {
		w.plateau, w.lossy = answered, true
		w.shrink(answered)
		w.most = w.size
	}
}

// resume goes on with slow start after a plateau.
func (w *window) resume() {
	w.plateau, w.lossy = 0, false
	w.threshold, w.most = w.ceiling, w.ceiling
}

// grow is called for a question that left a full window. In slow
// start a silent one counts as well, else a network that is dead but for one
// host would never be asked faster; beyond it only answers are a reason to grow.
func (w *window) grow(answered bool) {
	switch {
	case w.size >= min(w.most, w.ceiling):
	case w.size < w.threshold:
		w.size++
	case answered:
		if w.credit++; w.credit >= w.size {
			w.credit = 0
			w.size++
		}
	}
}

// shrink sets the window after a loss.
func (w *window) shrink(size int) {
	w.size = max(size, min(leastWindow, w.ceiling))
	w.threshold = w.size
	w.credit = 0
	w.shrunk = true
}

// sawDrops looks at the path's drop counter. Drops that come to light within a
// round trip of a halving belong to the burst that caused it.
func (w *window) sawDrops(drops uint64, now loop.Time) {
	if drops > w.drops && (w.halvedAt == 0 || now.Sub(w.halvedAt) >= w.rtt.rto) {
		w.shrink(w.limit() / 2)
		w.halvedAt = now
	}
	w.drops = drops
}

// ask gives the epoch of a question that is asked now. News of what a receiver
// lost is a RetransTimer old, so that once it has lost something the window grows
// by an eighth in that time, and not by one each round trip.
func (w *window) ask(now loop.Time, retrans loop.Duration, first bool) uint8 {
	if now >= w.begins {
		w.turn(now, retrans)
	}
	c := &w.cohorts[w.epoch%numEpochs]
	c.window = max(c.window, w.limit())
	c.asked++
	if first {
		c.first++
	}
	return w.epoch
}

// turn begins an epoch.
func (w *window) turn(now loop.Time, retrans loop.Duration) {
	w.epoch++
	w.begins = now.Add(retrans)
	w.cohorts[w.epoch%numEpochs] = cohort{}
	last, before := &w.cohorts[(w.epoch-1)%numEpochs], &w.cohorts[(w.epoch-2)%numEpochs]
	if w.plateau > 0 && before.lost < before.answered/32 {
		w.resume()
	}
	if w.most = w.ceiling; w.lossy {
		w.most = w.size + max(1, w.size/8)
	}
	w.rate.spread(last, before, w.waiting, retrans, now)
}

// answered notes the answer to a question of an epoch.
func (w *window) answered(epoch uint8) {
	if w.epoch-epoch < numEpochs {
		w.cohorts[epoch%numEpochs].answered++
	}
}

// lost notes that a question of an epoch was not answered, though the next one to
// the same address was.
func (w *window) lost(epoch uint8, now loop.Time) {
	if w.epoch-epoch >= numEpochs {
		return
	}
	c := &w.cohorts[epoch%numEpochs]
	c.lost++
	if c.lost < significant || (c.lost+c.answered)/tolerated >= c.lost {
		return
	}
	size := int(uint64(c.window) * uint64(c.answered) / uint64(c.answered+c.lost))
	if size < w.size {
		w.shrink(size)
		w.plateau, w.lossy = 0, true
		w.most = w.size
	}
	if f := &w.windowfuls[w.windowful%numWindowfuls]; !w.rate.bounded() && !w.rate.useless && !f.late() {
		w.rate.room = w.size
		w.rate.look(leastGap, now)
	}
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
