package sim

import "glean/stack/loop"

// frame is a frame in flight. It belongs to the queue it is in, and to the
// pool otherwise.
type frame struct {
	at   loop.Time // when it arrives
	seq  uint64    // order of frames that arrive at the same time
	next *frame    // in a queue or in the pool
	data []byte
}

// Sizes of pooled buffers: ARP, ND and ping; a full Ethernet frame with tags; a
// jumbo frame. Longer frames are left to the garbage collector.
const (
	smallFrame = 144
	fullFrame  = 1536
	jumboFrame = 9344
)

// chunkOctets is how much memory the pool takes at a time, so that a thousand
// frames in flight cost a handful of allocations.
const chunkOctets = 1 << 14

// pool hands out frames. It never gives memory back: a world needs at its peak
// again what it needed once.
type pool struct {
	small, full, jumbo *frame
}

// get returns a frame that holds a copy of data.
func (p *pool) get(data []byte) *frame {
	free, size := p.class(len(data))
	if free == nil {
		return &frame{data: append([]byte(nil), data...)}
	}
	if *free == nil {
		*free = chunk(size)
	}
	f := *free
	*free, f.next = f.next, nil
	f.data = append(f.data[:0], data...)
	return f
}

// put takes a frame back.
func (p *pool) put(f *frame) {
	free, size := p.class(cap(f.data))
	if free == nil || size != cap(f.data) {
		return
	}
	f.next = *free
	*free = f
}

// class returns the list of the smallest frames that hold n octets, and their
// size; nil if none does.
func (p *pool) class(n int) (free **frame, size int) {
	switch {
	case n <= smallFrame:
		return &p.small, smallFrame
	case n <= fullFrame:
		return &p.full, fullFrame
	case n <= jumboFrame:
		return &p.jumbo, jumboFrame
	}
	return nil, 0
}

// chunk makes a list of frames of the given size.
func chunk(size int) *frame {
	if size == smallFrame {
		return smallChunk()
	}
	n := max(1, chunkOctets/size)
	frames, octets := make([]frame, n), make([]byte, n*size)
	for i := range frames {
		frames[i].data = octets[i*size : i*size : (i+1)*size]
		if i+1 < n {
			frames[i].next = &frames[i+1]
		}
	}
	return &frames[0]
}

// smallRoom is a small frame with its octets: three cache lines in a row, since
// there are many of them and each is used for a moment only.
type smallRoom struct {
	frame
	octets [smallFrame]byte
}

// smallChunk is chunk for small frames.
func smallChunk() *frame {
	rooms := make([]smallRoom, chunkOctets/smallFrame)
	for i := range rooms {
		rooms[i].data = rooms[i].octets[:0]
		if i+1 < len(rooms) {
			rooms[i].next = &rooms[i+1].frame
		}
	}
	return &rooms[0].frame
}
