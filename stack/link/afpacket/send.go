package afpacket

import (
	"errors"
	"sync"
	"sync/atomic"

	"golang.org/x/sys/unix"

	"glean/stack/header"
	"glean/stack/link"
)

// sendBatch is how many frames one call passes to the kernel.
const sendBatch = 64

// way is a method of passing frames to the kernel on one socket.
type way interface {
	// push passes at most sendBatch frames to the kernel. It returns how many of them,
	// from the first on, the kernel took, and if that is none, why.
	push(fd uintptr, frames [][]byte) (taken int, why unix.Errno)
	// release frees memory after the socket was closed.
	release()
}

// An outlet is a socket for sending.
type outlet struct {
	*socket
	way   way
	bound *device // that the socket is bound to
}

// sender sends frames on sockets of its own. It is used by one goroutine at a
// time, and released by another.
type sender struct {
	link   *Link
	plain  *outlet // takes every frame
	fast   *outlet // takes frames of at most ringLongest octets; nil without a ring
	closed atomic.Bool
	send   func(fd uintptr) // s.sendAll, bound once so that Send allocates nothing

	mu sync.Mutex // locked while frames are sent and while memory is freed

	// The call that runs now.
	frames [][]byte
	device *device
	outlet *outlet
	taken  int
	bytes  uint64
	err    error
}

// newSender opens sockets that the link closes if s does not: with a ring, unless
// the kernel refuses it; for a queue past the queueing discipline.
func newSender(k *Link, queue bool) (*sender, error) {
	socket, err := newTransmitter(queue)
	if err != nil {
		return nil, err
	}
	s := &sender{link: k, plain: &outlet{socket: socket, way: newMessages()}}
	s.send = s.sendAll
	s.fast, _ = newRingOutlet(ringSlots, queue)
	k.mu.Lock()
	k.senders[s] = true
	k.mu.Unlock()
	return s, nil
}

// Send implements link.Queue.
func (s *sender) Send(frames [][]byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed.Load() || s.link.base.Ended() {
		return 0, link.ErrClosed
	}
	d := s.link.device.Load()
	// A device without a carrier accepts frames and drops them, so none is sent.
	if !d.state.Up {
		s.link.base.Refused()
		if d.state.Reason == link.ReasonDeleted {
			return 0, link.ErrDeleted
		}
		return 0, link.ErrDown
	}
	s.frames, s.device, s.outlet = frames, d, s.plain
	if s.fast != nil && d.mtu+maxOverhead <= ringLongest {
		s.outlet = s.fast
	}
	s.taken, s.bytes, s.err = 0, 0, nil
	if err := s.outlet.raw.Control(s.send); err != nil {
		s.err = link.ErrClosed // meanwhile
	}
	s.frames, s.device = nil, nil
	s.link.base.Sent(s.taken, s.bytes)
	if s.err != nil && !errors.Is(s.err, link.ErrFull) { // the caller sends the refused frames again
		s.link.base.Refused()
	}
	return s.taken, s.err
}

// sendAll sends the frames until one is refused. The kernel returns the reason only if
// that is the first of a call, so the rest is then tried again.
func (s *sender) sendAll(fd uintptr) {
	o := s.outlet
	// A device that went and is back may have the index that it had, but the
	// socket has lost it. So it is bound after each change.
	if o.bound != s.device {
		if err := bindTo(int(fd), nothing, s.device.index); err != nil {
			var errno unix.Errno
			errors.As(err, &errno) // bind(2) returns nothing else
			s.err = sendError(errno)
			return
		}
		o.bound = s.device
	}
	for s.taken < len(s.frames) && s.err == nil {
		batch := s.frames[s.taken:min(len(s.frames), s.taken+sendBatch)]
		fit := 0
		for fit < len(batch) && fits(batch[fit], s.device.mtu) {
			fit++
		}
		if fit == 0 {
			s.err = link.ErrSize
			return
		}
		taken, why := o.way.push(fd, batch[:fit])
		for _, f := range batch[:taken] {
			s.bytes += uint64(len(f))
		}
		s.taken += taken
		if taken == 0 && why != unix.EINTR {
			s.err = sendError(why)
		}
	}
}

// fits reports whether a device of an MTU sends a frame. Only an 802.1Q tag may exceed
// the MTU, as for packet sockets; the ring does not check.
func fits(frame []byte, mtu int) bool {
	switch over := len(frame) - header.EthernetSize - mtu; {
	case len(frame) < header.EthernetSize:
		return false
	case over <= 0:
		return true
	default:
		return over <= header.VLANSize && header.Ethernet(frame).Type() == header.EtherTypeVLAN
	}
}

// sendError returns the error of link.Link for an errno of the kernel. A socket whose
// device is gone cannot distinguish deletion from a move to another namespace; until the
// watcher can, the link is down.
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

// Close implements link.Queue. The sockets are closed elsewhere, see Link.Close.
func (s *sender) Close() error {
	if s.closed.Swap(true) {
		return link.ErrClosed
	}
	k := s.link
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.senders[s] { // else the link does it
		delete(k.senders, s)
		k.running.Go(s.release)
	}
	return nil
}

// release closes the sockets after a running call of Send. Frames that the kernel took
// before still leave.
func (s *sender) release() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.plain.release()
	if s.fast != nil {
		s.fast.release()
	}
}

func (o *outlet) release() {
	o.close()
	o.way.release()
}
