package learning

import "glean/stack/loop"

// outstanding is a solicitation in flight.
type outstanding struct {
	pending    uint32
	next, prev uint32
	seq        uint32    // grows by one with each solicitation
	round      uint32    // of the window
	at         loop.Time // when it was sent
}

// outstandingList has the solicitations in flight on a port, oldest first. The slab
// never grows beyond what the window permits.
type outstandingList struct {
	slots      []outstanding
	free       uint32
	head, tail uint32
	n          int
	seq        uint32
}

func newOutstandingList() outstandingList { return outstandingList{free: none, head: none, tail: none} }

func (fs *outstandingList) push(pending uint32, at loop.Time, round uint32) uint32 {
	i := fs.free
	if i == none {
		i = uint32(len(fs.slots))
		fs.slots = append(fs.slots, outstanding{})
	} else {
		fs.free = fs.slots[i].next
	}
	fs.seq++
	fs.slots[i] = outstanding{pending: pending, seq: fs.seq, next: none, prev: fs.tail, round: round, at: at}
	if fs.tail == none {
		fs.head = i
	} else {
		fs.slots[fs.tail].next = i
	}
	fs.tail = i
	fs.n++
	return i
}

func (fs *outstandingList) remove(i uint32) {
	f := &fs.slots[i]
	if f.prev == none {
		fs.head = f.next
	} else {
		fs.slots[f.prev].next = f.next
	}
	if f.next == none {
		fs.tail = f.prev
	} else {
		fs.slots[f.next].prev = f.prev
	}
	f.next, fs.free = fs.free, i
	fs.n--
}
