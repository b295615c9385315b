package sim

import (
	"fmt"
	"net/netip"

	"glean/stack"
	"glean/stack/header"
	"glean/stack/loop"
)

// Router forwards between its ports, each of which has a stack of its own and
// so a neighbor cache of its own.
//
//	frame -> stack of port 1 -> Forward -> TTL, longest prefix -> Output of port 2 -> frame
//	                                    \-> ICMP error -> back
type Router struct {
	world  *World
	name   string
	ports  []*RouterPort
	routes Routes[hop]
	own    map[netip.Addr]bool // addresses of all ports; looked up, never walked
	counts RouterCounts
	packet []byte // being built

	errorsFrom loop.Time // when the second began in which errors are counted
	errors     int
}

// RouterPort is a port of a router.
type RouterPort struct {
	router  *Router
	nic     nic
	stack   *stack.Stack
	handles uint32
}

// hop is where packets of a route go.
type hop struct {
	port      *RouterPort
	out       *stack.Interface
	via       netip.Addr    // the next router; invalid: the destination is on the link
	broadcast [2]netip.Addr // of the link, if it has any: all zeros and all ones
}

// direct is the hop to the hosts of a prefix on a link.
func direct(p *RouterPort, out *stack.Interface, prefix netip.Prefix) hop {
	h := hop{port: p, out: out}
	if prefix.Addr().Is4() && prefix.Bits() <= 30 {
		network := prefix.Masked().Addr()
		h.broadcast = [2]netip.Addr{network, Offset(network, 1<<(32-prefix.Bits())-1)}
	}
	return h
}

// RouterCounts counts what a router did with packets that were not for the
// address they came in at.
type RouterCounts struct {
	Forwarded   uint64
	Local       uint64 // for an address of another port
	TTL         uint64 // TTL or hop limit ran out
	NoRoute     uint64
	Unreachable uint64 // the next hop gave no answer, or its link is down
	TooBig      uint64 // longer than the next link's MTU; a router here never fragments
	Refused     uint64 // addresses that are never forwarded (link-local, multicast, ...)
	Malformed   uint64
	Errors      uint64 // ICMP errors sent
	Limited     uint64 // ICMP errors not sent because there were too many
}

// NewRouter makes a router without ports.
func (w *World) NewRouter(name string) *Router {
	return &Router{world: w, name: name, own: map[netip.Addr]bool{}}
}

// Name is the router's name.
func (r *Router) Name() string { return r.name }

// Ports are the router's ports in the order in which they were added. The slice
// belongs to the router.
func (r *Router) Ports() []*RouterPort { return r.ports }

// Counts is a snapshot of the counters.
func (r *Router) Counts() RouterCounts { return r.counts }

// AddPort makes a port at an end of a wire, with these interfaces. Their
// prefixes are routed from then on. The error is that of an interface.
func (r *Router) AddPort(e *End, configs ...stack.InterfaceConfig) (*RouterPort, error) {
	p := &RouterPort{router: r}
	p.nic.plug(e, 0)
	p.stack = stack.New(r.world.loop, &p.nic, stack.Options{
		Rand:     r.world.Rand(fmt.Sprintf("router %s port %d", r.name, len(r.ports))),
		Forward:  r.forward,
		IsRouter: true,
	})
	for k, c := range configs {
		i, err := p.AddInterface(c)
		if err != nil {
			return nil, fmt.Errorf("sim: router %s: interface %d: %w", r.name, k, err)
		}
		for _, prefix := range [...]netip.Prefix{i.Config().IPv4, i.Config().IPv6} {
			if prefix.IsValid() {
				r.routes.Add(prefix, direct(p, i, prefix))
			}
		}
	}
	r.ports = append(r.ports, p)
	p.nic.power(true)
	return p, nil
}

// AddInterface adds an interface without a route to its prefix, as a second
// address beside another interface of the same network. A Handle of 0 becomes
// the next number.
func (p *RouterPort) AddInterface(c stack.InterfaceConfig) (*stack.Interface, error) {
	if p.handles++; c.Handle == 0 {
		c.Handle = p.handles
	}
	c.Quiet = c.Quiet || !c.Announce // as of hosts
	i, err := p.stack.AddInterface(c)
	if err != nil {
		return nil, err
	}
	for _, a := range i.Status() {
		p.router.own[a.Addr] = true
	}
	return i, nil
}

// RemoveInterface undoes AddInterface.
func (p *RouterPort) RemoveInterface(i *stack.Interface) {
	for _, a := range i.Status() {
		delete(p.router.own, a.Addr)
	}
	p.stack.RemoveInterface(i)
}

// Stack is the port's stack.
func (p *RouterPort) Stack() *stack.Stack { return p.stack }

// Interface finds an interface of the port by its handle, nil if there is
// none.
func (p *RouterPort) Interface(handle uint32) *stack.Interface { return p.stack.Interface(handle) }

// End is the end of the wire that the port is plugged into.
func (p *RouterPort) End() *End { return p.nic.end }

// Power switches all ports on or off.
func (r *Router) Power(on bool) {
	r.world.Note("router %s: power %t", r.name, on)
	for _, p := range r.ports {
		p.nic.power(on)
	}
}

// AddRoute routes a prefix through the router at via, which must be in the
// prefix of one of the interfaces.
func (r *Router) AddRoute(p netip.Prefix, via netip.Addr) error {
	h, ok := r.routes.Find(via)
	if !ok || h.via.IsValid() {
		return fmt.Errorf("sim: router %s: %s via %s: not on a link of the router", r.name, p, via)
	}
	r.routes.Add(p, hop{port: h.port, out: h.out, via: via})
	return nil
}

// AddRoute routes a prefix through the router at via on the link of the given
// interface, which says what Router.AddRoute can't know of a link-local address.
func (p *RouterPort) AddRoute(prefix netip.Prefix, via netip.Addr, out *stack.Interface) {
	p.router.routes.Add(prefix, hop{port: p, out: out, via: via})
}

// RemoveRoute removes the route of a prefix and reports whether there was one.
func (r *Router) RemoveRoute(p netip.Prefix) bool { return r.routes.Remove(p) }

// VirtualRouter is an address, or one per family, that several routers of a link
// share as with VRRP (RFC 9568): one of them has it at a time. The routers do not
// negotiate: MoveTo determines which one it is.
type VirtualRouter struct {
	world   *World
	config  stack.InterfaceConfig
	ports   []*RouterPort
	at      int
	current *stack.Interface
}

// VirtualMAC is the MAC of VRRP's virtual router number id.
func VirtualMAC(id uint8) header.MAC { return header.MAC{0, 0, 0x5e, 0, 1, id} }

// NewVirtualRouter makes a virtual router whose address the first of the ports has. A
// zero MAC in c stands for the MAC of the first interface of the port that has the
// address, so that the MAC changes with a move. Announce in c is not used.
func (w *World) NewVirtualRouter(c stack.InterfaceConfig, ports ...*RouterPort) (*VirtualRouter, error) {
	v := &VirtualRouter{world: w, config: c, ports: ports}
	v.config.Announce = false
	return v, v.assign(0)
}

// assign adds the address to a port.
func (v *VirtualRouter) assign(at int) error {
	c, p := v.config, v.ports[at]
	if c.MAC.IsZero() {
		c.MAC = p.Interface(1).MAC()
	}
	i, err := p.AddInterface(c)
	if err != nil {
		return err
	}
	v.at, v.current = at, i
	return nil
}

// MoveTo moves the address to another port. With announce that port announces it, as
// VRRP requires (RFC 9568 section 6.4.2).
func (v *VirtualRouter) MoveTo(at int, announce bool) error {
	v.ports[v.at].RemoveInterface(v.current)
	if err := v.assign(at); err != nil {
		return err
	}
	p := v.ports[at]
	v.world.Note("virtual router: at router %s, announced %t", p.router.name, announce)
	if announce {
		s := speaker{out: p.nic.Send, tags: v.config.Tags}
		for _, a := range v.current.Status() {
			s.announce(v.current.MAC(), a.Addr, true)
		}
	}
	return nil
}

// MAC returns the MAC of the address now.
func (v *VirtualRouter) MAC() header.MAC { return v.current.MAC() }
