package engine

import (
	"glean/generator"
	"glean/generator/program"
	"glean/stack/link"
)

// queuesOf returns how many queues of a device one generator can use: one for a link that
// has no method for it.
func queuesOf(lk link.Link) int {
	if l, ok := lk.(interface{ Queues() int }); ok {
		return l.Queues()
	}
	return 1
}

// openQueues opens n queues, or none.
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

// splitRun is the Transmitter of a run in several parts. It is used on the loop.
type splitRun struct {
	parts  []generator.Transmitter
	left   int
	reason error // error of the first part that failed
	done   func(error)
}

// Stop implements generator.Transmitter.
func (t *splitRun) Stop() {
	for _, part := range t.parts {
		part.Stop()
	}
}

// ended is called at the end of each part. A part that fails ends the others, because a
// generator must send all of its flows or none.
func (t *splitRun) ended(reason error) {
	if reason != nil && t.reason == nil {
		t.reason = reason
		t.Stop()
	}
	if t.left--; t.left == 0 {
		t.done(t.reason)
	}
}

// transmitOn starts a run on several queues of a link: at most one for each flow, and at
// most one for each processor.
func (e *Engine) transmitOn(lk link.Link, r *program.Run, done func(error)) (generator.Transmitter, error) {
	parts := r.Split(min(queuesOf(lk), e.processors))
	queues, err := openQueues(lk, len(parts))
	if err != nil {
		return nil, err
	}
	if len(parts) == 1 {
		return e.transmit(r, queues[0], done), nil
	}
	t := &splitRun{left: len(parts), done: done}
	for i, part := range parts {
		t.parts = append(t.parts, e.transmit(part, queues[i], t.ended))
	}
	return t, nil
}
