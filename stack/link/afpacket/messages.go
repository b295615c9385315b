package afpacket

import (
	"unsafe"

	"golang.org/x/sys/unix"
)

// messages is the way of sendmmsg(2), which sends frames of any length from where they
// lie. They are set up once: message i sends the data of vector i.
type messages struct {
	headers [sendBatch]unix.Mmsghdr
	vectors [sendBatch]unix.Iovec
}

func newMessages() *messages {
	m := new(messages)
	for i := range m.headers {
		m.headers[i].Hdr.Iov = &m.vectors[i]
		m.headers[i].Hdr.SetIovlen(1)
	}
	return m
}

func (m *messages) push(fd uintptr, frames [][]byte) (taken int, why unix.Errno) {
	for i, f := range frames {
		m.vectors[i].Base = unsafe.SliceData(f)
		m.vectors[i].SetLen(len(f))
	}
	// The call does not block, and a batch takes tens of microseconds, so
	// the call bypasses the scheduler: a transmitter would lose its processor.
	sent, _, errno := unix.RawSyscall6(unix.SYS_SENDMMSG, fd, uintptr(unsafe.Pointer(&m.headers[0])), uintptr(len(frames)),
		unix.MSG_DONTWAIT, 0, 0)
	if errno != 0 {
		return 0, errno
	}
	return int(sent), 0
}

func (m *messages) release() {}
