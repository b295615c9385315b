package swarm

import (
	"fmt"
	"net/netip"
	"slices"

	"glean/sim/scenario"
	"glean/sim/topology"
	"glean/stack/loop"
)

// drawnFlap takes the link of a port down for a moment after the network is healed, while
// generators run. A host may have another MAC when the link is up again.
type drawnFlap struct {
	Cut   drawnCut // of port 0
	Host  int      // of a segment of port 0 that changes its MAC meanwhile without an announcement; -1: none
	Moved int      // its segment
}

// Flaps are far enough apart for running generators to confirm their next hops between
// them, and end before moves begin.
const (
	firstFlap  = 20 * loop.Second // after the network is healed
	flapEvery  = 4 * loop.Second
	flapJitter = loop.Second
	flapMost   = 500 * loop.Millisecond
	flapLeast  = 100 * loop.Millisecond // with a change of MAC
)

// drawFlaps draws after the parts before it, so that it does not change them. In many
// flaps the link is up again at once.
func (w *RandomWorld) drawFlaps(d dice) {
	if w.Probe == 0 && !d.often(10) || w.Probe > 0 && !d.often(50) {
		return
	}
	if len(w.Visits) > 0 || slices.ContainsFunc(w.Segments, func(s drawnSegment) bool { return s.Spoofer != nil }) {
		return // a lost solicitation or announcement would break the rules for them
	}
	for k := range d.between(1, 3) {
		from := w.Heal + firstFlap + loop.Duration(k)*flapEvery + d.time(0, flapJitter)
		f := drawnFlap{Cut: drawnCut{Wires: "port:0", Down: true, From: from, To: from}, Host: -1}
		if d.often(60) {
			f.Cut.To += d.time(0, flapMost)
		}
		longer := f.Cut.To-f.Cut.From >= flapLeast // else an answer in flight arrives after it
		if s := d.IntN(len(w.Segments)); longer && w.Segments[s].Port == 0 && d.often(60) {
			f.Moved, f.Host = s, d.IntN(len(w.Segments[s].Hosts))
		}
		w.Flaps = append(w.Flaps, f)
		w.Cuts = append(w.Cuts, f.Cut)
	}
}

// flapSteps returns the steps besides the flaps themselves, which are cuts: hosts change
// their MACs, and a RetransTimer later running generators must use the new ones.
func (w *RandomWorld) flapSteps() (steps []scenario.Step) {
	for _, f := range w.Flaps {
		if f.Host >= 0 {
			host := fmt.Sprintf("h%d-%d", f.Moved, f.Host)
			steps = append(steps, scenario.Step{At: f.Cut.From, Text: "move silently " + host, Network: func(n *topology.Network) error { return n.ChangeMAC(host, false) }})
		}
		steps = append(steps, checkMACsAt(f.Cut.To, w.Retrans+maxLate, func(e *scenario.Endpoint, _ netip.Addr) bool { return e.PortID == "0" }))
	}
	return steps
}
