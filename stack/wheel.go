package stack

import (
	"math/bits"

	"glean/stack/loop"
)

// A wheel is a hierarchical timing wheel over ids: setting, moving, removing
// and expiring a timer take constant time, whatever the deadlines, and a timer
// is three 32-bit numbers. Deadlines are rounded up to ticks of about 1 ms: a
// timer is never early.
//
// Time is a number of 5-bit digits. A timer sits in the level of the highest
// digit in which its deadline differs from the present, in the slot of the
// deadline's digit there; when the present reaches that slot's beginning, its
// timers move to lower levels. So no slot is ever passed, and the first used
// slot of the lowest used level is the next thing to happen.
type wheel struct {
	now      uint64 // in ticks; nothing is due before
	levels   [wheelLevels]*[wheelSlots]listHead
	occupied [wheelLevels]uint32 // bit per slot that has timers
	lists    []listHead          // plain lists that ids may be in instead
	unused   []uint32            // heads of lists that were given back
	nodes    slab[wheelNode]
	armed    int
	soonest  uint64 // no timer is due before this tick, unless armed is 0
}

const (
	tickBits    = 20 // 1.05 ms
	wheelBits   = 5
	wheelSlots  = 1 << wheelBits
	wheelLevels = 7

	// maxTicks is how far ahead a deadline may be: node.deadline keeps only the
	// low 32 bits. It is 26 days.
	maxTicks = 1 << 31

	// Ids from headMark on name list heads, so that the ends of a list need no
	// special case.
	headMark = 1 << 31
	listMark = 1 << 30 // with headMark: one of lists
)

type listHead struct{ next, prev uint32 }

type wheelNode struct {
	listHead // next is 0 when the id is in no list
	deadline uint32
}

// ticksUp is the first tick at or after t.
func ticksUp(t loop.Time) uint64 {
	const mask = 1<<tickBits - 1
	if t > loop.Never-mask {
		return uint64(loop.Never >> tickBits)
	}
	return uint64(max(t, 0)+mask) >> tickBits
}

// tickTime is when a tick begins.
func tickTime(tick uint64) loop.Time { return loop.Time(tick << tickBits) }

// links gives the ends of a list or the neighbors in it of an id.
func (w *wheel) links(id uint32) *listHead {
	switch {
	case id < headMark:
		return &w.nodes.at(id).listHead
	case id&listMark != 0:
		return &w.lists[id&^(headMark|listMark)]
	}
	slot := id &^ headMark
	return &w.levels[slot>>wheelBits][slot&(wheelSlots-1)]
}

// append puts id at the end of the list of head.
func (w *wheel) append(head, id uint32) {
	h := w.links(head)
	n := w.nodes.at(id)
	n.next, n.prev = head, h.prev
	w.links(h.prev).next = id
	h.prev = id
}

// remove takes id out of wherever it is.
func (w *wheel) remove(id uint32) {
	if id > w.nodes.length {
		return
	}
	n := w.nodes.at(id)
	if n.next == 0 {
		return
	}
	w.links(n.prev).next = n.next
	w.links(n.next).prev = n.prev
	if n.next == n.prev && n.next >= headMark && n.next&listMark == 0 {
		slot := n.next &^ headMark // the list is empty now
		w.occupied[slot>>wheelBits] &^= 1 << (slot & (wheelSlots - 1))
	}
	if !w.inList(n) {
		w.armed--
	}
	n.listHead = listHead{}
}

// notTimer in deadline marks an id that is in a plain list. No timer has it
// for long: set avoids it.
const notTimer = ^uint32(0)

func (w *wheel) inList(n *wheelNode) bool { return n.deadline == notTimer }

// set arms the timer of id, which may be armed already.
func (w *wheel) set(id uint32, at, now loop.Time) {
	w.remove(id)
	w.nodes.reserve(id)
	if w.armed == 0 {
		w.now = max(w.now, uint64(now)>>tickBits)
	}
	deadline := ticksUp(at)
	if at <= now {
		deadline = uint64(now) >> tickBits // due in this tick, not only in the next
	}
	deadline = min(max(deadline, w.now), w.now+maxTicks)
	if uint32(deadline) == notTimer {
		deadline++
	}
	if w.armed == 0 {
		w.soonest = deadline
	}
	w.soonest = min(w.soonest, deadline)
	w.nodes.at(id).deadline = uint32(deadline)
	w.armed++
	w.place(id, deadline)
}

// place puts id into the slot of its deadline, which is not before now.
func (w *wheel) place(id uint32, deadline uint64) {
	level := 0
	if differ := w.now ^ deadline; differ != 0 {
		level = (bits.Len64(differ) - 1) / wheelBits
	}
	slot := uint32(deadline>>(level*wheelBits)) & (wheelSlots - 1)
	head := headMark | uint32(level)<<wheelBits | slot
	if w.levels[level] == nil {
		w.levels[level] = new([wheelSlots]listHead)
	}
	if w.occupied[level]&(1<<slot) == 0 {
		w.occupied[level] |= 1 << slot
		w.levels[level][slot] = listHead{head, head}
	}
	w.append(head, id)
}

// first gives the earliest used slot: its level, number and first tick.
func (w *wheel) first() (level int, slot uint32, tick uint64, ok bool) {
	for level := range w.occupied {
		if w.occupied[level] == 0 {
			continue
		}
		slot := uint32(bits.TrailingZeros32(w.occupied[level]))
		shift := level * wheelBits
		tick := w.now&^(1<<(shift+wheelBits)-1) | uint64(slot)<<shift
		return level, slot, tick, true
	}
	return 0, 0, 0, false
}

// next is a time at or before the first deadline, Never if there is none. To
// be quick it takes no notice of timers that were removed since the last expire.
func (w *wheel) next() loop.Time {
	if w.armed == 0 {
		return loop.Never
	}
	return tickTime(w.soonest)
}

// expire takes out one id whose deadline has come and gives it, 0 if there is
// none. Deadlines of the same tick come in the order in which they were set.
func (w *wheel) expire(now loop.Time) uint32 {
	present := uint64(now) >> tickBits
	for {
		level, slot, tick, ok := w.first()
		if w.soonest = tick; !ok || tick > present {
			w.now = max(w.now, present)
			return 0
		}
		w.now = max(w.now, tick)
		head := headMark | uint32(level)<<wheelBits | slot
		if level == 0 {
			id := w.links(head).next
			w.remove(id)
			return id
		}
		w.cascade(head, level, slot)
	}
}

// cascade moves the timers of a slot that the present has reached to lower
// levels.
func (w *wheel) cascade(head uint32, level int, slot uint32) {
	id := w.links(head).next
	w.occupied[level] &^= 1 << slot
	for id != head {
		n := w.nodes.at(id)
		next := n.next
		w.place(id, w.now+uint64(n.deadline-uint32(w.now)))
		id = next
	}
}

// deadline is when the timer of id is due, Never if it is not armed.
func (w *wheel) deadline(id uint32) loop.Time {
	if id > w.nodes.length {
		return loop.Never
	}
	n := w.nodes.at(id)
	if n.next == 0 || w.inList(n) {
		return loop.Never
	}
	return tickTime(w.now + uint64(n.deadline-uint32(w.now)))
}

// newList gives the head of an empty list.
func (w *wheel) newList() uint32 {
	if last := len(w.unused) - 1; last >= 0 {
		head := w.unused[last]
		w.unused = w.unused[:last]
		return head
	}
	head := uint32(headMark | listMark | len(w.lists))
	w.lists = append(w.lists, listHead{head, head})
	return head
}

// freeList gives an empty list back.
func (w *wheel) freeList(head uint32) { w.unused = append(w.unused, head) }

// enlist moves id to the end of a list; its timer is off then.
func (w *wheel) enlist(head, id uint32) {
	w.remove(id)
	w.nodes.reserve(id)
	w.nodes.at(id).deadline = notTimer
	w.append(head, id)
}

// oldest is the first id of a list, 0 if it is empty.
func (w *wheel) oldest(head uint32) uint32 {
	if id := w.lists[head&^(headMark|listMark)].next; id < headMark {
		return id
	}
	return 0
}

// isArmed tells whether the timer of id is set.
func (w *wheel) isArmed(id uint32) bool {
	return id <= w.nodes.length && w.nodes.at(id).next != 0 && !w.inList(w.nodes.at(id))
}

// isListed tells whether id is in a plain list.
func (w *wheel) isListed(id uint32) bool {
	return id <= w.nodes.length && w.nodes.at(id).next != 0 && w.inList(w.nodes.at(id))
}
