package generator

import (
	"container/list"
	"slices"

	"glean/stack/loop"
)

// resultOverhead is the memory of a result besides its run: itself, its id and its
// places in tables, in octets.
const resultOverhead = 320

// shelf keeps the results of ended runs, the oldest first.
type shelf struct {
	items  list.List // of *Result
	octets int64
}

func (s *shelf) add(r *Result) {
	r.shelved = s.items.PushBack(r)
	s.octets += r.size
}

func (s *shelf) remove(r *Result) {
	if r.shelved != nil {
		s.items.Remove(r.shelved)
		r.shelved = nil
		s.octets -= r.size
	}
}

// surplus is how many of the oldest results are beyond the limits of o, and the
// time when the next one is too old.
func (s *shelf) surplus(now loop.Time, o *Options) (n int, next loop.Time) {
	left, octets := s.items.Len(), s.octets
	for e := s.items.Front(); e != nil; e = e.Next() {
		r, until := e.Value.(*Result), loop.Never
		if o.RetainFor > 0 {
			until = r.endedAt.Add(o.RetainFor)
		}
		tooMany := o.Retain > 0 && left > o.Retain
		tooLarge := o.RetainSize > 0 && octets > o.RetainSize && left > 1
		if !tooMany && !tooLarge && now < until {
			return n, until
		}
		n, left, octets = n+1, left-1, octets-r.size
	}
	return n, loop.Never
}

// resultEnded puts the result of a run that has ended away. The counters stay, and
// the frames do not.
func (m *Manager) resultEnded(r *Result, reason error) {
	r.end(m.loop.Now(), reason)
	m.running -= r.size
	r.run.DropFrames()
	r.size = r.run.Size() + resultOverhead
	m.shelf.add(r)
	m.trim()
}

// trim drops results of ended runs beyond the limits of Options.
func (m *Manager) trim() {
	n, next := m.shelf.surplus(m.loop.Now(), &m.options)
	if next < loop.Never {
		m.loop.Arm(&m.expiry, next)
	} else {
		m.loop.Disarm(&m.expiry)
	}
	switch {
	case n == 1:
		_, _ = m.DeleteResult(m.shelf.items.Front().Value.(*Result).ID) // it exists and is not active
	case n > 1:
		surplus := make(map[*Result]bool, n)
		for e := m.shelf.items.Front(); len(surplus) < n; e = e.Next() {
			surplus[e.Value.(*Result)] = true
		}
		m.forgetResults(func(r *Result) bool { return surplus[r] })
	}
}

// forgetResults removes results of ended runs.
func (m *Manager) forgetResults(unwanted func(*Result) bool) {
	m.results = slices.DeleteFunc(m.results, func(r *Result) bool {
		if !unwanted(r) {
			return false
		}
		m.shelf.remove(r)
		r.Generator.results--
		return true
	})
}

// Sizes are the octets of memory that the generators hold, and that their results
// hold beside them.
type Sizes struct{ Generators, Results int64 }

// Sizes tells how much memory generators and results hold.
func (m *Manager) Sizes() Sizes {
	return Sizes{Generators: m.octets, Results: m.running + m.shelf.octets}
}

// CountSizes is Sizes, counted anew. It is for tests.
func (m *Manager) CountSizes() (s Sizes) {
	for _, g := range m.sorted {
		s.Generators += g.Size()
	}
	for _, r := range m.results {
		if r.Active() { // its transmitter works on what there is to count
			s.Results += r.size
		} else {
			s.Results += r.run.Size() + resultOverhead
		}
	}
	return s
}

// Size is the memory in octets of the result without its generator.
func (r *Result) Size() int64 { return r.size }
