package main

import (
	"context"
	"fmt"

	"glean/server"
	"glean/server/engine"
	"glean/sim/scenario"
	"glean/stack/loop"
)

// labWire is the name of the wire of a lab's ports, as the API shows it.
const labWire = "lab"

// openLab runs the network of a scenario in real time, and gives the daemon the
// ports that the scenario has for glean. Its interfaces and generators are left
// to the user.
func openLab(ctx context.Context, s *server.Server, l *loop.Real, name string) error {
	lab, err := scenario.Open(name)
	if err != nil {
		return usageErrorf("--lab: %v", err)
	}
	var failed error
	err = s.Do(ctx, func() {
		n, err := scenario.Lab(l, lab, lab.Seed)
		if err != nil {
			failed = fmt.Errorf("--lab %s: %w", name, err)
			return
		}
		for _, p := range lab.Topology.Ports {
			spec := engine.PortSpec{ID: p.ID, Kind: engine.KindWire, Name: labWire, Fixed: true}
			if failed = s.Engine.ReservePort(spec); failed != nil {
				return
			}
			s.Engine.AttachPort(p.ID, n.Port(p.ID))
		}
	})
	if err != nil {
		return err
	}
	return failed
}
