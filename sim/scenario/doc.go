// Package scenario runs the whole product in a simulated network: glean's
// engine with its ports on the wires of a sim.World, on one virtual clock.
//
//	Scenario --Build--> Network: switches, routers, hosts, farms, faults
//	    |                  | wires
//	    |               watched ports --> safety checks, counts, pcapng
//	    |                  |
//	    +--REST bodies--> engine --> learning, generators
//	    |                  |
//	    +--timeline        +--> Progress ... Report: addresses, flows, frames,
//	    +--expectations ------------------>          expectations, violations
//
// A run is exact: everything in it follows from the scenario and its seed.
// [Check] draws small random worlds instead: faults first, then the network is
// healed, and every address must be decided in time.
package scenario
