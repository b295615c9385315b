package scenario

import (
	"glean/sim"
	"glean/sim/topology"
	"glean/stack/loop"
)

// Lab builds the network of a scenario on a loop that the caller runs, and schedules
// the steps of the timeline that act on the network. It leaves out everything that
// the scenario asks of glean. It must be called on the loop. The ends for glean's
// ports come from Network.Port.
func Lab(l loop.Loop, s *Scenario, seed uint64) (*topology.Network, error) {
	n, err := topology.Build(sim.NewWorldOn(l, seed), &s.Topology)
	if err != nil {
		return nil, err
	}
	begin := l.Now()
	for _, step := range s.Timeline {
		if step.Network != nil {
			n.World().At(begin.Add(step.At), func() {
				if err := step.Network(n); err != nil {
					n.World().Note("step %s: %v", step.Text, err)
				}
			})
		}
	}
	return n, nil
}
