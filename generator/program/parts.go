package program

import (
	"math"
	"math/bits"

	"glean/generator/traffic"
	"glean/stack/loop"
)

// A run can be split into parts, one for each queue of a port with several. Part
// p of n has the flows whose number is p modulo n, so a flow's frames stay in
// order on one queue, and it has these frames' places in the schedule of the
// whole, so the parts need not know of each other: each is a Run with a
// transmitter of its own, and all frames leave when they would if one
// transmitter sent them all. Only where flows without a MAC are passed over does
// a part differ: its share of the rate goes to its own other flows.

// spot is where a part stands among the frames of a definition. Frames of the
// part are by frames apart, except from a round's last to the next one's first.
type position struct {
	first, parts uint64 // the part's flows of the definition are first, first+by, ...
	flows, gap   uint64 // so many; the last one's frame is gap frames before the first one's next
	total        uint64 // flows of the definition
	flow         uint64 // whose turn it is, counted among the part's own
	index        uint64 // of its frame among the definition's
}

func newPosition(d *definition, part, of uint64) position {
	s := position{first: (part + of - d.first%of) % of, parts: of, total: d.flows}
	if s.index = s.first; s.first < d.flows {
		s.flows = (d.flows-s.first-1)/of + 1
		s.gap = d.flows - of*(s.flows-1)
	}
	return s
}

// even reports whether the part's frames are all equally far apart.
func (s *position) evenlySpaced() bool { return s.gap == s.parts }

// number is which flow of the definition one of the part's own is.
func (s *position) number(flow uint64) uint64 { return s.first + flow*s.parts }

// far is how far n frames of the part go on. If the frames are not even, they
// are of one round.
func (s *position) distance(n uint64) uint64 {
	if s.flow+n >= s.flows {
		return (n-1)*s.parts + s.gap
	}
	return n * s.parts
}

// move goes on by n frames.
func (s *position) move(n uint64) {
	s.index += s.distance(n)
	if s.flow += n; s.flow >= s.flows {
		s.flow %= s.flows
	}
}

// before is how many of the definition's first n frames are the part's.
func (s *position) before(n uint64) uint64 {
	own, rest := n/s.total*s.flows, n%s.total
	if rest > s.first {
		own += (rest-s.first-1)/s.parts + 1
	}
	return own
}

// lane is the schedule of a part.
type partSchedule struct {
	whole *Run
	part  uint64 // of so many
	of    uint64
	walk  interleaver       // of the places that a part's frames have in the schedule
	ahead [Batch + 1]uint64 // the next ones; the first used ones are frames of the batch
	used  int
}

func newPartSchedule(whole *Run, part, of uint64) *partSchedule {
	s := &partSchedule{whole: whole, part: part, of: of, walk: newInterleaver(whole.p, part, of), used: Batch + 1}
	s.fill()
	return s
}

// fill forgets the places that are used.
func (s *partSchedule) fill() {
	kept := copy(s.ahead[:], s.ahead[s.used:])
	w := &s.walk
	for i := kept; i < len(s.ahead); i++ {
		s.ahead[i] = w.frameNumber()
		w.positions[w.def].move(1)
		w.advance(1)
	}
	s.used = 0
}

// place is the number that the next frame has in the schedule.
func (r *Run) frameNumber() uint64 {
	if r.schedule == nil {
		return r.tally.made
	}
	return r.schedule.ahead[r.schedule.used]
}

// ready is how many frames of a batch are due. No frame waits for the device.
func (r *Run) ready() uint64 {
	s := r.schedule
	if s == nil {
		return min(r.tally.due-r.tally.made, Batch)
	}
	s.fill()
	n := uint64(0)
	for n < Batch && s.ahead[n] < r.tally.due {
		n++
	}
	return n
}

// took counts n frames that have their place in the schedule; below zero, frames
// that give it back.
func (r *Run) countMade(n int) {
	r.tally.made += uint64(n)
	if r.schedule != nil {
		r.schedule.used += n
	}
}

// begins is when the schedule begins: of a part, when the first part began.
func (r *Run) begins(now loop.Time) loop.Time {
	if r.options.StartAt > 0 { // not later by the transmitter's own delay
		now = min(now, r.options.StartAt)
	}
	if r.schedule != nil {
		if began := &r.schedule.whole.beganAt; !began.CompareAndSwap(-1, int64(now)) {
			now = loop.Time(began.Load())
		}
	}
	r.beganAt.Store(int64(now))
	return now
}

// Split divides a run that has not begun into parts for up to queues
// transmitters, each of which steps one of the parts; it gives the run itself if
// there is nothing to divide. The counters of the run are then those of all
// parts, and Stop stops them all.
func (r *Run) Split(queues int) []*Run {
	of := r.divisor(queues)
	if of == 1 {
		return []*Run{r}
	}
	for part := range of {
		q := newRun(r.p, r.options, newPartSchedule(r, part, of))
		for i := range q.cursors { // they go on where another run ended
			from, to := r.cursors[i].seq, &q.cursors[i]
			for flow := range to.seq {
				to.seq[flow] = from[to.number(uint64(flow))]
			}
		}
		r.parts = append(r.parts, q)
	}
	r.cursors, r.lookahead, r.flows, r.flowOf, r.buffer, r.columns = nil, lookahead{}, nil, nil, nil, batchColumns{}
	r.slots, r.frameOf, r.slotRanges = nil, nil, nil
	return r.parts
}

// Queues is how many transmitters the run has: the number of its parts, or 1.
func (r *Run) Queues() int { return max(1, len(r.parts)) }

// divisor is how many parts a run can have, up to most: each has a flow that can
// be sent now, so that none waits from the start with its share of the frames.
func (r *Run) divisor(most int) uint64 {
	sum := uint64(0)
	for _, block := range r.p.blocks {
		var carry uint64
		if sum, carry = bits.Add64(sum, block, 0); carry != 0 && len(r.p.blocks) > 1 {
			return 1 // the sequence is too long to number its frames
		}
	}
	for of := min(uint64(max(most, 1)), r.p.flows); of > 1; of-- {
		if r.p.divisible(of) {
			return of
		}
	}
	return 1
}

func (p *Program) divisible(of uint64) bool {
	for part := range of {
		if !p.partCanSend(part, of) {
			return false
		}
	}
	return true
}

// partSendable reports whether a part has a flow that can be sent now. It does not
// look for ever.
func (p *Program) partCanSend(part, of uint64) bool {
	looked := 0
	for i := range p.defs {
		d := &p.defs[i]
		s := newPosition(d, part, of)
		for flow := range s.flows {
			if !d.learned || p.config.Learning.Policy == traffic.PolicyFallback || p.flowHasMAC(d, s.number(flow)) {
				return true
			}
			if looked++; looked == scanMax {
				return false
			}
		}
	}
	return false
}

// flowHasMAC reports whether a learned flow of a definition can be sent.
func (p *Program) flowHasMAC(d *definition, flow uint64) bool {
	adj := d.adj
	if d.adjModifier >= 0 {
		o := &d.modifiers[d.adjModifier]
		adj = d.adjOf[flow/o.stride%o.values.Count]
	}
	_, state := p.Adjacency(adj)
	return state.HasMAC()
}

// undivided is the run that a part is of.
func (r *Run) undivided() *Run {
	if r.schedule != nil {
		return r.schedule.whole
	}
	return r
}

// partOf finds the part that has a flow, and the flow's number there.
func (r *Run) partOf(flow uint64) (*Run, uint64) {
	if n := uint64(len(r.parts)); n > 0 {
		return r.parts[flow%n], flow / n
	}
	return r, flow
}

// ownFlows is how many flows a run, or a part of one, has.
func (r *Run) ownFlows() (n uint64) {
	for i := range r.cursors {
		n += r.cursors[i].flows
	}
	return n
}

// owed is how many of the first n frames of the schedule are the run's.
func (r *Run) owed(n uint64) uint64 {
	if r.schedule == nil || n == math.MaxUint64 {
		return n
	}
	return r.schedule.walk.before(n)
}

// made is how many frames were taken from the schedule.
func (r *Run) made() (n uint64) {
	for _, part := range r.parts {
		n += part.made()
	}
	return n + r.published.load().made
}

// classed is how many frames of a class of protocol counters were sent.
func (r *Run) classed(class int) (n uint64) {
	for _, part := range r.parts {
		n += part.classed(class)
	}
	return n + r.published.classes[class].Load()
}

// Plus adds the counters of two runs, or of two parts of one.
func (c Counters) Plus(d Counters) Counters {
	c.PacketsIntended += d.PacketsIntended
	c.OctetsIntended += d.OctetsIntended
	c.PacketsActual += d.PacketsActual
	c.OctetsActual += d.OctetsActual
	c.PacketsDropped += d.PacketsDropped
	c.OctetsDropped += d.OctetsDropped
	c.PacketsSkipped += d.PacketsSkipped
	c.PacketsToStale += d.PacketsToStale
	c.PacketsToUnconfirmed += d.PacketsToUnconfirmed
	c.Errors += d.Errors
	if c.First == NoTime || d.First != NoTime && d.First < c.First {
		c.First = d.First
	}
	c.Last = max(c.Last, d.Last)
	return c
}
