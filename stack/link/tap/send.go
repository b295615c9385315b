package tap

import (
	"sync/atomic"
	"unsafe"

	"golang.org/x/sys/unix"

	"glean/stack/header"
	"glean/stack/link"
)

// sender writes frames to one queue of the device. It is used by one goroutine
// at a time; many senders may share a queue, since a write is one frame.
type sender struct {
	link   *Link
	queue  int
	closed atomic.Bool
	write  func(fd uintptr) // s.writeAll, bound once so that Send allocates nothing
	ring   ringOf

	// The call that runs now.
	device *device
	frames [][]byte
	limit  int // octets of the longest frame
	taken  int // frames that are done with
	lost   int // of them, frames that the device refused while it took later ones
	bytes  uint64
	err    error
}

func newSender(k *Link, queue int) *sender {
	s := &sender{link: k, queue: queue}
	s.write = s.writeAll
	return s
}

// Send implements link.Queue.
func (s *sender) Send(frames [][]byte) (int, error) {
	if s.closed.Load() || s.link.base.Ended() {
		return 0, link.ErrClosed
	}
	d := s.link.device.Load()
	if d == nil {
		s.link.base.Refused()
		return 0, link.ErrDeleted
	}
	s.device, s.frames, s.limit = d, frames, s.link.MTU()+maxOverhead
	s.taken, s.lost, s.bytes, s.err = 0, 0, 0, nil
	// Control keeps the descriptor from being closed (and its number from being
	// given away) but, unlike Write, does not lock out other senders.
	if err := d.queues[s.queue].raw.Control(s.write); err != nil {
		s.err = s.link.gone()
	}
	s.device, s.frames = nil, nil
	s.account()
	return s.taken, s.err
}

// writeAll writes the frames until one is refused.
func (s *sender) writeAll(fd uintptr) {
	if s.ring.wanted && len(s.frames) >= ringMin {
		s.writeByRing(fd)
	}
	if s.err == nil {
		s.writeEach(fd)
	}
}

// writeEach writes the remaining frames, one by a call. The descriptor does not block
// and a write takes a few microseconds, so the call bypasses the scheduler.
func (s *sender) writeEach(fd uintptr) {
	for _, f := range s.frames[s.taken:] {
		if !s.fits(f) {
			s.err = link.ErrSize
			return
		}
		_, _, errno := unix.RawSyscall(unix.SYS_WRITE, fd, uintptr(unsafe.Pointer(unsafe.SliceData(f))), uintptr(len(f)))
		for errno == unix.EINTR {
			_, _, errno = unix.RawSyscall(unix.SYS_WRITE, fd, uintptr(unsafe.Pointer(unsafe.SliceData(f))), uintptr(len(f)))
		}
		if errno != 0 {
			s.err = sendError(errno)
			return
		}
		s.taken++
		s.bytes += uint64(len(f))
	}
}

func (s *sender) fits(f []byte) bool { return len(f) >= header.EthernetSize && len(f) <= s.limit }

// account adds the sent frames to the link's counters, and triggers a look at the device
// if the result does not fit its last known state.
func (s *sender) account() {
	k := s.link
	k.base.Sent(s.taken-s.lost, s.bytes)
	for range s.lost {
		k.base.Refused()
	}
	switch s.err {
	case nil:
		if s.taken > 0 && !k.up.Load() {
			k.look()
		}
		return
	case link.ErrFull: //nolint:errorlint // sendError returns these values unwrapped
		return // the sender comes again with the same frame
	case link.ErrDown, link.ErrDeleted:
		if k.up.Load() {
			k.look()
		}
	}
	k.base.Refused()
}

// sendError returns the error of link.Link for an errno of write(2).
func sendError(errno unix.Errno) error {
	switch errno {
	case unix.EAGAIN, unix.ENOBUFS, unix.ENOMEM:
		return link.ErrFull
	case unix.EIO:
		return link.ErrDown
	case unix.EBADFD:
		return link.ErrDeleted
	}
	return errno
}

// gone returns why a descriptor no longer exists.
func (k *Link) gone() error {
	if k.base.Ended() {
		return link.ErrClosed
	}
	return link.ErrDeleted
}

// Close implements link.Queue.
func (s *sender) Close() error {
	if s.closed.Swap(true) {
		return link.ErrClosed
	}
	s.link.usage.Lock()
	s.link.usage.senders[s.queue]--
	s.link.usage.Unlock()
	s.dropRing(nil)
	return nil
}
