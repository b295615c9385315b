package stack

import "math/bits"

// ipIndex maps prefixes of a VLAN: our addresses (as prefixes of full length) or ranges
// that we answer for. It is a hash table with linear probing and without tombstones.
// Every received frame is looked up here twice; Go's map would take half of the frame's
// time.
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

// slot returns the position of a prefix, or of the free slot for it.
func (x *ipIndex[T]) slot(network ip, prefix int) int {
	k := x.home(network, prefix)
	for x.slots[k].value != nil && (x.slots[k].network != network || x.slots[k].bits != prefix) {
		k = (k + 1) & (len(x.slots) - 1)
	}
	return k
}

// get returns the value of a prefix, nil if it has none.
func (x *ipIndex[T]) get(network ip, prefix int) *T {
	if len(x.slots) == 0 {
		return nil
	}
	return x.slots[x.slot(network, prefix)].value
}

// set stores the value of a prefix.
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

// delete removes a prefix, which has a value, and moves back the entries that were
// pushed past it.
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
