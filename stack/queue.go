package stack

// A queue holds entries in the order in which they came, in blocks that are
// taken from a common store and given back. The zero queue is empty.
type queue struct{ head, tail uint32 }

// queued is an entry of a queue: an id and what its word was then.
type queued struct{ id, word uint32 }

const blockEntries = 15

// queueBlock is two cache lines.
type queueBlock struct {
	next       uint32
	begin, end uint16 // entries in use
	entries    [blockEntries]queued
}

// queues are the blocks of many queues.
type queues struct {
	blocks slab[queueBlock]
	free   uint32 // the first of those that are in no queue
}

// push puts an entry at the end.
func (s *queues) push(q *queue, e queued) {
	if q.tail != 0 {
		if b := s.blocks.at(q.tail); b.end < blockEntries {
			b.entries[b.end] = e
			b.end++
			return
		}
	}
	s.extend(q)
	b := s.blocks.at(q.tail)
	b.entries[0] = e
	b.end = 1
}

// extend puts an empty block at the end.
func (s *queues) extend(q *queue) {
	id := s.free
	if id == 0 {
		id = s.blocks.alloc()
	}
	b := s.blocks.at(id)
	s.free = b.next
	b.next, b.begin, b.end = 0, 0, 0
	if q.tail == 0 {
		q.head = id
	} else {
		s.blocks.at(q.tail).next = id
	}
	q.tail = id
}

// drop gives the first block back.
func (s *queues) drop(q *queue) {
	id := q.head
	b := s.blocks.at(id)
	if q.head = b.next; q.head == 0 {
		q.tail = 0
	}
	b.next = s.free
	s.free = id
}

// take gives the first block back and a copy of it.
func (s *queues) take(q *queue) queueBlock {
	b := *s.blocks.at(q.head)
	s.drop(q)
	return b
}

// first gives the first entry and leaves it there.
func (s *queues) first(q *queue) (e queued, ok bool) {
	for q.head != 0 {
		if b := s.blocks.at(q.head); b.begin < b.end {
			return b.entries[b.begin], true
		}
		s.drop(q)
	}
	return queued{}, false
}

// pop takes the first entry out.
func (s *queues) pop(q *queue) (e queued, ok bool) {
	if e, ok = s.first(q); ok {
		s.blocks.at(q.head).begin++
	}
	return e, ok
}

// sift takes out the entries that keep refuses and gives their number.
func (s *queues) sift(q *queue, keep func(queued) bool) (gone int) {
	old := *q
	*q = queue{}
	for old.head != 0 {
		b := s.take(&old)
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
	l.queues = append(l.queues, queue{})
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
	for {
		e, ok := w.queues.first(q)
		if !ok {
			return 0
		}
		if w.counts(e) {
			return e.id
		}
		w.queues.pop(q)
		w.lists.entries--
	}
}
