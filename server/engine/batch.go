package engine

import (
	"errors"

	"glean/stack/link"
	"glean/stack/loop"
)

// Limits of a batch, which holds the solicitations of one turn of the loop.
const (
	batchFrames = 256
	batchOctets = 128 // more than a solicitation with two tags has
)

// batchLink is a port's link that collects the solicitations of one turn of the loop,
// because some devices send many frames faster in one call. It sends the collected
// frames before the loop waits, and before any later frame. The order within a batch does
// not matter.
type batchLink struct {
	link.Link
	loop    loop.Loop
	timer   loop.Timer
	started bool // frames are collected
	frames  [][]byte
	buffer  [batchFrames * batchOctets]byte
}

func newBatchLink(l loop.Loop, lk link.Link) *batchLink {
	b := &batchLink{Link: lk, loop: l, frames: make([][]byte, 0, batchFrames)}
	b.timer.Init(b.flush)
	return b
}

// begin starts a batch, which ends when the loop next runs its timers.
func (b *batchLink) begin() {
	if !b.started {
		b.started = true
		b.loop.Arm(&b.timer, b.loop.Now())
	}
}

// Send implements link.Queue. A collected frame counts as sent.
func (b *batchLink) Send(frames [][]byte) (int, error) {
	if !b.started {
		return b.Link.Send(frames)
	}
	for taken, f := range frames {
		if len(f) > batchOctets || len(b.frames) == batchFrames {
			if b.send(); len(b.frames) > 0 {
				return taken, link.ErrFull
			}
		}
		if len(f) > batchOctets {
			n, err := b.Link.Send(frames[taken : taken+1])
			if n == 0 {
				return taken, err
			}
			continue
		}
		at := len(b.frames) * batchOctets
		b.frames = append(b.frames, append(b.buffer[at:at:at+batchOctets], f...))
	}
	return len(frames), nil
}

// flush sends the batch and ends it. If the device is full, it tries again after 1 ms.
func (b *batchLink) flush() {
	if b.send(); len(b.frames) > 0 {
		b.loop.Arm(&b.timer, b.loop.Now().Add(loop.Millisecond))
		return
	}
	b.started = false
}

// send sends the collected frames. If the device is full, the rest stays. If it fails, the
// frames are lost as on a wire, and the retransmit timer repeats the solicitations.
func (b *batchLink) send() {
	send := b.Link.Send
	if bulk, ok := b.Link.(link.BulkSender); ok {
		send = bulk.SendBulk
	}
	n, err := send(b.frames)
	if !errors.Is(err, link.ErrFull) {
		n = len(b.frames)
	}
	rest := copy(b.frames, b.frames[n:])
	for i, f := range b.frames[:rest] {
		at := i * batchOctets
		b.frames[i] = append(b.buffer[at:at:at+batchOctets], f...)
	}
	b.frames = b.frames[:rest]
}
