package afpacket

import (
	"sync/atomic"
	"unsafe"

	"golang.org/x/sys/unix"

	"glean/stack/header"
	"glean/stack/link"
)

// sendBatch is how many frames the kernel is given at once.
const sendBatch = 64

// sender sends frames on a socket of its own. It is used by one goroutine at a
// time. Its messages are set up once: message i sends what vector i points at.
type sender struct {
	link     *Link
	socket   *socket
	bound    int // index of the device that the socket is bound to
	closed   atomic.Bool
	send     func(fd uintptr) // s.sendAll, bound once so that Send allocates nothing
	messages [sendBatch]unix.Mmsghdr
	vectors  [sendBatch]unix.Iovec

	// The call that runs now.
	frames [][]byte
	device *device
	taken  int
	bytes  uint64
	err    error
}

// newSender opens a socket that the link closes if s does not.
func newSender(k *Link, bypass bool) (*sender, error) {
	socket, err := newTransmitter(bypass)
	if err != nil {
		return nil, err
	}
	s := &sender{link: k, socket: socket}
	for i := range s.messages {
		s.messages[i].Hdr.Iov = &s.vectors[i]
		s.messages[i].Hdr.SetIovlen(1)
	}
	s.send = s.sendAll
	k.mu.Lock()
	k.senders[s] = true
	k.mu.Unlock()
	return s, nil
}

// Send implements link.Queue.
func (s *sender) Send(frames [][]byte) (int, error) {
	if s.closed.Load() || s.link.base.Ended() {
		return 0, link.ErrClosed
	}
	d := s.link.device.Load()
	// A device without a carrier takes frames and throws them away, so it is not
	// asked.
	if !d.state.Up {
		s.link.base.Refused()
		if d.state.Reason == link.ReasonDeleted {
			return 0, link.ErrDeleted
		}
		return 0, link.ErrDown
	}
	s.frames, s.device = frames, d
	s.taken, s.bytes, s.err = 0, 0, nil
	if err := s.socket.raw.Control(s.send); err != nil {
		s.err = link.ErrClosed // meanwhile
	}
	s.frames, s.device = nil, nil
	s.link.base.Sent(s.taken, s.bytes)
	if s.err != nil && s.err != link.ErrFull { // the sender comes again with what did not fit
		s.link.base.Refused()
	}
	return s.taken, s.err
}

// sendAll sends the frames until one is refused.
func (s *sender) sendAll(fd uintptr) {
	if s.bound != s.device.index {
		if err := bindTo(int(fd), nothing, s.device.index); err != nil {
			s.err = sendError(err.(unix.Errno))
			return
		}
		s.bound = s.device.index
	}
	limit := s.device.mtu + maxOverhead
	for s.taken < len(s.frames) && s.err == nil {
		n := 0
		for _, f := range s.frames[s.taken:min(len(s.frames), s.taken+sendBatch)] {
			if len(f) < header.EthernetSize || len(f) > limit {
				break
			}
			s.vectors[n].Base = unsafe.SliceData(f)
			s.vectors[n].SetLen(len(f))
			n++
		}
		if n == 0 {
			s.err = link.ErrSize
			return
		}
		s.sendBatch(fd, n)
	}
}

// sendBatch sends the first n messages until one is refused. Why it was, the
// kernel tells only if that is the first, so the rest is then tried again.
func (s *sender) sendBatch(fd uintptr, n int) {
	// The call does not block, and a batch takes tens of microseconds, so
	// the scheduler is not told: a transmitter would lose its processor.
	sent, _, errno := unix.RawSyscall6(unix.SYS_SENDMMSG, fd, uintptr(unsafe.Pointer(&s.messages[0])), uintptr(n),
		unix.MSG_DONTWAIT, 0, 0)
	switch errno {
	case 0:
	case unix.EINTR:
		return
	default:
		s.err = sendError(errno)
		return
	}
	for _, f := range s.frames[s.taken : s.taken+int(sent)] {
		s.bytes += uint64(len(f))
	}
	s.taken += int(sent)
}

// sendError is what link.Link promises for what the kernel answered. A socket
// whose device has gone does not know whether it was deleted or moved to
// another namespace; until the watcher does, the link is down.
func sendError(errno unix.Errno) error {
	switch errno {
	case unix.EAGAIN, unix.ENOBUFS, unix.ENOMEM:
		return link.ErrFull
	case unix.ENETDOWN, unix.ENXIO, unix.ENODEV:
		return link.ErrDown
	case unix.EMSGSIZE:
		return link.ErrSize
	}
	return errno
}

// Close implements link.Queue. The socket is closed elsewhere, see Link.Close.
func (s *sender) Close() error {
	if s.closed.Swap(true) {
		return link.ErrClosed
	}
	k := s.link
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.senders[s] { // else the link does it
		delete(k.senders, s)
		k.running.Go(s.socket.close)
	}
	return nil
}
