package loop

import (
	"sync"
	"sync/atomic"
)

// Virtual is a loop whose time jumps to the next deadline. It runs only inside
// its Step and Run methods, on the caller's goroutine.
type Virtual struct {
	timers timers
	now    Time
	events uint64

	waiting atomic.Int64 // len(posted)-head, so that Step takes no lock when it is 0
	mu      sync.Mutex
	posted  []post
	head    int
}

type post struct {
	seq uint64 // 0 until the loop has seen it
	fn  func()
}

var _ Loop = (*Virtual)(nil)

// NewVirtual returns a loop at time 0.
func NewVirtual() *Virtual { return &Virtual{} }

// Now implements Loop.
func (v *Virtual) Now() Time { return v.now }

// Events returns the number of callbacks run so far.
func (v *Virtual) Events() uint64 { return v.events }

// Arm implements Loop.
func (v *Virtual) Arm(t *Timer, at Time) { v.timers.arm(t, max(at, v.now)) }

// Disarm implements Loop.
func (v *Virtual) Disarm(t *Timer) { v.timers.disarm(t) }

// Post implements Loop. A posted function takes its place in the order when
// the loop next looks, that is before it runs anything else.
func (v *Virtual) Post(f func()) {
	v.mu.Lock()
	if v.head > len(v.posted)/2 && len(v.posted) == cap(v.posted) {
		// Functions that always post again would else make it grow for ever.
		n := copy(v.posted, v.posted[v.head:])
		clear(v.posted[n:])
		v.posted, v.head = v.posted[:n], 0
	}
	v.posted = append(v.posted, post{fn: f})
	v.mu.Unlock()
	v.waiting.Add(1)
}

// takePost returns the first posted function unless t is due before it.
func (v *Virtual) takePost(t entry) func() {
	if v.waiting.Load() == 0 {
		return nil
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	v.number()
	p := v.posted[v.head]
	if t.timer != nil && t.at <= v.now && t.seq < p.seq {
		return nil
	}
	v.posted[v.head].fn = nil
	v.head++
	if v.head == len(v.posted) {
		v.posted, v.head = v.posted[:0], 0
	}
	v.waiting.Add(-1)
	return p.fn
}

// number assigns sequence numbers to the functions posted since its last call, oldest
// first.
func (v *Virtual) number() {
	first := len(v.posted)
	for first > v.head && v.posted[first-1].seq == 0 {
		first--
	}
	for i := first; i < len(v.posted); i++ {
		v.posted[i].seq = v.timers.next()
	}
}

// Step runs the next callback and reports whether there was one.
func (v *Virtual) Step() bool { return v.step(Never) }

func (v *Virtual) step(until Time) bool {
	t := v.timers.min()
	if f := v.takePost(t); f != nil {
		v.events++
		f()
		return true
	}
	if t.at > until || t.at == Never {
		return false
	}
	v.now = t.at
	v.timers.disarm(t.timer)
	v.events++
	t.timer.fn()
	return true
}

// Next returns the time of the next callback, Never if none is armed.
func (v *Virtual) Next() Time {
	if v.waiting.Load() > 0 {
		return v.now
	}
	return v.timers.min().at
}

// RunUntil runs every callback due at or before until and leaves the clock there. With
// Never it runs all callbacks and leaves the clock at the last one.
func (v *Virtual) RunUntil(until Time) {
	for v.step(until) {
	}
	v.reach(until)
}

// reach moves the clock to until, unless that is in the past or Never.
func (v *Virtual) reach(until Time) {
	if until != Never {
		v.now = max(v.now, until)
	}
}

// RunFor is RunUntil(Now + d).
func (v *Virtual) RunFor(d Duration) { v.RunUntil(v.now.Add(d)) }

// RunWhile runs callbacks until more() returns false or none is due at or before until.
// It reports whether more() ended it. The clock then stays at the last callback, else it
// ends at until (unless that is Never).
func (v *Virtual) RunWhile(more func() bool, until Time) bool {
	for more() {
		if !v.step(until) {
			v.reach(until)
			return !more()
		}
	}
	return true
}
