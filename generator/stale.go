package generator

import (
	"net/netip"
	"sync/atomic"

	"glean/stack/header"
	"glean/stack/loop"
)

// MaxChanges is how many changes of next hops a result keeps, the newest.
const MaxChanges = 1000

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

// staleCounts are counters of frames to stale MACs, one for each change that is
// kept.
type staleCounts [MaxChanges]atomic.Uint64

// changeLog keeps the changes of a run, on the loop. A change's number is its
// place + 1.
type changeLog struct {
	places  []noted
	oldest  int // the next to give way when all places are taken
	leftOut uint64
}

type noted struct {
	NeighborChange
	adj uint32
}

// note keeps a change and gives its number for the adjacency's word.
func (r *Result) note(adj uint32, c NeighborChange) int {
	l := &r.changes
	if len(l.places) == 0 {
		r.run.staleBy.Store(new(staleCounts))
	}
	if len(l.places) < MaxChanges {
		l.places = append(l.places, noted{c, adj})
		return len(l.places)
	}
	place := l.oldest
	l.oldest = (l.oldest + 1) % MaxChanges
	l.leftOut++
	r.run.p.dropNote(l.places[place].adj, place+1)
	r.run.staleBy.Load()[place].Store(0)
	l.places[place] = noted{c, adj}
	return place + 1
}

// noteOf is the last change of an adjacency, nil if it is not kept.
func (r *Result) noteOf(adj uint32) *NeighborChange {
	if n := r.run.p.note(adj); n > 0 {
		return &r.changes.places[n-1].NeighborChange
	}
	return nil
}

// NeighborChanges gives the newest changes of next hops during the run, oldest
// first, at most MaxChanges, and how many older ones are left out. It is called
// on the loop.
func (r *Result) NeighborChanges() (kept []NeighborChange, leftOut uint64) {
	l := &r.changes
	kept = make([]NeighborChange, 0, len(l.places))
	for n := range l.places {
		place := (l.oldest + n) % len(l.places)
		c := l.places[place].NeighborChange
		c.FramesToStale = r.run.staleBy.Load()[place].Load()
		kept = append(kept, c)
	}
	return kept, l.leftOut
}

// accountDoubtful counts frames that went to a MAC that was known to be wrong when
// the device had taken them, each for the change that made it wrong, and those that
// went to a MAC which was not confirmed then. Frames of one change in a row are
// counted at once.
func (r *Run) accountDoubtful(from, to int, moved bool) {
	note, n := uint64(0), uint64(0)
	for i := from; i < to; i++ {
		s := r.slot(i)
		word := s.word
		if moved && s.adj != NoAdjacency && stateOf(word) != AdjacencyStale {
			word = r.p.words[s.adj].Load()
		}
		if !outdated(s.word, word) {
			if stateOf(word) == AdjacencyUnconfirmed && stateOf(s.word).hasMAC() {
				r.tally.unconfirmed++
			}
			continue
		}
		if word>>noteShift != note {
			r.countStale(note, n)
			note, n = word>>noteShift, 0
		}
		n++
	}
	r.countStale(note, n)
}

// countStale counts n frames for the change of that number, or for none.
func (r *Run) countStale(note, n uint64) {
	r.tally.stale += n
	if counts := r.undivided().staleBy.Load(); n > 0 && note > 0 && counts != nil {
		counts[note-1].Add(n)
	}
}
