package link

import (
	"errors"
	"runtime"
	"slices"
	"sync/atomic"
)

// Limits of a Tandem.
const (
	tandemLeast = 64  // frames that are worth a second thread
	tandemMost  = 128 // frames that it is given at a time
	tandemSlot  = 128 // octets of the longest of them; a solicitation is shorter
)

// States of a Tandem.
const (
	tandemIdle    uint32 = iota // nothing is offered
	tandemOffered               // frames wait for the first of the two threads
	tandemTaken                 // the second thread sends them
)

// Tandem sends many small frames on two threads: the loop's, and that of the device's
// reader, which is idle between two bursts of answers. Most of the cost of a frame is
// the kernel's work within the system call, on a veth or a TAP even that of the
// receiver, so a second processor nearly halves the time. Nothing depends on the reader:
// the loop also sends the frames that the reader has not begun when the loop has sent
// its own part.
type Tandem struct {
	base   *Base
	own    Queue
	second Queue
	ring   func() // wakes the reader for an offer

	state  atomic.Uint32
	frames [][]byte // offered; state is the thread that owns them
	buffer []byte
}

// BulkSender is a Link, or part of one, that can send faster if order does not
// matter.
type BulkSender interface {
	// SendBulk is as Link.Send, but frames may leave in another order, also relative to
	// later calls, and it may change the order of the slices in frames: those that were
	// not taken are at the end.
	SendBulk(frames [][]byte) (taken int, err error)
}

// NewTandem returns a tandem of two queues of the same device, nil if the process has
// only one processor. It calls ring on the loop when Help has work.
func NewTandem(base *Base, own, second Queue, ring func()) *Tandem {
	if runtime.GOMAXPROCS(0) < 2 {
		return nil
	}
	return newTandem(base, own, second, ring)
}

func newTandem(base *Base, own, second Queue, ring func()) *Tandem {
	return &Tandem{
		base: base, own: own, second: second, ring: ring,
		frames: make([][]byte, 0, tandemMost),
		buffer: make([]byte, tandemMost*tandemSlot),
	}
}

// SendBulk implements BulkSender. It is called on the loop.
func (t *Tandem) SendBulk(frames [][]byte) (taken int, err error) {
	if t.base.Ended() {
		return 0, ErrClosed
	}
	part := len(frames) - t.offer(frames)
	taken, err = t.own.Send(frames[:part])
	if part == len(frames) {
		return taken, err
	}
	if !t.state.CompareAndSwap(tandemOffered, tandemIdle) {
		// The reader sends the others, so the rest of these goes to the end.
		slices.Reverse(frames[taken:part])
		slices.Reverse(frames[part:])
		slices.Reverse(frames[taken:])
		return taken + len(frames) - part, err
	}
	if err == nil {
		var more int
		more, err = t.own.Send(frames[part:])
		taken += more
	}
	return taken, err
}

// offer copies frames for the second thread, up to half of them and the last ones.
// It returns how many.
func (t *Tandem) offer(frames [][]byte) int {
	if len(frames) < tandemLeast || t.state.Load() != tandemIdle {
		return 0
	}
	frames = frames[len(frames)-min(len(frames)/2, tandemMost):]
	t.frames = t.frames[:0]
	for i, f := range frames {
		if len(f) > tandemSlot {
			return 0
		}
		t.frames = append(t.frames, append(t.buffer[i*tandemSlot:i*tandemSlot:(i+1)*tandemSlot], f...))
	}
	t.state.Store(tandemOffered)
	t.ring()
	return len(frames)
}

// Help sends the offered frames, as far as the device has room. It reports whether some
// are left, for which it must be called again soon. It is called on the second thread.
// Frames that cannot be sent for another reason are lost, as on the wire, and counted.
func (t *Tandem) Help() (left bool) {
	if t.state.Load() != tandemTaken && !t.state.CompareAndSwap(tandemOffered, tandemTaken) {
		return false
	}
	n, err := t.second.Send(t.frames)
	t.frames = t.frames[n:]
	if errors.Is(err, ErrFull) && !t.base.Ended() {
		return true
	}
	for k := 1; k < len(t.frames) && !t.base.Ended(); k++ { // the queue itself counts the first one
		t.base.Refused()
	}
	t.state.Store(tandemIdle)
	return false
}
