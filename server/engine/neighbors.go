package engine

import (
	"net/netip"
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

// Neighbors lists the neighbor cache by interface id and address.
func (e *Engine) Neighbors(f NeighborFilter) []NeighborView {
	ids := make([]string, 0, len(e.interfaces))
	for id := range e.interfaces {
		if (f.InterfaceID == "" || f.InterfaceID == id) && id >= f.After.InterfaceID {
			ids = append(ids, id)
		}
	}
	sort.Strings(ids)
	var views []NeighborView
	for _, id := range ids {
		i := e.interfaces[id]
		vlans := i.forLearning().VLANs
		for n := range i.stack.Neighbors() {
			if f.Limit > 0 && len(views) == f.Limit {
				return views
			}
			if f.matches(id, n) {
				views = append(views, NeighborView{InterfaceID: id, VLANs: vlans, Info: n})
			}
		}
	}
	return views
}

func (f NeighborFilter) matches(id string, n stack.NeighborInfo) bool {
	if f.After.Address.IsValid() && id == f.After.InterfaceID && n.Addr.Compare(f.After.Address) <= 0 {
		return false
	}
	return (f.State == "" || f.State == n.State.String()) && (!f.Address.IsValid() || f.Address == n.Addr)
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
