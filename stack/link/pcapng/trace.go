package pcapng

import (
	"glean/stack/link"
	"glean/stack/loop"
)

// Trace returns a link that wraps l and writes its frames to the trace, under a name.
// clock is read for each batch of frames; it must be usable wherever l and its queues
// are: Now of a virtual loop, Clock of a real one. If w is nil, Trace returns l itself.
func (w *Writer) Trace(name string, l link.Link, clock func() loop.Time) (link.Link, error) {
	if w == nil {
		return l, nil
	}
	number, err := w.addInterface(name)
	if err != nil {
		return nil, err
	}
	return &traced{Link: l, tap: tap{w, number, clock}}, nil
}

// A tap is the connection of a traced link to the trace.
type tap struct {
	writer *Writer
	number int // of the interface in the file
	clock  func() loop.Time
}

func (t tap) note(frames [][]byte) {
	if len(frames) > 0 {
		t.writer.write(t.number, t.clock(), frames)
	}
}

// traced is a link.Link.
type traced struct {
	link.Link
	tap tap
}

// Attach implements link.Link.
func (l *traced) Attach(h link.Handler) { l.Link.Attach(&tracedHandler{Handler: h, tap: l.tap}) }

// Send implements link.Link. Frames that the link took are written.
func (l *traced) Send(frames [][]byte) (int, error) {
	taken, err := l.Link.Send(frames)
	l.tap.note(frames[:taken])
	return taken, err
}

// OpenQueue implements link.Link.
func (l *traced) OpenQueue() (link.Queue, error) {
	q, err := l.Link.OpenQueue()
	if err != nil {
		return nil, err
	}
	return &tracedQueue{q, l.tap}, nil
}

type tracedQueue struct {
	link.Queue
	tap tap
}

// Send implements link.Queue.
func (q *tracedQueue) Send(frames [][]byte) (int, error) {
	taken, err := q.Queue.Send(frames)
	q.tap.note(frames[:taken])
	return taken, err
}

type tracedHandler struct {
	link.Handler
	tap tap
	one [1][]byte // for note, so that a frame allocates nothing
}

// HandleFrame implements link.Handler. The frame is written before the handler
// may change it.
func (h *tracedHandler) HandleFrame(frame []byte) {
	h.one[0] = frame
	h.tap.note(h.one[:])
	h.one[0] = nil
	h.Handler.HandleFrame(frame)
}
