package sim

import (
	"net/netip"
	"slices"
)

// Routes is a forwarding table for both families: the longest prefix that
// holds an address decides. It keeps one map per prefix length in use, of which
// there are few in any network; the maps are looked up, never walked.
type Routes[R any] struct {
	lengths [2][]length[R] // IPv4 and IPv6, longest first
	count   int
}

type length[R any] struct {
	bits   int
	routes map[netip.Prefix]R
}

func family(a netip.Addr) int {
	if a.Is4() {
		return 0
	}
	return 1
}

// Len is the number of routes.
func (t *Routes[R]) Len() int { return t.count }

// Add adds a route or replaces the one of the same prefix.
func (t *Routes[R]) Add(p netip.Prefix, r R) {
	p = p.Masked()
	lengths := &t.lengths[family(p.Addr())]
	at, found := slices.BinarySearchFunc(*lengths, p.Bits(), longestFirst[R])
	if !found {
		*lengths = slices.Insert(*lengths, at, length[R]{p.Bits(), map[netip.Prefix]R{}})
	}
	routes := (*lengths)[at].routes
	if _, known := routes[p]; !known {
		t.count++
	}
	routes[p] = r
}

// Remove removes the route of a prefix and reports whether there was one.
func (t *Routes[R]) Remove(p netip.Prefix) bool {
	p = p.Masked()
	lengths := &t.lengths[family(p.Addr())]
	at, found := slices.BinarySearchFunc(*lengths, p.Bits(), longestFirst[R])
	if !found {
		return false
	}
	routes := (*lengths)[at].routes
	if _, known := routes[p]; !known {
		return false
	}
	delete(routes, p)
	t.count--
	if len(routes) == 0 {
		*lengths = slices.Delete(*lengths, at, at+1)
	}
	return true
}

func longestFirst[R any](l length[R], bits int) int { return bits - l.bits }

// Find is the route of the longest prefix that holds a.
func (t *Routes[R]) Find(a netip.Addr) (r R, ok bool) {
	for _, l := range t.lengths[family(a)] {
		if p, err := a.Prefix(l.bits); err == nil {
			if r, ok = l.routes[p]; ok {
				return r, true
			}
		}
	}
	return r, false
}
