package engine

import (
	"fmt"
	"net/netip"
	"slices"

	"glean/generator"
	"glean/generator/program"
	"glean/learning"
	"glean/stack"
)

// subject is the interface or the generators of a learning request.
type subject struct {
	iface      *iface // of a request with addresses
	generators []*generator.Generator
}

func (s subject) isSame(other subject) bool { //nolint:unused // snapshot calls it
	return s.iface == other.iface && slices.Equal(s.generators, other.generators)
}

// BindLearning finds the subject of a learning request and reserves the memory of the
// request. It is called on the loop. StartLearning or UnbindLearning must follow.
func (e *Engine) BindLearning(spec *LearningSpec) (err error) {
	if n := e.learning.RequestCount(); n >= e.limits.Requests {
		return &Error{Kind: TooMany, Detail: fmt.Sprintf("there are %d learning requests, the most that are allowed; delete some, or set limits.learning_requests higher", n)}
	}
	var of subject
	if len(spec.GeneratorIDs) > 0 {
		of.generators, err = e.learnable(spec.GeneratorIDs)
	} else if of.iface = e.interfaces[spec.InterfaceID]; of.iface == nil {
		err = invalid("interface_id", "there is no interface %q", spec.InterfaceID)
	}
	if err != nil {
		return err
	}
	spec.bound = &snapshot[subject, *learning.Prepared]{of: of}
	return spec.bound.reserve(e, spec.need())
}

// UnbindLearning releases the memory that BindLearning reserved. It is called on the loop. A
// second call has no effect.
func (e *Engine) UnbindLearning(spec *LearningSpec) { spec.bound.release(e) }

// learnable returns the generators of a request, or an error if one cannot be learned.
func (e *Engine) learnable(ids []string) ([]*generator.Generator, error) {
	generators := make([]*generator.Generator, 0, len(ids))
	seen := make(map[string]bool)
	for n, id := range ids {
		path := fmt.Sprintf("generator_ids[%d]", n)
		g, err := e.generators.Get(id)
		if err != nil {
			return nil, invalid(path, "there is no generator %q", id)
		}
		state, request := g.Learning()
		switch {
		case state == generator.LearningUnsupported:
			return nil, invalid(path, "generator %q is bound to a port, so there is nothing to learn", id)
		case e.interfaces[g.TargetID] != targetOf(g).iface:
			return nil, invalid(path, "the interface of generator %q is deleted", id)
		case state == generator.LearningResolving:
			return nil, &Error{
				Kind:       Conflict,
				Detail:     fmt.Sprintf("%s: generator %q is being learned by request %q", path, id, request),
				LearningID: request,
			}
		case seen[id]:
			return nil, invalid(path, "generator %q is given more than once", id)
		}
		seen[id] = true
		generators = append(generators, g)
	}
	return generators, nil
}

// IsLarge reports whether the tables of a bound request should be made off the loop.
func (spec *LearningSpec) IsLarge() bool {
	const large = 4096 // half a millisecond
	return spec.destinations() >= large
}

// destinations returns the largest number of addresses that a bound request can learn.
func (spec *LearningSpec) destinations() int {
	n := len(spec.Addresses)
	for _, g := range spec.bound.of.generators {
		n += g.Program().DestinationCount()
	}
	return n
}

// PrepareLearning makes the tables of a bound learning request. It may be called anywhere,
// because interfaces and programs do not change, and adjacencies are atomic.
func PrepareLearning(spec *LearningSpec) error { return spec.bound.compute(spec.prepare) }

// prepare makes the tables of a request.
func (spec *LearningSpec) prepare(of subject) (*learning.Prepared, error) {
	s := learning.Spec{ID: spec.ID, Mode: spec.Mode, Timeout: spec.Timeout}
	if of.iface != nil {
		for n, a := range spec.Addresses {
			if stack.IsBroadcast(a, of.iface.spec.IPv4) {
				return nil, invalid(fmt.Sprintf("addresses[%d]", n), "%v is a broadcast address of interface %q", a, spec.InterfaceID)
			}
		}
		s.Interface, s.Addresses = of.iface.forLearning(), spec.Addresses
		return prepare(s, of.iface)
	}
	ifaces := make([]*iface, len(of.generators))
	for n, g := range of.generators {
		if spec.Timeout == 0 {
			s.Timeout = max(s.Timeout, g.Program().Config().Learning.Timeout)
		}
		ifaces[n] = targetOf(g).iface
		s.Generators = append(s.Generators, ifaces[n].wants(g.ID, g.Handle, g.Program(), spec.wantsHop))
	}
	return prepare(s, ifaces...)
}

// prepare makes the tables of a request for some interfaces.
func prepare(s learning.Spec, ifaces ...*iface) (*learning.Prepared, error) {
	byHandle := make(map[uint32]*iface, len(ifaces))
	for _, i := range ifaces {
		byHandle[i.handle] = i
	}
	d, err := learning.Prepare(s, func(handle uint32, dst netip.Addr) (netip.Addr, learning.Reason) {
		hop, why := byHandle[handle].stack.NextHop(dst)
		return hop, learningReason(why)
	})
	if err != nil {
		return nil, learningError(err)
	}
	return d, nil
}

// wantsHop reports whether a request for generators learns a next hop in state s.
func (spec *LearningSpec) wantsHop(s program.AdjacencyState) bool {
	switch {
	case spec.unconfirmed:
		return s == program.AdjacencyUnconfirmed
	case spec.Mode == learning.ModeUnresolved:
		return s != program.AdjacencyResolved
	}
	return true
}

// wants returns a generator's destinations whose next hop is in a wanted state.
func (i *iface) wants(id string, handle uint32, p *program.Program, wanted func(program.AdjacencyState) bool) learning.GeneratorWants {
	w := learning.GeneratorWants{ID: id, Handle: handle, Interface: i.forLearning()}
	for _, d := range p.Destinations() {
		if d.Adj != program.NoAdjacency {
			if _, state := p.Adjacency(d.Adj); !wanted(state) {
				continue
			}
		}
		w.Wants = append(w.Wants, learning.Want{Dst: d.Addr, Adj: d.Adj})
	}
	return w
}

func (i *iface) forLearning() learning.Interface {
	vlans := make([]uint16, len(i.spec.Tags))
	for n, tag := range i.spec.Tags {
		vlans[n] = tag.ID
	}
	return learning.Interface{Handle: i.handle, ID: i.spec.ID, VLANs: vlans}
}

// prepareFor returns the prepared request of a generator that is not made yet, without the
// generator's id.
func prepareFor(p *program.Program, i *iface) (*learning.Prepared, error) {
	return prepare(learning.Spec{
		Mode:       learning.ModeCached,
		Timeout:    p.Config().Learning.Timeout,
		Generators: []learning.GeneratorWants{i.wants("", 0, p, func(program.AdjacencyState) bool { return true })},
	}, i)
}
