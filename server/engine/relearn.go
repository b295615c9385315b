package engine

import (
	"glean/generator"
	"glean/learning"
)

// A generator whose learning failed because the link was down is learned again when
// the link comes up, by one request at a time.

// missedByLink notes that a next hop of a generator was not learned because the link
// was down.
func (i *iface) missedByLink(g *generator.Generator) {
	if i.missed == nil {
		i.missed = make(map[uint32]bool)
	}
	i.missed[g.Handle] = true
}

// relearn learns the next hops again that were not learned because a port's link was down,
// for a slice of the generators in each turn of the loop. It restarts the time of a
// request that is still learning them.
func (e *Engine) relearn(p *port) {
	var list []*generator.Generator
	for g := range e.generators.All() {
		if t := targetOf(g); t.port == p && t.iface != nil && (t.iface.missed[g.Handle] || t.iface.relearning[g.Handle] != "") {
			list = append(list, g)
		}
	}
	e.inSlices(len(list), sliceCreate, func(n int) bool {
		if g := list[n]; e.generators.ByHandle(g.Handle) == g {
			e.relearnGenerator(targetOf(g).iface, g)
		}
		return true
	}, func() {})
}

func (e *Engine) relearnGenerator(i *iface, g *generator.Generator) {
	state, request := g.Learning()
	c := &g.Program().Config().Learning
	switch {
	case i.deleted || !c.Relearn:
	case state == generator.LearningResolving && request == i.relearning[g.Handle]:
		e.learning.Restart(request)
	case state != generator.LearningResolving && i.missed[g.Handle]:
		r, err := e.StartLearning(LearningSpec{GeneratorIDs: []string{g.ID}, Mode: learning.ModeUnresolved, Timeout: c.Timeout})
		if err != nil {
			e.emit(generatorEvent(g, "not_relearned", err.Error())) // the next link-up tries again
			return
		}
		if r.State() == learning.StateResolving {
			if i.relearning == nil {
				i.relearning = make(map[uint32]string)
			}
			i.relearning[g.Handle] = r.ID()
		}
	}
}

// forgetMissed removes the state of relearn for a generator, because another request learns
// for it or the generator was deleted.
func (i *iface) forgetMissed(handle uint32) {
	delete(i.missed, handle)
	delete(i.relearning, handle)
}
