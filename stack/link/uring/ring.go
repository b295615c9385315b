package uring

import (
	"errors"
	"fmt"
	"sync/atomic"
	"unsafe"

	"golang.org/x/sys/unix"
)

// ErrUnavailable is the error of New where the kernel has no io_uring, has one that is
// too old, or does not permit it (io_uring_disabled, seccomp, memlock).
var ErrUnavailable = errors.New("io_uring is not available")

// Ring writes to one file. It is used by one goroutine at a time.
type Ring struct {
	fd      int
	queues  []byte // mapped
	entries []byte // mapped

	sqTail         *uint32 // we write it
	cqHead, cqTail *uint32 // we write the head, the kernel the tail
	sqMask, cqMask uint32
	submissions    []submission
	completions    []completion

	// buffers is the batch while the kernel reads it. Being kept here, it is on
	// the heap and stays where it is.
	buffers [][]byte
	results []int32
}

// New creates a ring for batches of up to depth buffers (at most 4,096) to a file. The
// ring keeps the file open until Close. Only the first write shows whether the file can
// be written without waiting; if not, every buffer fails with EOPNOTSUPP (a TAP does
// before Linux 6.5).
func New(file int, depth int) (*Ring, error) {
	var p params
	fd, err := setup(uint32(depth), &p)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrUnavailable, err)
	}
	unix.CloseOnExec(fd) // the kernel has done so already
	r := &Ring{fd: fd}
	if p.features&wantedFeatures != wantedFeatures {
		err = errors.New("the kernel is older than 5.6")
	}
	if err == nil {
		err = r.mapMemory(&p)
	}
	if err == nil {
		files := int32(file)
		err = register(fd, registerFiles, unsafe.Pointer(&files), 1)
	}
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrUnavailable, errors.Join(err, r.unmap()))
	}
	r.results = make([]int32, min(depth, len(r.submissions)))
	r.fillEntries(&p)
	return r, nil
}

// mapMemory maps the two queues, which share one mapping, and the entries.
func (r *Ring) mapMemory(p *params) (err error) {
	size := max(uintptr(p.sq.array)+4*uintptr(p.sqEntries),
		uintptr(p.cq.entries)+unsafe.Sizeof(completion{})*uintptr(p.cqEntries))
	const access, kind = unix.PROT_READ | unix.PROT_WRITE, unix.MAP_SHARED | unix.MAP_POPULATE
	if r.queues, err = unix.Mmap(r.fd, 0, int(size), access, kind); err != nil {
		return err
	}
	size = unsafe.Sizeof(submission{}) * uintptr(p.sqEntries)
	if r.entries, err = unix.Mmap(r.fd, offSQEs, int(size), access, kind); err != nil {
		return err
	}
	r.sqTail, r.sqMask = r.word(p.sq.tail), *r.word(p.sq.ringMask)
	r.cqHead, r.cqTail, r.cqMask = r.word(p.cq.head), r.word(p.cq.tail), *r.word(p.cq.ringMask)
	r.completions = unsafe.Slice((*completion)(unsafe.Pointer(&r.queues[p.cq.entries])), p.cqEntries)
	r.submissions = unsafe.Slice((*submission)(unsafe.Pointer(&r.entries[0])), p.sqEntries)
	return nil
}

func (r *Ring) word(offset uint32) *uint32 { return (*uint32)(unsafe.Pointer(&r.queues[offset])) }

// fillEntries writes the part that is the same in every submission. The kernel does not
// change entries.
func (r *Ring) fillEntries(p *params) {
	order := unsafe.Slice(r.word(p.sq.array), p.sqEntries)
	for i := range r.submissions {
		order[i] = uint32(i)
		r.submissions[i] = submission{
			opcode: opWrite, flags: fixedFile, offset: ownPosition, rwFlags: noWait, userData: uint64(i),
		}
	}
}

// Depth returns how many buffers one Write takes.
func (r *Ring) Depth() int { return len(r.results) }

// Write writes up to Depth buffers, none of them empty, each with a write(2) of its own
// and in order. results has the octets written or a negative errno for each buffer that
// was tried, and is valid until the next call; an error of one buffer does not keep
// later ones from being written. err is why the buffers after them were not tried. The
// buffers are not used after Write has returned.
func (r *Ring) Write(buffers [][]byte) (results []int32, err error) {
	r.buffers = buffers[:min(len(buffers), len(r.results))]
	first := *r.sqTail
	for i, b := range r.buffers {
		s := &r.submissions[(first+uint32(i))&r.sqMask]
		s.address = uint64(uintptr(unsafe.Pointer(unsafe.SliceData(b))))
		s.length = uint32(len(b))
	}
	atomic.StoreUint32(r.sqTail, first+uint32(len(r.buffers)))
	tried, err := r.submit(uint32(len(r.buffers)))
	if err != nil { // the kernel looks at the queue during enter only, so the rest can be taken back
		atomic.StoreUint32(r.sqTail, first+tried)
	}
	r.reap(first, tried)
	r.buffers = nil
	return r.results[:tried], err
}

// submit passes n entries to the kernel and returns how many it took.
func (r *Ring) submit(n uint32) (taken uint32, err error) {
	for taken < n {
		m, errno := enter(r.fd, n-taken, 0, 0)
		switch {
		case errno == unix.EINTR:
		case errno != 0:
			return taken, errno
		case m == 0:
			return taken, unix.EAGAIN
		default:
			taken += uint32(m)
		}
	}
	return taken, nil
}

// reap takes n completions. The kernel has them ready, unless it passed some to its
// workers.
func (r *Ring) reap(first, n uint32) {
	head := *r.cqHead
	for n > 0 {
		tail := atomic.LoadUint32(r.cqTail)
		if head == tail {
			_, _ = enter(r.fd, 0, 1, enterWait) // retried if it fails
			continue
		}
		for ; head != tail; head++ {
			c := &r.completions[head&r.cqMask]
			r.results[(uint32(c.userData)-first)&r.sqMask] = c.result
			n--
		}
		atomic.StoreUint32(r.cqHead, head)
	}
}

// Close releases the ring and, before it returns, the file. A closed ring must not be
// used.
func (r *Ring) Close() error {
	return errors.Join(register(r.fd, forgetFiles, nil, 0), r.unmap())
}

func (r *Ring) unmap() error {
	var errs [3]error
	if r.queues != nil {
		errs[0] = unix.Munmap(r.queues)
	}
	if r.entries != nil {
		errs[1] = unix.Munmap(r.entries)
	}
	errs[2] = unix.Close(r.fd)
	return errors.Join(errs[:]...)
}
