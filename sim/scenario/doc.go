// Package scenario runs the whole product in a simulated network: glean's
// engine with its ports on the wires of a sim.World, on one virtual clock.
//
//	Scenario --Prepare--> topology.Network: switches, routers, hosts, farms, faults
//	    |                    | wires
//	    |                 watched ports --> rules of safety, counts, pcapng
//	    |                    |
//	    +--REST bodies----> engine --> learning, generators
//	    |                    |
//	    +--timeline          +--> Progress ... Report: addresses, flows, frames,
//	    +--expectations -------------------->          expectations, violations
//
// Everything in a run is determined by the scenario and its seed.
//
// Read scenario.go first, then run.go, which runs a scenario from the beginning to its
// report (report.go, expect.go, text.go). resources.go makes glean's resources and
// port.go watches its ports. The safety_*.go files hold the rules that no run may break,
// violation.go their names. Package file reads scenarios from YAML, package swarm draws
// random ones.
package scenario
