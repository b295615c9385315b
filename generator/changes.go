package generator

import (
	"net/netip"

	"glean/generator/program"
	"glean/stack/header"
	"glean/stack/loop"
)

// NeighborChange is a change of a next hop that flows of a run use.
type NeighborChange struct {
	At      loop.Time
	NextHop netip.Addr
	// Old is the MAC until then, New the one from then on, zero if it does not
	// answer any more.
	Old, New header.MAC
	Cause    string // in the words of who told of it
	// FramesToStale is how many frames the device was given with the old MAC after
	// the change was known.
	FramesToStale uint64
}

// changeLog keeps the changes of a run, on the loop. A change's number is its
// place + 1.
type changeLog struct {
	entries []changeEntry
	oldest  int // the next to give way when all places are taken
	leftOut uint64
}

type changeEntry struct {
	NeighborChange
	adj uint32
}

// note keeps a change and gives its number for the adjacency's word.
func (r *Result) addChange(adj uint32, c NeighborChange) int {
	l := &r.changes
	if len(l.entries) < program.MaxChanges {
		l.entries = append(l.entries, changeEntry{c, adj})
		r.run.CountChange(len(l.entries))
		return len(l.entries)
	}
	place := l.oldest
	l.oldest = (l.oldest + 1) % program.MaxChanges
	l.leftOut++
	r.run.Program().ForgetChange(l.entries[place].adj, place+1)
	r.run.CountChange(place + 1)
	l.entries[place] = changeEntry{c, adj}
	return place + 1
}

// noteOf is the last change of an adjacency, nil if it is not kept.
func (r *Result) lastChange(adj uint32) *NeighborChange {
	if n := r.run.Program().Change(adj); n > 0 {
		return &r.changes.entries[n-1].NeighborChange
	}
	return nil
}

// NeighborChanges gives the newest changes of next hops during the run, oldest
// first, at most MaxChanges, and how many older ones are left out. It is called
// on the loop.
func (r *Result) NeighborChanges() (kept []NeighborChange, leftOut uint64) {
	l := &r.changes
	kept = make([]NeighborChange, 0, len(l.entries))
	for n := range l.entries {
		place := (l.oldest + n) % len(l.entries)
		c := l.entries[place].NeighborChange
		c.FramesToStale = r.run.FramesToStale(place + 1)
		kept = append(kept, c)
	}
	return kept, l.leftOut
}
