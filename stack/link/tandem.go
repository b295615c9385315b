package link

import (
	"errors"
	"runtime"
	"sync/atomic"
	"time"
)

// Limits of a Tandem.
const (
	tandemLeast = 64  // frames that are worth a second thread
	tandemMost  = 128 // frames that it is given at a time
	tandemSlot  = 128 // octets of the longest of them; a question has fewer
	tandemRest  = 100 * time.Microsecond
)

// States of what a Tandem offers.
const (
	tandemIdle    uint32 = iota // nothing is offered
	tandemOffered               // frames wait for whoever comes first
	tandemTaken                 // the second thread sends them
)

// Tandem sends many small frames on two threads: the loop's own and one that
// waits for such. Most of what a frame costs is the kernel's work within the
// system call, on a veth or a TAP even that of the receiver, so that a second
// processor nearly halves the time. Nothing depends on it: what the second thread
// has not begun when the loop has done its own part, the loop does too. So it is
// never waited for, where others keep the processors busy.
type Tandem struct {
	base   *Base
	own    Queue
	second Queue

	state  atomic.Uint32
	frames [][]byte // offered; whose they are, state says
	buffer []byte

	wake chan struct{}
	quit chan struct{}
}

// BulkSender is a Link, or part of one, that can send faster if order does not
// matter.
type BulkSender interface {
	// SendBulk is as Link.Send, but that frames may leave in another order, also
	// than those of later calls.
	SendBulk(frames [][]byte) (taken int, err error)
}

// NewTandem makes a tandem of two queues of the same device, nil if there is only
// one processor.
func NewTandem(base *Base, own, second Queue) *Tandem {
	if runtime.GOMAXPROCS(0) < 2 {
		return nil
	}
	return newTandem(base, own, second)
}

func newTandem(base *Base, own, second Queue) *Tandem {
	return &Tandem{
		base: base, own: own, second: second,
		frames: make([][]byte, 0, tandemMost),
		buffer: make([]byte, tandemMost*tandemSlot),
		wake:   make(chan struct{}, 1),
		quit:   make(chan struct{}),
	}
}

// SendBulk implements BulkSender. It is called on the loop.
func (t *Tandem) SendBulk(frames [][]byte) (taken int, err error) {
	offered := t.offer(frames)
	taken, err = t.own.Send(frames[offered:])
	if offered > 0 && t.state.CompareAndSwap(tandemOffered, tandemIdle) {
		t.takeBack()
	}
	return offered + taken, err
}

// offer copies about half of the frames for the second thread, from the first on.
// It tells how many.
func (t *Tandem) offer(frames [][]byte) int {
	if len(frames) < tandemLeast || t.state.Load() != tandemIdle {
		return 0
	}
	n := min(len(frames)/2, tandemMost)
	t.frames = t.frames[:0]
	for i, f := range frames[:n] {
		if len(f) > tandemSlot {
			n = i
			break
		}
		t.frames = append(t.frames, append(t.buffer[i*tandemSlot:i*tandemSlot:(i+1)*tandemSlot], f...))
	}
	if n > 0 {
		t.put()
	}
	return n
}

// put offers what is in frames.
func (t *Tandem) put() {
	t.state.Store(tandemOffered)
	select {
	case t.wake <- struct{}{}:
	default: // a wake-up is on its way
	}
}

// takeBack sends on the loop what the second thread has not come for. What the
// device has no room for is offered again, because the loop can't wait.
func (t *Tandem) takeBack() {
	if !t.sendOffered(t.own) {
		t.put()
	}
}

// sendOffered gives the device what is in frames, as far as it has room; it tells
// whether all is done. What can't be sent for another reason is lost, as it would
// be on the wire, and counted.
func (t *Tandem) sendOffered(q Queue) (done bool) {
	n, err := q.Send(t.frames)
	t.frames = t.frames[n:]
	if errors.Is(err, ErrFull) {
		return false
	}
	for k := 1; k < len(t.frames) && !t.base.Ended(); k++ { // the first one was counted
		t.base.Refused()
	}
	return true
}

// Run sends what is offered until Stop. It is the second thread.
func (t *Tandem) Run() {
	for {
		select {
		case <-t.quit:
			return
		case <-t.wake:
		}
		if !t.state.CompareAndSwap(tandemOffered, tandemTaken) {
			continue
		}
		for !t.sendOffered(t.second) && !t.base.Ended() {
			time.Sleep(tandemRest)
		}
		t.state.Store(tandemIdle)
	}
}

// Stop ends Run, after the call of Send that still runs. It is called once.
func (t *Tandem) Stop() { close(t.quit) }
