package link

import (
	"sync"
	"sync/atomic"

	"glean/stack/loop"
)

// drainBatch is how many frames the loop takes from an inbox before timers and
// other inboxes have their turn.
const drainBatch = 256

// Inbox carries frames from a device's reader goroutines to the loop. Its
// slots are allocated once; a frame that finds none is dropped and counted.
type Inbox struct {
	loop    loop.Loop
	deliver func(frame []byte)
	drainFn func() // i.drain, bound once so that posting it allocates nothing

	dropped atomic.Uint64
	slot    int // size of a slot, in octets
	buffer  []byte
	lengths []int32

	mu     sync.Mutex
	head   uint64 // next slot to read; written by the loop
	tail   uint64 // next slot to write; written by readers
	posted bool   // a drain is on its way to the loop
	closed bool
}

// NewInbox makes an inbox of slots frames of at most slotSize octets each.
// deliver runs on l, and its frame is valid until it returns.
func NewInbox(l loop.Loop, slots, slotSize int, deliver func(frame []byte)) *Inbox {
	i := &Inbox{
		loop:    l,
		deliver: deliver,
		slot:    slotSize,
		buffer:  make([]byte, slots*slotSize),
		lengths: make([]int32, slots),
	}
	i.drainFn = i.drain
	return i
}

// Room is the number of frames the inbox holds.
func (i *Inbox) Room() int { return len(i.lengths) }

// Dropped is the number of frames that found the inbox full or did not fit.
func (i *Inbox) Dropped() uint64 { return i.dropped.Load() }

// Put copies frames into the inbox. It may be called from any goroutine. It
// returns how many were taken; the rest is counted as dropped.
func (i *Inbox) Put(frames ...[]byte) int {
	taken := 0
	i.mu.Lock()
	for _, f := range frames {
		if i.closed || i.tail-i.head == uint64(len(i.lengths)) || len(f) > i.slot {
			continue
		}
		at := int(i.tail % uint64(len(i.lengths)))
		i.lengths[at] = int32(copy(i.buffer[at*i.slot:(at+1)*i.slot], f))
		i.tail++
		taken++
	}
	post := taken > 0 && !i.posted
	if post {
		i.posted = true
	}
	i.mu.Unlock()
	if missed := len(frames) - taken; missed > 0 {
		i.dropped.Add(uint64(missed))
	}
	if post {
		i.loop.Post(i.drainFn)
	}
	return taken
}

// Close makes sure that nothing is delivered after it returns. It is called on
// the loop.
func (i *Inbox) Close() {
	i.mu.Lock()
	i.closed = true
	i.mu.Unlock()
}

// drain delivers up to drainBatch frames. The slots between head and tail
// belong to the loop, so frames are delivered without the lock.
func (i *Inbox) drain() {
	for n := 0; n < drainBatch; n++ {
		i.mu.Lock()
		if i.closed || i.head == i.tail {
			i.posted = false
			i.mu.Unlock()
			return
		}
		i.mu.Unlock()
		at := int(i.head % uint64(len(i.lengths)))
		i.deliver(i.buffer[at*i.slot : at*i.slot+int(i.lengths[at])])
		i.mu.Lock()
		i.head++
		i.mu.Unlock()
	}
	i.loop.Post(i.drainFn) // posted stays true: this is the drain on its way
}
