package burst

import (
	"sync/atomic"

	"golang.org/x/sys/unix"
)

// Bell ends the pauses of one reader. The reader sleeps in poll(2) and not in Go's
// scheduler, so that it has a processor at once when it is rung for.
type Bell struct {
	fd     int // eventfd(2)
	asleep atomic.Bool
}

// NewBell makes a bell. Close ends it.
func NewBell() (*Bell, error) {
	fd, err := unix.Eventfd(0, unix.EFD_CLOEXEC|unix.EFD_NONBLOCK)
	if err != nil {
		return nil, err
	}
	return &Bell{fd: fd}, nil
}

// Ring ends the pause of the reader. If the reader is not in a pause, it finds the work
// at its next one.
func (b *Bell) Ring() {
	if b.asleep.Load() {
		_, _ = unix.Write(b.fd, []byte{1, 0, 0, 0, 0, 0, 0, 0}) // it can't be full
	}
}

// Close closes the descriptor. Neither Ring nor a pause may follow.
func (b *Bell) Close() { _ = unix.Close(b.fd) }

// listen sleeps until the bell rings, but not longer than pause. last is called when
// Ring already has an effect; an earlier Ring has none.
func (b *Bell) listen(last func(), pause *unix.Timespec) {
	b.asleep.Store(true)
	last()
	p := [1]unix.PollFd{{Fd: int32(b.fd), Events: unix.POLLIN}}
	_, _ = unix.Ppoll(p[:], pause, nil) // a signal makes it shorter
	b.asleep.Store(false)
	if p[0].Revents != 0 {
		var count [8]byte
		_, _ = unix.Read(b.fd, count[:])
	}
}
