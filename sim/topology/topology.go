package topology

import (
	"fmt"
	"net/netip"

	"glean/sim"
	"glean/stack/header"
	"glean/stack/loop"
)

// Origin adds to an error the place that a value was read from, such as a line of
// a file. The zero Origin adds nothing.
type Origin func(error) error

// Wrap returns the error with the place that the value was read from.
func (o Origin) Wrap(err error) error {
	if o == nil || err == nil {
		return err
	}
	return o(err)
}

// Topology describes a network. Names of switches and devices are unique in it;
// the wire of a device has the device's name.
type Topology struct {
	Switches       []string
	Provider       []string // the switches whose tags are service tags (IEEE 802.1ad)
	Trunks         []Trunk
	Routers        []Router
	Virtual        []Virtual
	Hosts          []HostGroup
	LinkLocalHosts []LinkLocalHost
	Farms          []Farm
	Ports          []Port
	Faults         []Fault
}

// Wire describes the permanent properties of a wire.
type Wire struct {
	Delay loop.Duration
	MTU   int // 0: 1500
}

// Trunk is a wire between two switches that carries all VLANs. Its name is
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

// RouterPort attaches a router to a switch or to a port of glean.
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

// Virtual is an address that several routers share, as with VRRP. The first router
// of the list has the address at the beginning.
type Virtual struct {
	Origin
	Name       string
	On         string // the switch that all the routers are attached to
	VLAN       uint16
	Routers    []string
	ID         uint8 // of the virtual MAC; 0: the MAC is the router's own, and changes
	IPv4, IPv6 netip.Prefix
}

// HostGroup is Count hosts with full stacks. Host k (from 0) has number First+k.
// The number determines its MAC and, unless Address is set, its address in the
// prefixes. The host is named Name if Count is 1, else Name-1, Name-2, ...
type HostGroup struct {
	Origin
	Name       string
	Count      int              // 0: 1
	First      uint32           // 0: the next free number
	Address    uint32           // number of the first host's address in the prefixes; 0: First
	On         string           // a switch, or "port:ID"
	VLAN       uint16           // 0: 1
	Inner      uint16           // the tag that the hosts send within the switch's VLAN; 0: none
	InnerTPID  header.EtherType // of that tag; 0: 0x8100
	IPv4, IPv6 netip.Prefix
	Gateway4   netip.Addr
	Gateway6   netip.Addr
	AnswersFor []netip.Prefix // the first host also answers for these addresses
	Boot       loop.Duration  // the hosts are off until then
	Off        bool           // the hosts are off until a step switches them on
	Think      loop.Duration  // every received frame waits that long before it is handled
	Wire
}

// Names returns the names of the hosts.
func (g *HostGroup) Names() []string {
	if g.Count <= 1 {
		return []string{g.Name}
	}
	names := make([]string, g.Count)
	for k := range names {
		names[k] = fmt.Sprintf("%s-%d", g.Name, k+1)
	}
	return names
}

// Farm is a large number of hosts on one wire (see sim.Farm).
type Farm struct {
	Origin
	Name       string
	Hosts      int
	First      uint32
	On         string
	VLAN       uint16
	IPv4, IPv6 netip.Addr // of the first host
	Dead       []uint32   // numbers (from 0) of hosts that do not answer
	Wire
}

// Port is a port of glean. On is the switch that it is attached to, or "" if a
// single device is attached to "port:ID".
type Port struct {
	Origin
	ID string
	On string
	Wire
}

// Direction is a direction of a wire: out is from the device that the wire is
// named after, in is towards it.
type Direction uint8

// Directions.
const (
	Both Direction = iota
	Out
	In
)

// Fault is rules for the wires whose names match one of the patterns (see
// path.Match).
type Fault struct {
	Origin
	Wires     []string
	Direction Direction
	Rules     []func() sim.Rule // called for each direction: a rule may keep state
}
