package scenario

import (
	"glean/generator"
	"glean/stack/link"
	"glean/stack/loop"
)

// transmitter runs a generator's run on the virtual loop: a timer instead of
// the thread that production has.
type transmitter struct {
	loop  loop.Loop
	run   *generator.Run
	queue link.Queue
	done  func(error)
	timer loop.Timer
}

// transmit is engine.Config's Transmit.
func (r *Run) transmit(run *generator.Run, q link.Queue, done func(error)) generator.Transmitter {
	if w, ok := q.(*watchedQueue); ok {
		w.run = run
		r.queues = append(r.queues, w)
	}
	r.active++
	ended := func(reason error) {
		r.active--
		done(reason)
	}
	t := &transmitter{loop: r.world.Loop(), run: run, queue: q, done: ended}
	t.timer.Init(t.step)
	t.loop.Arm(&t.timer, t.loop.Now())
	return t
}

func (t *transmitter) step() {
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

// Stop implements generator.Transmitter.
func (t *transmitter) Stop() {
	t.run.Stop()
	t.loop.Arm(&t.timer, t.loop.Now())
}
