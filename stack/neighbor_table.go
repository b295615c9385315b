package stack

import (
	"math/bits"

	"glean/stack/header"
	"glean/stack/loop"
	"glean/stack/wheel"
)

// A neighbor is one entry of the cache. It takes 48 octets without pointers. With its
// timer (13) and its part of the index (8 at most on average) that is 69 for IPv4, and
// 16 more for the address of IPv6.
type neighbor struct {
	solicited    loop.Time // the last solicitation, neverSolicited before the first
	changed      loop.Time // when state or MAC changed last
	confirmed    loop.Time // when reachability was confirmed last, neverConfirmed if its MAC never was
	key          uint32    // IPv4: the address; IPv6: where it is in addresses
	iface        uint32    // slot of the interface
	solicitation uint32    // its solicitation record, 0 if it is not being solicited
	heard        uint32    // when a message last showed this MAC, in ticks
	mac          header.MAC
	state        State
	flags        uint8
}

// Flags of a neighbor.
const (
	flagIPv6         uint8 = 1 << iota // key is an index
	flagRouter                         // IsRouter of RFC 4861 section 5.1
	flagOutstanding                    // a solicitation was sent and is not answered yet
	flagForeign                        // only messages of peers created it, see Stack.adopt
	flagSuspect                        // two MACs within a second were reported
	flagTriedUnicast                   // solicited by unicast since the MAC was last confirmed, or the link was down; multicast next
	flagTracked                        // kept verified; see Track
	flagAnswered                       // REACHABLE, and the last solicitation was answered
)

const (
	neverSolicited loop.Time = -1 << 62
	neverConfirmed loop.Time = -1 << 62
)

// neighborTable is the cache of all interfaces of a stack: a slab of entries, an
// open-addressed index over (interface, address) and one timer per entry. The lists of
// the wheel contain the STALE entries, oldest first, for reclaiming.
type neighborTable struct {
	entries   wheel.Slab[neighbor]
	addresses wheel.Slab[ip] // of IPv6 neighbors
	timers    wheel.Wheel
	index     []uint32 // tag<<idBits | id; 0 is empty
	groupBits int      // of the number of groups that the index has
	used      int
	seed      uint64 // so that a peer cannot choose addresses that collide
}

const (
	idBits = 24
	idMask = 1<<idBits - 1
	maxIDs = idMask - 1
)

// at returns the entry of an id; it is valid until the next create.
func (t *neighborTable) at(id uint32) *neighbor { return t.entries.At(id) }

// address returns the IP address of an entry.
func (t *neighborTable) address(n *neighbor) ip {
	if n.flags&flagIPv6 != 0 {
		return *t.addresses.At(n.key)
	}
	return ip{markIPv4, uint64(n.key)}
}

// The index is searched by linear probing in a special order. It consists of groups of 8
// words, 32 octets of memory each; the successor of a word is the word of the next group
// in the same lane. 8 consecutive addresses have their homes in the 8 lanes of one
// group, because they are mostly resolved together and a group is one cache miss. The
// seed determines the group and the permutation of its lanes. A position is
// lane<<groupBits | group.
const laneBits = 3

// word returns the word of the index at a position; the first one follows the last.
func (t *neighborTable) word(position uint64) *uint32 {
	mask := uint64(len(t.index) - 1)
	return &t.index[position<<laneBits&mask|position&mask>>(t.groupBits&63)]
}

// home returns the position at which the search for an address begins, and its tag. It
// mixes two words by wide multiplication; the constants are odd and have their bits well
// spread (digits of pi and e).
func (t *neighborTable) home(iface uint32, a ip) (position uint64, tag uint32) {
	h, l := bits.Mul64(a.lo>>laneBits^t.seed^uint64(iface)<<32, 0x9216d5d98979fb1b)
	if a.hi != markIPv4 {
		h2, l2 := bits.Mul64(a.hi^l, 0xb7e151628aed2a6b)
		h, l = h^h2, l2
	}
	hash := h ^ l
	lane := (a.lo ^ hash>>48) & (1<<laneBits - 1)
	return lane<<t.groupBits | hash&(1<<t.groupBits-1), uint32(hash>>32) &^ idMask
}

// freeSlot is the position where a search ended without a result. The word of a new
// entry goes there, unless the index has changed since.
type freeSlot struct {
	at  uint64
	tag uint32
}

// noFreeSlot means that the address must be searched for again.
var noFreeSlot = freeSlot{tag: idMask}

// find returns the id of a neighbor, 0 if it is not in the table.
func (t *neighborTable) find(iface uint32, a ip) uint32 {
	id, _ := t.search(iface, a)
	return id
}

// search is find, and returns the free slot for a neighbor that is not in the table.
func (t *neighborTable) search(iface uint32, a ip) (id uint32, free freeSlot) {
	if len(t.index) == 0 {
		return 0, noFreeSlot
	}
	at, tag := t.home(iface, a)
	for ; ; at++ {
		word := *t.word(at)
		if word == 0 {
			return 0, freeSlot{at, tag}
		}
		if word&^idMask != tag {
			continue
		}
		if n := t.at(word & idMask); n.iface == iface && t.address(n) == a {
			return word & idMask, freeSlot{}
		}
	}
}

// create makes an entry in StateNone for an address whose search ended at free.
func (t *neighborTable) create(iface uint32, a ip, free freeSlot, now loop.Time) uint32 {
	if (t.used+1)*4 > len(t.index)*3 {
		t.grow()
		free = noFreeSlot
	}
	id := t.entries.Alloc()
	n := t.at(id)
	*n = neighbor{solicited: neverSolicited, changed: now, confirmed: neverConfirmed, key: uint32(a.lo), iface: iface}
	if !a.is4() {
		n.key = t.addresses.Alloc()
		n.flags = flagIPv6
		*t.addresses.At(n.key) = a
	}
	if free == noFreeSlot {
		t.insert(iface, a, id)
	} else {
		*t.word(free.at) = free.tag | id
	}
	t.used++
	return id
}

func (t *neighborTable) insert(iface uint32, a ip, id uint32) {
	at, tag := t.home(iface, a)
	for *t.word(at) != 0 {
		at++
	}
	*t.word(at) = tag | id
}

// grow doubles the index.
func (t *neighborTable) grow() {
	old := t.index
	t.index = make([]uint32, max(1<<laneBits, 2*len(old)))
	t.groupBits = bits.Len(uint(len(t.index))) - 1 - laneBits
	for _, word := range old {
		if word != 0 {
			n := t.at(word & idMask)
			t.insert(n.iface, t.address(n), word&idMask)
		}
	}
}

// delete removes an entry from the slabs, the index and the wheel.
func (t *neighborTable) delete(id uint32) {
	n := t.at(id)
	at, _ := t.home(n.iface, t.address(n))
	for *t.word(at)&idMask != id {
		at++
	}
	t.closeGap(at)
	t.timers.Remove(id)
	if n.flags&flagIPv6 != 0 {
		t.addresses.Release(n.key)
	}
	t.entries.Release(id)
	t.used--
}

// closeGap empties a position and moves back the entries that were pushed past it, so
// that the index needs no tombstones.
func (t *neighborTable) closeGap(gap uint64) {
	mask := uint64(len(t.index) - 1)
	for at := gap + 1; *t.word(at) != 0; at++ {
		n := t.at(*t.word(at) & idMask)
		if home, _ := t.home(n.iface, t.address(n)); (at-home)&mask >= (at-gap)&mask {
			*t.word(gap) = *t.word(at)
			gap = at
		}
	}
	*t.word(gap) = 0
}
