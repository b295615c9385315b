package generator

import (
	"errors"
	"math"
	"sync/atomic"

	"glean/stack/link"
	"glean/stack/loop"
)

// Batch is the most frames that one Step builds and sends.
const Batch = 64

const (
	// scanMax is how many frames without a MAC one Step passes over, so that a
	// Step is short however many flows are unresolved.
	scanMax = 4096
	// idleWait is the pause when no flow has a MAC.
	idleWait = loop.Millisecond
	// retryWait is the pause after a device took no more frames.
	retryWait = 50 * loop.Microsecond
)

// RunOptions of a start.
type RunOptions struct {
	// StartAt delays the first frame, so that several runs begin together.
	StartAt loop.Time
	// DropOverruns drops and counts what a full device does not take. Else such
	// frames are sent late.
	DropOverruns bool
	// Epoch is the Unix time of loop.Time 0 in nanoseconds; signatures carry
	// absolute time.
	Epoch uint64
	// Continue is an ended run whose sequence numbers go on where both programs
	// have a stream id.
	Continue *Run
}

// Run is one start of a program. Step is called by one transmitter; Stop,
// Counters, Flow and ProtocolCounters may be called from anywhere.
type Run struct {
	p       *Program
	options RunOptions
	stop    atomic.Bool
	beganAt atomic.Int64 // -1 until it did

	published published
	flows     []flowCount

	// The rest belongs to the caller of Step.
	tally   tally
	cursors []cursor
	def     int    // whose turn it is
	left    uint64 // frames of its turn
	slots   [Batch]slot
	frames  [Batch][]byte
	head    int // frames[head:tail] wait for the device
	tail    int
	begun   bool
	ended   bool
	err     error
	begin   loop.Time // of the run
	origin  loop.Time // of the schedule; later than begin by the time in which no flow had a MAC
	changes uint64    // of adjacencies, when frames were built
	barren  uint64    // frames passed over since the last one with a MAC
	idleAt  uint64    // changes when a whole round was barren, +1
}

// NewRun prepares a run of a program.
func NewRun(p *Program, o RunOptions) *Run {
	r := &Run{p: p, options: o, cursors: make([]cursor, len(p.defs)), left: p.blocks[0]}
	for i := range r.cursors {
		r.cursors[i].init(&p.defs[i])
	}
	buffers := make([]byte, Batch*(p.room+slack))
	for i := range r.slots {
		r.slots[i] = slot{buffer: buffers[i*(p.room+slack) : (i+1)*(p.room+slack)], def: -1}
	}
	if p.flows <= MaxCountedFlows {
		r.flows = make([]flowCount, p.flows)
	}
	r.tally.first, r.tally.last = NoTime, NoTime
	r.beganAt.Store(-1)
	r.tally.classes = make([]uint64, len(p.classes))
	r.published.classes = make([]atomic.Uint64, len(p.classes))
	r.published.store(&r.tally)
	if o.Continue != nil {
		r.continueFrom(o.Continue)
	}
	return r
}

// continueFrom takes over the sequence numbers of streams that both runs have.
func (r *Run) continueFrom(old *Run) {
	next := make(map[uint32]uint32)
	old.streams(func(stream uint32, seq *uint32) { next[stream] = *seq })
	r.streams(func(stream uint32, seq *uint32) { *seq = next[stream] })
}

func (r *Run) streams(visit func(stream uint32, seq *uint32)) {
	for i := range r.cursors {
		for flow := range r.cursors[i].seq {
			visit(r.p.defs[i].signature.stream(uint64(flow)), &r.cursors[i].seq[flow])
		}
	}
}

// Program is what the run runs.
func (r *Run) Program() *Program { return r.p }

// Stop makes the next Step end the run. A transmitter that waits between steps
// has its own way to be woken.
func (r *Run) Stop() { r.stop.Store(true) }

// Err is why the run ended, nil if by itself or by Stop. It is for the caller
// of Step.
func (r *Run) Err() error { return r.err }

// Step builds and sends what is due at now, at most Batch frames, and tells
// when to call it again; running is false when the run has ended. It allocates
// nothing. An ended run's reason is in Err.
func (r *Run) Step(now loop.Time, q link.Queue) (next loop.Time, running bool) {
	if r.ended {
		return loop.Never, false
	}
	if !r.begun {
		if now < r.options.StartAt && !r.stop.Load() {
			return r.options.StartAt, true
		}
		r.begun, r.begin, r.origin = true, now, now
		if r.options.StartAt > 0 { // not later by the transmitter's own delay
			r.begin, r.origin = min(now, r.options.StartAt), min(now, r.options.StartAt)
		}
		r.beganAt.Store(int64(r.begin))
	}
	next = r.step(now, q)
	r.published.store(&r.tally)
	return next, !r.ended
}

func (r *Run) step(now loop.Time, q link.Queue) loop.Time {
	p := &r.p.pace
	over := p.end > 0 && now.Sub(r.begin) >= p.end
	if over {
		r.tally.due = p.due(r.begin.Add(p.end).Sub(r.origin) - 1)
	} else {
		r.tally.due = max(r.tally.due, p.due(now.Sub(r.origin)))
	}
	if over || r.stop.Load() {
		return r.finish(nil)
	}
	if r.head == r.tail {
		r.build(now, min(r.tally.due-r.tally.made, Batch))
	} else if r.changes != r.p.changes.Load() {
		r.refresh()
	}
	if r.head < r.tail && !r.send(now, q) {
		return r.until(now.Add(retryWait))
	}
	switch {
	case r.ended:
		return loop.Never
	case p.end == 0 && r.tally.made >= p.limit:
		return r.finish(nil)
	case r.tally.made >= p.limit:
		return r.begin.Add(p.end)
	case r.idle():
		return r.pause(now)
	case r.tally.made < r.tally.due:
		return now
	}
	return r.until(r.origin.Add(p.when(r.tally.made)))
}

// until is t, or the run's end if that is earlier.
func (r *Run) until(t loop.Time) loop.Time {
	if r.p.pace.end > 0 {
		return min(t, r.begin.Add(r.p.pace.end))
	}
	return t
}

// finish ends the run. Frames that wait for the device do not leave any more.
func (r *Run) finish(err error) loop.Time {
	r.ended, r.err = true, err
	r.head, r.tail = 0, 0
	return loop.Never
}

// idle tells whether a whole round of flows had no MAC and none has changed
// since.
func (r *Run) idle() bool { return r.idleAt == r.p.changes.Load()+1 }

// pause puts the schedule off: time in which no flow has a MAC is not made up
// for.
func (r *Run) pause(now loop.Time) loop.Time {
	next := now.Add(idleWait)
	r.origin = max(r.origin, next-loop.Time(r.p.pace.when(r.tally.made)))
	r.tally.due = r.tally.made
	return r.until(next)
}

// build makes up to n frames.
func (r *Run) build(now loop.Time, n uint64) {
	r.head, r.tail = 0, 0
	if changes := r.p.changes.Load(); changes != r.changes {
		r.changes, r.barren = changes, 0
	}
	if r.idle() {
		return
	}
	for scanned := 0; uint64(r.tail) < n && scanned < scanMax; {
		def := r.def
		d, c := &r.p.defs[def], &r.cursors[def]
		s := &r.slots[r.tail]
		mac := uint64(0)
		if d.learned {
			var ok bool
			if mac, ok = r.destination(d, c, s); !ok {
				scanned++
				r.pass(c, d)
				if r.idle() {
					break
				}
				continue
			}
		}
		r.barren = 0
		r.frames[r.tail] = r.frame(s, def, mac, now)
		r.tail++
		c.advance(d)
		r.turn()
	}
	r.tally.made += uint64(r.tail)
}

// destination loads the next hop's word; ok is false if the policy is that the
// frame must not leave.
func (r *Run) destination(d *definition, c *cursor, s *slot) (mac uint64, ok bool) {
	s.adj = c.adjacency(d)
	s.word = r.p.words[s.adj].Load()
	return r.resolve(s.word, d, c)
}

func (r *Run) resolve(word uint64, d *definition, c *cursor) (mac uint64, ok bool) {
	switch AdjacencyState(word >> macBits) {
	case AdjacencyResolved, AdjacencyStale:
		return word & macMask, true
	}
	l := &r.p.config.Learning
	if l.Policy != PolicyFallback {
		return 0, false
	}
	if l.HasFallback {
		return l.Fallback.Uint64(), true
	}
	return c.templateMAC(d), true
}

// pass leaves a frame out of the schedule.
func (r *Run) pass(c *cursor, d *definition) {
	r.tally.skipped++
	r.barren++
	if r.barren >= r.p.round {
		r.barren = 0
		r.idleAt = r.changes + 1
	}
	c.advance(d)
	r.turn()
}

// turn gives the turn to the next definition when this one has had its frames.
func (r *Run) turn() {
	if r.left--; r.left > 0 {
		return
	}
	if r.def++; r.def == len(r.p.blocks) {
		r.def = 0
	}
	r.left = r.p.blocks[r.def]
}

// refresh brings frames that still wait for the device up to date with their
// adjacencies. One that has lost its MAC goes back to the schedule.
func (r *Run) refresh() {
	r.changes, r.barren = r.p.changes.Load(), 0
	kept := r.head
	for i := r.head; i < r.tail; i++ {
		s := &r.slots[i]
		d := &r.p.defs[s.def]
		if d.learned {
			word := r.p.words[s.adj].Load()
			mac, ok := word&macMask, word>>macBits == uint64(AdjacencyResolved) || word>>macBits == uint64(AdjacencyStale)
			if !ok && word != s.word {
				r.tally.skipped++
				r.tally.made--
				continue
			}
			if ok {
				s.word = word
				putMAC(s.buffer, mac)
			}
		}
		r.frames[kept], r.frames[i] = r.frames[i], r.frames[kept]
		r.slots[kept], r.slots[i] = r.slots[i], r.slots[kept]
		kept++
	}
	r.tail = kept
}

// send gives waiting frames to the device and accounts for them. It tells
// whether none waits any more.
func (r *Run) send(now loop.Time, q link.Queue) bool {
	for r.head < r.tail {
		taken, err := q.Send(r.frames[r.head:r.tail])
		r.account(r.head, r.head+taken, now)
		if r.head += taken; r.head == r.tail {
			break
		}
		switch {
		case err == nil || errors.Is(err, link.ErrFull):
			if !r.options.DropOverruns {
				return false
			}
			r.drop(&r.tally.dropped, &r.tally.droppedOctets)
		case errors.Is(err, link.ErrDown):
			r.drop(&r.tally.errors, nil)
		case errors.Is(err, link.ErrDeleted) || errors.Is(err, link.ErrClosed):
			r.drop(&r.tally.errors, nil)
			r.finish(err)
		default: // something about the first frame left
			r.tally.errors++
			r.tally.lost += uint64(len(r.frames[r.head]) + fcs)
			r.head++
		}
	}
	return true
}

// drop gives up all waiting frames and counts them.
func (r *Run) drop(count, octets *uint64) {
	for ; r.head < r.tail; r.head++ {
		n := uint64(len(r.frames[r.head]) + fcs)
		*count++
		r.tally.lost += n
		if octets != nil {
			*octets += n
		}
	}
}

// account counts frames that the device took.
func (r *Run) account(from, to int, now loop.Time) {
	if from == to {
		return
	}
	t := &r.tally
	moved := r.changes != r.p.changes.Load()
	for i := from; i < to; i++ {
		s := &r.slots[i]
		octets := uint64(len(r.frames[i]) + fcs)
		t.octets += octets
		t.classes[s.class]++
		if r.flows != nil {
			r.flows[s.flow].add(octets, now)
		}
		if d := &r.p.defs[s.def]; d.learned && (s.word>>macBits == uint64(AdjacencyStale) ||
			moved && r.p.words[s.adj].Load()&macMask != s.word&macMask) {
			t.stale++
		}
	}
	t.actual += uint64(to - from)
	if t.first == NoTime {
		t.first = now
	}
	t.last = now
}

// setRound finds after how many frames every flow has had its turn, or
// enough of them to say that none has a MAC.
func (p *Program) setRound() {
	const most = 1 << 22
	sum, groups := uint64(0), uint64(1)
	for i := range p.blocks {
		sum = min(sum+min(p.blocks[i], most), most)
		groups = max(groups, min(p.defs[i].flows, most)/p.blocks[i]+1)
	}
	p.round = most
	switch {
	case len(p.defs) == 1:
		p.round = min(p.defs[0].flows, most)
	case p.config.Order == OrderSequential:
		p.round = sum
	default:
		if n, ok := product(groups, sum); ok {
			p.round = min(n, most)
		}
	}
}

// Remaining tells how much of a run is left.
func (r *Run) Remaining(now loop.Time) Remaining {
	p := &r.p.pace
	switch {
	case p.end > 0:
		first := loop.Time(r.beganAt.Load())
		left := p.end
		if first >= 0 {
			left = max(0, p.end-now.Sub(first))
		}
		return Remaining{UnitSeconds, uint64(left+loop.Second-1) / uint64(loop.Second)}
	case p.limit != math.MaxUint64:
		return Remaining{UnitFrames, p.limit - min(p.limit, r.published.words[0].Load())}
	}
	return Remaining{}
}

// Remaining is what is left of a run.
type Remaining struct {
	Unit  Unit
	Value uint64 // not for UnitIndefinite
}

// Unit of Remaining.
type Unit uint8

// Units.
const (
	UnitIndefinite Unit = iota
	UnitFrames
	UnitSeconds
)

// String gives the word used in the API.
func (u Unit) String() string { return [...]string{"indefinite", "frames", "seconds"}[u] }
