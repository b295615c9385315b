package scenario

import (
	"fmt"
	"net/netip"
	"slices"

	"glean/generator"
	"glean/learning"
	"glean/server/engine"
	"glean/stack/link"
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
func (w *Drawn) flapSteps() (steps []Step) {
	for _, f := range w.Flaps {
		if f.Host >= 0 {
			host := fmt.Sprintf("h%d-%d", f.Moved, f.Host)
			steps = append(steps, Step{At: f.Cut.From, Text: "move silently " + host, Network: func(n *Network) error { return n.ChangeMAC(host, false) }})
		}
		steps = append(steps, w.followedBy(f.Cut.To, w.Retrans+drawnLate, func(e *endpoint, _ netip.Addr) bool { return e.port == "0" }))
	}
	return steps
}

// HandleState implements link.Handler.
func (h watchedHandler) HandleState(s link.State) {
	if !s.Up {
		h.port.flapped, h.port.downAt = true, h.port.run.world.Now()
	}
	h.Handler.HandleState(s)
}

// sentUnconfirmed counts a frame to a next hop whose MAC the generator knows to be
// unconfirmed, and wants it to know that when no answer came since the link was down.
func (r *Run) sentUnconfirmed(p *watchedPort, e *endpoint, run *generator.Run, hop netip.Addr, s *seen) {
	adj, ok := run.Program().AdjacencyOf(hop)
	if !ok {
		return
	}
	mac, state := run.Program().Adjacency(adj)
	switch {
	case state == generator.AdjacencyUnconfirmed:
		r.unconfirmed[run]++
	case state == generator.AdjacencyResolved && mac == s.dst && p.answers != nil:
		answers := p.answers[vlanAddr{e.vlans, hop}]
		if n := len(answers); n == 0 || answers[n-1].at < p.downAt {
			r.violated(RuleConfirmed, "%s sent a frame to %s (next hop %s), which has not answered since the link was down at %s, and takes it for confirmed",
				e.id, s.to, hop, p.downAt)
		}
	}
}

// judgeUnconfirmed holds what a run says of frames to unconfirmed MACs against what
// was seen to leave.
func (r *Run) judgeUnconfirmed(id string, res *generator.Result) {
	if all, seen := res.Run().Counters().PacketsToUnconfirmed, r.unconfirmed[res.Run()]; all != seen {
		r.violated(RuleCounters, "generator %s counts %d frames to unconfirmed MACs; %d were seen", id, all, seen)
	}
}

// judgeRelearned wants nothing to be left that was not learned because the link was
// down: it is up again, and has been for long.
func (r *Run) judgeRelearned(g engine.GeneratorView) {
	q, err := r.engine.LearningRequest(g.LearningID)
	if err != nil {
		return
	}
	for _, row := range q.Rows(learning.RowFilter{State: learning.StateTimedOut}) {
		if row.Reason == learning.LinkDown {
			r.violated(RuleLiveness, "generator %s: %s was not learned again after the link was down", g.ID, row.Address)
		}
	}
}
