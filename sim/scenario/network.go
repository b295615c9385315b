package scenario

import (
	"fmt"
	"net/netip"
	"path"
	"slices"
	"strings"

	"glean/sim"
	"glean/stack"
	"glean/stack/header"
	"glean/stack/loop"
)

// Network is a topology that has been built in a world. Its methods are called
// on the world's loop.
type Network struct {
	World    *sim.World
	topology *Topology

	switches map[string]*sim.Switch
	parent   map[string]string // of switches: trunks join them to one segment
	stations []*station        // hosts, in the order of the topology
	byName   map[string]*station
	routers  map[string]*routerDevice
	virtual  map[string]*virtualDevice
	farms    []*farmDevice
	ports    map[string]*sim.End
	owners   owners
	numbers  uint32 // of hosts, the next free one
}

// station is a host with the place where it is.
type station struct {
	name    string
	group   *HostGroup
	host    *sim.Host
	segment segment
	config  stack.InterfaceConfig
	moves   uint32 // changes of its MAC so far
	proxied []netip.Addr
}

type routerDevice struct {
	router *sim.Router
	ports  map[string]*sim.RouterPort // by what they are on
}

type virtualDevice struct {
	spec    *Virtual
	router  *sim.VirtualRouter
	segment segment
}

type farmDevice struct {
	name     string
	farm     *sim.Farm
	received map[sim.Flow]uint64
}

// Build makes the topology in a world. The error says what of it can't be.
func Build(w *sim.World, t *Topology) (*Network, error) {
	n := &Network{
		World: w, topology: t,
		switches: make(map[string]*sim.Switch), parent: make(map[string]string),
		byName: make(map[string]*station), routers: make(map[string]*routerDevice),
		virtual: make(map[string]*virtualDevice), ports: make(map[string]*sim.End), numbers: 1,
	}
	for _, name := range t.Switches {
		if n.switches[name] != nil {
			return nil, fmt.Errorf("switch %q is there twice", name)
		}
		var config sim.SwitchConfig
		if slices.Contains(t.Provider, name) {
			config.TPID = header.EtherTypeQinQ
		}
		n.switches[name], n.parent[name] = w.NewSwitch(name, config), name
	}
	for _, name := range t.Provider {
		if n.switches[name] == nil {
			return nil, fmt.Errorf("provider switch %q is none of the switches", name)
		}
	}
	for _, make := range []func() error{n.addTrunks, n.addPorts, n.addRouters, n.addVirtual, n.addHosts, n.addOdd, n.addFarms} {
		if err := make(); err != nil {
			return nil, err
		}
	}
	for i := range t.Faults {
		if err := n.Disturb(&t.Faults[i]); err != nil {
			return nil, t.Faults[i].Wrap(err)
		}
	}
	return n, nil
}

func (n *Network) wire(name string, w Wire) (a, b *sim.End, err error) {
	if n.World.FindWire(name) != nil {
		return nil, nil, fmt.Errorf("two wires would be named %q", name)
	}
	a, b = n.World.Wire(name, sim.WireConfig{Delay: w.Delay, MTU: w.MTU})
	return a, b, nil
}

func (n *Network) addTrunks() error {
	for _, t := range n.topology.Trunks {
		if err := n.addTrunk(t); err != nil {
			return t.Wrap(err)
		}
	}
	return nil
}

func (n *Network) addTrunk(t Trunk) error {
	a, b := n.switches[t.A], n.switches[t.B]
	if a == nil || b == nil {
		return fmt.Errorf("trunk %s:%s: there is no such switch", t.A, t.B)
	}
	if n.root(t.A) == n.root(t.B) {
		return fmt.Errorf("trunk %s:%s makes a circle; the switches run no spanning tree", t.A, t.B)
	}
	here, there, err := n.wire(t.A+":"+t.B, t.Wire)
	if err != nil {
		return err
	}
	a.AddPort(here, sim.PortConfig{Trunk: true})
	b.AddPort(there, sim.PortConfig{Trunk: true})
	n.parent[n.root(t.A)] = n.root(t.B)
	return nil
}

func (n *Network) root(name string) string {
	for n.parent[name] != name {
		name = n.parent[name]
	}
	return name
}

func (n *Network) addPorts() error {
	for _, p := range n.topology.Ports {
		a, b, err := n.wire("port:"+p.ID, p.Wire)
		if err != nil {
			return p.Wrap(err)
		}
		n.ports[p.ID] = a
		if p.On == "" {
			continue
		}
		s := n.switches[p.On]
		if s == nil {
			return p.Wrap(fmt.Errorf("port %q: there is no switch %q", p.ID, p.On))
		}
		s.AddPort(b, sim.PortConfig{Trunk: true})
	}
	return nil
}

// attach makes the wire of a device. On a switch the VLAN is that of the
// switch's port; on a port of glean the device's frames carry it as a tag.
// A tunnel port takes all that a device sends for the payload of its VLAN.
func (n *Network) attach(device, on string, vlan uint16, tunnel bool, w Wire) (*sim.End, []header.VLAN, segment, error) {
	if id, direct := strings.CutPrefix(on, "port:"); direct {
		end := n.ports[id]
		if end == nil {
			return nil, nil, "", fmt.Errorf("%s: there is no port %q", device, id)
		}
		return end.Peer(), tagsOf(vlan), n.segmentOf(id, tagsOf(vlan)), nil
	}
	s := n.switches[on]
	if s == nil {
		return nil, nil, "", fmt.Errorf("%s: there is no switch %q", device, on)
	}
	a, b, err := n.wire(device, w)
	if err != nil {
		return nil, nil, "", err
	}
	s.AddPort(b, sim.PortConfig{Untagged: vlan, Tunnel: tunnel})
	return a, nil, n.switchSegment(on, vlan), nil
}

func tagsOf(vlan uint16) []header.VLAN {
	if vlan == 0 {
		return nil
	}
	return []header.VLAN{{TPID: header.EtherTypeVLAN, ID: vlan}}
}

func (n *Network) switchSegment(name string, vlan uint16) segment {
	return segment(fmt.Sprintf("%s/%d", n.root(name), max(1, vlan)))
}

// within is the segment of an inner tag; of none it is the segment itself.
func (s segment) within(inner uint16) segment {
	if inner == 0 {
		return s
	}
	return segment(fmt.Sprintf("%s.%d", s, inner))
}

// segmentOf is where an interface of glean on a port with these tags is.
func (n *Network) segmentOf(portID string, tags []header.VLAN) segment {
	i := slices.IndexFunc(n.topology.Ports, func(p Port) bool { return p.ID == portID })
	if i >= 0 && n.topology.Ports[i].On != "" {
		switch on := n.topology.Ports[i].On; len(tags) {
		case 0:
			return n.switchSegment(on, 1)
		case 1:
			return n.switchSegment(on, tags[0].ID)
		default:
			return n.switchSegment(on, tags[0].ID).within(tags[1].ID)
		}
	}
	name := "port:" + portID
	for _, t := range tags {
		name += fmt.Sprintf("/%d", t.ID)
	}
	return segment(name)
}

// Port is the end of the wire that belongs to a port of glean, nil if there is
// no such port.
func (n *Network) Port(id string) *sim.End { return n.ports[id] }

// Disturb adds the rules of a fault to the wires that it names.
func (n *Network) Disturb(f *Fault) error {
	found := false
	for _, w := range n.World.Wires() {
		if !f.names(w.Name()) {
			continue
		}
		found = true
		a, b := w.Ends()
		for _, rule := range f.Rules {
			if f.Direction != In {
				a.SetRules(append(slices.Clone(a.Rules()), rule())...)
			}
			if f.Direction != Out {
				b.SetRules(append(slices.Clone(b.Rules()), rule())...)
			}
		}
	}
	if !found {
		return fmt.Errorf("faults: no wire matches %q", f.Wires)
	}
	return nil
}

func (f *Fault) names(wire string) bool {
	for _, pattern := range f.Wires {
		if ok, _ := path.Match(pattern, wire); ok {
			return true
		}
	}
	return false
}

// Partition cuts the wires that match in the directions given, or mends them.
func (n *Network) Partition(wires []string, d Direction, cut bool) error {
	f := Fault{Wires: wires}
	found := false
	for _, w := range n.World.Wires() {
		if f.names(w.Name()) {
			found = true
			w.Partition(cut && d != In, cut && d != Out)
		}
	}
	if !found {
		return fmt.Errorf("no wire matches %q", wires)
	}
	return nil
}

// now is the world's time.
func (n *Network) now() loop.Time { return n.World.Now() }
