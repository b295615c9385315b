package generator

import (
	"glean/generator/program"
	"glean/stack/loop"
)

// Totals is what a generator has done since it was made.
type Totals struct {
	ID    string
	Ended program.Counters // of the runs that have ended
	// Run is the present run, nil if there is none. Its counters may be read on any
	// goroutine, and are not in Ended.
	Run       *program.Run
	StartedAt loop.Time // of the run
	NextHops  program.Counts
}

// AllTotals is what all generators have done, those that were deleted included.
type AllTotals struct {
	Generators int // that there are
	Ended      program.Counters
	Runs       []*Result // of those that go on; their counters may be read on any goroutine
}

var noCounters = program.Counters{First: program.NoTime, Last: program.NoTime}

// Totals returns what the generator has done.
func (g *Generator) Totals() Totals {
	t := Totals{ID: g.ID, Ended: g.past, NextHops: g.program.Counts()}
	if g.result != nil {
		t.Run, t.StartedAt = g.result.run, g.result.StartedAt
	}
	return t
}

// Totals returns what all generators have done.
func (m *Manager) Totals() AllTotals {
	t := AllTotals{Generators: len(m.sorted), Ended: m.past, Runs: make([]*Result, len(m.active))}
	for n, g := range m.active {
		t.Runs[n] = g.result
	}
	return t
}

// ActiveCount is the number of generators that transmit.
func (m *Manager) ActiveCount() int { return len(m.active) }

// After returns at most n generators whose ids are greater than id, by id. The list
// is good until a generator is made or removed.
func (m *Manager) After(id string, n int) []*Generator {
	at, found := m.find(id)
	if found {
		at++
	}
	return m.sorted[at:min(len(m.sorted), at+n)]
}

// runBegan notes that a generator has become active.
func (m *Manager) runBegan(g *Generator) {
	g.activeIndex = len(m.active)
	m.active = append(m.active, g)
}

// runEnded notes that a generator is not active any more, and what its run did.
func (m *Manager) runEnded(g *Generator, r *program.Run) {
	last := len(m.active) - 1
	m.active[g.activeIndex] = m.active[last]
	m.active[g.activeIndex].activeIndex = g.activeIndex
	m.active[last] = nil
	m.active = m.active[:last]
	c := r.Counters()
	g.past, m.past = g.past.Plus(c), m.past.Plus(c)
}
