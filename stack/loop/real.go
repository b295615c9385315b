package loop

import (
	"sync"
	"sync/atomic"
	"time"
)

// workSlice is how long API work may run before frames and timers have their
// turn again: long enough to be cheap, short enough that a full inbox (some
// thousand frames) does not overflow at a million frames a second.
const workSlice = 500 * Microsecond

// Real is a loop on the monotonic clock of the machine.
type Real struct {
	epoch  time.Time
	now    Time
	timers timers // only on the loop

	// Functions that Run took from the queues below and has not run yet. Only on the loop.
	running, working []func()

	mu     sync.Mutex
	posted []func()
	work   []func()
	ended  atomic.Bool // written with mu held

	wake chan struct{}
	done chan struct{}
	once sync.Once
}

var _ Loop = (*Real)(nil)

// NewReal returns a loop whose time 0 is now. It does nothing until Run.
func NewReal() *Real {
	return &Real{
		epoch: time.Now(),
		wake:  make(chan struct{}, 1),
		done:  make(chan struct{}),
	}
}

// Epoch returns the wall-clock time of Time 0.
func (r *Real) Epoch() time.Time { return r.epoch }

// Clock returns the time of the loop's clock. Unlike Now it may be called from any
// goroutine and moves during a callback; it costs some 30 ns.
func (r *Real) Clock() Time { return Time(time.Since(r.epoch)) }

// Now implements Loop: the clock as read when the running callback began.
func (r *Real) Now() Time { return r.now }

// Arm implements Loop. A timer armed for the past is due now, after those that are due
// already: a timer that arms itself for the past must not starve others.
func (r *Real) Arm(t *Timer, at Time) { r.timers.arm(t, max(at, r.now)) }

// Disarm implements Loop.
func (r *Real) Disarm(t *Timer) { r.timers.disarm(t) }

// Post implements Loop. After Stop the function is dropped.
func (r *Real) Post(f func()) { r.enqueue(&r.posted, f) }

// PostWork is Post for work of unknown duration, such as API calls: it gets only a slice
// of each of the loop's turns, so that it cannot starve frames. It reports whether the
// function was accepted, which it is not after Stop. An accepted function does not run
// if the loop stops first (see Done).
func (r *Real) PostWork(f func()) bool { return r.enqueue(&r.work, f) }

func (r *Real) enqueue(queue *[]func(), f func()) bool {
	r.mu.Lock()
	if r.ended.Load() {
		r.mu.Unlock()
		return false
	}
	*queue = append(*queue, f)
	r.mu.Unlock()
	r.awake()
	return true
}

// awake ends the present or the next sleep at once.
func (r *Real) awake() {
	select {
	case r.wake <- struct{}{}:
	default: // a wake-up is already on its way
	}
}

// Stop makes Run return after the callback that runs now. It may be called
// from any goroutine, the loop's own included, and more than once.
func (r *Real) Stop() {
	r.mu.Lock()
	r.ended.Store(true)
	r.posted, r.work = nil, nil
	r.mu.Unlock()
	r.awake()
}

// Done is closed when Run has returned.
func (r *Real) Done() <-chan struct{} { return r.done }

// Run runs the loop on the calling goroutine until Stop. It is called once.
func (r *Real) Run() {
	defer r.once.Do(func() { close(r.done) })
	alarm := time.NewTimer(time.Hour)
	defer alarm.Stop()
	for r.turn() {
		if len(r.working) == 0 {
			r.sleep(alarm)
		}
	}
}

// turn runs the timers that are due, the posted functions and a slice of the work. It
// reports whether the loop goes on.
func (r *Real) turn() bool {
	r.mu.Lock()
	r.running, r.posted = r.posted, r.running[:0]
	if len(r.working) == 0 {
		r.working, r.work = r.work, r.working[:0]
	}
	r.mu.Unlock()

	r.runTimers()
	r.runPosted()
	r.runWork()
	return !r.ended.Load()
}

// runTimers runs the timers that are due. A timer that a callback arms for now runs
// after the posted functions, which it could starve otherwise.
func (r *Real) runTimers() {
	r.now = r.Clock()
	due, last := r.now, r.timers.seq
	for !r.ended.Load() {
		t := r.timers.min()
		if t.at > due || t.seq > last {
			return
		}
		r.timers.disarm(t.timer)
		t.timer.fn()
		r.now = r.Clock()
	}
}

func (r *Real) runPosted() {
	for i, f := range r.running {
		if r.ended.Load() {
			return
		}
		r.running[i] = nil
		r.now = r.Clock()
		f()
	}
}

// runWork runs at least one piece of work, if there is any, and stops when the slice is
// used up.
func (r *Real) runWork() {
	began := r.Clock()
	for i, f := range r.working {
		r.now = r.Clock()
		if r.ended.Load() || i > 0 && r.now.Sub(began) > workSlice {
			r.working = r.working[i:]
			return
		}
		r.working[i] = nil
		f()
	}
	r.working = r.working[:0]
}

// sleep waits for the next deadline or a wake-up. A wake-up sent since the
// queues were last looked at is still in the channel, so none is lost.
func (r *Real) sleep(alarm *time.Timer) {
	wait := time.Hour
	if at := r.timers.min().at; at != Never {
		wait = min(wait, time.Duration(at.Sub(r.Clock())))
	}
	if wait <= 0 {
		return
	}
	alarm.Reset(wait)
	select {
	case <-r.wake:
	case <-alarm.C:
	}
}
