package program

import (
	"bytes"
	"encoding/binary"
	"math/bits"
	"net/netip"

	"glean/generator/traffic"
	"glean/internal/arith"
)

// hopIndex finds a next hop's adjacency by its address. It takes 6 octets for each hop,
// and none if the hops are consecutive addresses. No hop lies outside of [low, high]:
// that rules out most generators of an interface when a neighbor of it changes.
type hopIndex struct {
	slots     []uint32 // adjacency + 1; nil for a sequence, and for so few hops that all are looked at
	sequence  bool
	low, high [16]byte
}

// fewHops is the number of hops, at most, that are searched one by one.
const fewHops = 8

func newHopIndex(hops [][16]byte) hopIndex {
	var x hopIndex
	for n := range x.low {
		x.low[n] = 0xff
	}
	for _, k := range hops {
		if k == noRoute {
			continue
		}
		if bytes.Compare(k[:], x.low[:]) < 0 {
			x.low = k
		}
		if bytes.Compare(k[:], x.high[:]) > 0 {
			x.high = k
		}
	}
	if x.sequence = isSequence(hops); x.sequence || len(hops) <= fewHops {
		return x
	}
	x.slots = make([]uint32, (len(hops)+len(hops)/2+15)&^15)
	for adj, k := range hops {
		if k != noRoute {
			x.slots[x.find(hops, k)] = uint32(adj + 1)
		}
	}
	return x
}

// isSequence reports whether keys are those of consecutive addresses.
func isSequence(keys [][16]byte) bool {
	for n := range keys {
		if traffic.Uint128FromBytes(keys[n]) != traffic.Uint128FromBytes(keys[0]).Plus(traffic.Uint128{Lo: uint64(n)}) || keys[n] == noRoute {
			return false
		}
	}
	return true
}

// find returns the slot of a key, or the free slot where it belongs. As in keyTable,
// sixteen consecutive addresses share a cache line.
func (x *hopIndex) find(hops [][16]byte, k [16]byte) int {
	low := binary.BigEndian.Uint64(k[8:])
	group, _ := bits.Mul64(arith.Mix(binary.BigEndian.Uint64(k[:8])^arith.Mix(low>>4)), uint64(len(x.slots)/16))
	for at := int(group)*16 + int(low&15); ; {
		if s := x.slots[at]; s == 0 || hops[s-1] == k {
			return at
		}
		if at++; at == len(x.slots) {
			at = 0
		}
	}
}

// AdjacencyOf returns the adjacency of a next hop; ok is false if no flow has it.
func (p *Program) AdjacencyOf(hop netip.Addr) (adj uint32, ok bool) {
	if !hop.IsValid() {
		return 0, false
	}
	k := keyOfAddr(hop)
	if bytes.Compare(k[:], p.index.low[:]) < 0 || bytes.Compare(k[:], p.index.high[:]) > 0 {
		return 0, false
	}
	if p.index.sequence { // and within low and high
		return uint32(traffic.Uint128FromBytes(k).Lo - traffic.Uint128FromBytes(p.index.low).Lo), true
	}
	if p.index.slots == nil {
		for adj := range p.hops {
			if p.hops[adj] == k {
				return uint32(adj), true
			}
		}
		return 0, false
	}
	s := p.index.slots[p.index.find(p.hops, k)]
	return s - 1, s != 0
}
