package wheel

import (
	"math/bits"

	"glean/stack/loop"
)

// A Wheel is a hierarchical timing wheel over ids: setting, moving, removing
// and expiring a timer take constant time, whatever the deadlines. Deadlines
// are rounded up to ticks of about 1 ms: a timer is never early.
//
// Time is a number of 8-bit digits. A timer sits in the level of the highest
// digit in which its deadline differs from the present, in the slot of the
// deadline's digit there. When the present reaches the beginning of that slot,
// its timers move to lower levels. So no slot is ever skipped, and the first used
// slot of the lowest used level is always the next one to expire. Digits are 8
// bits wide because a ReachableTime then has two of them: each digit less saves a
// pass through the memory of a million timers.
//
// A slot is a queue of entries that are written and read in order: a linked list
// of a million timers would cost a cache miss for each step. No entry is removed
// from the middle of a queue. Each id has a word that names its current entry;
// Expire skips entries that the word of their id does not confirm.
type Wheel struct {
	now     uint64 // in ticks; no timer is due before
	soonest uint64 // no timer is due before this tick, unless armed is 0
	levels  []wheelLevel
	due     uint32       // first block of the tick that is being expired, 0: none
	words   Slab[uint32] // by id
	queues  queues

	armed   int
	fetched uint32 // written so that the compiler keeps reads that only prefetch
	entries int    // in slots, stale ones included
	limit   int    // compact runs only when entries exceeds this

	lists lists
}

type wheelLevel struct {
	occupied [wheelSlots / 64]uint64 // bit per slot that has entries
	slots    *[wheelSlots]queue
}

// first returns the number of the first used slot.
func (l *wheelLevel) first() (slot uint32, ok bool) {
	for k, word := range l.occupied {
		if word != 0 {
			return uint32(k*64 + bits.TrailingZeros64(word)), true
		}
	}
	return 0, false
}

// empty removes all entries of a slot and returns the first of their blocks.
func (l *wheelLevel) empty(q *queues, slot uint32) (first uint32) {
	l.occupied[slot/64] &^= 1 << (slot % 64)
	return q.open(&l.slots[slot])
}

const (
	// TickBits is how many low bits of a time lie below a tick, which is 1.05 ms.
	TickBits = 20

	wheelBits  = 8
	wheelSlots = 1 << wheelBits

	// A word has a kind in its highest bits and a number: the low bits of the
	// deadline, or the order in which the id entered a list. 0 means that the id
	// has no timer, no entry and no list.
	kindOff    = 1 << 30 // timer removed; the entry of that deadline is still in its slot
	kindArmed  = 2 << 30
	kindListed = 3 << 30
	kindMask   = 3 << 30
	numberMask = 1<<30 - 1

	// maxTicks is how far ahead a deadline may be, 13 days, so that the low bits
	// of a word determine it.
	maxTicks = 1<<30 - 1

	// slackEntries is how many stale entries compact never bothers with.
	slackEntries = 256
)

// ticksUp returns the first tick at or after t.
func ticksUp(t loop.Time) uint64 {
	const mask = 1<<TickBits - 1
	if t > loop.Never-mask {
		return uint64(loop.Never >> TickBits)
	}
	return uint64(max(t, 0)+mask) >> TickBits
}

// TickDown returns the beginning of the tick of t. A timer set for it expires at t
// or earlier.
func TickDown(t loop.Time) loop.Time { return t &^ (1<<TickBits - 1) }

// tickTime returns when a tick begins.
func tickTime(tick uint64) loop.Time { return loop.Time(tick << TickBits) }

// fullTick returns the deadline of a word.
func (w *Wheel) fullTick(word uint32) uint64 {
	return w.now + uint64((word-uint32(w.now))&numberMask)
}

// Remove turns the timer of id off and removes id from its list.
func (w *Wheel) Remove(id uint32) {
	if id > w.words.length {
		return
	}
	switch word := w.words.At(id); *word & kindMask {
	case kindArmed:
		w.armed--
		*word ^= kindArmed | kindOff
	case kindListed:
		w.lists.live--
		*word = 0
	}
}

// Set arms the timer of id, which may be armed already.
func (w *Wheel) Set(id uint32, at, now loop.Time) {
	if id > w.words.length {
		w.words.reserve(id)
	}
	if present := uint64(now) >> TickBits; w.armed == 0 && present > w.now {
		w.clear() // before the present moves past the stale entries
		w.now = present
	}
	deadline := ticksUp(at)
	if at <= now {
		deadline = uint64(now) >> TickBits // due in this tick, not only in the next
	}
	deadline = min(max(deadline, w.now), w.now+maxTicks)
	want := kindArmed | uint32(deadline)&numberMask
	word := w.words.At(id)
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
		return // its entry is still in the slot
	}
	if w.entries++; w.entries > w.limit && w.entries-w.armed > w.armed/4+slackEntries {
		w.compact()
	}
	w.place(queued{id, want}, deadline)
}

// place puts an entry into the slot of its deadline, which is not before now.
func (w *Wheel) place(e queued, deadline uint64) {
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

func (w *Wheel) addLevel(level int) {
	for len(w.levels) <= level {
		w.levels = append(w.levels, wheelLevel{})
	}
	w.levels[level].slots = new([wheelSlots]queue)
}

// first returns the earliest used slot: its level, number and first tick.
func (w *Wheel) first() (level int, slot uint32, tick uint64, ok bool) {
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

// Next returns a time at or before the first deadline, Never if no timer is
// armed. It does not look for timers that were removed since the last Expire,
// so that it takes constant time.
func (w *Wheel) Next() loop.Time {
	if w.armed == 0 {
		return loop.Never
	}
	return tickTime(w.soonest)
}

// Expire turns one timer off whose deadline has come and returns its id, 0 if
// there is none. Deadlines of the same tick expire in the order in which they were
// set.
func (w *Wheel) Expire(now loop.Time) uint32 {
	for w.armed > 0 {
		for w.due != 0 {
			b := w.queues.blocks.At(w.due)
			if b.begin == b.end {
				w.due = w.queues.drop(w.due)
				w.fetch(w.due)
				continue
			}
			e := b.entries[b.begin]
			b.begin++
			w.entries--
			if word := w.words.At(e.id); *word == e.word {
				*word = 0
				w.armed--
				return e.id
			}
			w.isCurrent(e)
		}
		if !w.advance(uint64(now) >> TickBits) {
			break
		}
	}
	return 0
}

// advance moves the wheel to its first used slot and reports whether that is at
// or before the present. The entries of the slot become due or move to lower
// levels.
func (w *Wheel) advance(present uint64) bool {
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

// lower moves the entries of a chain of blocks to the lower levels where they
// belong now.
func (w *Wheel) lower(block uint32) {
	for block != 0 {
		b := w.queues.blocks.At(block) // its entries stay readable if place grows the slab
		if b.next != 0 {
			w.fetched = uint32(w.queues.blocks.At(b.next).end) // prefetch: a cache miss
		}
		for _, e := range b.entries[b.begin:b.end] {
			w.place(e, w.fullTick(e.word))
		}
		block = w.queues.drop(block)
	}
}

// fetch reads the words of a block's entries just before Expire needs them. The
// words are spread over memory: the cache misses of one loop overlap.
func (w *Wheel) fetch(block uint32) {
	if block == 0 {
		return
	}
	b, seen := w.queues.blocks.At(block), uint32(0)
	for _, e := range b.entries[b.begin:b.end] {
		seen |= *w.words.At(e.id)
	}
	w.fetched = seen
}

// isCurrent reports whether an entry is the one that the word of its id names. It
// is called for entries that are removed from their queue.
func (w *Wheel) isCurrent(e queued) bool {
	word := w.words.At(e.id)
	if *word == e.word {
		return true
	}
	if *word == e.word^(kindArmed|kindOff) {
		*word = 0
	}
	return false
}

// compact removes all stale entries.
func (w *Wheel) compact() {
	w.eachSlot(func(l *wheelLevel, slot int) {
		w.entries -= w.queues.sift(&l.slots[slot], w.isCurrent)
		if l.slots[slot] == 0 {
			l.occupied[slot/64] &^= 1 << (slot % 64)
		}
	})
	w.limit = w.entries + w.entries/4 + slackEntries
}

// clear removes all entries, which are all stale.
func (w *Wheel) clear() {
	for w.due != 0 {
		b := w.queues.blocks.At(w.due)
		for _, e := range b.entries[b.begin:b.end] {
			w.isCurrent(e)
			w.entries--
		}
		w.due = w.queues.drop(w.due)
	}
	if w.entries > 0 {
		w.compact()
	}
}

func (w *Wheel) eachSlot(do func(l *wheelLevel, slot int)) {
	for k := range w.levels {
		l := &w.levels[k]
		for at, left := range l.occupied {
			for ; left != 0; left &= left - 1 {
				do(l, at*64+bits.TrailingZeros64(left))
			}
		}
	}
}

// Deadline returns when the timer of id is due, Never if it is not armed.
func (w *Wheel) Deadline(id uint32) loop.Time {
	if !w.IsArmed(id) {
		return loop.Never
	}
	return tickTime(w.fullTick(*w.words.At(id)))
}

func (w *Wheel) kind(id uint32) uint32 {
	if id > w.words.length {
		return 0
	}
	return *w.words.At(id) & kindMask
}

// IsArmed reports whether the timer of id is set.
func (w *Wheel) IsArmed(id uint32) bool { return w.kind(id) == kindArmed }

// IsListed reports whether id is in a plain list.
func (w *Wheel) IsListed(id uint32) bool { return w.kind(id) == kindListed }
