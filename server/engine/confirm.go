package engine

import (
	"glean/generator"
	"glean/learning"
	"glean/stack/loop"
)

// While the link was down, another station may have taken a next hop's address. So no MAC
// counts as confirmed when the link is up again. Running generators go on with the MACs
// they have. A start solicits all next hops of its generators together and waits until
// they are confirmed.

// unconfirm makes the MACs of a port's generators unconfirmed, because its link is down.
// Static neighbors need no confirmation.
func (e *Engine) unconfirm(p *port) {
	for g := range e.generators.All() {
		t := targetOf(g)
		if t.port != p || t.iface == nil {
			continue
		}
		e.generators.LinkDown(g)
		for _, s := range t.iface.spec.Static {
			if adj, has := g.Program().AdjacencyOf(s.Address); has {
				e.generators.Follow(g, adj, s.MAC, true, "")
			}
		}
	}
}

// confirm learns the unconfirmed next hops of generators again and then calls done: at
// once if there are none, else in another turn, after at most RetransTimer times
// MulticastSolicits. Manager.Ready decides whether a generator may start then.
func (e *Engine) confirm(ids []string, done func()) {
	within := learning.MinTimeout
	for _, g := range e.unconfirmed(ids) {
		c := targetOf(g).iface.stack.Config().Neighbor
		within = max(within, c.RetransTimer*loop.Duration(c.MulticastSolicits))
	}
	e.confirmBy(ids, e.loop.Now().Add(within), done)
}

// confirmBy is confirm with a deadline. If another flap makes next hops unconfirmed before
// the deadline, it learns them again.
func (e *Engine) confirmBy(ids []string, deadline loop.Time, done func()) {
	var unasked, requests []string
	for _, g := range e.unconfirmed(ids) {
		if state, request := g.Learning(); state == generator.LearningResolving {
			requests = append(requests, request)
		} else {
			unasked = append(unasked, g.ID)
		}
	}
	within := deadline.Sub(e.loop.Now())
	if len(unasked) > 0 && within >= learning.MinTimeout {
		spec := LearningSpec{GeneratorIDs: unasked, Mode: learning.ModeCached, Timeout: within, unconfirmed: true}
		if r, err := e.StartLearning(spec); err == nil { // else the start is refused with the reason
			requests = append(requests, r.ID())
		}
	}
	if len(requests) == 0 || within <= 0 {
		done()
		return
	}
	e.whenAllLearned(requests, within, func() {
		if e.haveCompleted(requests) {
			e.confirmBy(ids, deadline, done)
		} else {
			done()
		}
	})
}

// haveCompleted reports whether all requests are completed.
func (e *Engine) haveCompleted(requests []string) bool {
	for _, id := range requests {
		if r := e.learning.Request(id); r == nil || r.State() != learning.StateCompleted {
			return false
		}
	}
	return true
}

// unconfirmed returns the inactive generators of ids with unconfirmed next hops.
func (e *Engine) unconfirmed(ids []string) (list []*generator.Generator) {
	for _, id := range ids {
		g, err := e.generators.Get(id)
		if err == nil && !g.Active() && g.Program().Counts().Unconfirmed > 0 && !targetOf(g).iface.deleted {
			list = append(list, g)
		}
	}
	return list
}

// Unconfirmed returns how many next hops of a generator have a MAC that no answer has
// confirmed since the link was down.
func (e *Engine) Unconfirmed(id string) int {
	g, err := e.generators.Get(id)
	if err != nil {
		return 0
	}
	return g.Program().Counts().Unconfirmed
}

// whenAllLearned calls done in another turn when all requests have ended, at the latest
// after within.
func (e *Engine) whenAllLearned(requests []string, within loop.Duration, done func()) {
	left := len(requests)
	end := loop.NewTimer(done)
	e.loop.Arm(end, e.loop.Now().Add(within))
	for _, id := range requests {
		e.WhenLearned(id, func() {
			if left--; left == 0 && end.Armed() {
				e.loop.Arm(end, e.loop.Now())
			}
		})
	}
}

// StartWhenConfirmed starts a generator after its next hops are confirmed; see confirm.
// done runs on the loop, before StartWhenConfirmed returns if no next hop is unconfirmed.
func (e *Engine) StartWhenConfirmed(id string, done func(*generator.Result, error)) {
	e.confirm([]string{id}, func() { done(e.StartGenerator(id)) })
}
