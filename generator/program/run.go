package program

import (
	"errors"
	"math"
	"sync/atomic"

	"glean/generator/traffic"
	"glean/internal/arith"
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
	// A device that took no more frames is tried again after retryWait, and twice
	// as long each time that it takes none at all, up to retryMax.
	retryWait = 50 * loop.Microsecond
	retryMax  = loop.Millisecond
)

// RunOptions of a start.
type RunOptions struct {
	// StartAt delays the first frame, so that several runs begin together.
	StartAt loop.Time
	// DropOverruns drops and counts what a full device does not take. Else such
	// frames are sent late.
	DropOverruns bool
	// Epoch is the Unix time of loop.Time 0 in nanoseconds; signatures carry
	// absolute time. It stays the same during a run, also if the clock is set
	// meanwhile, so that the times in its signatures never go back.
	Epoch uint64
	// Continue is an ended run whose sequence numbers go on where both programs
	// have a stream id.
	Continue *Run
}

// Run is one start of a program. Step is called by one transmitter; Stop,
// Counters, Flow and ProtocolCounters may be called from anywhere.
type Run struct {
	p        *Program
	options  RunOptions
	parts    []*Run        // see Split; they are stepped, and not the run itself
	schedule *partSchedule // nil unless this is a part
	stop     atomic.Bool
	beganAt  atomic.Int64 // -1 until it did

	published published
	flows     []flowCount
	staleBy   atomic.Pointer[staleCounts] // nil until the first change

	// The rest belongs to the caller of Step.
	tally      tally
	cursors    []cursor
	lookahead  lookahead
	frames     [Batch][]byte // in the order in which they leave
	slotOf     [Batch]int    // by frame
	head       int           // frames[head:tail] wait for the device
	tail       int
	slots      []frameSlot
	frameOf    [][]byte // by slot: the frame in it
	flowOf     []uint64 // by slot: its flow counted among the run's own, if it is counted or signed
	buffer     []byte   // of all slots, stride octets each
	stride     int
	slotRanges []slotRange
	batch      uint64  // number of the batch, from 1 on
	groups     []group // of the present plan
	columns    batchColumns
	doubtful   bool // a frame of the batch goes to a stale or unconfirmed MAC
	begun      bool
	ended      bool
	err        error
	begin      loop.Time     // of the run
	origin     loop.Time     // of the schedule; later than begin by the time in which no flow had a MAC
	changes    uint64        // of adjacencies, when frames were built
	retry      loop.Duration // pause before the device is tried again
	unsendable uint64        // frames passed over since the last one with a MAC
	idleAt     uint64        // changes when a whole round was barren, +1
}

// NewRun prepares a run of a program.
func NewRun(p *Program, o RunOptions) *Run {
	r := newRun(p, o, nil)
	if o.Continue != nil {
		r.continueFrom(o.Continue)
		r.options.Continue = nil // else a chain of toggles would be kept for ever
	}
	return r
}

func newRun(p *Program, o RunOptions, s *partSchedule) *Run {
	part, of := uint64(0), uint64(1)
	if s != nil {
		part, of = s.part, s.of
	}
	r := &Run{p: p, options: o, schedule: s, lookahead: newLookahead(newInterleaver(p, part, of)), cursors: make([]cursor, len(p.defs))}
	for i := range r.cursors {
		r.cursors[i].init(&p.defs[i], newPosition(&p.defs[i], part, of))
	}
	r.stride = (p.maxOctets + slack + 1) &^ 1 // even, so that places in a frame are odd where they are in the buffer
	r.makeSlots(r.layOut())
	if p.flows <= MaxCountedFlows {
		r.flows = make([]flowCount, r.ownFlows())
	}
	r.tally.first, r.tally.last = NoTime, NoTime
	r.beganAt.Store(-1)
	r.tally.classes = make([]uint64, len(p.classes))
	r.published.classes = make([]atomic.Uint64, len(p.classes))
	r.published.store(&r.tally)
	return r
}

// makeSlots makes n slots that hold nothing yet.
func (r *Run) makeSlots(n int) {
	r.buffer, r.frameOf, r.flowOf = make([]byte, n*r.stride), make([][]byte, n), make([]uint64, n)
	r.slots, r.groups = make([]frameSlot, n), make([]group, 0, Batch)
	for i := range r.slots {
		r.slots[i].def = -1
	}
	r.columns = r.p.newColumns(n)
}

// continueFrom takes over the sequence numbers of streams that both runs have.
func (r *Run) continueFrom(old *Run) {
	next := make(map[uint32]uint32)
	old.streams(func(stream uint32, seq *uint32) { next[stream] = *seq })
	r.streams(func(stream uint32, seq *uint32) { *seq = next[stream] })
}

func (r *Run) streams(visit func(stream uint32, seq *uint32)) {
	for _, part := range r.parts {
		part.streams(visit)
	}
	for i := range r.cursors {
		c := &r.cursors[i]
		for flow := range c.seq {
			visit(r.p.defs[i].signature.Stream(c.number(uint64(flow))), &c.seq[flow])
		}
	}
}

// Program is what the run runs.
func (r *Run) Program() *Program { return r.p }

// Stop makes the next Step end the run. A transmitter that waits between steps
// has its own way to be woken.
func (r *Run) Stop() {
	r.stop.Store(true)
	for _, part := range r.parts {
		part.Stop()
	}
}

// DropFrames frees what only transmitting needs. It is called when the transmitter
// has ended; a run that goes on where this one ended needs its sequence numbers.
func (r *Run) DropFrames() {
	r.buffer, r.frameOf, r.flowOf, r.slots, r.groups, r.columns = nil, nil, nil, nil, nil, batchColumns{}
	clear(r.frames[:])
	for _, part := range r.parts {
		part.DropFrames()
	}
}

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
		r.begun, r.begin = true, r.begins(now)
		r.origin = r.begin
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
		r.build(now, r.ready())
	} else if r.changes != r.p.changes.Load() {
		r.refresh()
	}
	if before := r.head; r.head < r.tail && !r.send(now, q) {
		if r.retry = min(2*r.retry, retryMax); r.head > before || r.retry == 0 {
			r.retry = retryWait
		}
		return r.until(now.Add(r.retry))
	}
	r.retry = 0
	switch {
	case r.ended:
		return loop.Never
	case p.end == 0 && r.frameNumber() >= p.limit:
		return r.finish(nil)
	case r.frameNumber() >= p.limit:
		return r.begin.Add(p.end)
	case r.idle():
		return r.pause(now)
	case r.frameNumber() < r.tally.due:
		return now
	}
	return r.until(r.origin.Add(p.when(r.frameNumber())))
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
	for i := r.head; i < r.tail; i++ {
		r.unsign(i)
	}
	r.head, r.tail = 0, 0
	return loop.Never
}

// idle reports whether a whole round of flows had no MAC and none has changed
// since.
func (r *Run) idle() bool { return r.idleAt == r.p.changes.Load()+1 }

// pause puts the schedule off: time in which no flow has a MAC is not made up
// for.
func (r *Run) pause(now loop.Time) loop.Time {
	next := now.Add(idleWait)
	r.origin = max(r.origin, next-loop.Time(r.p.pace.when(r.frameNumber())))
	r.tally.due = r.frameNumber()
	return r.until(next)
}

// refresh brings frames that still wait for the device up to date with their
// adjacencies. One that has lost its MAC goes back to the schedule.
func (r *Run) refresh() {
	r.changes, r.unsendable = r.p.changes.Load(), 0
	kept := r.head
	for i := r.head; i < r.tail; i++ {
		s := r.slot(i)
		if s.adj != NoAdjacency {
			word := r.p.words[s.adj].Load()
			if state := stateOf(word); state.HasMAC() {
				s.word = word
				putMAC(r.frames[i], word)
				r.cursors[s.def].everyWord = 0
				r.doubtful = r.doubtful || state != AdjacencyResolved
			} else if word != s.word && (r.p.config.Learning.Policy != traffic.PolicyFallback || paused(word)) {
				r.tally.skipped++
				r.countMade(-1)
				r.unsign(i)
				continue
			}
		}
		r.frames[kept], r.slotOf[kept] = r.frames[i], r.slotOf[i]
		kept++
	}
	r.tail = kept
}

// slot is that of a frame of the batch.
func (r *Run) slot(i int) *frameSlot { return &r.slots[r.slotOf[i]] }

// unsign takes back the sequence number of a frame that does not leave. All
// later frames of its flow are taken back with it.
func (r *Run) unsign(i int) {
	c := &r.cursors[r.slot(i).def]
	if c.seq != nil {
		c.seq[r.flowOf[r.slotOf[i]]-c.base]--
	}
}

// send gives waiting frames to the device and accounts for them. It reports
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
			r.tally.lost += uint64(len(r.frames[r.head]) + traffic.FCS)
			r.head++
		}
	}
	return true
}

// drop gives up all waiting frames and counts them.
func (r *Run) drop(count, octets *uint64) {
	for ; r.head < r.tail; r.head++ {
		n := uint64(len(r.frames[r.head]) + traffic.FCS)
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
	n := uint64(to - from)
	if d := &r.p.defs[0]; len(r.p.defs) == 1 && d.fixedLength > 0 {
		t.octets += n * d.fixedLength
		t.classes[0] += n
	} else {
		for i := from; i < to; i++ {
			t.octets += uint64(len(r.frames[i]) + traffic.FCS)
			t.classes[r.slot(i).class]++
		}
	}
	switch {
	case r.flows == nil:
	case r.p.flows == 1 && r.p.defs[0].fixedLength > 0:
		r.flows[0].add(n, 0, r.p.defs[0].fixedLength, now)
	default:
		r.accountFlows(from, to, now)
	}
	if moved := r.changes != r.p.changes.Load(); moved || r.doubtful {
		r.accountDoubtful(from, to, moved)
	}
	t.actual += n
	if t.first == NoTime {
		t.first = now
	}
	t.last = now
}

// accountFlows counts by flow. Frames of one flow in a row are counted at once,
// since an atomic store costs as much as half a frame.
func (r *Run) accountFlows(from, to int, now loop.Time) {
	for i := from; i < to; {
		flow, octets, n := r.flowOf[r.slotOf[i]], uint64(0), uint64(0)
		for ; i < to && r.flowOf[r.slotOf[i]] == flow; i++ {
			octets += uint64(len(r.frames[i]) + traffic.FCS)
			n++
		}
		r.flows[flow].add(n, octets, r.p.defs[r.slot(i-1).def].fixedLength, now)
	}
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
	case p.config.Order == traffic.OrderSequential:
		p.round = sum
	default:
		if n, ok := arith.Product(groups, sum); ok {
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
		return Remaining{UnitFrames, p.limit - min(p.limit, r.made())}
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
