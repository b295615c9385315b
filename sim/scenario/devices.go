package scenario

import (
	"fmt"
	"net/netip"
	"slices"

	"glean/sim"
	"glean/stack"
	"glean/stack/header"
	"glean/stack/loop"
)

func (n *Network) addRouters() error {
	for i := range n.topology.Routers {
		spec := &n.topology.Routers[i]
		if n.routers[spec.Name] != nil {
			return spec.Wrap(fmt.Errorf("router %q is there twice", spec.Name))
		}
		d := &routerDevice{router: n.World.NewRouter(spec.Name), ports: make(map[string]*sim.RouterPort)}
		n.routers[spec.Name] = d
		for k, p := range spec.Ports {
			if err := n.addRouterPort(d, uint32(i)<<12|uint32(k), p); err != nil {
				return p.Wrap(fmt.Errorf("router %s: %w", spec.Name, err))
			}
		}
		for _, r := range spec.Routes {
			if spec.isAttachedTo(r.To) {
				continue // a router believes its own ports more than any route
			}
			if err := d.router.AddRoute(r.To, r.Via); err != nil {
				return r.Wrap(err)
			}
		}
	}
	return nil
}

// isAttachedTo tells whether a prefix is that of a port.
func (r *Router) isAttachedTo(p netip.Prefix) bool {
	return slices.ContainsFunc(r.Ports, func(port RouterPort) bool {
		return port.IPv4.Masked() == p.Masked() || port.IPv6.Masked() == p.Masked()
	})
}

func (n *Network) addRouterPort(d *routerDevice, number uint32, p RouterPort) error {
	end, tags, seg, err := n.attach(d.router.Name()+":"+p.On, p.On, p.VLAN, false, p.Wire)
	if err != nil {
		return err
	}
	c := stack.InterfaceConfig{MAC: sim.MAC(sim.KindRouter, number), Tags: tags, IPv4: p.IPv4, IPv6: p.IPv6}
	port, err := d.router.AddPort(end, c)
	if err != nil {
		return err
	}
	d.ports[p.On] = port
	n.settle(seg, port.Interface(1))
	return nil
}

// settle enters the addresses of an interface.
func (n *Network) settle(seg segment, i *stack.Interface) {
	for _, a := range i.Status() {
		n.owners.take(seg, a.Addr, i.MAC(), n.now())
	}
}

func (n *Network) addVirtual() error {
	for i := range n.topology.Virtual {
		spec := &n.topology.Virtual[i]
		if err := n.addVirtualRouter(spec, i); err != nil {
			return spec.Wrap(fmt.Errorf("virtual router %s: %w", spec.Name, err))
		}
	}
	return nil
}

func (n *Network) addVirtualRouter(spec *Virtual, i int) error {
	c := stack.InterfaceConfig{IPv4: spec.IPv4, IPv6: spec.IPv6}
	if spec.ID > 0 {
		c.MAC = sim.VirtualMAC(spec.ID)
	}
	if spec.IPv6.IsValid() { // its own, because the address and not the router has it
		c.LinkLocal = netip.AddrFrom16(header.LinkLocal(sim.VirtualMAC(uint8(i + 1))))
	}
	var ports []*sim.RouterPort
	for _, name := range spec.Routers {
		r := n.routers[name]
		if r == nil || r.ports[spec.On] == nil {
			return fmt.Errorf("there is no router %q on %q", name, spec.On)
		}
		ports = append(ports, r.ports[spec.On])
	}
	if len(ports) == 0 {
		return fmt.Errorf("it has no routers")
	}
	v, err := n.World.NewVirtualRouter(c, ports...)
	if err != nil {
		return err
	}
	d := &virtualDevice{spec: spec, router: v, segment: n.switchSegment(spec.On, spec.VLAN)}
	n.virtual[spec.Name] = d
	for _, a := range d.addresses() {
		n.owners.take(d.segment, a, v.MAC(), n.now())
	}
	return nil
}

func (d *virtualDevice) addresses() (all []netip.Addr) {
	for _, p := range []netip.Prefix{d.spec.IPv4, d.spec.IPv6} {
		if p.IsValid() {
			all = append(all, p.Addr())
		}
	}
	return all
}

func (n *Network) addHosts() error {
	for i := range n.topology.Hosts {
		g := &n.topology.Hosts[i]
		count, first := max(1, g.Count), g.First
		if first == 0 {
			first = n.numbers
		}
		n.numbers = max(n.numbers, first+uint32(count))
		for k, name := range g.names() {
			if err := n.addHost(name, g, first+uint32(k), uint32(k)); err != nil {
				return g.Wrap(err)
			}
		}
	}
	return nil
}

func (n *Network) addHost(name string, g *HostGroup, number, k uint32) error {
	if n.byName[name] != nil {
		return fmt.Errorf("host %q is there twice", name)
	}
	end, tags, seg, err := n.attach(name, g.On, g.VLAN, g.Inner > 0, g.Wire)
	if err != nil {
		return err
	}
	if g.Inner > 0 {
		tags, seg = append(tags, header.VLAN{TPID: g.InnerTPID, ID: g.Inner}), seg.within(g.Inner)
	}
	place := number
	if g.Address > 0 {
		place = g.Address + k
	}
	c := sim.Numbered(sim.KindHost, place, g.IPv4, g.IPv6)
	for _, p := range []netip.Prefix{g.IPv4, g.IPv6} {
		if p.IsValid() && !sim.Address(p, place).IsValid() {
			return fmt.Errorf("host %s: %s has no address number %d", name, p, place)
		}
	}
	c.MAC, c.Tags = sim.MAC(sim.KindHost, number), tags
	c.Gateway4, c.Gateway6 = g.Gateway4, g.Gateway6
	s := &station{name: name, group: g, segment: seg, config: c}
	if k == 0 {
		if c.RespondFor = g.AnswersFor; !s.answerFor(g.AnswersFor) {
			return fmt.Errorf("host %s: answers_for: more than %d addresses", name, maxProxied)
		}
	}
	boot := loop.Time(g.Boot)
	if g.Off {
		boot = loop.Never
	}
	s.host, err = n.World.NewHost(name, end, sim.HostConfig{
		Interfaces: []stack.InterfaceConfig{c}, Boot: boot, Think: g.Think,
	})
	if err != nil {
		return err
	}
	n.stations = append(n.stations, s)
	n.byName[name] = s
	n.arrive(s)
	return nil
}

// maxProxied bounds the addresses that a host answers for.
const maxProxied = 4096

// answerFor lists the addresses of prefixes; false if they are too many.
func (s *station) answerFor(prefixes []netip.Prefix) bool {
	for _, p := range prefixes {
		for a := p.Masked().Addr(); p.Contains(a); a = a.Next() {
			if len(s.proxied) == maxProxied {
				return false
			}
			s.proxied = append(s.proxied, a)
		}
	}
	return true
}

// arrive enters a host's addresses, and those that it answers for.
func (n *Network) arrive(s *station) {
	i := s.host.Interface(0)
	n.settle(s.segment, i)
	for _, a := range s.proxied {
		n.owners.take(s.segment, a, i.MAC(), n.now())
	}
}

func (n *Network) addFarms() error {
	for i := range n.topology.Farms {
		spec := &n.topology.Farms[i]
		if err := n.addFarm(spec); err != nil {
			return spec.Wrap(err)
		}
	}
	return nil
}

func (n *Network) addFarm(spec *Farm) error {
	end, tags, seg, err := n.attach(spec.Name, spec.On, spec.VLAN, false, spec.Wire)
	if err != nil {
		return err
	}
	farm, err := n.World.NewFarm(spec.Name, end, sim.FarmConfig{
		Hosts: spec.Hosts, First: spec.First, Tags: tags, IPv4: spec.IPv4, IPv6: spec.IPv6,
	})
	if err != nil {
		return err
	}
	d := &farmDevice{name: spec.Name, farm: farm, received: make(map[sim.Flow]uint64)}
	farm.OnData(func(_ uint32, packet []byte) {
		if k, ok := flowOf(packet); ok {
			d.received[k]++
		}
	})
	for _, k := range spec.Dead {
		if int(k) >= spec.Hosts {
			return fmt.Errorf("farm %s: dead: there is no host %d", spec.Name, k)
		}
		farm.SetDead(k, true)
	}
	n.farms = append(n.farms, d)
	n.owners.farms = append(n.owners.farms, farmland{
		segment: seg, farm: farm, hosts: uint32(spec.Hosts), ipv4: spec.IPv4, ipv6: spec.IPv6,
	})
	return nil
}

// host finds a host by name.
func (n *Network) host(name string) (*station, error) {
	if s := n.byName[name]; s != nil {
		return s, nil
	}
	return nil, fmt.Errorf("there is no host %q", name)
}

// Power switches a host or a router on or off.
func (n *Network) Power(name string, on bool) error {
	if r := n.routers[name]; r != nil {
		r.router.Power(on)
		return nil
	}
	s, err := n.host(name)
	if err == nil {
		s.host.Power(on)
	}
	return err
}

// MoveHost plugs a host into another switch, in the VLAN that it was in.
func (n *Network) MoveHost(name, to string) error {
	s, err := n.host(name)
	if err != nil {
		return err
	}
	sw := n.switches[to]
	if sw == nil {
		return fmt.Errorf("there is no switch %q", to)
	}
	a, b, err := n.wire(fmt.Sprintf("%s@%s", name, to), s.group.Wire)
	if err != nil {
		return err
	}
	sw.AddPort(b, sim.PortConfig{Untagged: s.group.VLAN, Tunnel: s.group.Inner > 0})
	n.leave(s)
	s.segment = n.switchSegment(to, s.group.VLAN).within(s.group.Inner)
	s.host.MoveTo(a)
	n.arrive(s)
	return nil
}

func (n *Network) leave(s *station) {
	i := s.host.Interface(0)
	for _, a := range i.Status() {
		n.owners.leave(s.segment, a.Addr, i.MAC(), n.now())
	}
	for _, a := range s.proxied {
		n.owners.leave(s.segment, a, i.MAC(), n.now())
	}
}

// movedMACs is added to a host's number for its second MAC, twice for its
// third, and so on.
const movedMACs = 1 << 24

// ChangeMAC gives a host another MAC, and has it tell everybody if announce
// says so.
func (n *Network) ChangeMAC(name string, announce bool) error {
	s, err := n.host(name)
	if err != nil {
		return err
	}
	_, number, _ := sim.Station(s.config.MAC)
	s.moves++
	mac := sim.MAC(sim.KindHost, number+s.moves*movedMACs)
	n.leave(s)
	err = s.host.ChangeMAC(0, mac, announce)
	n.arrive(s)
	return err
}

// Failover gives a virtual router's address to one of its routers.
func (n *Network) Failover(name, router string, announce bool) error {
	d := n.virtual[name]
	if d == nil {
		return fmt.Errorf("there is no virtual router %q", name)
	}
	to := slices.Index(d.spec.Routers, router)
	if to < 0 {
		return fmt.Errorf("router %q is none of virtual router %q", router, name)
	}
	old := d.router.MAC()
	if err := d.router.MoveTo(to, announce); err != nil {
		return err
	}
	for _, a := range d.addresses() {
		if mac := d.router.MAC(); mac != old {
			n.owners.leave(d.segment, a, old, n.now())
			n.owners.take(d.segment, a, mac, n.now())
		}
	}
	return nil
}

// Claim has a host tell everybody that an address is its own, which it need not
// be. Who believes it is right to: nothing tells a lie from a move.
func (n *Network) Claim(name string, a netip.Addr) error {
	s, err := n.host(name)
	if err == nil {
		n.owners.take(s.segment, a, s.host.Interface(0).MAC(), n.now())
		s.host.Claim(0, a)
	}
	return err
}

// Lie is Claim by a host that does not answer for the address. Caches may believe it,
// but nobody is to learn its MAC.
func (n *Network) Lie(name string, a netip.Addr) error {
	s, err := n.host(name)
	if err == nil {
		n.owners.lie(s.segment, a, s.host.Interface(0).MAC())
		s.host.Claim(0, a)
	}
	return err
}

// Ask has a host ask everybody for an address in the name of another, which may be
// nobody's.
func (n *Network) Ask(name string, from, target netip.Addr) error {
	s, err := n.host(name)
	if err == nil {
		n.owners.lie(s.segment, from, s.host.Interface(0).MAC())
		s.host.Ask(0, from, target)
	}
	return err
}

// Announce has a host tell everybody its addresses.
func (n *Network) Announce(name string) error {
	s, err := n.host(name)
	if err == nil {
		s.host.Announce(0)
	}
	return err
}
