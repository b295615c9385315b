package tap

import (
	"unsafe"

	"golang.org/x/sys/unix"

	"glean/stack/header"
	"glean/stack/link"
	"glean/stack/link/burst"
)

const (
	// maxFrame is longer than any frame of a TAP, see MaxMTU.
	maxFrame = 1 << 16
	// readBatch is how many frames a reader takes before it counts them, hands
	// the control frames to the loop and sees whether the link was closed.
	readBatch = 64
	// arenaSize bounds how many octets of control frames wait in a batch.
	arenaSize = 4 * maxFrame
)

// reader drains one queue of the device.
type reader struct {
	link   *Link
	device *device
	queue  *queue
	read   func(fd uintptr) bool // r.readOn, bound once so that waiting allocates nothing
	pause  burst.Pause
	arena  []byte
	batch  [][]byte // for the control frames of a batch, which are in arena
	err    error
}

func newReader(k *Link, d *device, q *queue) *reader {
	r := &reader{link: k, device: d, queue: q, arena: make([]byte, arenaSize), batch: make([][]byte, 0, readBatch)}
	r.read = r.readOn
	return r
}

// run reads until the queue is closed or the device is gone, and then triggers a look at
// the device.
func (r *reader) run() {
	for r.err == nil {
		if err := r.queue.raw.Read(r.read); err != nil {
			r.err = err
		}
	}
	r.device.lost.Store(true)
	r.link.look()
}

// readOn reads a batch. It reports whether to call it again at once; if not, it is
// called again when the queue is readable.
func (r *reader) readOn(fd uintptr) (again bool) { return r.readBatch(fd) || r.pause.Take() }

// readBatch reads frames until the queue is empty or a batch is full. It reports whether
// more may be waiting, or an error. Control frames stay in the arena until the batch is
// handed over; others are overwritten by the next.
func (r *reader) readBatch(fd uintptr) (more bool) {
	var got link.Received
	used := 0
	got.Control = r.batch
	for got.Frames < readBatch && used+maxFrame <= arenaSize {
		space := r.arena[used:]
		n, _, errno := unix.RawSyscall(unix.SYS_READ, fd, uintptr(unsafe.Pointer(unsafe.SliceData(space))), maxFrame)
		if errno == unix.EINTR {
			continue
		}
		if errno != 0 {
			if errno != unix.EAGAIN {
				r.err = errno
			}
			r.hand(got)
			return errno != unix.EAGAIN
		}
		got.Frames++
		got.Bytes += uint64(n)
		switch {
		case n < header.EthernetSize:
			got.Errors++
		case link.Classify(space[:n]) == link.ClassTraffic:
			got.Traffic++
		default:
			got.Control = append(got.Control, space[:n:n])
			used += (int(n) + 63) &^ 63
		}
	}
	r.hand(got)
	return true
}

// hand counts a batch and passes its control frames to the loop.
func (r *reader) hand(got link.Received) {
	if got.Frames > 0 {
		r.link.base.Receive(got)
		r.pause.Read(int(got.Frames))
	}
}
