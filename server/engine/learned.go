package engine

import (
	"net/netip"

	"glean/generator/program"
	"glean/stack/header"
)

// LearnedRow is a destination of a generator, its next hop, and the MAC in use.
type LearnedRow struct {
	Destination netip.Addr
	NextHop     netip.Addr // invalid if there is none
	MAC         header.MAC // zero if it is not resolved
}

// Learned returns a function that lists a generator's destinations in the order of its
// flows, and their number n. The function may be called anywhere, because a million
// destinations take long.
func (e *Engine) Learned(generatorID string) (list func() []LearnedRow, n int, err error) {
	g, err := e.generators.Get(generatorID)
	if err != nil {
		return nil, 0, generatorError(err)
	}
	p := g.Program()
	return func() []LearnedRow {
		destinations := p.Destinations()
		rows := make([]LearnedRow, len(destinations))
		for n, d := range destinations {
			rows[n].Destination = d.Addr
			if d.Adj == program.NoAdjacency {
				continue
			}
			rows[n].NextHop = p.Hop(d.Adj)
			rows[n].MAC, _ = p.Adjacency(d.Adj)
		}
		return rows
	}, p.DestinationCount(), nil
}
