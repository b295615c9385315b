package transmit

import (
	"runtime"

	"glean/generator/program"
	"glean/stack/link"
	"glean/stack/loop"
)

// Transmitter is a running transmit loop.
type Transmitter struct {
	run   *program.Run
	queue link.Queue
	pacer pacer
	alarm alarm
}

// Start transmits a run on a goroutine of its own until it ends or Stop is
// called. clock is the clock of the loop that the run belongs to and may be
// called from any goroutine. done is called once, on that goroutine, when
// nothing can leave any more; reason is nil if the run ended by itself or was
// stopped. The queue belongs to the transmitter and is closed before.
func Start(r *program.Run, q link.Queue, clock func() loop.Time, done func(reason error)) *Transmitter {
	t := &Transmitter{run: r, queue: q, alarm: newAlarm()}
	t.pacer = pacer{clock: clock, sleep: sleep, wait: t.alarm.wait}
	takeProcessor()
	go t.transmit(done)
	return t
}

// Stop makes the loop end within a few milliseconds, however long it would
// have waited. It may be called from any goroutine, and more than once.
func (t *Transmitter) Stop() {
	t.run.Stop()
	t.alarm.ring()
}

func (t *Transmitter) transmit(done func(error)) {
	runtime.LockOSThread()
	beExact()
	drive(t.run, t.queue, &t.pacer)
	beOrdinary()
	runtime.UnlockOSThread()
	t.alarm.timer.Stop()
	giveProcessor()
	reason := t.run.Err()
	if err := t.queue.Close(); reason == nil && err != nil {
		reason = err
	}
	done(reason)
}

// drive steps a run until it ends. The clock is read once for each step.
func drive(r *program.Run, q link.Queue, p *pacer) {
	for {
		now := p.clock()
		next, running := r.Step(now, q)
		if !running {
			return
		}
		if next > now {
			p.until(next)
		}
	}
}
