package afpacket

import (
	"encoding/binary"
	"fmt"
	"sync/atomic"
	"unsafe"

	"golang.org/x/sys/unix"
)

// The layout of a ring. A device may keep some hundred frames before it reports that
// they have left.
const (
	ringSlots = 256
	ringSlot  = 2048 // octets

	// virtioHeader is the length of struct virtio_net_hdr (linux/virtio_net.h),
	// before each frame; its member hdr_len is two octets in.
	virtioHeader = 10
	headerLength = 2

	// ringLongest is the longest frame that fits into a slot.
	ringLongest = ringSlot - unix.SizeofTpacket2Hdr - virtioHeader
)

// ring is the way of PACKET_TX_RING (packet(7), Documentation/networking/packet_mmap.rst
// in Linux): frames are copied into memory shared with the kernel, and one send(2) makes
// the kernel take all marked frames.
//
// Without more that costs as much as messages: the kernel refers to the frame in the
// ring behind the first 14 octets, and a device that delivers to receivers of this
// machine, such as veth, has to copy that part to a page of its own. A virtio header
// whose header length covers the whole frame makes the kernel copy it at once, behind
// the first octets, which saves a fifth of the cost of a frame. The header requests no
// checksum and no segmentation.
//
// The kernel goes around the ring by itself, and only past frames that it took. So next
// is always the kernel's position.
type ring struct {
	memory []byte
	next   int // the slot of the next frame
}

// newRingOutlet opens a socket with a ring of some slots.
func newRingOutlet(slots int, bypass bool) (*outlet, error) {
	s, err := newTransmitter(bypass)
	if err != nil {
		return nil, err
	}
	r := new(ring)
	if err := s.control(func(fd int) error { return r.setUp(fd, slots) }); err != nil {
		s.close()
		return nil, err
	}
	return &outlet{socket: s, way: r}, nil
}

// setUp creates the ring of a socket.
func (r *ring) setUp(fd, slots int) error {
	for _, option := range []struct {
		name          string
		number, value int
	}{
		{"PACKET_VERSION", unix.PACKET_VERSION, unix.TPACKET_V2},
		{"PACKET_VNET_HDR", unix.PACKET_VNET_HDR, 1}, // Linux 4.6 or newer has both
	} {
		if err := unix.SetsockoptInt(fd, unix.SOL_PACKET, option.number, option.value); err != nil {
			return fmt.Errorf("%s: %w", option.name, err)
		}
	}
	block := max(16*ringSlot, unix.Getpagesize()) // of consecutive memory, in whole pages
	err := unix.SetsockoptTpacketReq(fd, unix.SOL_PACKET, unix.PACKET_TX_RING, &unix.TpacketReq{
		Block_size: uint32(block), Block_nr: uint32(slots * ringSlot / block),
		Frame_size: ringSlot, Frame_nr: uint32(slots),
	})
	if err != nil {
		return fmt.Errorf("PACKET_TX_RING: %w", err)
	}
	r.memory, err = unix.Mmap(fd, 0, slots*ringSlot, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED)
	if err != nil {
		return fmt.Errorf("mapping the ring: %w", err)
	}
	return nil
}

// slot returns the status word and the rest of the slot that is ahead of next.
func (r *ring) slot(ahead int) (h *unix.Tpacket2Hdr, data []byte) {
	at := (r.next + ahead) * ringSlot % len(r.memory)
	slot := r.memory[at : at+ringSlot : at+ringSlot]
	return (*unix.Tpacket2Hdr)(unsafe.Pointer(&slot[0])), slot[unix.SizeofTpacket2Hdr:]
}

// push implements way. A slot that the device still uses ends the batch.
func (r *ring) push(fd uintptr, frames [][]byte) (taken int, why unix.Errno) {
	n := 0
	for n < len(frames) && r.fill(n, frames[n]) {
		n++
	}
	if n == 0 {
		return 0, unix.EAGAIN
	}
	// As sendmmsg(2) in messages.
	_, _, errno := unix.RawSyscall6(unix.SYS_SENDTO, fd, 0, 0, unix.MSG_DONTWAIT, 0, 0)
	taken = r.took(n)
	r.next = (r.next + taken) % (len(r.memory) / ringSlot)
	if taken == 0 && errno == 0 {
		errno = unix.EAGAIN
	}
	return taken, errno
}

// fill puts a frame into the slot that is ahead of next, if that is free.
func (r *ring) fill(ahead int, frame []byte) bool {
	h, data := r.slot(ahead)
	if atomic.LoadUint32(&h.Status) != unix.TP_STATUS_AVAILABLE {
		return false
	}
	clear(data[:virtioHeader])
	binary.NativeEndian.PutUint16(data[headerLength:], uint16(len(frame)))
	h.Len = uint32(virtioHeader + copy(data[virtioHeader:], frame))
	atomic.StoreUint32(&h.Status, unix.TP_STATUS_SEND_REQUEST)
	return true
}

// took returns how many of the n frames ahead the kernel took, and unmarks the others.
// The kernel stops at the first frame that it does not take, and marks it
// TP_STATUS_WRONG_FORMAT or leaves it; it goes on there next time.
func (r *ring) took(n int) int {
	taken := n
	for i := range n {
		h, _ := r.slot(i)
		switch atomic.LoadUint32(&h.Status) {
		case unix.TP_STATUS_SEND_REQUEST, unix.TP_STATUS_WRONG_FORMAT:
			atomic.StoreUint32(&h.Status, unix.TP_STATUS_AVAILABLE)
			taken = min(taken, i)
		}
	}
	return taken
}

// release implements way. The kernel keeps the socket until the ring is not
// mapped any longer.
func (r *ring) release() { _ = unix.Munmap(r.memory) }
