package stack

import (
	"math/bits"

	"glean/stack/loop"
)

// A wheel is a hierarchical timing wheel over ids: setting, moving, removing
// and expiring a timer take constant time, whatever the deadlines. Deadlines
// are rounded up to ticks of about 1 ms: a timer is never early.
//
// Time is a number of 8-bit digits. A timer sits in the level of the highest
// digit in which its deadline differs from the present, in the slot of the
// deadline's digit there; when the present reaches that slot's beginning, its
// timers move to lower levels. So no slot is ever passed, and the first used
// slot of the lowest used level is the next thing to happen. Digits are that wide
// because a ReachableTime has two then, and every move of a million timers is a
// walk through memory.
//
// A slot is a queue of entries that are written and read in order, because a
// million timers linked to each other would cost a cache miss for every step of
// every one. Nothing is taken out of the middle of a queue: each id has a word
// that says what counts, and entries that it does not confirm are passed over
// when their time has come.
type wheel struct {
	now     uint64 // in ticks; nothing is due before
	soonest uint64 // no timer is due before this tick, unless armed is 0
	levels  []wheelLevel
	due     uint32       // first block of the tick that is being expired, 0: none
	words   slab[uint32] // by id
	queues  queues

	armed   int
	fetched uint32 // keeps reads that are only made to be early from being left out
	entries int    // in slots, those that do not count any more included
	limit   int    // of entries, before it is worth looking for those again

	lists lists
}

type wheelLevel struct {
	occupied [wheelSlots / 64]uint64 // bit per slot that has entries
	slots    *[wheelSlots]queue
}

// first is the number of the first used slot.
func (l *wheelLevel) first() (slot uint32, ok bool) {
	for k, word := range l.occupied {
		if word != 0 {
			return uint32(k*64 + bits.TrailingZeros64(word)), true
		}
	}
	return 0, false
}

// empty takes all out of a slot and gives its first block.
func (l *wheelLevel) empty(q *queues, slot uint32) (first uint32) {
	l.occupied[slot/64] &^= 1 << (slot % 64)
	return q.open(&l.slots[slot])
}

const (
	tickBits   = 20 // 1.05 ms
	wheelBits  = 8
	wheelSlots = 1 << wheelBits

	// A word is a kind in the highest bits and a number: the low bits of the
	// deadline, or the order in which an id came into a list. 0: nothing is known
	// of the id.
	kindOff    = 1 << 30 // removed; the entry of that deadline is still there
	kindArmed  = 2 << 30
	kindListed = 3 << 30
	kindMask   = 3 << 30
	numberMask = 1<<30 - 1

	// maxTicks is how far ahead a deadline may be, so that the low bits tell all
	// of it. It is 13 days.
	maxTicks = 1<<30 - 1

	// slackEntries is how many entries that do not count are left alone.
	slackEntries = 256
)

// ticksUp is the first tick at or after t.
func ticksUp(t loop.Time) uint64 {
	const mask = 1<<tickBits - 1
	if t > loop.Never-mask {
		return uint64(loop.Never >> tickBits)
	}
	return uint64(max(t, 0)+mask) >> tickBits
}

// tickDown is the beginning of the tick of t: a timer set for then is not late.
func tickDown(t loop.Time) loop.Time { return t &^ (1<<tickBits - 1) }

// tickTime is when a tick begins.
func tickTime(tick uint64) loop.Time { return loop.Time(tick << tickBits) }

// fullTick is the deadline that a word tells.
func (w *wheel) fullTick(word uint32) uint64 {
	return w.now + uint64((word-uint32(w.now))&numberMask)
}

// remove takes id out of wherever it is.
func (w *wheel) remove(id uint32) {
	if id > w.words.length {
		return
	}
	switch word := w.words.at(id); *word & kindMask {
	case kindArmed:
		w.armed--
		*word ^= kindArmed | kindOff
	case kindListed:
		w.lists.live--
		*word = 0
	}
}

// set arms the timer of id, which may be armed already.
func (w *wheel) set(id uint32, at, now loop.Time) {
	if id > w.words.length {
		w.words.reserve(id)
	}
	if present := uint64(now) >> tickBits; w.armed == 0 && present > w.now {
		w.clear() // first, because the present may pass what is left
		w.now = present
	}
	deadline := ticksUp(at)
	if at <= now {
		deadline = uint64(now) >> tickBits // due in this tick, not only in the next
	}
	deadline = min(max(deadline, w.now), w.now+maxTicks)
	want := kindArmed | uint32(deadline)&numberMask
	word := w.words.at(id)
	old := *word
	if old == want {
		return
	}
	switch old & kindMask {
	case kindArmed:
		w.armed--
	case kindListed:
		w.lists.live--
	}
	*word = want
	if w.armed == 0 || deadline < w.soonest {
		w.soonest = deadline
	}
	w.armed++
	if old == want^(kindArmed|kindOff) {
		return // its entry is there
	}
	if w.entries++; w.entries > w.limit && w.entries-w.armed > w.armed/4+slackEntries {
		w.compact()
	}
	w.place(queued{id, want}, deadline)
}

// place puts an entry into the slot of its deadline, which is not before now.
func (w *wheel) place(e queued, deadline uint64) {
	level := 0
	if differ := w.now ^ deadline; differ >= wheelSlots {
		level = (bits.Len64(differ) - 1) / wheelBits
	}
	if level >= len(w.levels) || w.levels[level].slots == nil {
		w.addLevel(level)
	}
	l := &w.levels[level]
	slot := deadline >> (level * wheelBits) % wheelSlots
	l.occupied[slot/64] |= 1 << (slot % 64)
	w.queues.push(&l.slots[slot], e)
}

func (w *wheel) addLevel(level int) {
	for len(w.levels) <= level {
		w.levels = append(w.levels, wheelLevel{})
	}
	w.levels[level].slots = new([wheelSlots]queue)
}

// first gives the earliest used slot: its level, number and first tick.
func (w *wheel) first() (level int, slot uint32, tick uint64, ok bool) {
	for level := range w.levels {
		slot, ok := w.levels[level].first()
		if !ok {
			continue
		}
		shift := level * wheelBits
		return level, slot, w.now&^(1<<(shift+wheelBits)-1) | uint64(slot)<<shift, true
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
	for w.armed > 0 {
		for w.due != 0 {
			b := w.queues.blocks.at(w.due)
			if b.begin == b.end {
				w.due = w.queues.drop(w.due)
				w.fetch(w.due)
				continue
			}
			e := b.entries[b.begin]
			b.begin++
			w.entries--
			if word := w.words.at(e.id); *word == e.word {
				*word = 0
				w.armed--
				return e.id
			}
			w.counts(e)
		}
		if !w.advance(uint64(now) >> tickBits) {
			break
		}
	}
	return 0
}

// advance moves on to the first used slot, if that is not after the present: it
// makes due what it has, or moves it to lower levels.
func (w *wheel) advance(present uint64) bool {
	level, slot, tick, ok := w.first()
	if w.soonest = tick; !ok || tick > present {
		w.now = max(w.now, present)
		return false
	}
	w.now = max(w.now, tick)
	block := w.levels[level].empty(&w.queues, slot)
	if level == 0 {
		w.due = block
		w.fetch(block)
		return true
	}
	w.lower(block)
	return true
}

// lower moves the entries of a chain of blocks to the levels where they belong
// now.
func (w *wheel) lower(block uint32) {
	for block != 0 {
		b := w.queues.blocks.at(block) // good for the entries even if place moves blocks
		if b.next != 0 {
			w.fetched = uint32(w.queues.blocks.at(b.next).end) // early, because it is far away
		}
		for _, e := range b.entries[b.begin:b.end] {
			w.place(e, w.fullTick(e.word))
		}
		block = w.queues.drop(block)
	}
}

// fetch reads the words of a block's entries just before they are needed. They
// lie all over the memory: together that takes as long as reading one.
func (w *wheel) fetch(block uint32) {
	if block == 0 {
		return
	}
	b, seen := w.queues.blocks.at(block), uint32(0)
	for _, e := range b.entries[b.begin:b.end] {
		seen |= *w.words.at(e.id)
	}
	w.fetched = seen
}

// counts tells whether an entry is the one that its id's word means. It is
// called for entries that are taken out.
func (w *wheel) counts(e queued) bool {
	word := w.words.at(e.id)
	if *word == e.word {
		return true
	}
	if *word == e.word^(kindArmed|kindOff) {
		*word = 0
	}
	return false
}

// compact takes out all entries that do not count.
func (w *wheel) compact() {
	w.eachSlot(func(l *wheelLevel, slot int) {
		w.entries -= w.queues.sift(&l.slots[slot], w.counts)
		if l.slots[slot] == 0 {
			l.occupied[slot/64] &^= 1 << (slot % 64)
		}
	})
	w.limit = w.entries + w.entries/4 + slackEntries
}

// clear takes out all entries; none of them counts.
func (w *wheel) clear() {
	for w.due != 0 {
		b := w.queues.blocks.at(w.due)
		for _, e := range b.entries[b.begin:b.end] {
			w.counts(e)
			w.entries--
		}
		w.due = w.queues.drop(w.due)
	}
	if w.entries > 0 {
		w.compact()
	}
}

func (w *wheel) eachSlot(do func(l *wheelLevel, slot int)) {
	for k := range w.levels {
		l := &w.levels[k]
		for at, left := range l.occupied {
			for ; left != 0; left &= left - 1 {
				do(l, at*64+bits.TrailingZeros64(left))
			}
		}
	}
}

// deadline is when the timer of id is due, Never if it is not armed.
func (w *wheel) deadline(id uint32) loop.Time {
	if !w.isArmed(id) {
		return loop.Never
	}
	return tickTime(w.fullTick(*w.words.at(id)))
}

func (w *wheel) kind(id uint32) uint32 {
	if id > w.words.length {
		return 0
	}
	return *w.words.at(id) & kindMask
}

// isArmed tells whether the timer of id is set.
func (w *wheel) isArmed(id uint32) bool { return w.kind(id) == kindArmed }

// isListed tells whether id is in a plain list.
func (w *wheel) isListed(id uint32) bool { return w.kind(id) == kindListed }
