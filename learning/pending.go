package learning

import "glean/learning/congestion"

// none is the absent index in every index-linked structure.
const none = ^uint32(0)

// hopStage is where a pending next hop waits.
type hopStage uint8

const (
	stageFree     hopStage = iota // the slot is unused
	stageIdle                     // waits for a reply, SolicitDue or its deadline
	stageFirst                    // queued for its first solicitation
	stageRepeat                   // queued for a repeat
	stageInFlight                 // solicited, in the window
)

// pendingHop is an interface and next hop that at least one request waits for. The
// resolver knows it by its index. 32 bytes, no pointers. Its interface and address are
// those of its waiters.
type pendingHop struct {
	ref        Ref
	request    uint32 // slot of the first waiter's request
	result     uint32 // index of the next hop there
	more       uint32 // further waiters, in pendingTable.waiters
	next, prev uint32 // in its list; next is the outstanding solicitation when in flight
	attempts   uint16 // solicitations sent, saturating
	epoch      uint8  // the window's epoch of the last solicitation
	marks      uint8  // stage and age
}

// The marks of a pending next hop: its stage, and above that the age of the solicitation
// before the last one, in epochs, when the last one was sent.
const (
	stageBits = 3
	stageMask = 1<<stageBits - 1
	maxAge    = congestion.Epochs - 1 // or more, too old to count
)

func (ph *pendingHop) stage() hopStage     { return hopStage(ph.marks & stageMask) }
func (ph *pendingHop) setStage(p hopStage) { ph.marks = ph.marks&^stageMask | uint8(p) }
func (ph *pendingHop) age() uint8          { return ph.marks >> stageBits }
func (ph *pendingHop) setAge(age uint8)    { ph.marks = ph.marks&stageMask | min(age, maxAge)<<stageBits }

// waiter is the next hop of a request that waits besides the first one.
type waiter struct{ request, result, next uint32 }

// pendingTable is the slab of all pending next hops, and their index by interface and
// address.
//
// The index uses open addressing over slab indexes, without keys and without deletion. An
// entry whose slot is free or in use for another next hop is garbage: a lookup steps over
// it, and a rebuild drops it. That costs eight bytes a next hop or a little more, and
// nothing when one is decided. The next hops of one request are unique, so there is no
// index before a second request begins while some are pending.
type pendingTable struct {
	slots []pendingHop
	free  uint32 // chain through next
	live  int

	index []uint32 // power of two; 0 is empty, else slab index + 1; nil: none yet
	used  int      // entries that are not empty, garbage included

	waiters    []waiter
	freeWaiter uint32
}

func newPendingTable() pendingTable { return pendingTable{free: none, freeWaiter: none} }

// reserve grows the slab for n more next hops at once.
func (table *pendingTable) reserve(n int) {
	if need := table.live + n; need > cap(table.slots) {
		grown := make([]pendingHop, len(table.slots), max(need, min(2*cap(table.slots), need+need/8)))
		copy(grown, table.slots)
		table.slots = grown
	}
}

func (table *pendingTable) alloc(request, result uint32) uint32 {
	id := table.free
	if id == none {
		id = uint32(len(table.slots))
		table.slots = append(table.slots, pendingHop{})
	} else {
		table.free = table.slots[id].next
	}
	table.slots[id] = pendingHop{request: request, result: result,
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

// at returns a pending next hop, nil if none has that index.
func (table *pendingTable) at(id uint32) *pendingHop {
	if uint64(id) >= uint64(len(table.slots)) || table.slots[id].stage() == stageFree {
		return nil
	}
	return &table.slots[id]
}

func (table *pendingTable) addWaiter(id, request, result uint32) {
	h := table.freeWaiter
	if h == none {
		h = uint32(len(table.waiters))
		table.waiters = append(table.waiters, waiter{})
	} else {
		table.freeWaiter = table.waiters[h].next
	}
	ph := &table.slots[id]
	table.waiters[h] = waiter{request, result, ph.more}
	ph.more = h
}

// dropWaiter removes a request from a pending next hop. It reports whether it was the last
// one, which is left in place.
func (table *pendingTable) dropWaiter(id, request uint32) (last bool) {
	ph := &table.slots[id]
	if ph.request == request {
		if ph.more == none {
			return true
		}
		h := ph.more
		ph.request, ph.result = table.waiters[h].request, table.waiters[h].result
		ph.more = table.waiters[h].next
		table.freeWaiterSlot(h)
		return false
	}
	for link := &ph.more; *link != none; link = &table.waiters[*link].next {
		if h := *link; table.waiters[h].request == request {
			*link = table.waiters[h].next
			table.freeWaiterSlot(h)
			return false
		}
	}
	panic("learning: a request left a pending next hop that it did not wait for")
}

func (table *pendingTable) freeWaiterSlot(h uint32) {
	table.waiters[h].next = table.freeWaiter
	table.freeWaiter = h
}

// eachWaiter calls f for every request that waits for a pending next hop: the first one,
// then the others in a repeatable order.
func (table *pendingTable) eachWaiter(id uint32, f func(request, result uint32)) {
	ph := &table.slots[id]
	f(ph.request, ph.result)
	for h := ph.more; h != none; h = table.waiters[h].next {
		f(table.waiters[h].request, table.waiters[h].result)
	}
}

// find returns the pending next hop of a queue and address, none if there is none. There
// must be an index. The queue of a deleted interface may have the same handle.
func (m *Manager) find(q *ifaceQueue, hop *address) uint32 {
	table := &m.pending
	mask := uint32(len(table.index) - 1)
	for i := hop.hash(q.handle) & mask; table.index[i] != 0; i = (i + 1) & mask {
		id := table.index[i] - 1
		if ph := table.at(id); ph != nil && m.queueOf(ph) == q {
			if _, a := m.key(ph); a == *hop {
				return id
			}
		}
	}
	return none
}

// key returns the interface and address of a pending next hop.
func (m *Manager) key(ph *pendingHop) (handle uint32, hop address) {
	res := m.active[ph.request].result
	h := &res.hops[ph.result]
	hop, _ = res.hop(h)
	return res.interfaces[h.iface].Handle, hop
}

// addToIndex adds a new pending next hop to the index, if there is one.
func (m *Manager) addToIndex(id uint32) {
	table := &m.pending
	if table.index == nil {
		return
	}
	if 4*(table.used+1) > 3*len(table.index) {
		m.rebuildIndex(table.live)
		return // which includes the new one
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

// rebuildIndex makes an index that n next hops fill to at most a half.
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
