package engine

import (
	"errors"

	"glean/stack/link"
	"glean/stack/loop"
)

// Room of a batch: the questions that learning asks in one turn of the loop.
const (
	batchFrames = 256
	batchOctets = 128 // a question with two tags has fewer
)

// batchLink is a port's link that collects the questions of one turn of the
// loop, so that a device which takes many frames at once is given many. What is
// collected is given to it before the loop waits, and before anything that is sent
// later; in which order it leaves does not matter.
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

// begin has frames collected until the loop comes round.
func (b *batchLink) begin() {
	if !b.started {
		b.started = true
		b.loop.Arm(&b.timer, b.loop.Now())
	}
}

// Send implements link.Queue. A frame that is collected counts as taken.
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

// flush ends the batch, unless the device has no room for all of it.
func (b *batchLink) flush() {
	if b.send(); len(b.frames) > 0 {
		b.loop.Arm(&b.timer, b.loop.Now().Add(loop.Millisecond))
		return
	}
	b.started = false
}

// send gives the device what was collected. If it is full, the rest stays; if it
// can't be used, the frames are lost as they would be on the wire, and are asked
// again in their time.
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
