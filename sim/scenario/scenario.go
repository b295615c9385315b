package scenario

import (
	"encoding/json"

	"glean/sim/topology"
	"glean/stack/loop"
)

// Scenario is a network, glean's place in it, what glean is asked to do, what
// goes wrong meanwhile, and what is expected of it.
type Scenario struct {
	Name, About string
	Seed        uint64
	Until       loop.Duration // the run is cut off then; 0: DefaultUntil
	Topology    topology.Topology
	Interfaces  []Body // of POST /interfaces
	Generators  []Body // of POST /packet/generators
	Learning    []Body // of POST /learning, at the beginning
	// NoTraffic leaves the generators alone. Else each is started when it has
	// been learned, if it can be.
	NoTraffic bool
	Timeline  []Step
	Expect    Expect
	// Late is how long after it was sent a frame may still arrive, at most. An
	// address that moves may be learned at its old MAC until then.
	Late loop.Duration // 0: DefaultLate
}

// Defaults of a Scenario.
const (
	DefaultUntil = 120 * loop.Second
	DefaultLate  = 1 * loop.Second
)

// Step is something that happens at a time.
type Step struct {
	At   loop.Duration
	Text string // for people
	// Network acts on the network; it also happens in a lab. Engine acts on
	// glean.
	Network func(n *topology.Network) error
	Engine  func(r *Run) error
}

// Body is the body of a REST call, and the place that it was read from.
type Body struct {
	Raw json.RawMessage
	topology.Origin
}
