package swarm

import (
	"fmt"
	"net/netip"
	"slices"

	"glean/sim/scenario"
	"glean/sim/topology"
	"glean/stack/loop"
)

// drawnFlap takes the link of a port down for a moment when the network is healed,
// under generators that run. A host may have another MAC when it is up again.
type drawnFlap struct {
	Cut   drawnCut // of port 0
	Host  int      // of a segment of port 0 that changes its MAC silently meanwhile, -1 for none
	Moved int      // its segment
}

// Flaps are far enough apart that running generators confirm their next hops between
// them, and are over before moves begin.
const (
	firstFlap  = 20 * loop.Second // after the network is healed
	flapEvery  = 4 * loop.Second
	flapJitter = loop.Second
	flapMost   = 500 * loop.Millisecond
	flapLeast  = 100 * loop.Millisecond // with a change of MAC
)

// drawFlaps draws after all else, so that it changes nothing else of a world. Many
// flaps are so short that up follows down at once.
func (w *Drawn) drawFlaps(d dice) {
	if w.Probe == 0 && !d.often(10) || w.Probe > 0 && !d.often(50) {
		return
	}
	if len(w.Visits) > 0 || slices.ContainsFunc(w.Segments, func(s drawnSegment) bool { return s.Spoofer != nil }) {
		return // a question or a lie that is lost would be judged wrongly
	}
	for k := range d.between(1, 3) {
		from := w.Heal + firstFlap + loop.Duration(k)*flapEvery + d.time(0, flapJitter)
		f := drawnFlap{Cut: drawnCut{Wires: "port:0", Down: true, From: from, To: from}, Host: -1}
		if d.often(60) {
			f.Cut.To += d.time(0, flapMost)
		}
		longer := f.Cut.To-f.Cut.From >= flapLeast // else an answer that is under way outlives it
		if s := d.IntN(len(w.Segments)); longer && w.Segments[s].Port == 0 && d.often(60) {
			f.Moved, f.Host = s, d.IntN(len(w.Segments[s].Hosts))
		}
		w.Flaps = append(w.Flaps, f)
		w.Cuts = append(w.Cuts, f.Cut)
	}
}

// flapSteps are what happens besides the flaps, which are cuts: hosts get other
// MACs, and a RetransTimer later who runs has the right ones.
func (w *Drawn) flapSteps() (steps []scenario.Step) {
	for _, f := range w.Flaps {
		if f.Host >= 0 {
			host := fmt.Sprintf("h%d-%d", f.Moved, f.Host)
			steps = append(steps, scenario.Step{At: f.Cut.From, Text: "move silently " + host, Network: func(n *topology.Network) error { return n.ChangeMAC(host, false) }})
		}
		steps = append(steps, checkMACsAt(f.Cut.To, w.Retrans+drawnLate, func(e *scenario.Endpoint, _ netip.Addr) bool { return e.PortID == "0" }))
	}
	return steps
}
