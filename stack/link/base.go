package link

import (
	"sync/atomic"

	"glean/stack/loop"
)

// Base is the part of a link over a device that is the same for every kind of
// device: handler, state, inbox and counters. It implements Attach, State and
// Stats of Link. Init comes before any other method.
type Base struct {
	loop  loop.Loop
	inbox *Inbox

	// On the loop only.
	handler Handler
	state   State

	// Shared.
	closed atomic.Bool
	early  atomic.Uint64 // frames for the stack that came before Attach
	lost   atomic.Uint64
	rx     struct{ frames, bytes, traffic, errors atomic.Uint64 }
	tx     struct{ frames, bytes, errors atomic.Uint64 }
}

// Received is the frames that a reader took from a device at once.
type Received struct {
	Frames, Bytes uint64 // all of them, Lost ones too in Frames
	Traffic       uint64
	Errors        uint64
	Lost          uint64   // frames that the device dropped since the last Received
	Control       [][]byte // the frames for the stack
}

// Init makes an inbox of room frames of slotSize octets and sets the initial state of
// the link.
func (b *Base) Init(l loop.Loop, room, slotSize int, s State) {
	b.loop, b.state = l, s
	b.inbox = NewInbox(l, room, slotSize, b.deliver)
}

// deliver runs on the loop.
func (b *Base) deliver(frame []byte) {
	if b.handler == nil {
		b.early.Add(1)
		return
	}
	b.handler.HandleFrame(frame)
}

// Attach implements Link.
func (b *Base) Attach(h Handler) { b.handler = h }

// State implements Link.
func (b *Base) State() State { return b.state }

// Room returns how many frames the inbox has room for.
func (b *Base) Room() int { return b.inbox.Room() }

// Stats implements Link. It may be called from any goroutine.
func (b *Base) Stats() Stats {
	return Stats{
		RxFrames:  b.rx.frames.Load(),
		RxBytes:   b.rx.bytes.Load(),
		RxTraffic: b.rx.traffic.Load(),
		RxDropped: b.inbox.Dropped() + b.early.Load() + b.lost.Load(),
		RxErrors:  b.rx.errors.Load(),
		TxFrames:  b.tx.frames.Load(),
		TxBytes:   b.tx.bytes.Load(),
		TxErrors:  b.tx.errors.Load(),
	}
}

// Grow makes room for frames of slotSize octets, see Inbox.Grow.
func (b *Base) Grow(slotSize int) { b.inbox.Grow(slotSize) }

// Receive counts the frames that a reader took and passes copies of those for the stack
// to the loop. It may be called from any goroutine.
func (b *Base) Receive(r Received) {
	b.rx.frames.Add(r.Frames)
	b.rx.bytes.Add(r.Bytes)
	b.rx.traffic.Add(r.Traffic)
	if r.Errors > 0 {
		b.rx.errors.Add(r.Errors)
	}
	if r.Lost > 0 {
		b.lost.Add(r.Lost)
	}
	if len(r.Control) > 0 {
		b.inbox.Put(r.Control...)
	}
}

// Sent counts frames that the device took. It may be called from any goroutine.
func (b *Base) Sent(frames int, bytes uint64) {
	if frames > 0 {
		b.tx.frames.Add(uint64(frames))
		b.tx.bytes.Add(bytes)
	}
}

// Refused counts a frame that the device did not take. It may be called from
// any goroutine.
func (b *Base) Refused() { b.tx.errors.Add(1) }

// Report passes a new state to the loop. It may be called from any goroutine.
func (b *Base) Report(s State) {
	b.loop.Post(func() {
		if b.closed.Load() {
			return
		}
		b.state = s
		if b.handler != nil {
			b.handler.HandleState(s)
		}
	})
}

// End is the first half of Close: no method of the handler runs after it has
// returned. It reports whether this was the first call. It is called on the loop.
func (b *Base) End() bool {
	if b.closed.Swap(true) {
		return false
	}
	b.inbox.Close()
	return true
}

// Ended reports whether End was called. It may be called from any goroutine.
func (b *Base) Ended() bool { return b.closed.Load() }
