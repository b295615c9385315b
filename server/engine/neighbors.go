package engine

import (
	"cmp"
	"net/netip"
	"slices"
	"unsafe"

	"glean/stack"
)

// NeighborFilter selects neighbors; zero members select all.
type NeighborFilter struct {
	InterfaceID string
	State       string
	Address     netip.Addr
	After       NeighborKey // only neighbors after this one, in the list's order
	Limit       int         // 0: no limit
}

// NeighborKey identifies a neighbor and orders the list.
type NeighborKey struct {
	InterfaceID string
	Address     netip.Addr
}

// NeighborView is the present state of an entry of the neighbor cache.
type NeighborView struct {
	InterfaceID string
	VLANs       []uint16
	Info        stack.NeighborInfo
}

// NeighborList makes a list of neighbors by interface id and address, of which there may
// be a million. Collect notes the keys of the neighbors that match, page by page on the
// loop. Merge sorts the keys, off the loop. Views looks some of them up again, on the
// loop. No two methods may run at the same time.
type NeighborList struct {
	Filter NeighborFilter

	port  int    // index of the port whose cache is read
	at    uint32 // position in the cache
	page  []packedKey
	ids   map[uint32]string // of the interfaces of keys, by handle; never iterated
	found []packedKey
	full  bool      // the limit was reached; keys after last are not in the list
	last  packedKey // the last key of the list when it was last cut
}

// packedKey is a NeighborKey in 20 octets without a pointer.
type packedKey struct {
	addr   [16]byte // IPv4 mapped to IPv6
	handle uint32
}

// Collect reads the next entries of the caches and reports whether there are more. It finds
// a neighbor that exists all the time once.
func (l *NeighborList) Collect(e *Engine) (more bool) {
	if l.ids == nil {
		l.ids = make(map[uint32]string)
	}
	l.page = l.page[:0]
	if a := l.Filter.Address; a.IsValid() {
		for _, i := range e.interfaces { // sorted later
			if n, known := i.stack.Neighbor(a); known {
				l.note(i, &n)
			}
		}
		return false
	}
	if l.found == nil {
		l.found = make([]packedKey, 0, l.room(e))
	}
	const step = sliceNeighbors / 64
	for looked := 0; l.port < len(e.portList); looked += step {
		if looked >= sliceNeighbors {
			return true
		}
		if p := e.portList[l.port]; p != nil {
			l.at = p.stack.SomeNeighbors(l.at, step, func(from *stack.Interface, n stack.NeighborInfo) {
				if i := e.handles[from.Handle()]; i != nil {
					l.note(i, &n)
				}
			})
		}
		if l.at == 0 {
			l.port++
		}
	}
	return false
}

// room returns the capacity for keys that the list starts with.
func (l *NeighborList) room(e *Engine) int {
	n := 0
	for _, p := range e.portList {
		if p != nil {
			n += p.stack.NeighborCount()
		}
	}
	if l.Filter.Limit > 0 {
		n = min(n, 2*l.Filter.Limit)
	}
	return n
}

// Need returns the memory in octets that the list will take.
func (l *NeighborList) Need(e *Engine) int64 {
	return int64(l.room(e)+sliceNeighbors) * int64(unsafe.Sizeof(packedKey{}))
}

func (l *NeighborList) note(i *iface, n *stack.NeighborInfo) {
	if !i.deleted && l.Filter.matches(i.spec.ID, n) {
		l.page = append(l.page, packedKey{n.Addr.As16(), i.handle})
		l.ids[i.handle] = i.spec.ID
	}
}

// Merge adds the page that was collected last. It cuts the list back to the limit whenever
// it is twice as long, so that each key is sorted a few times at most.
func (l *NeighborList) Merge() {
	for _, p := range l.page {
		if l.full && l.compare(p, l.last) > 0 {
			continue
		}
		l.found = append(l.found, p)
		if l.Filter.Limit > 0 && len(l.found) == 2*l.Filter.Limit {
			l.cut()
		}
	}
	l.page = l.page[:0]
}

func (l *NeighborList) cut() {
	slices.SortFunc(l.found, l.compare)
	l.found = l.found[:l.Filter.Limit]
	l.full, l.last = true, l.found[l.Filter.Limit-1]
}

func (l *NeighborList) compare(a, b packedKey) int {
	if a.handle != b.handle {
		if c := cmp.Compare(l.ids[a.handle], l.ids[b.handle]); c != 0 {
			return c
		}
	}
	return cmp.Or(netip.AddrFrom16(a.addr).Unmap().Compare(netip.AddrFrom16(b.addr).Unmap()), cmp.Compare(a.handle, b.handle))
}

// Sort finishes the list after the last Merge, and returns its length.
func (l *NeighborList) Sort() int {
	if limit := l.Filter.Limit; limit > 0 && len(l.found) > limit {
		l.cut()
	}
	slices.SortFunc(l.found, l.compare)
	l.found = slices.Compact(l.found) // a neighbor that was made anew meanwhile may have been found twice
	return len(l.found)
}

// Views returns the present state of the neighbors [from, to) of the list, without those
// that were deleted or match no longer.
func (l *NeighborList) Views(e *Engine, from, to int) []NeighborView {
	views := make([]NeighborView, 0, to-from)
	for _, p := range l.found[from:to] {
		i := e.handles[p.handle]
		if i == nil || i.deleted {
			continue
		}
		n, known := i.stack.Neighbor(netip.AddrFrom16(p.addr).Unmap())
		if known && l.Filter.matches(i.spec.ID, &n) {
			views = append(views, NeighborView{InterfaceID: i.spec.ID, VLANs: i.forLearning().VLANs, Info: n})
		}
	}
	return views
}

// Neighbors returns the neighbor cache by interface id and address, in one turn of the
// loop.
func (e *Engine) Neighbors(f NeighborFilter) []NeighborView {
	l := NeighborList{Filter: f}
	for more := true; more; {
		more = l.Collect(e)
		l.Merge()
	}
	return l.Views(e, 0, l.Sort())
}

func (f *NeighborFilter) matches(id string, n *stack.NeighborInfo) bool {
	if f.InterfaceID != "" && id != f.InterfaceID {
		return false
	}
	if after := f.After; after.Address.IsValid() && cmp.Or(cmp.Compare(id, after.InterfaceID), n.Addr.Compare(after.Address)) <= 0 {
		return false
	}
	return f.State == "" || f.State == n.State.String()
}

// FlushNeighbors empties the neighbor cache of an interface, or of all interfaces if id is
// empty. A large cache takes several turns of the loop. Static neighbors and those that
// are being solicited stay. done runs on the loop at the end. An unknown id is an error,
// and done does not run.
func (e *Engine) FlushNeighbors(id string, done func()) error {
	ports := slices.Clone(e.portList)
	var only *stack.Interface
	if id != "" {
		i := e.interfaces[id]
		if i == nil {
			return notFound("interface", id)
		}
		ports, only = []*port{i.port}, i.stack
	}
	var at uint32
	e.inTurns(func() bool {
		for looked := 0; len(ports) > 0; looked += sliceNeighbors / 64 {
			switch {
			case looked >= sliceNeighbors:
				return true
			case ports[0] == nil || e.ports[ports[0].spec.ID] != ports[0]: // deleted
				at = 0
			default:
				at = ports[0].stack.FlushSome(only, at, sliceNeighbors/64)
			}
			if at == 0 {
				ports = ports[1:]
			}
		}
		return false
	}, done)
	return nil
}
