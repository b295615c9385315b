package tap

import (
	"errors"
	"math"
	"slices"
	"sync"

	"golang.org/x/sys/unix"

	"glean/stack/link/uring"
)

const (
	// ringDepth is how many frames are written by one system call.
	ringDepth = 64
	// ringMin is from how many frames on that costs less than a call for each.
	ringMin = 3
)

// ringOf is a sender's ring. It belongs to one device: a ring keeps the device
// open, so it goes when the device is given up.
type ringOf struct {
	wanted bool // set before the first Send

	mu     sync.Mutex // locked while frames are written: the watcher closes rings
	ring   *uring.Ring
	device *device // that the ring was made for, with or without success
}

// Engine returns how the transmit queues write: "io_uring", or "plain" for write(2)
// where the kernel does not permit io_uring.
func (k *Link) Engine() string {
	if k.plain.Load() {
		return "plain"
	}
	return "io_uring"
}

// useRing makes the sender write by a ring, now and after the device has come back, if
// the kernel permits it.
func (s *sender) useRing() {
	s.ring.wanted = true
	d := s.link.device.Load()
	if d == nil {
		return
	}
	_ = d.queues[s.queue].raw.Control(func(fd uintptr) { // a device that is gone has none
		s.ring.mu.Lock()
		defer s.ring.mu.Unlock()
		s.openRing(d, fd)
	})
}

// openRing creates a ring for a device, unless the kernel does not permit it or a ring
// would break the order of frames. It is called with the lock held, as closeRing.
func (s *sender) openRing(d *device, fd uintptr) {
	s.closeRing()
	s.ring.device = d
	if s.link.plain.Load() {
		return
	}
	r, err := newRing(fd)
	if err != nil {
		s.link.plain.Store(true)
		return
	}
	if !d.rings.add(s) { // the device is being closed
		_ = r.Close()
		return
	}
	s.ring.ring = r
}

// errLimited is why a device is not written by a ring: the kernel may refuse a frame of
// a batch for lack of space and take the next one. Frames must keep their order, so they
// are written one after the other there.
var errLimited = errors.New("the TAP's send buffer is limited")

func newRing(fd uintptr) (*uring.Ring, error) {
	space, err := unix.IoctlGetInt(int(fd), unix.TUNGETSNDBUF)
	if err == nil && space < math.MaxInt32 { // which it is unless someone sets it
		err = errLimited
	}
	if err != nil {
		return nil, err
	}
	return uring.New(int(fd), ringDepth)
}

// tryRing finds out whether the device can be written by rings.
func (k *Link) tryRing(d *device) {
	err := d.queues[0].raw.Control(func(fd uintptr) {
		r, err := newRing(fd)
		if err == nil {
			err = r.Close()
		}
		k.plain.Store(err != nil)
	})
	if err != nil {
		k.plain.Store(true)
	}
}

func (s *sender) closeRing() {
	if s.ring.ring != nil {
		_ = s.ring.ring.Close() // of descriptors and memory of our own
	}
	s.ring.ring, s.ring.device = nil, nil
}

// dropRing closes the sender's ring if it is for d, or if d is nil.
func (s *sender) dropRing(d *device) {
	s.ring.mu.Lock()
	defer s.ring.mu.Unlock()
	if of := s.ring.device; of != nil && (d == nil || d == of) {
		of.rings.remove(s)
		s.closeRing()
	}
}

// writeByRing writes frames until one is refused, all are written, or the ring is not
// usable. writeEach writes the rest.
func (s *sender) writeByRing(fd uintptr) {
	s.ring.mu.Lock()
	defer s.ring.mu.Unlock()
	if s.ring.device != s.device {
		s.openRing(s.device, fd)
	}
	for s.ring.ring != nil && s.err == nil && s.taken < len(s.frames) {
		batch := s.frames[s.taken:]
		batch = batch[:min(len(batch), ringDepth)]
		for i, f := range batch {
			if !s.fits(f) {
				batch = batch[:i]
				break
			}
		}
		if len(batch) == 0 {
			return // writeEach returns the reason
		}
		results, err := s.ring.ring.Write(batch)
		s.take(results)
		if errors.Is(s.err, unix.EOPNOTSUPP) { // the kernel's TAP is too old; it took no frame
			s.err, err = nil, unix.EOPNOTSUPP
		}
		if err != nil {
			s.link.plain.Store(true)
			s.closeRing()
		}
	}
}

// take goes through the results of a batch. A frame that was refused before one
// that was taken is lost: to send it again would be to change the order. That
// happens only if the kernel has no memory for a moment.
func (s *sender) take(results []int32) {
	refused := 0 // since the last that was taken
	for _, r := range results {
		if r >= 0 {
			s.lost += refused
			s.bytes += uint64(r)
			refused, s.err = 0, nil
			continue
		}
		if refused == 0 {
			s.err = sendError(unix.Errno(-r))
		}
		refused++
	}
	s.taken += len(results) - refused
}

// rings are the senders that have a ring for a device.
type rings struct {
	mu      sync.Mutex
	closed  bool
	senders []*sender
}

func (r *rings) add(s *sender) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if !r.closed {
		r.senders = append(r.senders, s)
	}
	return !r.closed
}

func (r *rings) remove(s *sender) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.senders = slices.DeleteFunc(r.senders, func(t *sender) bool { return t == s })
}

// close closes the rings. None is made afterwards.
func (r *rings) close(d *device) {
	r.mu.Lock()
	r.closed = true
	all := slices.Clone(r.senders)
	r.mu.Unlock()
	for _, s := range all {
		s.dropRing(d)
	}
}
