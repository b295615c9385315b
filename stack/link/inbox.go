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
	ended   bool   // Close was called; only on the loop

	dropped atomic.Uint64
	slot    int // size of a slot, in octets; written on the loop with mu held
	buffer  []byte
	lengths []int32

	mu     sync.Mutex
	head   int  // first slot in use; moved by the loop
	used   int  // slots in use, from head on, around the end
	posted bool // a drain is on its way to the loop
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

// Put copies frames into the inbox, under one lock for all of them. It may be
// called from any goroutine. It returns how many were taken; the rest is
// counted as dropped, unless the inbox is closed.
func (i *Inbox) Put(frames ...[]byte) int {
	i.mu.Lock()
	if i.closed {
		i.mu.Unlock()
		return 0
	}
	taken := 0
	for _, f := range frames {
		if i.used == len(i.lengths) || len(f) > i.slot {
			continue
		}
		at := i.wrap(i.head + i.used)
		i.lengths[at] = int32(copy(i.buffer[at*i.slot:(at+1)*i.slot], f))
		i.used++
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

// Grow makes the slots larger, so that longer frames fit; it never makes them
// smaller. It may be called from any goroutine, and takes effect in a later turn of
// the loop, which owns the slots in use.
func (i *Inbox) Grow(slotSize int) {
	i.mu.Lock()
	larger := slotSize > i.slot && !i.closed
	i.mu.Unlock()
	if !larger {
		return
	}
	buffer := make([]byte, len(i.lengths)*slotSize) // not on the loop, since it may be large
	i.loop.Post(func() {
		i.mu.Lock()
		defer i.mu.Unlock()
		if slotSize <= i.slot {
			return
		}
		for n := range i.used {
			at := i.wrap(i.head + n)
			copy(buffer[at*slotSize:(at+1)*slotSize], i.buffer[at*i.slot:][:i.lengths[at]])
		}
		i.buffer, i.slot = buffer, slotSize
	})
}

// wrap brings a slot's number, less than twice the number of slots, into range.
func (i *Inbox) wrap(at int) int {
	if at >= len(i.lengths) {
		at -= len(i.lengths)
	}
	return at
}

// Close makes sure that nothing is delivered after it returns. It is called on
// the loop.
func (i *Inbox) Close() {
	i.ended = true
	i.mu.Lock()
	i.closed = true
	i.mu.Unlock()
}

// drain delivers up to drainBatch frames. The slots in use belong to the loop
// until it returns them, so frames are delivered without the lock.
func (i *Inbox) drain() {
	i.mu.Lock()
	at, n := i.head, min(i.used, drainBatch)
	i.mu.Unlock()
	for range n {
		if i.ended { // by the frame before
			return
		}
		begin := at * i.slot
		end := begin + int(i.lengths[at])
		i.deliver(i.buffer[begin:end:end])
		at = i.wrap(at + 1)
	}
	i.mu.Lock()
	i.head, i.used = at, i.used-n
	if i.used == 0 {
		i.head = 0 // the slots used last are the ones still in the processor's cache
	}
	i.posted = i.used > 0
	again := i.posted
	i.mu.Unlock()
	if again {
		i.loop.Post(i.drainFn)
	}
}
