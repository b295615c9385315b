package scenario

import (
	"fmt"
	"slices"

	"glean/generator"
	"glean/server/bodies"
	"glean/server/engine"
)

// createResources makes interfaces, generators and requests in the order in which a
// user would.
func (r *Run) createResources() error {
	for _, list := range []struct {
		bodies []Body
		create func(body []byte) error
	}{{r.scenario.Interfaces, r.addInterface}, {r.scenario.Generators, r.addGenerator}, {r.scenario.Learning, r.Learn}} {
		for _, body := range list.bodies {
			if err := list.create(body.Raw); err != nil {
				return body.Wrap(err)
			}
		}
	}
	return nil
}

// addInterface makes an interface from the body of POST /interfaces.
func (r *Run) addInterface(body []byte) error {
	spec, err := bodies.Strict.Interface(body)
	if err != nil {
		return fmt.Errorf("interface %q: %w", spec.ID, err)
	}
	if spec.ID == "" {
		spec.ID = r.engine.NewID()
	}
	e := newEndpoint(r.network, spec)
	r.interfaces = append(r.interfaces, e)
	e.index = uint32(len(r.interfaces))
	r.endpoints[spec.ID] = e
	at := slices.IndexFunc(r.ports, func(p *watchedPort) bool { return p.id == spec.PortID })
	if at >= 0 { // before it is made, because it then announces its addresses
		r.ports[at].interfaces[frameSource{vlanKey(spec.Tags), spec.MAC}] = e
		r.ports[at].last = nil
	}
	if _, err := r.engine.CreateInterface(spec); err != nil {
		return fmt.Errorf("interface %q: %w", spec.ID, err)
	}
	return nil
}

// addGenerator makes a generator from the body of POST /packet/generators, and
// arranges for it to start when its addresses have been learned.
func (r *Run) addGenerator(body []byte) error {
	spec, err := bodies.Strict.Generator(body)
	if err != nil {
		return fmt.Errorf("generator %q: %w", spec.ID, err)
	}
	if spec.ID == "" {
		spec.ID = r.engine.NewID()
	}
	r.policies[spec.ID], r.targets[spec.ID] = spec.Config.Learning.Policy, r.endpoints[spec.TargetID]
	g, err := r.engine.CreateGenerator(spec)
	if err != nil {
		return fmt.Errorf("generator %q: %w", spec.ID, err)
	}
	if !r.scenario.NoTraffic {
		r.startWhenLearned(g)
	}
	return nil
}

// startWhenLearned starts a generator after its request has ended, in a turn of the
// loop of its own.
func (r *Run) startWhenLearned(g engine.GeneratorView) {
	r.scheduled++
	start := func() {
		r.world.At(r.world.Now(), func() {
			r.scheduled--
			if err := r.Start(g.ID); err != nil {
				r.refused[g.ID] = err.Error()
			}
		})
	}
	if g.LearningID == "" {
		start()
		return
	}
	r.engine.WhenLearned(g.LearningID, start)
}

// Start starts a generator. If next hops must be confirmed first and the start is
// refused later, the refusal is in the report.
func (r *Run) Start(id string) error {
	var refused error
	returned := false
	r.scheduled++
	r.engine.StartWhenConfirmed(id, func(_ *generator.Result, err error) {
		r.scheduled--
		if r.isSmall() {
			r.starts[id] = r.AddressesOf(id)
		}
		if refused = err; returned && err != nil {
			r.refused[id] = err.Error()
		}
	})
	returned = true
	return refused
}

// Learn starts a request from the body of POST /learning.
func (r *Run) Learn(body []byte) error {
	spec, err := bodies.Learning(body)
	if err == nil {
		_, err = r.engine.StartLearning(spec)
	}
	if err != nil {
		return fmt.Errorf("learning %q: %w", spec.ID, err)
	}
	return nil
}
