package swarm

import (
	"fmt"
	"net/netip"
	"slices"

	"glean/sim/scenario"
	"glean/sim/topology"
	"glean/stack/loop"
)

// drawnMove is a change of MAC after the network is healed and all requests have ended.
// Then there is a bound for how long a running generator may send to the old MAC.
type drawnMove struct {
	At       loop.Duration
	Segment  int
	Host     int
	Failover bool // of the gateway's address instead
	Announce bool
	Gone     bool // the host is off until shortly before the end
}

// Moves begin after the last drawn request has ended, and end long before the world.
const (
	firstMove = 35 * loop.Second // after the network is healed
	lastMove  = 38 * loop.Second
	comeBack  = 59 * loop.Second // of hosts that are gone
)

// drawMoves makes some generators run until the world ends, and draws moves of their next
// hops. It draws after the parts before it, so that it does not change them.
func (w *RandomWorld) drawMoves(d dice) {
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

// isOfSame reports whether two moves are of the same address.
func (m drawnMove) isOfSame(o drawnMove) bool {
	return m.Segment == o.Segment && m.Failover == o.Failover && (m.Failover || m.Host == o.Host)
}

// trackedWithin returns how long a running generator may have a wrong MAC of a live next
// hop in a network without faults: until the next hop is probed, three unicast
// solicitations and the first multicast one.
func (w *RandomWorld) trackedWithin() loop.Duration {
	const unicastSolicits = 3 // the default
	return w.Probe + (unicastSolicits+1)*w.Retrans + solicitedWithin + maxLate
}

// lostWithin returns how long a running generator may take a next hop for reachable that
// no host has: as trackedWithin, and then all multicast solicitations.
func (w *RandomWorld) lostWithin() loop.Duration {
	return w.trackedWithin() - solicitedWithin + loop.Duration(w.Solicits)*w.Retrans
}

// moveSteps returns the steps that move hosts and gateways, and those that check later
// that the running generators have followed: at once if the move was announced.
func (w *RandomWorld) moveSteps() (steps []scenario.Step) {
	master := make(map[int]int)
	for _, c := range w.Changes {
		if c.What == changeFailover {
			master[c.Segment] ^= 1
		}
	}
	for _, m := range w.Moves {
		step := scenario.Step{At: m.At, Text: m.String()}
		host := fmt.Sprintf("h%d-%d", m.Segment, m.Host)
		step.Network = func(n *topology.Network) error { return n.ChangeMAC(host, m.Announce) }
		if m.Failover {
			master[m.Segment] ^= 1
			to := fmt.Sprintf("r%d-%c", m.Segment, 'a'+master[m.Segment])
			step.Network = func(n *topology.Network) error { return n.Failover(fmt.Sprintf("v%d", m.Segment), to, m.Announce) }
		}
		if m.Gone {
			step.Network = func(n *topology.Network) error { return n.SetAbsent(host, true) }
			steps = append(steps, scenario.Step{At: w.Heal + comeBack, Text: "back " + host, Network: func(n *topology.Network) error {
				return n.SetAbsent(host, false)
			}})
		}
		steps = append(steps, step)
		if m.Announce && !m.Gone {
			steps = append(steps, checkMACsAt(m.At, maxLate, w.announced(m)))
		}
	}
	if w.Probe > 0 {
		steps = append(steps, checkMACsAt(w.Heal, w.trackedWithin(), nil), checkMACsAt(w.Heal+lastMove, w.trackedWithin(), nil))
		steps = append(steps, scenario.Step{At: w.Heal + lastMove + w.lostWithin(), Text: "check lost next hops", Engine: func(r *scenario.Run) error {
			checkLost(r, w.lostWithin())
			return nil
		}})
	}
	return steps
}

// announced returns a function that reports whether a move announces an address.
func (w *RandomWorld) announced(m drawnMove) func(e *scenario.Endpoint, hop netip.Addr) bool {
	near4, near6, _, _ := w.prefixes(m.Segment)
	target := drawnTarget{Kind: targetHost, N: m.Host}
	if m.Failover {
		target.Kind = targetGateway
	}
	return func(e *scenario.Endpoint, hop netip.Addr) bool {
		target.V6 = hop.Is6()
		prefix := near4
		if target.V6 {
			prefix = near6
		}
		return e.ID == fmt.Sprintf("if-%d", m.Segment) && prefix.IsValid() && hop == w.address(m.Segment, target)
	}
}

// String returns the move in a few words.
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
