package stack

import (
	"math/bits"

	"glean/stack/header"
	"glean/stack/loop"
)

// neighbor is one entry of the cache. It takes 40 octets and holds no pointer;
// with its timer (13) and its place in the index (8 at most on average) that is
// 61 for IPv4, and 16 more for the address of IPv6.
type neighbor struct {
	asked   loop.Time // the last question, neverAsked before the first
	changed loop.Time // when state or MAC changed last
	key     uint32    // IPv4: the address; IPv6: where it is in addresses
	iface   uint32    // slot of the interface
	ask     uint32    // its record while it is being asked, else 0
	mac     header.MAC
	state   State
	flags   uint8
}

// Flags of a neighbor.
const (
	flagIPv6        uint8 = 1 << iota // key is an index
	flagRouter                        // IsRouter of RFC 4861 section 5.1
	flagOutstanding                   // a question was sent and not answered yet
	flagForeign                       // made by a peer's message and never used by us
	flagSuspect                       // two MACs within a second were reported
	flagTried                         // the MAC was asked since it was confirmed last; ask everybody
	flagTracked                       // kept verified; see Track
)

const neverAsked loop.Time = -1 << 62

// neighborTable is the cache of all interfaces of a stack: a slab of entries,
// an open-addressed index over (interface, address) and one timer per entry.
// The lists of the wheel hold STALE entries, oldest first, for reclaiming.
type neighborTable struct {
	entries   slab[neighbor]
	addresses slab[ip] // of IPv6 neighbors
	timers    wheel
	index     []uint32 // tag<<idBits | id; 0 is empty; linear probing
	used      int
	seed      uint64 // so that a peer can't choose addresses that collide
}

const (
	idBits = 24
	idMask = 1<<idBits - 1
	maxIDs = idMask - 1
)

// at gives the entry of an id; it is good until the next create.
func (t *neighborTable) at(id uint32) *neighbor { return t.entries.at(id) }

// address gives the IP address of an entry.
func (t *neighborTable) address(n *neighbor) ip {
	if n.flags&flagIPv6 != 0 {
		return *t.addresses.at(n.key)
	}
	return ip{markIPv4, uint64(n.key)}
}

// hash mixes two words by wide multiplication; the constants are odd and have
// their bits well spread (digits of pi and e).
func (t *neighborTable) hash(iface uint32, a ip) uint64 {
	h, l := bits.Mul64(a.lo^t.seed^uint64(iface)<<32, 0x9216d5d98979fb1b)
	if a.hi != markIPv4 {
		h2, l2 := bits.Mul64(a.hi^l, 0xb7e151628aed2a6b)
		h, l = h^h2, l2
	}
	return h ^ l
}

// slotOf is an index word without its id.
func tagOf(hash uint64) uint32 { return uint32(hash>>32) &^ idMask }

// find gives the id of a neighbor, 0 if there is none.
func (t *neighborTable) find(iface uint32, a ip) uint32 {
	if len(t.index) == 0 {
		return 0
	}
	hash := t.hash(iface, a)
	tag, mask := tagOf(hash), uint64(len(t.index)-1)
	for i := hash & mask; ; i = (i + 1) & mask {
		word := t.index[i]
		if word == 0 {
			return 0
		}
		if word&^idMask != tag {
			continue
		}
		if n := t.at(word & idMask); n.iface == iface && t.address(n) == a {
			return word & idMask
		}
	}
}

// create makes an entry in StateNone. There must be none yet.
func (t *neighborTable) create(iface uint32, a ip, now loop.Time) uint32 {
	if (t.used+1)*4 > len(t.index)*3 {
		t.grow()
	}
	id := t.entries.alloc()
	n := t.at(id)
	*n = neighbor{asked: neverAsked, changed: now, key: uint32(a.lo), iface: iface}
	if !a.is4() {
		n.key = t.addresses.alloc()
		n.flags = flagIPv6
		*t.addresses.at(n.key) = a
	}
	t.insert(t.hash(iface, a), id)
	t.used++
	return id
}

func (t *neighborTable) insert(hash uint64, id uint32) {
	mask := uint64(len(t.index) - 1)
	i := hash & mask
	for t.index[i] != 0 {
		i = (i + 1) & mask
	}
	t.index[i] = tagOf(hash) | id
}

// grow doubles the index.
func (t *neighborTable) grow() {
	old := t.index
	t.index = make([]uint32, max(8, 2*len(old)))
	for _, word := range old {
		if word != 0 {
			n := t.at(word & idMask)
			t.insert(t.hash(n.iface, t.address(n)), word&idMask)
		}
	}
}

// delete takes an entry out of everything.
func (t *neighborTable) delete(id uint32) {
	n := t.at(id)
	mask := uint64(len(t.index) - 1)
	i := t.hash(n.iface, t.address(n)) & mask
	for t.index[i]&idMask != id {
		i = (i + 1) & mask
	}
	t.closeGap(i, mask)
	t.timers.remove(id)
	if n.flags&flagIPv6 != 0 {
		t.addresses.release(n.key)
	}
	t.entries.release(id)
	t.used--
}

// closeGap empties slot i and moves back the entries that had to go past it,
// so that no search needs tombstones.
func (t *neighborTable) closeGap(i, mask uint64) {
	for j := (i + 1) & mask; t.index[j] != 0; j = (j + 1) & mask {
		n := t.at(t.index[j] & idMask)
		home := t.hash(n.iface, t.address(n)) & mask
		if (j-home)&mask >= (j-i)&mask {
			t.index[i] = t.index[j]
			i = j
		}
	}
	t.index[i] = 0
}
