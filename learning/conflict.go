package learning

import (
	"container/list"
	"net/netip"
	"slices"

	"glean/stack/header"
	"glean/stack/loop"
)

const (
	// conflictWithin is how long after a next hop is decided another MAC counts as
	// another reply to the same solicitation.
	conflictWithin = loop.Second
	// maxConflicts bounds the next hops of a result whose conflicts are kept, and
	// maxRivals their MACs: a hostile peer can claim any number.
	maxConflicts = 1024
	maxRivals    = 8
	// conflictSize is an estimate of a conflict's memory in a map, in octets.
	conflictSize = 160
)

// hopKey is an address on an interface of a result.
type hopKey struct {
	iface uint32 // index into Result.interfaces
	addr  address
}

// rival is a MAC that was claimed for a next hop beside another one.
type rival struct {
	mac header.MAC
	at  loop.Time
}

// Contested records that several MACs were claimed for a next hop within a second: in
// requests in progress, and in results that ended within conflictWithin, whose
// solicitations the MACs may reply to.
func (m *Manager) Contested(iface uint32, hop netip.Addr, macs ...header.MAC) {
	now := m.loop.Now()
	for _, r := range m.active {
		if r != nil {
			m.contest(r.result, iface, hop, macs, now)
		}
	}
	var before *list.Element
	for e := m.oldResults.items.Back(); e != nil; e = before {
		before = e.Prev()
		r := e.Value.(*Result)
		if now.Sub(r.finishedAt) > conflictWithin {
			return
		}
		m.contest(r, iface, hop, macs, now)
	}
}

func (m *Manager) contest(r *Result, iface uint32, hop netip.Addr, macs []header.MAC, now loop.Time) {
	i := slices.IndexFunc(r.interfaces, func(i Interface) bool { return i.Handle == iface })
	key := hopKey{uint32(i), addressOf(hop)}
	if i < 0 || !r.asksFor(key) {
		return
	}
	rivals, known := r.conflicts[key]
	if !known {
		if len(r.conflicts) >= maxConflicts {
			return
		}
		if r.conflicts == nil {
			r.conflicts = make(map[hopKey][]rival)
		}
		r.charged += conflictSize
		if r.live != nil {
			m.octets.live += conflictSize
		} else {
			m.octets.finished += conflictSize
		}
	}
	for _, mac := range macs {
		if len(rivals) < maxRivals && !slices.ContainsFunc(rivals, func(v rival) bool { return v.mac == mac }) {
			rivals = append(rivals, rival{mac, now})
		}
	}
	r.conflicts[key] = rivals
}

// asksFor reports whether the result's request solicits a next hop.
func (r *Result) asksFor(hop hopKey) bool {
	at, found := slices.BinarySearchFunc(r.destinations, hop.addr, func(d destination, a address) int { return d.addr.compare(&a) })
	for ; found && at < len(r.destinations) && r.destinations[at].addr == hop.addr; at++ {
		h := &r.hops[r.destinations[at].result]
		if own, ok := r.hop(h); ok && own == hop.addr && h.iface == hop.iface {
			return true
		}
	}
	return slices.ContainsFunc(r.gateways, func(g gateway) bool { return !g.no && g.addr == hop.addr })
}

// rivalsOf returns the MACs besides mac that were claimed for the next hop of a result
// until conflictWithin after it was decided.
func (r *Result) rivalsOf(h *hopResult, mac header.MAC) (macs []header.MAC) {
	if len(r.conflicts) == 0 {
		return nil
	}
	hop, ok := r.hop(h)
	if !ok {
		return nil
	}
	for _, v := range r.conflicts[hopKey{h.iface, hop}] {
		if v.mac != mac && v.at.Sub(h.at) <= conflictWithin {
			macs = append(macs, v.mac)
		}
	}
	return macs
}
