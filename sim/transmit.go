package sim

import (
	"errors"
	"glean/stack/link"
)

// OpenQueue implements link.Link. Under a virtual loop the queue is the end
// itself. Under a real one it may be used by another goroutine: frames go
// through an inbox, and queueSlots of them can wait there.
func (e *End) OpenQueue() (link.Queue, error) {
	if err := e.sendError(); errors.Is(err, link.ErrClosed) || errors.Is(err, link.ErrDeleted) {
		return nil, err
	}
	if e.wire.world.virtual != nil {
		return &directQueue{end: e}, nil
	}
	q := &inboxQueue{end: e}
	q.inbox = link.NewInbox(e.wire.world.loop, queueSlots, int(e.wire.mtu)+frameRoom, q.cross)
	return q, nil
}

// queueSlots is how many frames of a transmitter can wait for the loop.
const queueSlots = 1024

// directQueue sends on the loop.
type directQueue struct {
	end    *End
	closed bool
}

// Send implements link.Queue.
func (q *directQueue) Send(frames [][]byte) (int, error) {
	if q.closed {
		return 0, link.ErrClosed
	}
	return q.end.Send(frames)
}

// Close implements link.Queue.
func (q *directQueue) Close() error {
	q.closed = true
	return nil
}

// inboxQueue carries frames from a transmitter's goroutine to the loop.
type inboxQueue struct {
	end   *End
	inbox *link.Inbox
	one   [1][]byte // on the loop only

	closed bool // for the transmitter only
}

// Send implements link.Queue.
func (q *inboxQueue) Send(frames [][]byte) (taken int, err error) {
	if q.closed {
		return 0, link.ErrClosed
	}
	if err := sendErrors[q.end.shared.Load()]; err != nil {
		return 0, err
	}
	for i, f := range frames {
		if !q.end.fits(f) {
			frames, err = frames[:i], link.ErrSize
			break
		}
	}
	taken = q.inbox.Put(frames...)
	if taken < len(frames) {
		err = link.ErrFull
	}
	return taken, err
}

// cross runs on the loop. The link may have gone down since the frame was
// taken; then it is counted as an error there.
func (q *inboxQueue) cross(frame []byte) {
	q.one[0] = frame
	_, _ = q.end.Send(q.one[:])
}

// Close implements link.Queue. What waits in the inbox is still sent.
func (q *inboxQueue) Close() error {
	q.closed = true
	return nil
}
