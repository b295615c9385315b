package topology

import (
	"fmt"
	"net/netip"
	"path"
	"slices"
	"strings"

	"glean/sim"
	"glean/stack/header"
)

// Network is a topology that has been built in a world. Its methods are called
// on the world's loop.
type Network struct {
	world    *sim.World
	topology *Topology

	switches   map[string]*sim.Switch
	joined     map[string]string // union-find of switches: trunks join them to one segment
	hosts      []*hostDevice     // in the order of the topology
	hostByName map[string]*hostDevice
	nextHost   uint32 // the next free host number
	routers    map[string]*routerDevice
	virtual    map[string]*virtualDevice
	farms      []*farmDevice
	ports      map[string]*sim.End
	owners     Owners
}

// Build builds the topology in a world. Its error names the part of the topology
// that is wrong.
func Build(w *sim.World, t *Topology) (*Network, error) {
	n := &Network{
		world: w, topology: t,
		switches: make(map[string]*sim.Switch), joined: make(map[string]string),
		hostByName: make(map[string]*hostDevice), routers: make(map[string]*routerDevice),
		virtual: make(map[string]*virtualDevice), ports: make(map[string]*sim.End), nextHost: 1,
	}
	for _, build := range []func() error{
		n.addSwitches, n.addTrunks, n.addPorts, n.addRouters, n.addVirtual, n.addHosts, n.addLinkLocalHosts, n.addFarms, n.addFaults,
	} {
		if err := build(); err != nil {
			return nil, err
		}
	}
	return n, nil
}

// World returns the world that the network is in.
func (n *Network) World() *sim.World { return n.world }

// Owners returns the record of which MAC has had which address.
func (n *Network) Owners() *Owners { return &n.owners }

// Port returns the end of the wire that belongs to a port of glean, or nil if
// there is no such port.
func (n *Network) Port(id string) *sim.End { return n.ports[id] }

func (n *Network) addSwitches() error {
	for _, name := range n.topology.Switches {
		if n.switches[name] != nil {
			return fmt.Errorf("switch %q is given more than once", name)
		}
		var config sim.SwitchConfig
		if slices.Contains(n.topology.Provider, name) {
			config.TPID = header.EtherTypeQinQ
		}
		n.switches[name], n.joined[name] = n.world.NewSwitch(name, config), name
	}
	for _, name := range n.topology.Provider {
		if n.switches[name] == nil {
			return fmt.Errorf("provider: no switch %q", name)
		}
	}
	return nil
}

func (n *Network) wire(name string, w Wire) (a, b *sim.End, err error) {
	if n.world.FindWire(name) != nil {
		return nil, nil, fmt.Errorf("two wires would be named %q", name)
	}
	a, b = n.world.Wire(name, sim.WireConfig{Delay: w.Delay, MTU: w.MTU})
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
	for _, name := range []string{t.A, t.B} {
		if n.switches[name] == nil {
			return fmt.Errorf("trunk %s:%s: no switch %q", t.A, t.B, name)
		}
	}
	if n.root(t.A) == n.root(t.B) {
		return fmt.Errorf("trunk %s:%s makes a loop; the switches run no spanning tree", t.A, t.B)
	}
	here, there, err := n.wire(t.A+":"+t.B, t.Wire)
	if err != nil {
		return err
	}
	a.AddPort(here, sim.PortConfig{Trunk: true})
	b.AddPort(there, sim.PortConfig{Trunk: true})
	n.joined[n.root(t.A)] = n.root(t.B)
	return nil
}

// root returns the switch that stands for all switches joined by trunks.
func (n *Network) root(name string) string {
	for n.joined[name] != name {
		name = n.joined[name]
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
			return p.Wrap(fmt.Errorf("port %q: no switch %q", p.ID, p.On))
		}
		s.AddPort(b, sim.PortConfig{Trunk: true})
	}
	return nil
}

// attach connects a device and returns its end, its tags and its segment. On a
// switch the VLAN is that of the switch's port; on a port of glean the device's
// frames carry the VLAN as a tag. A tunnel port carries all that a device sends,
// tags included, as payload of its VLAN.
func (n *Network) attach(device, on string, vlan uint16, tunnel bool, w Wire) (*sim.End, []header.VLAN, Segment, error) {
	if id, direct := strings.CutPrefix(on, "port:"); direct {
		end := n.ports[id]
		if end == nil {
			return nil, nil, "", fmt.Errorf("%s: no port %q", device, id)
		}
		return end.Peer(), tagsOf(vlan), n.SegmentOf(id, tagsOf(vlan)), nil
	}
	s := n.switches[on]
	if s == nil {
		return nil, nil, "", fmt.Errorf("%s: no switch %q", device, on)
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

func (n *Network) addFaults() error {
	for i := range n.topology.Faults {
		if err := n.AddFault(&n.topology.Faults[i]); err != nil {
			return n.topology.Faults[i].Wrap(err)
		}
	}
	return nil
}

// AddFault adds the rules of a fault to the wires that it names.
func (n *Network) AddFault(f *Fault) error {
	found := false
	for _, w := range n.world.Wires() {
		if !f.matches(w.Name()) {
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

// matches reports whether the fault concerns the wire of that name.
func (f *Fault) matches(wire string) bool {
	for _, pattern := range f.Wires {
		if ok, _ := path.Match(pattern, wire); ok {
			return true
		}
	}
	return false
}

// Partition cuts the wires that match the patterns in the given direction, or
// restores them.
func (n *Network) Partition(wires []string, d Direction, cut bool) error {
	f := Fault{Wires: wires}
	found := false
	for _, w := range n.world.Wires() {
		if f.matches(w.Name()) {
			found = true
			w.Partition(cut && d != In, cut && d != Out)
		}
	}
	if !found {
		return fmt.Errorf("no wire matches %q", wires)
	}
	return nil
}

// addressesOf returns the addresses of prefixes that are set.
func addressesOf(prefixes ...netip.Prefix) (all []netip.Addr) {
	for _, p := range prefixes {
		if p.IsValid() {
			all = append(all, p.Addr())
		}
	}
	return all
}
