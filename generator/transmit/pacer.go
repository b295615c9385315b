package transmit

import (
	"time"

	"glean/stack/loop"
)

// A pause is split by what each way of waiting is good for. The runtime's
// timers are late by a millisecond or so, a sleep of the thread by some tens of
// microseconds; the rest is spun. So at some thousand frames a second and less
// the processor sleeps most of the time, and above ten thousand it spins.
const (
	timerMargin = 5 * loop.Millisecond
	sleepMargin = 100 * loop.Microsecond
)

// pacer waits for points in time. None of its waits can be cut short except the
// longest, so a stop is noticed within timerMargin.
type pacer struct {
	clock func() loop.Time
	sleep func(loop.Duration)              // of the thread
	wait  func(loop.Duration) (ended bool) // until then or a stop, which it tells
}

// until waits for a time, or for a stop.
func (p *pacer) until(t loop.Time) {
	for {
		left := t.Sub(p.clock())
		switch {
		case left <= 0:
			return
		case left > timerMargin:
			if p.wait(left - timerMargin) {
				return
			}
		case left > sleepMargin:
			p.sleep(left - sleepMargin)
		}
	}
}

// alarm is a pacer's wait.
type alarm struct {
	stop  chan struct{} // of one slot
	timer *time.Timer
}

func newAlarm() alarm {
	return alarm{stop: make(chan struct{}, 1), timer: time.NewTimer(time.Hour)}
}

func (a *alarm) wait(d loop.Duration) (ended bool) {
	a.timer.Reset(time.Duration(d))
	select {
	case <-a.stop:
		return true
	case <-a.timer.C:
		return false
	}
}

// ring ends the present or the next wait. It may be called from any goroutine.
func (a *alarm) ring() {
	select {
	case a.stop <- struct{}{}:
	default: // it rings already
	}
}
