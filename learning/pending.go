package learning

import "glean/learning/congestion"

// none is the absent index in every index-linked structure.
const none = ^uint32(0)

// place is where a target is.
type hopStage uint8

const (
	stageFree     hopStage = iota // the slot is unused
	stageIdle                     // waits for a reply, SolicitDue or its deadline
	stageFirst                    // queued for its first question
	stageRepeat                   // queued for a further one
	stageInFlight                 // in the window: just asked
)

// target is one interface and next hop that some request waits for. The
// resolver knows it by its index. 32 bytes, no pointers. Its key and its lane
// are those of its holders.
type pendingHop struct {
	ref        Ref
	request    uint32 // slot of the first holder's request
	result     uint32 // index of the answer there
	more       uint32 // further holders, in targets.holders
	next, prev uint32 // in its queue; next is the flight when flying
	attempts   uint16 // questions sent, saturating
	epoch      uint8  // the window's epoch when it was asked last
	marks      uint8  // place and age
}

// The marks of a target: its place, and above that the age of the question
// before the last one, in epochs, when the last one was asked.
const (
	stageBits = 3
	stageMask = 1<<stageBits - 1
	maxAge    = congestion.Epochs - 1 // or more, and then of no interest
)

func (t *pendingHop) stage() hopStage     { return hopStage(t.marks & stageMask) }
func (t *pendingHop) setStage(p hopStage) { t.marks = t.marks&^stageMask | uint8(p) }
func (t *pendingHop) age() uint8          { return t.marks >> stageBits }
func (t *pendingHop) setAge(age uint8)    { t.marks = t.marks&stageMask | min(age, maxAge)<<stageBits }

// holder is a request's answer that waits for a target besides its first.
type waiter struct{ request, result, next uint32 }

// targets is the slab of all targets and their index by interface and hop.
//
// The index is open addressing over target numbers, without keys and without
// deletion: an entry whose target died or became another one is garbage that a
// lookup steps over, and is swept out when the index is rebuilt. That costs eight
// bytes a target or a little more, and nothing when a target is answered. As the
// next hops of one request are unique, there is no index before a second one begins
// while targets live.
type pendingTable struct {
	slots []pendingHop
	free  uint32 // chain through next
	live  int

	index []uint32 // power of two; 0 is empty, else target+1; nil: none yet
	used  int      // entries that are not empty, garbage included

	waiters    []waiter
	freeWaiter uint32
}

func newPendingTable() pendingTable { return pendingTable{free: none, freeWaiter: none} }

// reserve makes room for n more targets at once.
func (table *pendingTable) reserve(n int) {
	if need := table.live + n; need > cap(table.slots) {
		grown := make([]pendingHop, len(table.slots), max(need, min(2*cap(table.slots), need+need/8)))
		copy(grown, table.slots)
		table.slots = grown
	}
}

func (table *pendingTable) alloc(request, answer uint32) uint32 {
	id := table.free
	if id == none {
		id = uint32(len(table.slots))
		table.slots = append(table.slots, pendingHop{})
	} else {
		table.free = table.slots[id].next
	}
	table.slots[id] = pendingHop{request: request, result: answer,
		more: none, next: none, prev: none, marks: uint8(stageIdle)}
	table.live++
	return id
}

// keptSlots is the size up to which the slab stays when nothing is in it.
const keptSlots = 1024

func (table *pendingTable) release(id uint32) {
	table.slots[id] = pendingHop{next: table.free, marks: uint8(stageFree)}
	table.free = id
	if table.live--; table.live > 0 {
		return
	}
	table.index, table.used = nil, 0
	if len(table.slots) > keptSlots {
		*table = newPendingTable()
	}
}

// at gives a live target, nil if there is none with that number.
func (table *pendingTable) at(id uint32) *pendingHop {
	if uint64(id) >= uint64(len(table.slots)) || table.slots[id].stage() == stageFree {
		return nil
	}
	return &table.slots[id]
}

func (table *pendingTable) addWaiter(id, request, answer uint32) {
	h := table.freeWaiter
	if h == none {
		h = uint32(len(table.waiters))
		table.waiters = append(table.waiters, waiter{})
	} else {
		table.freeWaiter = table.waiters[h].next
	}
	t := &table.slots[id]
	table.waiters[h] = waiter{request, answer, t.more}
	t.more = h
}

// dropHolder takes a request off a target; it tells whether nobody is left.
func (table *pendingTable) dropWaiter(id, request uint32) (last bool) {
	t := &table.slots[id]
	if t.request == request {
		if t.more == none {
			return true
		}
		h := t.more
		t.request, t.result = table.waiters[h].request, table.waiters[h].result
		t.more = table.waiters[h].next
		table.freeWaiterSlot(h)
		return false
	}
	for link := &t.more; *link != none; link = &table.waiters[*link].next {
		if h := *link; table.waiters[h].request == request {
			*link = table.waiters[h].next
			table.freeWaiterSlot(h)
			return false
		}
	}
	panic("learning: a request left a target that it did not hold")
}

func (table *pendingTable) freeWaiterSlot(h uint32) {
	table.waiters[h].next = table.freeWaiter
	table.freeWaiter = h
}

// eachHolder calls f for every request that holds a target, oldest first for
// the first holder, then in no particular but a repeatable order.
func (table *pendingTable) eachWaiter(id uint32, f func(request, answer uint32)) {
	t := &table.slots[id]
	f(t.request, t.result)
	for h := t.more; h != none; h = table.waiters[h].next {
		f(table.waiters[h].request, table.waiters[h].result)
	}
}

// find looks up the target of a lane and hop, none if there is none. There must be
// an index. Another lane may have the same handle, if its interface went away.
func (m *Manager) find(q *ifaceQueue, hop *address) uint32 {
	table := &m.pending
	mask := uint32(len(table.index) - 1)
	for i := hop.hash(q.handle) & mask; table.index[i] != 0; i = (i + 1) & mask {
		id := table.index[i] - 1
		if t := table.at(id); t != nil && m.queueOf(t) == q {
			if _, a := m.key(t); a == *hop {
				return id
			}
		}
	}
	return none
}

// key gives the interface and hop of a target.
func (m *Manager) key(t *pendingHop) (handle uint32, hop address) {
	res := m.active[t.request].result
	a := &res.hops[t.result]
	hop, _ = res.hop(a)
	return res.interfaces[a.iface].Handle, hop
}

// enter puts a new target into the index, if there is one.
func (m *Manager) addToIndex(id uint32) {
	table := &m.pending
	if table.index == nil {
		return
	}
	if 4*(table.used+1) > 3*len(table.index) {
		m.rebuildIndex(table.live)
		return // the new target is among the live ones
	}
	m.insert(id)
}

func (m *Manager) insert(id uint32) {
	table := &m.pending
	handle, hop := m.key(&table.slots[id])
	mask := uint32(len(table.index) - 1)
	i := hop.hash(handle) & mask
	for table.index[i] != 0 {
		i = (i + 1) & mask
	}
	table.index[i] = id + 1
	table.used++
}

// rebuildIndex makes an index that n targets fill to a half at most.
func (m *Manager) rebuildIndex(n int) {
	table := &m.pending
	size := 64
	for size < 2*n {
		size *= 2
	}
	if size == len(table.index) {
		clear(table.index)
	} else {
		table.index = make([]uint32, size)
	}
	table.used = 0
	for id := range table.slots {
		if table.slots[id].stage() != stageFree {
			m.insert(uint32(id))
		}
	}
}
