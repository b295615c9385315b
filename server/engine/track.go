package engine

import (
	"fmt"
	"net/netip"
	"slices"

	"glean/generator"
	"glean/generator/program"
	"glean/stack"
	"glean/stack/loop"
)

// Next hops of running generators are tracked: the stack probes them, and their changes go
// into the adjacencies in the same turn of the loop. The tracker adds them to the stack in
// batches, so that the start of a generator with a million next hops neither delays the
// loop nor floods the wire with probes.
const (
	trackBatch = 512 // next hops of all generators in a turn
	trackGap   = loop.Millisecond
)

// tracker starts and ends the tracking of next hops in the stacks, job by job.
type tracker struct {
	loop  loop.Loop
	timer loop.Timer
	jobs  []*trackJob
}

// trackJob starts the tracking of a generator's next hops, or ends it after the run.
type trackJob struct {
	iface     *iface
	generator *generator.Generator
	program   *program.Program
	next, end uint32 // adjacencies
	untrack   bool
	refused   int // number of next hops that the full table refused
}

func (t *tracker) init(l loop.Loop) {
	t.loop = l
	t.timer.Init(t.turn)
}

func (t *tracker) add(j *trackJob) {
	t.jobs = append(t.jobs, j)
	if !t.timer.Armed() {
		t.loop.Arm(&t.timer, t.loop.Now())
	}
}

// turn does a batch, with an equal part for each job, so that a small generator does not
// wait for a large one.
func (t *tracker) turn() {
	part := uint32(max(1, trackBatch/max(1, len(t.jobs))))
	for n := 0; n < trackBatch && len(t.jobs) > 0; {
		j := t.jobs[0]
		t.jobs = t.jobs[1:]
		n += j.do(part)
		if j.next < j.end {
			t.jobs = append(t.jobs, j)
			continue
		}
		j.finish()
	}
	if len(t.jobs) > 0 {
		t.loop.Arm(&t.timer, t.loop.Now().Add(trackGap))
	}
}

// do handles up to n next hops and returns how many, at least one.
func (j *trackJob) do(n uint32) int {
	if j.iface.deleted {
		j.next = j.end
		return 1
	}
	j.iface.port.batch.begin()
	n = min(n, j.end-j.next)
	for adj := j.next; adj < j.next+n; adj++ {
		hop := j.program.Hop(adj)
		switch {
		case !hop.IsValid() || j.untrack && j.iface.isTracked(j.program, adj):
		case j.untrack:
			j.iface.stack.Untrack(hop)
		case j.iface.stack.Track(hop) == stack.TableFull:
			j.refused++
		default:
			j.catchUp(adj, hop)
		}
	}
	j.next += n
	return int(max(1, n))
}

// catchUp applies the present state of a neighbor to the run, because there is no event
// about a neighbor that was confirmed or lost for another generator before the start.
func (j *trackJob) catchUp(adj uint32, hop netip.Addr) {
	switch n, _ := j.iface.stack.Neighbor(hop); {
	case n.State == stack.StateReachable:
		j.iface.engine.generators.Follow(j.generator, adj, n.MAC, true, stack.CauseAnswer.String())
	case n.Lost:
		j.iface.engine.generators.Lost(j.generator.Handle, adj, generator.CauseStillLost)
	}
}

func (j *trackJob) finish() {
	if j.refused > 0 {
		e := generatorEvent(j.generator, "not_tracked", fmt.Sprintf("%d of %d next hops: the neighbor table is full", j.refused, j.end))
		e.Fields = []Field{{"next_hops", int(j.end)}, {"not_tracked", j.refused}}
		j.iface.engine.emit(e)
	}
}

// isTracked reports whether a running generator tracks a next hop of a program.
func (i *iface) isTracked(p *program.Program, adj uint32) bool {
	hop := p.Hop(adj)
	return slices.ContainsFunc(i.tracking, func(g *generator.Generator) bool {
		_, has := g.Program().AdjacencyOf(hop)
		return has
	})
}

// track keeps the lists of bound and tracking generators when a generator changes.
func (e *Engine) track(g *generator.Generator, cause generator.Cause) {
	i := targetOf(g).iface
	if i == nil {
		return
	}
	p := g.Program()
	tracks := p.Config().Learning.Track && p.Counts().Total > 0
	at, _ := slices.BinarySearchFunc(i.bound, g.Handle, func(g *generator.Generator, h uint32) int { return int(g.Handle) - int(h) })
	switch {
	case cause == generator.CauseCreated:
		i.bound = slices.Insert(i.bound, at, g)
	case cause == generator.CauseDeleted:
		i.bound = slices.Delete(i.bound, at, at+1)
		i.forgetMissed(g.Handle)
	case cause == generator.CauseStarted && tracks:
		i.tracking = append(i.tracking, g)
		e.tracker.add(&trackJob{iface: i, generator: g, program: p, end: uint32(p.Counts().Total)})
	case cause == generator.CauseEnded && tracks:
		i.tracking = slices.DeleteFunc(i.tracking, func(other *generator.Generator) bool { return other == g })
		e.tracker.add(&trackJob{iface: i, generator: g, program: p, end: e.tracker.withdraw(g), untrack: true})
	}
}

// withdraw removes the unfinished job that tracks a generator's next hops, and returns the
// number of next hops that are tracked.
func (t *tracker) withdraw(g *generator.Generator) uint32 {
	tracked := uint32(g.Program().Counts().Total)
	t.jobs = slices.DeleteFunc(t.jobs, func(j *trackJob) bool {
		if j.generator != g || j.untrack {
			return false
		}
		tracked = j.next
		return true
	})
	return tracked
}

// followNeighbor passes a neighbor's change to the generators of an interface.
// generator.Manager.Follow decides whether an adjacency stores it.
func (e *Engine) followNeighbor(i *iface, n *stack.NeighborEvent) {
	confirmed := n.New == stack.StateReachable
	if n.Suspect || !n.Lost && (n.MAC.IsZero() || n.MAC == n.OldMAC && !(confirmed && n.Old != n.New)) {
		return
	}
	for _, g := range i.bound {
		p := g.Program()
		adj, has := p.AdjacencyOf(n.Addr)
		switch {
		case !has:
		case !n.Lost:
			e.generators.Follow(g, adj, n.MAC, confirmed, n.Cause.String())
		case g.Active() && p.Config().Learning.Track:
			e.generators.Lost(g.Handle, adj, n.Cause.String())
		}
	}
}

// NextHopChanged implements generator.Observer.
func (o generatorObserver) NextHopChanged(g *generator.Generator, c generator.NeighborChange) {
	emit := func(what string, detail func() string) {
		o.emitOfPeer(targetOf(g).iface.port, func() Event { return generatorEvent(g, what, detail()) })
	}
	switch {
	case c.New == c.Old:
		emit("neighbor_back", func() string { return fmt.Sprintf("%v: %v (%s)", c.NextHop, c.New, c.Cause) })
	case c.New.IsZero():
		emit("neighbor_lost", func() string { return fmt.Sprintf("%v: %v does not answer (%s)", c.NextHop, c.Old, c.Cause) })
	default:
		emit("neighbor_moved", func() string { return fmt.Sprintf("%v: from %v to %v (%s)", c.NextHop, c.Old, c.New, c.Cause) })
	}
}
