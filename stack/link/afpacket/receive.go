package afpacket

import (
	"unsafe"

	"golang.org/x/sys/unix"

	"glean/stack/header"
	"glean/stack/link"
	"glean/stack/link/burst"
)

// readBatch is how many frames one call of recvmmsg(2) may return.
const readBatch = 64

// ancillary is the control data of a frame (packet(7), PACKET_AUXDATA).
type ancillary struct {
	header unix.Cmsghdr
	aux    unix.TpacketAuxdata
}

// reader receives from the device until the link is closed. Its messages are
// set up once: message i fills slot i of buffer and the ancillary data i.
type reader struct {
	link      *Link
	read      func(fd uintptr) bool // r.readOn, bound once so that waiting allocates nothing
	pause     burst.Pause
	messages  [readBatch]unix.Mmsghdr
	vectors   [readBatch]unix.Iovec
	ancillary [readBatch]ancillary
	buffer    []byte
	slot      int // octets of a slot: room for a tag, then for a frame
	batch     [][]byte
	stats     unix.TpacketStats
	err       error
}

func newReader(k *Link) *reader {
	r := &reader{link: k, batch: make([][]byte, 0, readBatch)}
	r.fit(k.MTU() + maxOverhead)
	for i := range r.messages {
		m := &r.messages[i].Hdr
		m.Iov = &r.vectors[i]
		m.SetIovlen(1)
		m.Control = (*byte)(unsafe.Pointer(&r.ancillary[i]))
		m.SetControllen(int(unsafe.Sizeof(r.ancillary[i])))
	}
	r.read = r.readOn
	if k.tandem != nil {
		r.pause.Help, r.pause.Bell = k.tandem.Help, k.bell
	}
	return r
}

// fit makes sure of room for frames of size octets.
func (r *reader) fit(size int) {
	if tagRoom+size <= r.slot {
		return
	}
	r.slot = tagRoom + size
	r.buffer = make([]byte, readBatch*r.slot)
	for i := range r.vectors {
		r.vectors[i].Base = &r.buffer[i*r.slot+tagRoom]
		r.vectors[i].SetLen(size)
	}
}

func (r *reader) run() {
	for r.err == nil {
		if err := r.link.receiver.raw.Read(r.read); err != nil {
			r.err = err
		}
	}
}

// readOn reads a batch. It reports whether to call it again at once; if not, it is
// called again when the socket is readable.
func (r *reader) readOn(fd uintptr) (again bool) { return r.readBatch(fd) || r.pause.Take() }

// readBatch receives the waiting frames, up to a batch. It reports whether more may be
// waiting.
func (r *reader) readBatch(fd uintptr) (more bool) {
	r.fit(r.link.MTU() + maxOverhead) // the device may have got a larger MTU
	n, _, errno := unix.RawSyscall6(unix.SYS_RECVMMSG, fd, uintptr(unsafe.Pointer(&r.messages[0])), readBatch,
		unix.MSG_DONTWAIT|unix.MSG_TRUNC, 0, 0)
	switch errno {
	case 0:
	case unix.EAGAIN:
		return false
	case unix.EINTR, unix.ENETDOWN: // ENETDOWN is reported once when the device goes down, by netlink too
		return true
	default:
		r.err = errno
		return true
	}
	got := link.Received{Control: r.batch}
	for i := range int(n) {
		r.take(i, &got)
	}
	got.Lost = r.lost(fd)
	got.Frames += got.Lost
	r.link.base.Receive(got)
	r.pause.Read(int(n))
	return n == readBatch
}

// take classifies message i.
func (r *reader) take(i int, got *link.Received) {
	m, a := &r.messages[i], &r.ancillary[i]
	length, slot := int(m.Len), r.buffer[i*r.slot:(i+1)*r.slot] // length is that before cutting, see MSG_TRUNC
	var aux unix.TpacketAuxdata
	if m.Hdr.Controllen >= unix.SizeofCmsghdr && a.header.Level == unix.SOL_PACKET && a.header.Type == unix.PACKET_AUXDATA {
		aux = a.aux
	}
	m.Hdr.SetControllen(int(unsafe.Sizeof(*a)))
	got.Frames++
	if length < header.EthernetSize {
		got.Bytes += uint64(length)
		got.Errors++
		return
	}
	captured := min(length, len(slot)-tagRoom)
	frame := restoreTag(slot[:tagRoom+captured], &aux)
	got.Bytes += uint64(length + len(frame) - captured)
	switch {
	case link.Classify(frame) == link.ClassTraffic:
		got.Traffic++
	case captured < length:
		got.Errors++
	default:
		if aux.Status&unix.TP_STATUS_CSUMNOTREADY != 0 {
			finishChecksum(frame)
		}
		got.Control = append(got.Control, frame)
	}
}

// lost returns how many frames found the kernel's buffer full since its last call. It is
// called after each batch: a drop means that more frames are waiting.
func (r *reader) lost(fd uintptr) uint64 {
	length := uint32(unix.SizeofTpacketStats)
	_, _, errno := unix.RawSyscall6(unix.SYS_GETSOCKOPT, fd, unix.SOL_PACKET, unix.PACKET_STATISTICS,
		uintptr(unsafe.Pointer(&r.stats)), uintptr(unsafe.Pointer(&length)), 0)
	if errno != 0 {
		return 0
	}
	return uint64(r.stats.Drops)
}
