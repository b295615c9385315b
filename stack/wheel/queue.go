package wheel

// A queue holds entries in the order in which they were pushed, in blocks of a
// common store. The blocks form a ring: a queue is the id of the last block, whose
// next is the first, and the number of entries in the last block. So push reads
// nothing of a block. 0 is an empty queue.
type queue uint32

func (q queue) last() uint32 { return uint32(q >> countBits) }
func (q queue) count() int   { return int(q & (1<<countBits - 1)) } // in the last block

// queued is an entry of a queue: an id and the word of that id when it was pushed.
type queued struct{ id, word uint32 }

const (
	countBits    = 5
	blockEntries = 1<<countBits - 1
)

// queueBlock is a block of a queue, of 256 octets.
type queueBlock struct {
	next       uint32
	begin, end uint16 // entries in use; the last block of a queue has no end yet
	entries    [blockEntries]queued
}

// queues holds the blocks of many queues.
type queues struct {
	blocks Slab[queueBlock]
	free   uint32 // the first block that is in no queue
	ahead  uint32 // the block after free
}

// push appends an entry.
func (s *queues) push(q *queue, e queued) {
	if n := q.count(); n != 0 && n < blockEntries {
		s.blocks.At(q.last()).entries[n] = e
		*q++
		return
	}
	s.extend(q, e)
}

// extend appends a block with one entry.
func (s *queues) extend(q *queue, e queued) {
	id := s.free
	if id == 0 {
		id = s.blocks.Alloc()
	} else if s.free = s.ahead; s.free != 0 {
		s.ahead = s.blocks.At(s.free).next // prefetch: a cache miss
	}
	b := s.blocks.At(id)
	b.next, b.begin, b.end, b.entries[0] = id, 0, blockEntries, e
	if *q != 0 {
		last := s.blocks.At(q.last())
		b.next, last.next = last.next, id
	}
	*q = queue(id<<countBits | 1)
}

// drop returns a block to the store and returns the next one of its queue.
func (s *queues) drop(id uint32) (next uint32) {
	b := s.blocks.At(id)
	next, b.next = b.next, s.free
	s.free, s.ahead = id, s.free
	return next
}

// open empties the queue and returns the first of its blocks. The next of the last
// block is then 0.
func (s *queues) open(q *queue) (first uint32) {
	if *q == 0 {
		return 0
	}
	last := s.blocks.At(q.last())
	first, last.next = last.next, 0
	last.end = uint16(q.count())
	*q = 0
	return first
}

// first returns the block with the first entry, nil if the queue is empty.
func (s *queues) first(q *queue) *queueBlock {
	for *q != 0 {
		last := s.blocks.At(q.last())
		id, end := last.next, blockEntries
		if id == q.last() {
			end = q.count()
		}
		b := s.blocks.At(id)
		if int(b.begin) < end {
			return b
		}
		if id == q.last() {
			*q = 0
		} else {
			last.next = b.next
		}
		s.drop(id)
	}
	return nil
}

// sift removes the entries that keep refuses and returns their number.
func (s *queues) sift(q *queue, keep func(queued) bool) (gone int) {
	for id := s.open(q); id != 0; {
		b := *s.blocks.At(id)
		id = s.drop(id)
		for _, e := range b.entries[b.begin:b.end] {
			if keep(e) {
				s.push(q, e)
			} else {
				gone++
			}
		}
	}
	return gone
}
