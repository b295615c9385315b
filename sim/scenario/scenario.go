package scenario

import (
	"fmt"
	"net/netip"

	"glean/sim"
	"glean/stack/header"
	"glean/stack/loop"
)

// Scenario is a network, glean's place in it, what glean is asked to do, what
// goes wrong meanwhile, and what is expected of it.
type Scenario struct {
	Name, About string
	Seed        uint64
	Until       loop.Duration // the run is cut off then; 0: DefaultUntil
	Topology    Topology
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

// Topology is a network. Names of switches and devices are unique in it; a
// device's wire has its name.
type Topology struct {
	Switches []string
	Provider []string // those of the switches whose tags are service tags (IEEE 802.1ad)
	Trunks   []Trunk
	Routers  []Router
	Virtual  []Virtual
	Hosts    []HostGroup
	Odd      []Odd
	Farms    []Farm
	Ports    []Port
	Faults   []Fault
}

// Wire is what belongs to a wire for good.
type Wire struct {
	Delay loop.Duration
	MTU   int // 0: 1500
}

// Trunk is a wire between two switches, which carries all VLANs. Its name is
// "A:B", and its direction "out" is from A to B.
type Trunk struct {
	Origin
	A, B string
	Wire
}

// Router forwards between its ports. The wire of a port is named "router:switch".
type Router struct {
	Origin
	Name   string
	Ports  []RouterPort
	Routes []Route
}

// RouterPort is where a router is attached.
type RouterPort struct {
	Origin
	On         string // a switch, or "port:ID"
	VLAN       uint16 // of the switch's port; 0: 1
	IPv4, IPv6 netip.Prefix
	Wire
}

// Route is a static route.
type Route struct {
	Origin
	To  netip.Prefix
	Via netip.Addr
}

// Virtual is an address that routers share as VRRP does. The first of them has
// it at the beginning.
type Virtual struct {
	Origin
	Name       string
	On         string // the switch that all of them are attached to
	VLAN       uint16
	Routers    []string
	ID         uint8 // of the virtual MAC; 0: the MAC is the router's own, and changes
	IPv4, IPv6 netip.Prefix
}

// HostGroup is Count hosts with full stacks. The k-th (from 0) is number
// First+k: that is its MAC, and its place in the prefixes unless Address says
// otherwise. It is named Name if Count is 1, else Name-1, Name-2, ...
type HostGroup struct {
	Origin
	Name       string
	Count      int              // 0: 1
	First      uint32           // 0: the next number that is free
	Address    uint32           // place of the first in the prefixes; 0: First
	On         string           // a switch, or "port:ID"
	VLAN       uint16           // 0: 1
	Inner      uint16           // the tag of their own frames, within the switch's VLAN; 0: none
	InnerTPID  header.EtherType // of that tag; 0: 0x8100
	IPv4, IPv6 netip.Prefix
	Gateway4   netip.Addr
	Gateway6   netip.Addr
	AnswersFor []netip.Prefix // the first host answers for these, too
	Boot       loop.Duration  // off until then
	Off        bool           // off until something switches it on
	Think      loop.Duration
	Wire
}

// names are the names of the hosts.
func (g *HostGroup) names() []string {
	if g.Count <= 1 {
		return []string{g.Name}
	}
	names := make([]string, g.Count)
	for k := range names {
		names[k] = fmt.Sprintf("%s-%d", g.Name, k+1)
	}
	return names
}

// Farm is very many hosts on one wire.
type Farm struct {
	Origin
	Name       string
	Hosts      int
	First      uint32
	On         string
	VLAN       uint16
	IPv4, IPv6 netip.Addr // of the first
	Dead       []uint32   // numbers (from 0) of hosts that don't answer
	Wire
}

// Port is a port of glean. On is the switch that it is plugged into; "" if a
// single device is attached to "port:ID".
type Port struct {
	Origin
	ID string
	On string
	Wire
}

// Direction is one of a wire's: out is from the device that the wire is named
// after, in is towards it.
type Direction uint8

// Directions.
const (
	Both Direction = iota
	Out
	In
)

// Fault is rules for the wires whose names match one of the patterns (as
// path.Match has them).
type Fault struct {
	Origin
	Wires     []string
	Direction Direction
	Rules     []func() sim.Rule // called for each direction: a rule may keep state
}

// Step is something that happens at a time.
type Step struct {
	At   loop.Duration
	Text string // for people
	// Network acts on the network; it also happens in a lab. Engine acts on
	// glean.
	Network func(n *Network) error
	Engine  func(r *Run) error
}
