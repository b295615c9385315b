package program

import (
	"glean/stack/link"
	"glean/stack/loop"
)

// OnLoop is the transmitter of simulation: a timer of the loop calls Step. Its methods
// are called on the loop.
type OnLoop struct {
	loop  loop.Loop
	timer loop.Timer
	run   *Run
	queue link.Queue
	done  func(error)
}

// StartOnLoop begins to transmit at once. It calls done once, on the loop and not from
// within StartOnLoop or Stop, when the run has ended. The queue belongs to the
// transmitter, which closes it before.
func StartOnLoop(l loop.Loop, r *Run, q link.Queue, done func(error)) *OnLoop {
	t := &OnLoop{loop: l, run: r, queue: q, done: done}
	t.timer.Init(t.step)
	l.Arm(&t.timer, l.Now())
	return t
}

func (t *OnLoop) step() {
	next, running := t.run.Step(t.loop.Now(), t.queue)
	if running {
		t.loop.Arm(&t.timer, next)
		return
	}
	reason := t.run.Err()
	if err := t.queue.Close(); reason == nil {
		reason = err
	}
	t.done(reason)
}

// Stop ends the run in the loop's next callback.
func (t *OnLoop) Stop() {
	t.run.Stop()
	if t.timer.Armed() {
		t.loop.Arm(&t.timer, t.loop.Now())
	}
}
