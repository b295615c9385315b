package stack

import "math/bits"

// ipIndex finds what belongs to a prefix of a segment: one of our addresses (as
// a prefix of full length) or a range that we answer for. It is a hash table
// with linear probing and without tombstones; every received frame looks here
// twice, and a map of the language would take half of its time.
type ipIndex[T any] struct {
	slots []ipSlot[T] // a power of two
	used  int
}

type ipSlot[T any] struct {
	network ip
	bits    int
	value   *T // nil: empty
}

func (x *ipIndex[T]) home(network ip, prefix int) int {
	h, l := bits.Mul64(network.lo^uint64(prefix)<<40, 0x9216d5d98979fb1b)
	h2, l2 := bits.Mul64(network.hi^l, 0xb7e151628aed2a6b)
	return int(h^h2^l2) & (len(x.slots) - 1)
}

// slot is where the prefix is, or where it would be.
func (x *ipIndex[T]) slot(network ip, prefix int) int {
	k := x.home(network, prefix)
	for x.slots[k].value != nil && (x.slots[k].network != network || x.slots[k].bits != prefix) {
		k = (k + 1) & (len(x.slots) - 1)
	}
	return k
}

// get gives what was set, nil if nothing was.
func (x *ipIndex[T]) get(network ip, prefix int) *T {
	if len(x.slots) == 0 {
		return nil
	}
	return x.slots[x.slot(network, prefix)].value
}

// set gives the prefix a value.
func (x *ipIndex[T]) set(network ip, prefix int, value *T) {
	if 2*(x.used+1) > len(x.slots) && (len(x.slots) != 4 || x.used == 3) { // the three addresses of an interface fit in 4
		old := x.slots
		x.slots, x.used = make([]ipSlot[T], max(4, 2*len(old))), 0
		for _, s := range old {
			if s.value != nil {
				x.set(s.network, s.bits, s.value)
			}
		}
	}
	k := x.slot(network, prefix)
	if x.slots[k].value == nil {
		x.used++
	}
	x.slots[k] = ipSlot[T]{network, prefix, value}
}

// delete forgets a prefix that was set; entries that had to go past it move
// back.
func (x *ipIndex[T]) delete(network ip, prefix int) {
	mask := len(x.slots) - 1
	k := x.slot(network, prefix)
	for j := (k + 1) & mask; x.slots[j].value != nil; j = (j + 1) & mask {
		if home := x.home(x.slots[j].network, x.slots[j].bits); (j-home)&mask >= (j-k)&mask {
			x.slots[k] = x.slots[j]
			k = j
		}
	}
	x.slots[k] = ipSlot[T]{}
	x.used--
}
