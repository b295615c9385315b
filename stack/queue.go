package stack

// A queue holds entries in the order in which they came, in blocks that are
// taken from a common store and given back. It is a ring of blocks, known by the
// last one, whose next is the first, and by how many entries that one has: to put
// an entry in, nothing of a block must be read. 0 is an empty queue.
type queue uint32

func (q queue) last() uint32 { return uint32(q >> countBits) }
func (q queue) count() int   { return int(q & (1<<countBits - 1)) } // in the last block

// queued is an entry of a queue: an id and what its word was then.
type queued struct{ id, word uint32 }

const (
	countBits    = 5
	blockEntries = 1<<countBits - 1
)

// queueBlock is 256 octets.
type queueBlock struct {
	next       uint32
	begin, end uint16 // entries in use; the last block of a queue has no end yet
	entries    [blockEntries]queued
}

// queues are the blocks of many queues.
type queues struct {
	blocks slab[queueBlock]
	free   uint32 // the first of those that are in no queue
	ahead  uint32 // the one after that
}

// push puts an entry at the end.
func (s *queues) push(q *queue, e queued) {
	if n := q.count(); n != 0 && n < blockEntries {
		s.blocks.at(q.last()).entries[n] = e
		*q++
		return
	}
	s.extend(q, e)
}

// extend puts a block with one entry at the end.
func (s *queues) extend(q *queue, e queued) {
	id := s.free
	if id == 0 {
		id = s.blocks.alloc()
	} else if s.free = s.ahead; s.free != 0 {
		s.ahead = s.blocks.at(s.free).next // early, because it is far away
	}
	b := s.blocks.at(id)
	b.next, b.begin, b.end, b.entries[0] = id, 0, blockEntries, e
	if *q != 0 {
		last := s.blocks.at(q.last())
		b.next, last.next = last.next, id
	}
	*q = queue(id<<countBits | 1)
}

// drop gives a block back and gives the next one.
func (s *queues) drop(id uint32) (next uint32) {
	b := s.blocks.at(id)
	next, b.next = b.next, s.free
	s.free, s.ahead = id, s.free
	return next
}

// open empties the queue and gives the first of its blocks; the last one's next
// is 0 then.
func (s *queues) open(q *queue) (first uint32) {
	if *q == 0 {
		return 0
	}
	last := s.blocks.at(q.last())
	first, last.next = last.next, 0
	last.end = uint16(q.count())
	*q = 0
	return first
}

// first gives the block with the first entry, nil if there is none.
func (s *queues) first(q *queue) *queueBlock {
	for *q != 0 {
		last := s.blocks.at(q.last())
		id, end := last.next, blockEntries
		if id == q.last() {
			end = q.count()
		}
		b := s.blocks.at(id)
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

// sift takes out the entries that keep refuses and gives their number.
func (s *queues) sift(q *queue, keep func(queued) bool) (gone int) {
	for id := s.open(q); id != 0; {
		b := *s.blocks.at(id)
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

// lists are plain lists that ids of a wheel may be in instead of being armed.
type lists struct {
	queues  []queue
	unused  []uint32 // numbers of lists that were given back
	live    int      // ids in lists
	entries int      // in queues, those that do not count any more included
	stamp   uint32
}

// newList gives the number of an empty list, from 1 on.
func (w *wheel) newList() uint32 {
	l := &w.lists
	if last := len(l.unused) - 1; last >= 0 {
		list := l.unused[last]
		l.unused = l.unused[:last]
		return list
	}
	l.queues = append(l.queues, 0)
	return uint32(len(l.queues))
}

// freeList gives an empty list back; 0 is none.
func (w *wheel) freeList(list uint32) {
	if list == 0 {
		return
	}
	w.oldest(list) // what it still has does not count and goes
	w.lists.unused = append(w.lists.unused, list)
}

// enlist moves id to the end of a list; its timer is off then.
func (w *wheel) enlist(list, id uint32) {
	w.remove(id)
	w.words.reserve(id)
	l := &w.lists
	if l.entries-l.live > l.live/4+slackEntries+len(l.queues) {
		for k := range l.queues {
			l.entries -= w.queues.sift(&l.queues[k], w.counts)
		}
	}
	l.stamp++
	e := queued{id, kindListed | l.stamp&numberMask}
	*w.words.at(id) = e.word
	w.queues.push(&l.queues[list-1], e)
	l.entries++
	l.live++
}

// oldest is the first id of a list, 0 if it is empty, as list 0 is.
func (w *wheel) oldest(list uint32) uint32 {
	if list == 0 {
		return 0
	}
	q := &w.lists.queues[list-1]
	for b := w.queues.first(q); b != nil; b = w.queues.first(q) {
		if e := b.entries[b.begin]; w.counts(e) {
			return e.id
		}
		b.begin++
		w.lists.entries--
	}
	return 0
}
