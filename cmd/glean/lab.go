package main

import (
	"context"
	"fmt"

	"glean/server"
	"glean/server/engine"
	"glean/sim/scenario"
	"glean/sim/scenario/file"
	"glean/sim/topology"
	"glean/stack/link"
	"glean/stack/loop"
)

// labWire is the wire name of a lab's ports in the API.
const labWire = "lab"

// openLab runs the network of a scenario in real time. It attaches the scenario's ports
// to the daemon and makes its interfaces and generators. The next hops of the
// generators are learned; the user starts the generators.
func openLab(ctx context.Context, s *server.Server, l *loop.Real, name string) error {
	lab, err := file.Open(name)
	if err != nil {
		return usageErrorf("--lab: %v", err)
	}
	if err := openLabPorts(ctx, s, l, lab); err != nil {
		return fmt.Errorf("--lab %s: %w", name, err)
	}
	for _, made := range []struct {
		collection string
		bodies     []scenario.Body
	}{{"/interfaces", lab.Interfaces}, {"/packet/generators", lab.Generators}} {
		for _, b := range made.bodies {
			if err := s.Create(ctx, made.collection, b.Raw); err != nil {
				return fmt.Errorf("--lab: %w", b.Wrap(err))
			}
		}
	}
	return nil
}

// openLabPorts builds the network and attaches the ports.
func openLabPorts(ctx context.Context, s *server.Server, l *loop.Real, lab *scenario.Scenario) error {
	var failed error
	err := s.Do(ctx, func() {
		var n *topology.Network
		if n, failed = scenario.Lab(l, lab, lab.Seed); failed != nil {
			return
		}
		for _, p := range lab.Topology.Ports {
			spec := engine.PortSpec{ID: p.ID, Kind: engine.KindWire, Name: labWire, Fixed: true}
			if failed = s.Engine.ReservePort(spec); failed != nil {
				return
			}
			s.Engine.AttachPort(p.ID, link.WithoutTraffic(n.Port(p.ID)))
		}
	})
	if err != nil {
		return err
	}
	return failed
}
