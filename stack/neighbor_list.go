package stack

import (
	"cmp"
	"iter"
	"net/netip"
	"slices"

	"glean/stack/header"
	"glean/stack/loop"
)

// NeighborInfo describes one entry of the cache.
type NeighborInfo struct {
	Addr      netip.Addr
	MAC       header.MAC // zero while INCOMPLETE
	State     State
	IsRouter  bool
	UpdatedAt loop.Time // when state or MAC changed last
	// ConfirmedAt is when an answer last confirmed the MAC, or the previous MAC while
	// it is INCOMPLETE; only if Confirmed.
	ConfirmedAt loop.Time
	Confirmed   bool
	Subscribed  bool // has a subscription
	Lost        bool // tracked, and Lost was reported
}

// Neighbors returns the entries of the interface's cache, sorted by address.
func (i *Interface) Neighbors() iter.Seq[NeighborInfo] {
	return func(yield func(NeighborInfo) bool) {
		s := i.stack
		ids := make([]uint32, 0, i.count)
		for id := uint32(1); i.slot != 0 && id <= s.neighbors.entries.Len(); id++ {
			if s.neighbors.at(id).iface == i.slot {
				ids = append(ids, id)
			}
		}
		slices.SortFunc(ids, func(x, y uint32) int {
			return compareIP(s.neighbors.address(s.neighbors.at(x)), s.neighbors.address(s.neighbors.at(y)))
		})
		for _, id := range ids {
			if !yield(s.info(s.neighbors.at(id))) {
				return
			}
		}
	}
}

// SomeNeighbors calls visit for those of n entries of the cache that are in use, in the
// order of memory. It splits a walk over a million entries over several turns of the
// loop. at is 0 first, then the value that the last call returned; 0 means that all
// entries are done. An entry that exists during the whole walk is visited once.
func (s *Stack) SomeNeighbors(at uint32, n int, visit func(*Interface, NeighborInfo)) (next uint32) {
	last := s.neighbors.entries.Len()
	if int(last-min(at, last)) > n {
		last, next = at+uint32(n), at+uint32(n)
	}
	for id := at + 1; id <= last; id++ {
		if n := s.neighbors.at(id); n.iface != 0 {
			visit(s.interfaces[n.iface], s.info(n))
		}
	}
	return next
}

// Neighbor returns one entry of the cache.
func (i *Interface) Neighbor(a netip.Addr) (NeighborInfo, bool) {
	if id := i.stack.neighbors.find(i.slot, ipFrom(a)); i.slot != 0 && id != 0 {
		return i.stack.info(i.stack.neighbors.at(id)), true
	}
	return NeighborInfo{}, false
}

// NeighborCount returns how many entries the interface's cache has.
func (i *Interface) NeighborCount() int { return i.count }

// NeighborCount returns how many entries the caches of all interfaces have.
func (s *Stack) NeighborCount() int { return s.neighbors.used }

func (s *Stack) info(n *neighbor) NeighborInfo {
	return NeighborInfo{
		Addr: s.neighbors.address(n).addr(), MAC: n.mac, State: n.state,
		IsRouter: n.flags&flagRouter != 0, UpdatedAt: n.changed,
		ConfirmedAt: n.confirmed, Confirmed: n.confirmed != neverConfirmed,
		Subscribed: n.solicitation != 0 && s.solicitations.At(n.solicitation).subscriptions != 0,
		Lost:       n.solicitation != 0 && s.solicitations.At(n.solicitation).flags&solicitLost != 0,
	}
}

// compareIP orders addresses as netip does: IPv4 first.
func compareIP(a, b ip) int {
	if a.is4() != b.is4() {
		if a.is4() {
			return -1
		}
		return 1
	}
	if c := cmp.Compare(a.hi, b.hi); c != 0 {
		return c
	}
	return cmp.Compare(a.lo, b.lo)
}
