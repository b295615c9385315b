package learning

import "glean/learning/congestion"

// none is the absent index in every index-linked structure.
const none = ^uint32(0)

// place is where a target is.
type place uint8

const (
	placeFree   place = iota // the slot is unused
	placeIdle                // waits for a reply, SolicitDue or its deadline
	placeFirst               // queued for its first question
	placeRepeat              // queued for a further one
	placeFlying              // in the window: just asked
)

// target is one interface and next hop that some request waits for. The
// resolver knows it by its index. 32 bytes, no pointers. Its key and its lane
// are those of its holders.
type target struct {
	ref        Ref
	request    uint32 // slot of the first holder's request
	answer     uint32 // index of the answer there
	more       uint32 // further holders, in targets.holders
	next, prev uint32 // in its queue; next is the flight when flying
	asked      uint16 // questions sent, saturating
	epoch      uint8  // the window's epoch when it was asked last
	marks      uint8  // place and age
}

// The marks of a target: its place, and above that the age of the question
// before the last one, in epochs, when the last one was asked.
const (
	placeBits = 3
	placeMask = 1<<placeBits - 1
	maxAge    = congestion.Epochs - 1 // or more, and then of no interest
)

func (t *target) place() place     { return place(t.marks & placeMask) }
func (t *target) setPlace(p place) { t.marks = t.marks&^placeMask | uint8(p) }
func (t *target) age() uint8       { return t.marks >> placeBits }
func (t *target) setAge(age uint8) { t.marks = t.marks&placeMask | min(age, maxAge)<<placeBits }

// holder is a request's answer that waits for a target besides its first.
type holder struct{ request, answer, next uint32 }

// targets is the slab of all targets and their index by interface and hop.
//
// The index is open addressing over target numbers, without keys and without
// deletion: an entry whose target died or became another one is garbage that a
// lookup steps over, and is swept out when the index is rebuilt. That costs eight
// bytes a target or a little more, and nothing when a target is answered. As the
// next hops of one request are unique, there is no index before a second one begins
// while targets live.
type targets struct {
	slots []target
	free  uint32 // chain through next
	live  int

	index []uint32 // power of two; 0 is empty, else target+1; nil: none yet
	used  int      // entries that are not empty, garbage included

	holders    []holder
	freeHolder uint32
}

func newTargets() targets { return targets{free: none, freeHolder: none} }

// reserve makes room for n more targets at once.
func (ts *targets) reserve(n int) {
	if need := ts.live + n; need > cap(ts.slots) {
		grown := make([]target, len(ts.slots), max(need, min(2*cap(ts.slots), need+need/8)))
		copy(grown, ts.slots)
		ts.slots = grown
	}
}

func (ts *targets) alloc(request, answer uint32) uint32 {
	id := ts.free
	if id == none {
		id = uint32(len(ts.slots))
		ts.slots = append(ts.slots, target{})
	} else {
		ts.free = ts.slots[id].next
	}
	ts.slots[id] = target{request: request, answer: answer,
		more: none, next: none, prev: none, marks: uint8(placeIdle)}
	ts.live++
	return id
}

// keptSlots is the size up to which the slab stays when nothing is in it.
const keptSlots = 1024

func (ts *targets) release(id uint32) {
	ts.slots[id] = target{next: ts.free, marks: uint8(placeFree)}
	ts.free = id
	if ts.live--; ts.live > 0 {
		return
	}
	ts.index, ts.used = nil, 0
	if len(ts.slots) > keptSlots {
		*ts = newTargets()
	}
}

// at gives a live target, nil if there is none with that number.
func (ts *targets) at(id uint32) *target {
	if uint64(id) >= uint64(len(ts.slots)) || ts.slots[id].place() == placeFree {
		return nil
	}
	return &ts.slots[id]
}

func (ts *targets) addHolder(id, request, answer uint32) {
	h := ts.freeHolder
	if h == none {
		h = uint32(len(ts.holders))
		ts.holders = append(ts.holders, holder{})
	} else {
		ts.freeHolder = ts.holders[h].next
	}
	t := &ts.slots[id]
	ts.holders[h] = holder{request, answer, t.more}
	t.more = h
}

// dropHolder takes a request off a target; it tells whether nobody is left.
func (ts *targets) dropHolder(id, request uint32) (last bool) {
	t := &ts.slots[id]
	if t.request == request {
		if t.more == none {
			return true
		}
		h := t.more
		t.request, t.answer = ts.holders[h].request, ts.holders[h].answer
		t.more = ts.holders[h].next
		ts.freeHolderSlot(h)
		return false
	}
	for link := &t.more; *link != none; link = &ts.holders[*link].next {
		if h := *link; ts.holders[h].request == request {
			*link = ts.holders[h].next
			ts.freeHolderSlot(h)
			return false
		}
	}
	panic("learning: a request left a target that it did not hold")
}

func (ts *targets) freeHolderSlot(h uint32) {
	ts.holders[h].next = ts.freeHolder
	ts.freeHolder = h
}

// eachHolder calls f for every request that holds a target, oldest first for
// the first holder, then in no particular but a repeatable order.
func (ts *targets) eachHolder(id uint32, f func(request, answer uint32)) {
	t := &ts.slots[id]
	f(t.request, t.answer)
	for h := t.more; h != none; h = ts.holders[h].next {
		f(ts.holders[h].request, ts.holders[h].answer)
	}
}

// find looks up the target of a lane and hop, none if there is none. There must be
// an index. Another lane may have the same handle, if its interface went away.
func (m *Manager) find(l *lane, hop *address) uint32 {
	ts := &m.targets
	mask := uint32(len(ts.index) - 1)
	for i := hop.hash(l.handle) & mask; ts.index[i] != 0; i = (i + 1) & mask {
		id := ts.index[i] - 1
		if t := ts.at(id); t != nil && m.laneOf(t) == l {
			if _, a := m.key(t); a == *hop {
				return id
			}
		}
	}
	return none
}

// key gives the interface and hop of a target.
func (m *Manager) key(t *target) (handle uint32, hop address) {
	res := m.active[t.request].result
	a := &res.answers[t.answer]
	hop, _ = res.hop(a)
	return res.interfaces[a.iface].Handle, hop
}

// enter puts a new target into the index, if there is one.
func (m *Manager) enter(id uint32) {
	ts := &m.targets
	if ts.index == nil {
		return
	}
	if 4*(ts.used+1) > 3*len(ts.index) {
		m.rebuildIndex(ts.live)
		return // the new target is among the live ones
	}
	m.place(id)
}

func (m *Manager) place(id uint32) {
	ts := &m.targets
	handle, hop := m.key(&ts.slots[id])
	mask := uint32(len(ts.index) - 1)
	i := hop.hash(handle) & mask
	for ts.index[i] != 0 {
		i = (i + 1) & mask
	}
	ts.index[i] = id + 1
	ts.used++
}

// rebuildIndex makes an index that n targets fill to a half at most.
func (m *Manager) rebuildIndex(n int) {
	ts := &m.targets
	size := 64
	for size < 2*n {
		size *= 2
	}
	if size == len(ts.index) {
		clear(ts.index)
	} else {
		ts.index = make([]uint32, size)
	}
	ts.used = 0
	for id := range ts.slots {
		if ts.slots[id].place() != placeFree {
			m.place(uint32(id))
		}
	}
}
