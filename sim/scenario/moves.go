package scenario

import (
	"fmt"
	"net/netip"
	"slices"

	"glean/generator"
	"glean/stack/loop"
)

// drawnMove is a change of MAC when the network is healed and all requests have
// ended: then there is a bound on how long a running generator may send to the old
// one.
type drawnMove struct {
	At       loop.Duration
	Segment  int
	Host     int
	Failover bool // of the gateway's address instead
	Announce bool
	Gone     bool // nobody has the host's addresses, until shortly before the end
}

// Moves begin when the last drawn request has ended, and are over long before the
// world is.
const (
	firstMove = 35 * loop.Second // after the network is healed
	lastMove  = 38 * loop.Second
	comeBack  = 59 * loop.Second // of hosts that are gone
)

// drawMoves makes some generators run until the world ends, and has next hops
// move under them. It draws last, so that it changes nothing else of a world.
func (w *Drawn) drawMoves(d dice) {
	if !d.often(25) {
		return
	}
	w.Probe = loop.Duration(d.between(10, 40)) * 100 * loop.Millisecond
	for i := range w.Segments {
		for k := range w.Segments[i].Generators {
			g := &w.Segments[i].Generators[k]
			g.OnLost = []string{"continue", "continue", "pause", "stop"}[d.IntN(4)]
			if d.often(70) {
				g.Endless, g.Rate = true, d.between(5, 40)
			}
			g.Untracked = d.often(10)
		}
	}
	for range d.between(0, 4) {
		m := drawnMove{At: w.Heal + d.time(firstMove, lastMove), Segment: d.IntN(len(w.Segments)), Announce: d.often(50)}
		m.Failover = w.Segments[m.Segment].Gateway == gatewayShared && d.often(50)
		m.Host = d.IntN(len(w.Segments[m.Segment].Hosts))
		m.Gone = !m.Failover && d.often(25)
		if !slices.ContainsFunc(w.Moves, m.isOfSame) {
			w.Moves = append(w.Moves, m)
		}
	}
}

// isOfSame tells whether two moves are of the same address.
func (m drawnMove) isOfSame(o drawnMove) bool {
	return m.Segment == o.Segment && m.Failover == o.Failover && (m.Failover || m.Host == o.Host)
}

// trackedWithin is how long a running generator may have a wrong MAC of a next hop
// that somebody has, in a network without faults: until it is probed, three
// questions to its MAC and the next one to everybody.
func (w *Drawn) trackedWithin() loop.Duration {
	const unicastSolicits = 3 // the default
	return w.Probe + (unicastSolicits+1)*w.Retrans + askedWithin + drawnLate
}

// lostWithin is how long a running generator may take a next hop for reachable that
// nobody has any more: as above, and then all questions to everybody.
func (w *Drawn) lostWithin() loop.Duration {
	return w.trackedWithin() - askedWithin + loop.Duration(w.Solicits)*w.Retrans
}

// moveSteps move hosts and gateways, and look a while later whether the running
// generators have followed: at once where it was announced.
func (w *Drawn) moveSteps() (steps []Step) {
	master := make(map[int]int)
	for _, c := range w.Changes {
		if c.What == changeFailover {
			master[c.Segment] ^= 1
		}
	}
	for _, m := range w.Moves {
		step := Step{At: m.At, Text: m.String()}
		host := fmt.Sprintf("h%d-%d", m.Segment, m.Host)
		step.Network = func(n *Network) error { return n.ChangeMAC(host, m.Announce) }
		if m.Failover {
			master[m.Segment] ^= 1
			to := fmt.Sprintf("r%d-%c", m.Segment, 'a'+master[m.Segment])
			step.Network = func(n *Network) error { return n.Failover(fmt.Sprintf("v%d", m.Segment), to, m.Announce) }
		}
		if m.Gone {
			step.Network = func(n *Network) error { return n.away(host, true) }
			steps = append(steps, Step{At: w.Heal + comeBack, Text: "back " + host, Network: func(n *Network) error {
				return n.away(host, false)
			}})
		}
		steps = append(steps, step)
		if m.Announce && !m.Gone {
			steps = append(steps, w.followedBy(m.At, drawnLate, w.announced(m)))
		}
	}
	if w.Probe > 0 {
		steps = append(steps, w.followedBy(w.Heal, w.trackedWithin(), nil), w.followedBy(w.Heal+lastMove, w.trackedWithin(), nil))
		steps = append(steps, Step{At: w.Heal + lastMove + w.lostWithin(), Text: "look for lost next hops", Engine: func(r *Run) error {
			r.judgeLost(w.lostWithin())
			return nil
		}})
	}
	return steps
}

// away is Power for a host whose addresses are nobody's meanwhile.
func (n *Network) away(name string, gone bool) error {
	s, err := n.host(name)
	if err != nil {
		return err
	}
	if gone {
		n.leave(s)
	} else {
		n.arrive(s)
	}
	return n.Power(name, !gone)
}

// announced are the addresses that are announced by a move, with their segment.
func (w *Drawn) announced(m drawnMove) func(e *endpoint, hop netip.Addr) bool {
	near4, near6, _, _ := w.prefixes(m.Segment)
	target := drawnTarget{Kind: targetHost, N: m.Host}
	if m.Failover {
		target.Kind = targetGateway
	}
	return func(e *endpoint, hop netip.Addr) bool {
		target.V6 = hop.Is6()
		prefix := near4
		if target.V6 {
			prefix = near6
		}
		return e.id == fmt.Sprintf("if-%d", m.Segment) && prefix.IsValid() && hop == w.address(m.Segment, target)
	}
}

// followedBy judges the adjacencies of generators that run, a while after a time.
func (w *Drawn) followedBy(from, within loop.Duration, of func(e *endpoint, hop netip.Addr) bool) Step {
	return Step{At: from + within, Text: "look at the MACs in use", Engine: func(r *Run) error {
		r.judgeMACsInUse(within, of)
		return nil
	}}
}

// judgeMACsInUse wants generators that have run for a while to send to who has their
// next hops now, if anybody has. of says which next hops are looked at, nil for all.
func (r *Run) judgeMACsInUse(within loop.Duration, of func(e *endpoint, hop netip.Addr) bool) {
	for _, res := range r.engine.Results() {
		p, e := res.Run().Program(), r.targets[res.Generator.ID]
		if !res.Active() || res.StartedAt.Add(within) > r.world.Now() || !p.Config().Learning.Track || e == nil {
			continue
		}
		for adj, hop := range p.Hops() {
			owner, live := r.network.owners.current(e.segment, hop)
			if !hop.IsValid() || !live || of != nil && !of(e, hop) || e.crowded() {
				continue
			}
			if mac, state := p.Adjacency(uint32(adj)); !r.network.owners.holds(e.segment, hop, mac) || state != generator.AdjacencyResolved {
				r.violated(RuleFollowed, "generator %s sends to %s for %s, state %d; it is at %s", res.Generator.ID, mac, hop, state, owner)
			}
		}
	}
}

// judgeLost wants generators that have run for a while to know which of their next
// hops nobody has.
func (r *Run) judgeLost(within loop.Duration) {
	for _, res := range r.engine.Results() {
		p, e := res.Run().Program(), r.targets[res.Generator.ID]
		if !res.Active() || res.StartedAt.Add(within) > r.world.Now() || !p.Config().Learning.Track || e == nil {
			continue
		}
		for adj, hop := range p.Hops() {
			_, live := r.network.owners.current(e.segment, hop)
			if mac, state := p.Adjacency(uint32(adj)); hop.IsValid() && !live && state == generator.AdjacencyResolved && !e.crowded() {
				r.violated(RuleFollowed, "generator %s takes %s for reachable at %s, but nobody has it", res.Generator.ID, hop, mac)
			}
		}
	}
}

// judgeStale holds what a run says of frames to outdated MACs against what was
// seen to leave.
func (r *Run) judgeStale(id string, res *generator.Result) {
	sum, seen := uint64(0), r.stale[res.Run()]
	kept, left := res.NeighborChanges()
	for _, c := range kept {
		sum += c.FramesToStale
	}
	all := res.Run().Counters().PacketsToStale
	if all != seen || sum > all || left == 0 && sum != all {
		r.violated(RuleCounters, "generator %s counts %d frames to stale MACs, %d of them for changes that it lists; %d were seen", id, all, sum, seen)
	}
}

// sentStale counts a frame that is sent to a MAC which the generator knows to be
// wrong. hop is its next hop.
func (r *Run) sentStale(run *generator.Run, hop netip.Addr, s *seen) {
	adj, ok := run.Program().AdjacencyOf(hop)
	if !ok {
		return
	}
	mac, state := run.Program().Adjacency(adj)
	if state == generator.AdjacencyStale || state == generator.AdjacencyResolved && mac != s.dst {
		r.stale[run]++
	}
}

// hasLost tells whether a next hop of a generator fell silent while it ran.
func (r *Run) hasLost(id string) bool {
	for _, res := range r.engine.Results() {
		changes, _ := res.NeighborChanges()
		if res.Generator.ID == id && slices.ContainsFunc(changes, func(c generator.NeighborChange) bool { return c.New.IsZero() }) {
			return true
		}
	}
	return false
}

// String gives the move in a few words.
func (m *drawnMove) String() string {
	what := fmt.Sprintf("h%d-%d", m.Segment, m.Host)
	if m.Failover {
		what = fmt.Sprintf("v%d", m.Segment)
	}
	switch {
	case m.Gone:
		what += " away"
	case m.Announce:
		what += " announced"
	}
	return "move " + what
}
