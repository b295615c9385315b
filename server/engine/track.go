package engine

import (
	"fmt"

	"glean/generator"
)

// NextHopChanged implements generator.Observer.
func (o generatorObserver) NextHopChanged(g *generator.Generator, c generator.NeighborChange) {
	switch c.New {
	case c.Old:
		o.emit("generator", g.ID, "neighbor_back", fmt.Sprintf("%v: %v (%s)", c.NextHop, c.New, c.Cause))
	default:
		what, detail := "neighbor_moved", fmt.Sprintf("%v: from %v to %v (%s)", c.NextHop, c.Old, c.New, c.Cause)
		if c.New.IsZero() {
			what, detail = "neighbor_lost", fmt.Sprintf("%v: %v does not answer (%s)", c.NextHop, c.Old, c.Cause)
		}
		o.emit("generator", g.ID, what, detail)
	}
}
