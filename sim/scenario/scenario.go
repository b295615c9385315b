package scenario

import (
	"encoding/json"

	"glean/sim/topology"
	"glean/stack/loop"
)

// Scenario is a network, the resources of glean in it, a timeline, and expectations.
type Scenario struct {
	Name, About string
	Seed        uint64
	Until       loop.Duration // the run ends then at the latest; 0: DefaultUntil
	Topology    topology.Topology
	Interfaces  []Body // of POST /interfaces
	Generators  []Body // of POST /packet/generators
	Learning    []Body // of POST /learning, at the beginning
	// NoTraffic starts no generator. Otherwise each is started after its learning.
	NoTraffic bool
	Timeline  []Step
	Expect    Expect
	// Late is the longest time from sending a frame to its arrival. An address that moves
	// may be learned with its old MAC for that long.
	Late loop.Duration // 0: DefaultLate
}

// Defaults of a Scenario.
const (
	DefaultUntil = 120 * loop.Second
	DefaultLate  = 1 * loop.Second
)

// Step is an action at a time.
type Step struct {
	At   loop.Duration
	Text string // for people
	// Network acts on the network, in a lab, too. Engine acts on glean.
	Network func(n *topology.Network) error
	Engine  func(r *Run) error
}

// Body is the body of a REST call, and the place that it was read from.
type Body struct {
	Raw json.RawMessage
	topology.Origin
}
