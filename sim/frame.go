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

// roomOf are the sizes of pooled buffers: ARP with a tag; ND with two tags and
// ping; short packets; a full Ethernet frame with tags; a jumbo frame. Longer
// frames are left to the garbage collector. Frames that a million solicitations
// leave in flight are many, so that the small ones are small.
var roomOf = [...]int{48, 96, 192, 1536, 9344}

// chunkOctets is how much memory the pool takes at a time, so that a thousand
// frames in flight cost a handful of allocations.
const chunkOctets = 1 << 14

// pool recycles frames. It never frees memory, because a world that has needed it once
// is likely to need it again.
type pool struct {
	free [len(roomOf)]*frame
}

// get returns a frame that holds a copy of data.
func (p *pool) get(data []byte) *frame {
	for class, room := range roomOf {
		if len(data) > room {
			continue
		}
		f := p.free[class]
		if f == nil {
			f = chunk(room)
		}
		p.free[class], f.next = f.next, nil
		f.data = append(f.data[:0], data...)
		return f
	}
	return &frame{data: append([]byte(nil), data...)}
}

// put takes a frame back.
func (p *pool) put(f *frame) {
	for class, room := range roomOf {
		if cap(f.data) == room {
			f.next = p.free[class]
			p.free[class] = f
			return
		}
	}
}

// chunk makes a list of frames of the given size.
func chunk(size int) *frame {
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
