package engine

import (
	"cmp"
	"net/netip"
	"slices"
	"sort"

	"glean/stack"
)

// NeighborFilter chooses neighbors; zero members choose all.
type NeighborFilter struct {
	InterfaceID string
	State       string
	Address     netip.Addr
	After       NeighborKey // only neighbors after this one, in the list's order
	Limit       int         // 0: no limit
}

// NeighborKey is the place of a neighbor in the list.
type NeighborKey struct {
	InterfaceID string
	Address     netip.Addr
}

// NeighborView is an entry of the neighbor cache as it is now.
type NeighborView struct {
	InterfaceID string
	VLANs       []uint16
	Info        stack.NeighborInfo
}

// Neighbors lists the neighbor cache by interface id and address. It looks at
// each entry once, and sorts what it returns only.
func (e *Engine) Neighbors(f NeighborFilter) []NeighborView {
	ids := make([]string, 0, len(e.interfaces))
	for id := range e.interfaces {
		if (f.InterfaceID == "" || f.InterfaceID == id) && id >= f.After.InterfaceID {
			ids = append(ids, id)
		}
	}
	sort.Strings(ids)
	first := firstPlaces{limit: f.Limit}
	if f.Address.IsValid() {
		for rank, id := range ids {
			if n, known := e.interfaces[id].stack.Neighbor(f.Address); known && f.matches(id, n) {
				first.add(place{rank, n})
			}
		}
	} else {
		e.allNeighbors(ids, f, &first)
	}
	views := make([]NeighborView, 0, len(first.places))
	for _, p := range first.sorted() {
		i := e.interfaces[ids[p.rank]]
		views = append(views, NeighborView{InterfaceID: i.spec.ID, VLANs: i.forLearning().VLANs, Info: p.info})
	}
	return views
}

func (e *Engine) allNeighbors(ids []string, f NeighborFilter, first *firstPlaces) {
	ranks, ports := make(map[uint32]int, len(ids)), make(map[*port]bool)
	for rank, id := range ids {
		i := e.interfaces[id]
		ranks[i.handle], ports[i.port] = rank, true
	}
	for _, p := range e.portList {
		if !ports[p] {
			continue
		}
		for i, n := range p.stack.Neighbors() {
			if rank, asked := ranks[i.Handle()]; asked && f.matches(ids[rank], n) {
				first.add(place{rank, n})
			}
		}
	}
}

func (f NeighborFilter) matches(id string, n stack.NeighborInfo) bool {
	if f.After.Address.IsValid() && id == f.After.InterfaceID && n.Addr.Compare(f.After.Address) <= 0 {
		return false
	}
	return f.State == "" || f.State == n.State.String()
}

// place is a neighbor's place in the list.
type place struct {
	rank int // of its interface
	info stack.NeighborInfo
}

func (a place) compare(b place) int {
	if c := cmp.Compare(a.rank, b.rank); c != 0 {
		return c
	}
	return a.info.Addr.Compare(b.info.Addr)
}

// firstPlaces keeps the first places of all that are added.
type firstPlaces struct {
	limit  int // 0: all
	places []place
	full   bool  // the limit was reached; places behind last are not among the first
	last   place // the last of the first ones when they were sorted last
}

// add takes a place. Those beyond the limit are cut off when they are as many
// again, so that each is sorted a few times at most.
func (f *firstPlaces) add(p place) {
	if f.full && p.compare(f.last) > 0 {
		return
	}
	f.places = append(f.places, p)
	if f.limit > 0 && len(f.places) == 2*f.limit {
		f.cut()
	}
}

func (f *firstPlaces) cut() {
	slices.SortFunc(f.places, place.compare)
	f.places = f.places[:f.limit]
	f.full, f.last = true, f.places[f.limit-1]
}

func (f *firstPlaces) sorted() []place {
	if f.limit > 0 && len(f.places) > f.limit {
		f.cut()
	}
	slices.SortFunc(f.places, place.compare)
	return f.places
}

// FlushNeighbors empties the neighbor cache of an interface, or of all if id is
// empty. Static neighbors and those that are being asked for stay.
func (e *Engine) FlushNeighbors(id string) error {
	if id != "" && e.interfaces[id] == nil {
		return notFound("interface", id)
	}
	for _, v := range e.Interfaces() {
		if id == "" || v.Spec.ID == id {
			e.interfaces[v.Spec.ID].stack.Flush()
		}
	}
	return nil
}
