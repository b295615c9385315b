package engine

import (
	"glean/generator"
	"glean/stack/link"
)

// queuesOf is how many queues of its own a device has for one generator. A link
// over a device with one need not say.
func queuesOf(lk link.Link) int {
	if l, ok := lk.(interface{ Queues() int }); ok {
		return l.Queues()
	}
	return 1
}

// openQueues opens a queue for each part of a run, or none.
func openQueues(lk link.Link, n int) ([]link.Queue, error) {
	queues := make([]link.Queue, 0, n)
	for range n {
		q, err := lk.OpenQueue()
		if err != nil {
			for _, q := range queues {
				_ = q.Close()
			}
			return nil, err
		}
		queues = append(queues, q)
	}
	return queues, nil
}

// together is the transmitters of the parts of a run. It is used on the loop.
type together struct {
	parts  []generator.Transmitter
	left   int
	reason error // of the first part that ended with one
	done   func(error)
}

// Stop implements generator.Transmitter.
func (t *together) Stop() {
	for _, part := range t.parts {
		part.Stop()
	}
}

// ended is told of the end of each part. One that can't go on ends the others:
// half a generator is not what was asked for.
func (t *together) ended(reason error) {
	if reason != nil && t.reason == nil {
		t.reason = reason
		t.Stop()
	}
	if t.left--; t.left == 0 {
		t.done(t.reason)
	}
}

// transmitOn transmits a run on as many queues of a link as it has flows for and
// there are processors for its transmitters.
func (e *Engine) transmitOn(lk link.Link, r *generator.Run, done func(error)) (generator.Transmitter, error) {
	parts := r.Split(min(queuesOf(lk), e.processors))
	queues, err := openQueues(lk, len(parts))
	if err != nil {
		return nil, err
	}
	if len(parts) == 1 {
		return e.transmit(r, queues[0], done), nil
	}
	t := &together{left: len(parts), done: done}
	for i, part := range parts {
		t.parts = append(t.parts, e.transmit(part, queues[i], t.ended))
	}
	return t, nil
}
