package afpacket

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"os"
	"syscall"

	"golang.org/x/sys/unix"
)

// Protocols that a socket receives.
const (
	everything = unix.ETH_P_ALL
	nothing    = 0
)

// socket is a packet socket.
type socket struct {
	file *os.File
	raw  syscall.RawConn
}

// newSocket opens a socket in the network namespace of the calling thread. It
// receives nothing until it is bound. With SOCK_NONBLOCK as mode, Go's poller
// watches it, so that a goroutine can wait for it.
func newSocket(mode int) (*socket, error) {
	fd, err := unix.Socket(unix.AF_PACKET, unix.SOCK_RAW|unix.SOCK_CLOEXEC|mode, nothing)
	if errors.Is(err, unix.EPERM) {
		return nil, fmt.Errorf("%w (%w)", ErrPermission, err)
	}
	if err != nil {
		return nil, fmt.Errorf("opening a packet socket: %w", err)
	}
	file := os.NewFile(uintptr(fd), "packet socket")
	raw, err := file.SyscallConn()
	if err != nil {
		return nil, errors.Join(err, file.Close())
	}
	return &socket{file, raw}, nil
}

// control runs f on the descriptor, which stays open meanwhile.
func (s *socket) control(f func(fd int) error) error {
	var err error
	if closed := s.raw.Control(func(fd uintptr) { err = f(int(fd)) }); closed != nil {
		return closed
	}
	return err
}

// close closes the socket, which takes the kernel some milliseconds: it is not for the
// loop.
func (s *socket) close() { _ = s.file.Close() }

// bindTo binds the descriptor of a socket to a device.
func bindTo(fd int, protocol uint16, index int) error {
	var b [2]byte
	binary.BigEndian.PutUint16(b[:], protocol) // packet(7): in network order
	return unix.Bind(fd, &unix.SockaddrLinklayer{Protocol: binary.NativeEndian.Uint16(b[:]), Ifindex: index})
}

// newReceiver opens a socket with room for frames of at most size octets. It returns the
// real capacity of the kernel's buffer, which may be less without CAP_NET_ADMIN.
func newReceiver(room, size int) (s *socket, holds int, err error) {
	if s, err = newSocket(unix.SOCK_NONBLOCK); err != nil {
		return nil, 0, err
	}
	err = s.control(func(fd int) error {
		if err := unix.SetsockoptInt(fd, unix.SOL_PACKET, unix.PACKET_IGNORE_OUTGOING, 1); err != nil {
			return fmt.Errorf("PACKET_IGNORE_OUTGOING (Linux 4.20 or newer is needed): %w", err)
		}
		if err := unix.SetsockoptInt(fd, unix.SOL_PACKET, unix.PACKET_AUXDATA, 1); err != nil {
			return fmt.Errorf("PACKET_AUXDATA: %w", err)
		}
		holds, err = setBuffer(fd, room, size)
		return err
	})
	if err != nil {
		s.close()
		return nil, 0, err
	}
	return s, holds, nil
}

// setBuffer makes the receive buffer of a socket large enough for twice room frames of
// at most size octets, as far as the kernel permits, and returns its capacity in frames.
func setBuffer(fd, room, size int) (holds int, err error) {
	// The kernel charges a frame for its memory: the next power of two, or a page or
	// two, and its own bookkeeping.
	charge := 2*size + 1024
	want := min(room*charge, math.MaxInt32/2) // the kernel doubles it, see socket(7)
	err = unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_RCVBUFFORCE, want)
	if errors.Is(err, unix.EPERM) {
		err = unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_RCVBUF, want)
	}
	if err != nil {
		return 0, fmt.Errorf("SO_RCVBUF: %w", err)
	}
	got, err := unix.GetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_RCVBUF)
	if err != nil {
		return 0, fmt.Errorf("SO_RCVBUF: %w", err)
	}
	return max(1, got/charge), nil
}

// receiveFrom makes a device promiscuous and binds s to it. Closing s, or the end of the
// device, undoes both.
func (s *socket) receiveFrom(index int) error {
	return s.control(func(fd int) error {
		if err := bindTo(fd, everything, index); err != nil {
			return err
		}
		return unix.SetsockoptPacketMreq(fd, unix.SOL_PACKET, unix.PACKET_ADD_MEMBERSHIP,
			&unix.PacketMreq{Ifindex: int32(index), Type: unix.PACKET_MR_PROMISC})
	})
}

// newTransmitter opens a socket for sending, which does not block with MSG_DONTWAIT.
// Go's poller does not watch it: the poller would be woken for each frame that has left,
// which costs as much as the frame. Without the queueing discipline a busy device
// refuses frames instead of queueing them.
func newTransmitter(bypass bool) (*socket, error) {
	s, err := newSocket(0)
	if err != nil || !bypass {
		return s, err
	}
	err = s.control(func(fd int) error {
		return unix.SetsockoptInt(fd, unix.SOL_PACKET, unix.PACKET_QDISC_BYPASS, 1)
	})
	if err != nil {
		s.close()
		return nil, fmt.Errorf("PACKET_QDISC_BYPASS: %w", err)
	}
	return s, nil
}
