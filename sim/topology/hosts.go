package topology

import (
	"fmt"
	"net/netip"

	"glean/sim"
	"glean/stack"
	"glean/stack/header"
	"glean/stack/loop"
)

// hostDevice is a host and the segment that it is on.
type hostDevice struct {
	name       string
	group      *HostGroup
	host       *sim.Host
	segment    Segment
	config     stack.InterfaceConfig
	macChanges uint32
	proxied    []netip.Addr // addresses of others that the host answers for
}

func (n *Network) addHosts() error {
	for i := range n.topology.Hosts {
		g := &n.topology.Hosts[i]
		count, first := max(1, g.Count), g.First
		if first == 0 {
			first = n.nextHost
		}
		n.nextHost = max(n.nextHost, first+uint32(count))
		for k, name := range g.Names() {
			if err := n.addHost(name, g, first+uint32(k), uint32(k)); err != nil {
				return g.Wrap(err)
			}
		}
	}
	return nil
}

// addHost adds host k of a group.
func (n *Network) addHost(name string, g *HostGroup, number, k uint32) error {
	if n.hostByName[name] != nil {
		return fmt.Errorf("host %q is given more than once", name)
	}
	end, tags, segment, err := n.attach(name, g.On, g.VLAN, g.Inner > 0, g.Wire)
	if err != nil {
		return err
	}
	if g.Inner > 0 {
		tags, segment = append(tags, header.VLAN{TPID: g.InnerTPID, ID: g.Inner}), segment.within(g.Inner)
	}
	c, err := g.interfaceConfig(name, number, k)
	if err != nil {
		return err
	}
	c.Tags = tags
	d := &hostDevice{name: name, group: g, segment: segment, config: c}
	if k == 0 {
		if c.RespondFor = g.AnswersFor; !d.addProxied(g.AnswersFor) {
			return fmt.Errorf("host %s: answers_for: more than %d addresses", name, maxProxied)
		}
	}
	boot := loop.Time(g.Boot)
	if g.Off {
		boot = loop.Never
	}
	d.host, err = n.world.NewHost(name, end, sim.HostConfig{
		Interfaces: []stack.InterfaceConfig{c}, Boot: boot, Think: g.Think,
	})
	if err != nil {
		return err
	}
	n.hosts = append(n.hosts, d)
	n.hostByName[name] = d
	n.assignHost(d)
	return nil
}

// interfaceConfig returns the addresses of host k of the group.
func (g *HostGroup) interfaceConfig(name string, number, k uint32) (c stack.InterfaceConfig, err error) {
	address := number
	if g.Address > 0 {
		address = g.Address + k
	}
	c = sim.Numbered(sim.KindHost, address, g.IPv4, g.IPv6)
	for _, p := range []netip.Prefix{g.IPv4, g.IPv6} {
		if p.IsValid() && !sim.Address(p, address).IsValid() {
			return c, fmt.Errorf("host %s: %s has no address number %d", name, p, address)
		}
	}
	c.MAC = sim.MAC(sim.KindHost, number)
	c.Gateway4, c.Gateway6 = g.Gateway4, g.Gateway6
	return c, nil
}

// maxProxied is the largest number of addresses that a host answers for.
const maxProxied = 4096

// addProxied lists the addresses of prefixes. It returns false if they are too many.
func (d *hostDevice) addProxied(prefixes []netip.Prefix) bool {
	for _, p := range prefixes {
		for a := p.Masked().Addr(); p.Contains(a); a = a.Next() {
			if len(d.proxied) == maxProxied {
				return false
			}
			d.proxied = append(d.proxied, a)
		}
	}
	return true
}

// assignHost records the addresses of a host and those that it answers for.
func (n *Network) assignHost(d *hostDevice) {
	i := d.host.Interface(0)
	n.assignInterface(d.segment, i)
	for _, a := range d.proxied {
		n.owners.assign(d.segment, a, i.MAC(), n.world.Now())
	}
}

// withdrawHost records that a host has its addresses no longer.
func (n *Network) withdrawHost(d *hostDevice) {
	i := d.host.Interface(0)
	for _, a := range i.Status() {
		n.owners.withdraw(d.segment, a.Addr, i.MAC(), n.world.Now())
	}
	for _, a := range d.proxied {
		n.owners.withdraw(d.segment, a, i.MAC(), n.world.Now())
	}
}

// host returns the host of that name.
func (n *Network) host(name string) (*hostDevice, error) {
	if d := n.hostByName[name]; d != nil {
		return d, nil
	}
	return nil, fmt.Errorf("no host %q", name)
}

// Host returns the host of that name, or nil if there is none.
func (n *Network) Host(name string) *sim.Host {
	if d := n.hostByName[name]; d != nil {
		return d.host
	}
	return nil
}

// Hosts returns all hosts with full stacks, in the order of the topology.
func (n *Network) Hosts() []*sim.Host {
	list := make([]*sim.Host, len(n.hosts))
	for i, d := range n.hosts {
		list[i] = d.host
	}
	return list
}

// Power switches a host or a router on or off.
func (n *Network) Power(name string, on bool) error {
	if r := n.routers[name]; r != nil {
		r.router.Power(on)
		return nil
	}
	d, err := n.host(name)
	if err == nil {
		d.host.Power(on)
	}
	return err
}

// SetAbsent switches a host off or on, and records that its addresses belong to no
// host while it is off.
func (n *Network) SetAbsent(name string, absent bool) error {
	d, err := n.host(name)
	if err != nil {
		return err
	}
	if absent {
		n.withdrawHost(d)
	} else {
		n.assignHost(d)
	}
	d.host.Power(!absent)
	return nil
}

// MoveHost attaches a host to another switch, in the VLAN that it was in.
func (n *Network) MoveHost(name, to string) error {
	d, err := n.host(name)
	if err != nil {
		return err
	}
	s := n.switches[to]
	if s == nil {
		return fmt.Errorf("no switch %q", to)
	}
	a, b, err := n.wire(fmt.Sprintf("%s@%s", name, to), d.group.Wire)
	if err != nil {
		return err
	}
	s.AddPort(b, sim.PortConfig{Untagged: d.group.VLAN, Tunnel: d.group.Inner > 0})
	n.withdrawHost(d)
	d.segment = n.switchSegment(to, d.group.VLAN).within(d.group.Inner)
	d.host.MoveTo(a)
	n.assignHost(d)
	return nil
}

// macStep is added to a host's number for its second MAC, twice for its third, and
// so on.
const macStep = 1 << 24

// ChangeMAC gives a host another MAC. With announce the host announces it.
func (n *Network) ChangeMAC(name string, announce bool) error {
	d, err := n.host(name)
	if err != nil {
		return err
	}
	_, number, _ := sim.Station(d.config.MAC)
	d.macChanges++
	mac := sim.MAC(sim.KindHost, number+d.macChanges*macStep)
	n.withdrawHost(d)
	err = d.host.ChangeMAC(0, mac, announce)
	n.assignHost(d)
	return err
}

// Claim makes a host announce that an address is its own, whether or not it is. It
// counts as an owner from then on, because a neighbor cannot distinguish a false
// announcement from a move.
func (n *Network) Claim(name string, a netip.Addr) error {
	d, err := n.host(name)
	if err == nil {
		n.owners.assign(d.segment, a, d.host.Interface(0).MAC(), n.world.Now())
		d.host.Claim(0, a)
	}
	return err
}

// Spoof is Claim by a host that does not answer for the address. Caches may believe
// the announcement, but no request may learn the MAC.
func (n *Network) Spoof(name string, a netip.Addr) error {
	d, err := n.host(name)
	if err == nil {
		n.owners.spoof(d.segment, a, d.host.Interface(0).MAC())
		d.host.Claim(0, a)
	}
	return err
}

// SolicitAs makes a host send a multicast or broadcast solicitation for target
// whose sender address is from, an address that it need not have.
func (n *Network) SolicitAs(name string, from, target netip.Addr) error {
	d, err := n.host(name)
	if err == nil {
		n.owners.spoof(d.segment, from, d.host.Interface(0).MAC())
		d.host.SolicitAs(0, from, target)
	}
	return err
}

// Announce makes a host announce its addresses.
func (n *Network) Announce(name string) error {
	d, err := n.host(name)
	if err == nil {
		d.host.Announce(0)
	}
	return err
}
