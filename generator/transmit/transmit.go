package transmit

import (
	"runtime"
	"time"

	"glean/generator"
	"glean/stack/link"
	"glean/stack/loop"
)

// A pause is split by what each way of waiting is good for. The runtime's
// timers are late by up to a millisecond or so, clock_nanosleep by some hundred
// microseconds at most; the rest is spun.
const (
	timerMargin = 5 * loop.Millisecond
	sleepMargin = 150 * loop.Microsecond
)

// Transmitter is a running transmit loop.
type Transmitter struct {
	run   *generator.Run
	queue link.Queue
	clock func() loop.Time
	stop  chan struct{}
	wake  *time.Timer
}

// Start transmits a run on a goroutine of its own until it ends or Stop is
// called. clock is the clock of the loop that the run belongs to and may be
// called from any goroutine. done is called once, on that goroutine, when
// nothing can leave any more; reason is nil if the run ended by itself or was
// stopped. The queue belongs to the transmitter and is closed before.
func Start(r *generator.Run, q link.Queue, clock func() loop.Time, done func(reason error)) *Transmitter {
	t := &Transmitter{run: r, queue: q, clock: clock, stop: make(chan struct{}, 1), wake: time.NewTimer(time.Hour)}
	go t.transmit(done)
	return t
}

// Stop makes the loop end within a few milliseconds, however long it would
// have waited. It may be called from any goroutine, and more than once.
func (t *Transmitter) Stop() {
	t.run.Stop()
	select {
	case t.stop <- struct{}{}:
	default:
	}
}

func (t *Transmitter) transmit(done func(error)) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	for {
		now := t.clock()
		next, running := t.run.Step(now, t.queue)
		if !running {
			break
		}
		if next > now {
			t.pause(next)
		}
	}
	t.wake.Stop()
	reason := t.run.Err()
	if err := t.queue.Close(); reason == nil && err != nil {
		reason = err
	}
	done(reason)
}

// pause waits until a time, or until Stop.
func (t *Transmitter) pause(until loop.Time) {
	for {
		left := until.Sub(t.clock())
		switch {
		case left <= 0:
			return
		case left > timerMargin:
			t.wake.Reset(time.Duration(left - timerMargin))
			select {
			case <-t.stop:
				return
			case <-t.wake.C:
			}
		case left > sleepMargin:
			sleep(left - sleepMargin)
		}
	}
}
