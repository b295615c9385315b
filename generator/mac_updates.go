package generator

import (
	"fmt"

	"glean/generator/program"
	"glean/generator/traffic"
	"glean/stack/header"
)

// Learned gives a next hop the MAC that it answered with. See Follow for what the stack
// finds out beside learning.
func (m *Manager) Learned(handle, adj uint32, mac header.MAC) {
	if g := m.byHandle[handle]; g != nil {
		m.setMAC(g, adj, mac, program.AdjacencyResolved, "answer")
	}
}

// Follow hands a next hop the MAC that its stack knows, confirmed by an answer or not.
// It alone decides whether an adjacency takes that MAC:
//
//   - Without a MAC and outside of a run, the adjacency belongs to learning: Learned or
//     Lost decides it.
//   - With a MAC, or in a run, it belongs to the stack. A flow that has a MAC goes to
//     the new one at once; a flow that has none joins the run. A run that does not track
//     keeps the MACs that it began with until it ends.
//
// An unconfirmed MAC fills an adjacency without one only if the generator accepts
// unconfirmed MACs.
func (m *Manager) Follow(g *Generator, adj uint32, mac header.MAC, confirmed bool, cause string) {
	old, state := g.program.Adjacency(adj)
	same := old == mac && (state == program.AdjacencyResolved || state == program.AdjacencyUnconfirmed && !confirmed)
	switch {
	case !state.HasMAC() && !confirmed:
		m.Heard(g, adj, mac)
	case !state.HasMAC() && !g.Active(): // belongs to learning
	case state.HasMAC() && g.Active() && old != mac && !g.program.Config().Learning.Track:
		if g.missed == nil {
			g.missed = make(map[uint32]missed)
		}
		g.missed[adj] = missed{mac, confirmed || state == program.AdjacencyResolved}
	case same:
	case state == program.AdjacencyUnconfirmed && !confirmed:
		m.setMAC(g, adj, mac, program.AdjacencyUnconfirmed, cause)
	default:
		m.setMAC(g, adj, mac, program.AdjacencyResolved, cause)
	}
}

// missed is a MAC that a run which does not track has not followed.
type missed struct {
	mac       header.MAC
	confirmed bool // and the link was not down since
}

// Heard gives a next hop that has no MAC an unconfirmed one, if its generator accepts
// unconfirmed MACs.
func (m *Manager) Heard(g *Generator, adj uint32, mac header.MAC) {
	if _, state := g.program.Adjacency(adj); !state.HasMAC() && g.program.Config().Learning.AcceptUnconfirmed {
		m.setMAC(g, adj, mac, program.AdjacencyUnconfirmed, "heard")
	}
}

// LinkDown makes all MACs of a generator unconfirmed, because other stations may be
// there when the link of its interface is up again.
func (m *Manager) LinkDown(g *Generator) {
	g.program.Unconfirm()
	for adj, missing := range g.missed {
		missing.confirmed = false
		g.missed[adj] = missing
	}
}

// setMAC gives a next hop a MAC, confirmed or not, and accounts for the one that it
// had.
func (m *Manager) setMAC(g *Generator, adj uint32, mac header.MAC, to program.AdjacencyState, cause string) {
	p, r := g.program, g.result
	if !p.CanSet(adj) {
		return
	}
	old, state := p.Adjacency(adj)
	if r == nil {
		p.Set(adj, mac, to, 0)
		return
	}
	change := NeighborChange{At: m.loop.Now(), NextHop: p.Hop(adj), Old: old, New: mac, Cause: cause}
	if lost := r.lastChange(adj); !state.HasMAC() && lost != nil {
		change.Old = lost.Old // paused
	}
	note := 0
	if !change.Old.IsZero() && change.Old != mac {
		note = r.addChange(adj, change)
	}
	p.Set(adj, mac, to, note)
	back := state == program.AdjacencyStale || state == program.AdjacencyFailed
	if !change.Old.IsZero() && (change.Old != mac || back) {
		m.notifyNextHop(g, change)
	}
}

func (m *Manager) notifyNextHop(g *Generator, c NeighborChange) {
	if m.observer != nil {
		m.observer.NextHopChanged(g, c)
	}
}

// Lost tells that a next hop does not answer. While transmitting, on_lost
// decides what that means for its flows.
func (m *Manager) Lost(handle, adj uint32, cause string) {
	g := m.byHandle[handle]
	if g == nil || !g.program.CanSet(adj) {
		return
	}
	p := g.program
	mac, state := p.Adjacency(adj)
	switch {
	case state == program.AdjacencyFailed || g.Active() && state == program.AdjacencyStale: // it is known
	case !g.Active() || !state.HasMAC():
		p.SetFailed(adj)
	default:
		m.lose(g, adj, mac, cause)
	}
}

// lose does what on_lost says with the flows to a next hop that had a MAC.
func (m *Manager) lose(g *Generator, adj uint32, mac header.MAC, cause string) {
	p := g.program
	change := NeighborChange{At: m.loop.Now(), NextHop: p.Hop(adj), Old: mac, Cause: cause}
	note := g.result.addChange(adj, change)
	switch p.Config().Learning.OnLost {
	case traffic.LostContinue:
		p.Set(adj, mac, program.AdjacencyStale, note)
	case traffic.LostPause:
		p.Set(adj, mac, program.AdjacencyFailed, note)
	case traffic.LostStop:
		p.Set(adj, header.MAC{}, program.AdjacencyFailed, note)
		g.stopReason = fmt.Errorf("next hop %v does not answer any more (on_lost: stop)", change.NextHop)
		m.stop(g)
	}
	m.notifyNextHop(g, change)
}

// CauseStillLost is the cause of a change for a next hop that was lost already
// when the run began.
const CauseStillLost = "still_lost"

// stillLost is lose for next hops that the run before has left stale, so that
// every frame to a stale MAC is counted for a change of its own run.
func (m *Manager) stillLost(g *Generator) {
	p := g.program
	for adj := uint32(0); p.StaleCount() > 0 && int(adj) < p.Counts().Total; adj++ {
		if mac, state := p.Adjacency(adj); state == program.AdjacencyStale {
			p.SetMAC(adj, mac)
			m.lose(g, adj, mac, CauseStillLost)
		}
	}
}

// catchUp gives a generator whose run has ended what it did not follow, and says
// what is left of what it had learned.
func (m *Manager) catchUp(g *Generator) {
	for adj, missed := range g.missed {
		state := program.AdjacencyUnconfirmed
		if missed.confirmed {
			state = program.AdjacencyResolved
		}
		g.program.Set(adj, missed.mac, state, 0)
	}
	g.missed = nil
	if g.learning == LearningResolved && g.program.Counts().Unresolved() > 0 {
		m.setLearning(g, LearningTimedOut)
	}
}
