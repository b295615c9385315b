package uring

import (
	"unsafe"

	"golang.org/x/sys/unix"
)

// The definitions below are those of the kernel's include/uapi/linux/io_uring.h that
// this package uses.

// submission is struct io_uring_sqe for a write.
type submission struct {
	opcode   uint8
	flags    uint8
	priority uint16
	fd       int32
	offset   uint64
	address  uint64
	length   uint32
	rwFlags  uint32
	userData uint64
	_        [3]uint64
}

// completion is struct io_uring_cqe.
type completion struct {
	userData uint64
	result   int32 // octets, or an errno below zero
	flags    uint32
}

// params is struct io_uring_params.
type params struct {
	sqEntries, cqEntries uint32
	flags                uint32
	sqThreadCPU          uint32
	sqThreadIdle         uint32
	features             uint32
	wqFD                 uint32
	_                    [3]uint32
	sq                   sqOffsets
	cq                   cqOffsets
}

// sqOffsets is struct io_sqring_offsets: places in the mapped memory.
type sqOffsets struct {
	head, tail, ringMask, ringEntries, flags, dropped, array uint32
	_                                                        uint32
	_                                                        uint64
}

// cqOffsets is struct io_cqring_offsets.
type cqOffsets struct {
	head, tail, ringMask, ringEntries, overflow, entries, flags uint32
	_                                                           uint32
	_                                                           uint64
}

const (
	opWrite       = 23     // IORING_OP_WRITE
	fixedFile     = 1 << 0 // IOSQE_FIXED_FILE: fd is an index of the registered files
	enterWait     = 1 << 0 // IORING_ENTER_GETEVENTS
	offSQEs       = 0x10000000
	registerFiles = 2
	forgetFiles   = 3

	// One mapping for both queues (5.4), no completion is lost (5.5), writes at
	// the file's own position, with which OP_WRITE came (5.6).
	wantedFeatures = 1<<0 | 1<<1 | 1<<3

	noWait = 0x8 // RWF_NOWAIT: a full file returns EAGAIN, else the ring would wait for it

	// ownPosition as an offset means the file's own, if it has one.
	ownPosition = ^uint64(0)
)

func setup(entries uint32, p *params) (fd int, err error) {
	r, _, errno := unix.Syscall(unix.SYS_IO_URING_SETUP, uintptr(entries), uintptr(unsafe.Pointer(p)), 0)
	if errno != 0 {
		return -1, errno
	}
	return int(r), nil
}

func register(ring int, opcode uintptr, argument unsafe.Pointer, count uintptr) error {
	_, _, errno := unix.Syscall6(unix.SYS_IO_URING_REGISTER, uintptr(ring), opcode, uintptr(argument), count, 0, 0)
	if errno != 0 {
		return errno
	}
	return nil
}

// enter bypasses Go's scheduler: it takes as long as the writes take.
func enter(ring int, submit, wait uint32, flags uintptr) (int, unix.Errno) {
	n, _, errno := unix.RawSyscall6(unix.SYS_IO_URING_ENTER, uintptr(ring), uintptr(submit), uintptr(wait), flags, 0, 0)
	return int(n), errno
}
