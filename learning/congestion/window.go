package congestion

import "glean/stack/loop"

// Bounds of the window. It counts solicitations, not octets; otherwise it follows
// RFC 5681 section 3.1 (slow start and congestion avoidance).
const (
	initialWindow = 64 // well below any device ring
	minWindow     = 16 // after any number of losses
)

// A network may lose a part of all frames by chance, and a lower rate does not help
// it. A quarter is more than a tenth lost each way. It is also what a receiver drops
// that is asked a third faster than it can reply.
const (
	toleratedLoss   = 4  // one in so many
	significantLoss = 32 // lost solicitations that are no accident
)

// Epochs is how many epochs a window remembers. Epoch numbers wrap at 256; callers
// keep the distance of two of them only up to Epochs-1.
const Epochs = 32

// epochStats counts the solicitations of an epoch, which lasts one RetransTimer, and
// their fates as far as they are known. Solicitations to dead addresses are neither
// answered nor lost.
type epochStats struct {
	window                      int    // the largest in the epoch
	sent, first, answered, lost uint32 // first: the first ones to an address
}

// round is a window's worth of consecutive solicitations, about one round trip's: as
// many as the window had when the first of them was sent.
type round struct {
	size, sent, left, answered int
	attempts                   tallies
	began, ended               loop.Time // when the solicitation before the first was sent, and the last one
	era                        uint32    // of the rate
}

// late reports whether most solicitations of the round are third or later ones.
func (r *round) late() bool {
	early := 0
	for i := range r.attempts {
		early += r.attempts[i].sent
	}
	return 2*early < r.sent
}

// numRounds is how many rounds may be in flight at a time.
const numRounds = 8

// fraction is a part of one.
type fraction int32

const one = 1 << 16

// minReplies is how many replies of a round make it comparable with another one.
const minReplies = 32

// Window bounds the solicitations in flight on a port, and by its rate those a
// second. See the package comment for the signs of loss that it reacts to.
type Window struct {
	cwnd        int
	ssthresh    int // slow start below it
	cwndLimit   int // what cwnd may reach in this epoch
	maxWindow   int // what the inbox and the device's ring hold
	maxInFlight int // if a part of what is in flight is silent
	credit      int // replies since cwnd grew last, at or above ssthresh

	halvedAt loop.Time // because of drops; 0: never
	shrunk   bool      // for whatever reason
	lossy    bool      // the receiver was asked too fast

	rounds    [numRounds]round
	round     uint32 // the number of the one that is being sent
	smaller   round  // the last one of about half the size
	plateau   int    // the replies to a round that was too large; 0: there was none
	clustered bool   // live and dead addresses come in blocks: comparing rounds says nothing

	epoch     uint8
	epochEnds loop.Time
	epochs    [Epochs]epochStats

	rate    rate
	retrans loop.Duration // the port's RetransTimer
	backlog int           // solicitations that are queued
	sentAt  loop.Time     // when the last solicitation was sent

	drops uint64 // the port's drop counter when it was read last
	rtt   rttEstimator
	live  fraction // of the solicitations that are answered
}

// New returns the window of a port whose drop counter reads drops. Grow its limits
// with Raise.
func New(drops uint64) Window {
	return Window{cwnd: initialWindow, drops: drops, rtt: rttEstimator{rto: initialRTO}, live: one}
}

// Raise adds an interface whose budget allows maxWindow expected replies, and
// maxInFlight solicitations where part of the addresses is dead.
func (w *Window) Raise(maxWindow, maxInFlight int) {
	w.maxWindow = max(w.maxWindow, maxWindow)
	w.maxInFlight = max(w.maxInFlight, w.maxWindow, maxInFlight)
	if !w.shrunk {
		w.ssthresh, w.cwndLimit = w.maxWindow, w.maxWindow
	}
}

// SetBacklog sets how many solicitations are queued, and the port's RetransTimer.
func (w *Window) SetBacklog(queued int, retrans loop.Duration) {
	w.backlog, w.retrans = queued, retrans
}

// Limit returns how many replies may be expected at a time.
func (w *Window) Limit() int { return min(w.cwnd, w.maxWindow) }

// InFlight returns how many solicitations may be in flight for n expected replies.
// Replies fill an inbox, so if half of the addresses are dead, twice the
// solicitations may be in flight. A receiver, however, is filled by solicitations, so
// this holds only while nothing but the inbox bounds the window.
func (w *Window) InFlight(n int) int {
	if w.cwnd < w.maxWindow || w.halvedAt > 0 {
		return n
	}
	return min(int(int64(n)*one/int64(max(w.live, one/2))), max(w.maxInFlight, n))
}

// NextAt returns the earliest time at which the rate permits a solicitation.
func (w *Window) NextAt() loop.Time { return w.rate.NextAt }

// RepeatsFirst reports whether repeats go before first solicitations, because their
// replies show whether the rate is needed.
func (w *Window) RepeatsFirst(now loop.Time) bool { return w.rate.doubtful(w.retrans, now) }

// FirstQueued ends the spreading of repeats, because a first solicitation is queued.
func (w *Window) FirstQueued(now loop.Time) { w.rate.unspread(now) }

// Sent records the attempt-th solicitation to an address (from 1). It returns the
// epoch and the round that the solicitation belongs to.
func (w *Window) Sent(attempt uint16, now loop.Time) (epoch uint8, round uint32) {
	epoch = w.countInEpoch(now, attempt == 1)
	round = w.countInRound(attempt, now)
	w.rate.Pace(now)
	return epoch, round
}

// countInEpoch counts a solicitation in the current epoch.
func (w *Window) countInEpoch(now loop.Time, first bool) uint8 {
	if now >= w.epochEnds {
		w.beginEpoch(now)
	}
	e := &w.epochs[w.epoch%Epochs]
	e.window = max(e.window, w.Limit())
	e.sent++
	if first {
		e.first++
	}
	return w.epoch
}

// beginEpoch begins an epoch. News of loss is a RetransTimer old, so that once a
// receiver has lost something the window grows by an eighth in that time, and not by
// one each round trip.
func (w *Window) beginEpoch(now loop.Time) {
	w.epoch++
	w.epochEnds = now.Add(w.retrans)
	w.epochs[w.epoch%Epochs] = epochStats{}
	last, before := &w.epochs[(w.epoch-1)%Epochs], &w.epochs[(w.epoch-2)%Epochs]
	if w.plateau > 0 && before.lost < before.answered/32 {
		w.resume()
	}
	if w.cwndLimit = w.maxWindow; w.lossy {
		w.cwndLimit = w.cwnd + max(1, w.cwnd/8)
	}
	w.rate.spread(last, before, w.backlog, w.retrans, now)
}

// countInRound counts a solicitation in the current round.
func (w *Window) countInRound(attempt uint16, now loop.Time) uint32 {
	r := &w.rounds[w.round%numRounds]
	if r.sent >= r.size || r.era != w.rate.era {
		w.round++
		r = &w.rounds[w.round%numRounds]
		*r = round{size: w.Limit(), began: w.sentAt, era: w.rate.era}
		if w.rate.Gap > 0 {
			r.size = min(r.size, pacedRound)
		}
	}
	if idle := now.Sub(w.sentAt); idle > 2*max(w.rtt.rto, w.rate.Gap) { // nothing was queued
		r.began = r.began.Add(idle)
	}
	r.sent++
	r.ended, w.sentAt = now, now
	if attempt <= maxAttempts {
		r.attempts[attempt-1].sent++
	}
	return w.round
}

// Left records that a solicitation of a round is no longer in flight: it was
// answered, or it counts as silent.
func (w *Window) Left(number uint32, attempt uint16, answered bool, now loop.Time) {
	if w.round-number >= numRounds {
		return
	}
	r := &w.rounds[number%numRounds]
	r.left++
	if answered {
		r.answered++
		if attempt <= maxAttempts {
			r.attempts[attempt-1].answered++
		}
	}
	if r.left == r.size {
		w.compare(r, now)
	}
}

// compare compares a round of which nothing is in flight any more with a smaller one:
// if it had no more replies, the window has reached a plateau.
func (w *Window) compare(r *round, now loop.Time) {
	w.live = (w.live + fraction(r.answered*one/r.size)) / 2
	if w.rate.judge(w, r, now) {
		return
	}
	s := &w.smaller
	switch {
	case w.plateau > 0:
		if 2*r.answered < min(w.plateau, r.size) { // these addresses are dead, and those of the plateau may have been
			w.clustered = true
			w.resume()
		}
	case 2*r.size < 3*s.size && r.size > s.size:
		return
	case !w.clustered && w.cwnd < w.ssthresh && r.size > s.size && s.answered >= minReplies &&
		5*r.answered <= 6*s.answered && 2*r.answered >= s.answered:
		w.reachPlateau(r.answered)
	}
	*s = *r
}

// reachPlateau shrinks the window to the replies to a round that was too large for
// the receiver's queue.
func (w *Window) reachPlateau(answered int) {
	if answered < w.cwnd {
		w.plateau, w.lossy = answered, true
		w.shrink(answered)
		w.cwndLimit = w.cwnd
	}
}

// resume continues slow start after a plateau.
func (w *Window) resume() {
	w.plateau, w.lossy = 0, false
	w.ssthresh, w.cwndLimit = w.maxWindow, w.maxWindow
}

// Grow enlarges the window for a solicitation that left a full one. In slow start a
// silent solicitation counts as well: otherwise a network with one live host would
// never be asked faster. Beyond ssthresh only replies count.
func (w *Window) Grow(answered bool) {
	switch {
	case w.cwnd >= min(w.cwndLimit, w.maxWindow):
	case w.cwnd < w.ssthresh:
		w.cwnd++
	case answered:
		if w.credit++; w.credit >= w.cwnd {
			w.credit = 0
			w.cwnd++
		}
	}
}

// shrink sets the window after a loss.
func (w *Window) shrink(size int) {
	w.cwnd = max(size, min(minWindow, w.maxWindow))
	w.ssthresh = w.cwnd
	w.credit = 0
	w.shrunk = true
}

// SawDrops compares the port's drop counter with its last reading, and halves the
// window if it has risen. Drops within an RTO of a halving belong to the burst that
// caused it.
func (w *Window) SawDrops(drops uint64, now loop.Time) {
	if drops > w.drops && (w.halvedAt == 0 || now.Sub(w.halvedAt) >= w.rtt.rto) {
		w.shrink(w.Limit() / 2)
		w.halvedAt = now
	}
	w.drops = drops
}

// Answered records the reply to a solicitation of an epoch.
func (w *Window) Answered(epoch uint8) {
	if w.epoch-epoch < Epochs {
		w.epochs[epoch%Epochs].answered++
	}
}

// Lost records that a solicitation of an epoch was lost: the next one to the same
// address was answered.
func (w *Window) Lost(epoch uint8, now loop.Time) {
	if w.epoch-epoch >= Epochs {
		return
	}
	e := &w.epochs[epoch%Epochs]
	e.lost++
	if e.lost < significantLoss || (e.lost+e.answered)/toleratedLoss >= e.lost {
		return
	}
	size := int(uint64(e.window) * uint64(e.answered) / uint64(e.answered+e.lost))
	if size < w.cwnd {
		w.shrink(size)
		w.plateau, w.lossy = 0, true
		w.cwndLimit = w.cwnd
	}
	if r := &w.rounds[w.round%numRounds]; !w.rate.bounded() && !w.rate.useless && !r.late() {
		w.rate.plateau = w.cwnd
		w.rate.beginSearch(minGap, now)
	}
}

// SampleRTT records a round trip. The caller leaves out those of repeats, of which
// it is unknown which solicitation was answered (Karn's rule, RFC 6298 section 3).
func (w *Window) SampleRTT(rtt loop.Duration) { w.rtt.sample(rtt) }

// RTO returns the retransmission time-out: a solicitation counts as silent after it.
func (w *Window) RTO() loop.Duration { return w.rtt.rto }

// Reordering returns how much later than the reply to a later solicitation a reply
// may come. It means something only after a sample.
func (w *Window) Reordering() loop.Duration { return 4 * w.rtt.variation }

// DisableRate keeps the window from searching a policer's rate, as a failed search
// does. Tests measure with it what the rate gains.
func (w *Window) DisableRate() { w.rate.useless = true }

// State is a copy of what a window has found out, for tests and reports.
type State struct {
	Cwnd, Ssthresh         int
	MaxWindow, MaxInFlight int
	SmoothedRTT            loop.Duration // 0 before the first sample
	Gap                    loop.Duration // between solicitations; 0: the window alone decides
}

// State returns what the window has found out.
func (w *Window) State() State {
	return State{w.cwnd, w.ssthresh, w.maxWindow, w.maxInFlight, w.rtt.smoothed, w.rate.Gap}
}
