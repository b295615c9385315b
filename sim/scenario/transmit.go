package scenario

import (
	"glean/generator"
	"glean/generator/program"
	"glean/stack/link"
)

// transmit is the Transmit of engine.Config: it transmits on the world's loop.
func (r *Run) transmit(run *program.Run, q link.Queue, done func(error)) generator.Transmitter {
	if w, ok := q.(*watchedQueue); ok {
		w.run = run
		r.queues = append(r.queues, w)
	}
	r.active++
	ended := func(reason error) {
		r.active--
		done(reason)
	}
	return program.StartOnLoop(r.world.Loop(), run, q, ended)
}
