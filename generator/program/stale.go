package program

import "sync/atomic"

// MaxChanges is how many changes of next hops a run counts stale frames for.
const MaxChanges = 1000

// staleCounts are counters of frames to stale MACs, one for each change that is
// kept.
type staleCounts [MaxChanges]atomic.Uint64

// CountChange begins to count, from 0, the frames that go to the MAC which a change
// has made stale. Changes have numbers from 1 to MaxChanges. It is called on the
// loop.
func (r *Run) CountChange(change int) {
	counts := r.staleBy.Load()
	if counts == nil {
		r.staleBy.Store(new(staleCounts))
		return
	}
	counts[change-1].Store(0)
}

// FramesToStale returns how many frames the device was given with the old MAC of a
// change after the change was known.
func (r *Run) FramesToStale(change int) uint64 { return r.staleBy.Load()[change-1].Load() }

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
			if stateOf(word) == AdjacencyUnconfirmed && stateOf(s.word).HasMAC() {
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
