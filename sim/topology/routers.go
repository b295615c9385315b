package topology

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"

	"glean/sim"
	"glean/stack"
	"glean/stack/header"
)

type routerDevice struct {
	router *sim.Router
	ports  map[string]*sim.RouterPort // by the switch or port that they are attached to
}

type virtualDevice struct {
	spec    *Virtual
	router  *sim.VirtualRouter
	segment Segment
}

func (n *Network) addRouters() error {
	for i := range n.topology.Routers {
		spec := &n.topology.Routers[i]
		if n.routers[spec.Name] != nil {
			return spec.Wrap(fmt.Errorf("router %q is given more than once", spec.Name))
		}
		d := &routerDevice{router: n.world.NewRouter(spec.Name), ports: make(map[string]*sim.RouterPort)}
		n.routers[spec.Name] = d
		for k, p := range spec.Ports {
			if err := n.addRouterPort(d, uint32(i)<<12|uint32(k), p); err != nil {
				return p.Wrap(fmt.Errorf("router %s: %w", spec.Name, err))
			}
		}
		for _, r := range spec.Routes {
			if spec.isAttachedTo(r.To) {
				continue // an attached prefix wins over any static route
			}
			if err := d.router.AddRoute(r.To, r.Via); err != nil {
				return r.Wrap(err)
			}
		}
	}
	return nil
}

// isAttachedTo reports whether a prefix is that of one of the router's ports.
func (r *Router) isAttachedTo(p netip.Prefix) bool {
	return slices.ContainsFunc(r.Ports, func(port RouterPort) bool {
		return port.IPv4.Masked() == p.Masked() || port.IPv6.Masked() == p.Masked()
	})
}

func (n *Network) addRouterPort(d *routerDevice, number uint32, p RouterPort) error {
	end, tags, segment, err := n.attach(d.router.Name()+":"+p.On, p.On, p.VLAN, false, p.Wire)
	if err != nil {
		return err
	}
	c := stack.InterfaceConfig{MAC: sim.MAC(sim.KindRouter, number), Tags: tags, IPv4: p.IPv4, IPv6: p.IPv6}
	port, err := d.router.AddPort(end, c)
	if err != nil {
		return err
	}
	d.ports[p.On] = port
	n.assignInterface(segment, port.Interface(1))
	return nil
}

// assignInterface records the addresses of an interface.
func (n *Network) assignInterface(s Segment, i *stack.Interface) {
	for _, a := range i.Status() {
		n.owners.assign(s, a.Addr, i.MAC(), n.world.Now())
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
	if spec.IPv6.IsValid() { // it must not change with the router that is master
		c.LinkLocal = netip.AddrFrom16(header.LinkLocal(sim.VirtualMAC(uint8(i + 1))))
	}
	var ports []*sim.RouterPort
	for _, name := range spec.Routers {
		r := n.routers[name]
		if r == nil || r.ports[spec.On] == nil {
			return fmt.Errorf("no router %q on %q", name, spec.On)
		}
		ports = append(ports, r.ports[spec.On])
	}
	if len(ports) == 0 {
		return errors.New("it has no routers")
	}
	v, err := n.world.NewVirtualRouter(c, ports...)
	if err != nil {
		return err
	}
	d := &virtualDevice{spec: spec, router: v, segment: n.switchSegment(spec.On, spec.VLAN)}
	n.virtual[spec.Name] = d
	for _, a := range addressesOf(spec.IPv4, spec.IPv6) {
		n.owners.assign(d.segment, a, v.MAC(), n.world.Now())
	}
	return nil
}

// Failover gives the address of a virtual router to one of its routers.
func (n *Network) Failover(name, router string, announce bool) error {
	d := n.virtual[name]
	if d == nil {
		return fmt.Errorf("no virtual router %q", name)
	}
	to := slices.Index(d.spec.Routers, router)
	if to < 0 {
		return fmt.Errorf("virtual router %q has no router %q", name, router)
	}
	old := d.router.MAC()
	if err := d.router.MoveTo(to, announce); err != nil {
		return err
	}
	for _, a := range addressesOf(d.spec.IPv4, d.spec.IPv6) {
		if mac := d.router.MAC(); mac != old {
			n.owners.withdraw(d.segment, a, old, n.world.Now())
			n.owners.assign(d.segment, a, mac, n.world.Now())
		}
	}
	return nil
}
