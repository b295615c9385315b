package engine

import (
	"net/netip"

	"glean/generator/program"
	"glean/stack/header"
)

// LearnedRow is a destination of a generator, the next hop that the generator
// sends it through, and the MAC in use.
type LearnedRow struct {
	Destination netip.Addr
	NextHop     netip.Addr // invalid if there is none
	MAC         header.MAC // zero if it is not resolved
}

// Learned looks a generator up. The function that it returns lists what the
// generator knows of its destinations, in the order of its flows; it may be called
// anywhere, for a million destinations take a while. n is how many there are.
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
