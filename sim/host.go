package sim

import (
	"errors"
	"fmt"
	"net/netip"

	"glean/stack"
	"glean/stack/header"
	"glean/stack/loop"
)

// Host is a station with a full stack, the same that glean itself runs. It
// answers what its stack answers and counts what it receives.
type Host struct {
	world      *World
	name       string
	nic        nic
	stack      *stack.Stack
	interfaces []*stack.Interface
	flows      *flowTable // nil until a packet comes: most hosts receive none
	counts     HostCounts
	onPacket   func(i *stack.Interface, packet []byte)
}

// HostConfig describes a host.
type HostConfig struct {
	// Interfaces share the host's one link. A Handle of 0 becomes the position
	// in this list, counted from 1.
	Interfaces []stack.InterfaceConfig
	Boot       loop.Time      // the host is off until then
	Think      loop.Duration  // every frame waits that long until it is handled
	Observer   stack.Observer // of the host's stack
}

// HostCounts counts what a host received for itself, beyond what its stack
// answered.
type HostCounts struct {
	Packets     uint64 // IP packets, all that follow included
	Corrupt     uint64 // UDP with a wrong checksum or length: in no flow
	EchoReplies uint64
	ICMPErrors  uint64
}

// Numbered is the configuration of station number n of a kind: its MAC and its
// addresses in those prefixes, of which either may be the zero Prefix.
func Numbered(k Kind, n uint32, p4, p6 netip.Prefix) stack.InterfaceConfig {
	c := stack.InterfaceConfig{MAC: MAC(k, n)}
	if p4.IsValid() {
		c.IPv4 = netip.PrefixFrom(Address(p4, n), p4.Bits())
	}
	if p6.IsValid() {
		c.IPv6 = netip.PrefixFrom(Address(p6, n), p6.Bits())
	}
	return c
}

// NewHost makes a host at an end of a wire. The error is that of an interface.
// Interfaces that announce nothing report no groups either: switches here learn of
// them by Listen, and ten thousand reports would each reach ten thousand hosts.
func (w *World) NewHost(name string, e *End, cfg HostConfig) (*Host, error) {
	h := &Host{world: w, name: name, interfaces: make([]*stack.Interface, 0, len(cfg.Interfaces))}
	h.nic.plug(e, cfg.Think)
	h.stack = stack.New(w.loop, &h.nic, stack.Options{
		Rand: w.Rand("host " + name), Observer: cfg.Observer, Deliver: h.deliver,
	})
	for k, c := range cfg.Interfaces {
		if c.Handle == 0 {
			c.Handle = uint32(k + 1)
		}
		c.Quiet = c.Quiet || !c.Announce
		i, err := h.stack.AddInterface(c)
		if err != nil {
			return nil, fmt.Errorf("sim: host %s: interface %d: %w", name, k, err)
		}
		h.interfaces = append(h.interfaces, i)
	}
	if cfg.Boot > w.Now() {
		w.At(cfg.Boot, func() { h.Power(true) })
	} else {
		h.Power(true)
	}
	return h, nil
}

// Name returns the host's name.
func (h *Host) Name() string { return h.name }

// Stack returns the host's stack.
func (h *Host) Stack() *stack.Stack { return h.stack }

// Interface returns interface number k, in the order of the configuration.
func (h *Host) Interface(k int) *stack.Interface { return h.interfaces[k] }

// End returns the end of the wire that the host is attached to.
func (h *Host) End() *End { return h.nic.end }

// Counts returns a snapshot of the counters.
func (h *Host) Counts() HostCounts { return h.counts }

// Flows returns what the host received, sorted by flow.
func (h *Host) Flows() []FlowCount {
	if h.flows == nil {
		return nil
	}
	return h.flows.sorted()
}

// OnPacket sets a function that is called with every packet that the host receives for
// itself. The packet is borrowed.
func (h *Host) OnPacket(f func(i *stack.Interface, packet []byte)) { h.onPacket = f }

// Power switches the host on or off. Its stack keeps its state, but its link is down
// while the host is off.
func (h *Host) Power(on bool) {
	h.world.Note("host %s: power %t", h.name, on)
	h.nic.power(on)
}

// MoveTo detaches the host and attaches it to another end at once.
func (h *Host) MoveTo(e *End) {
	h.world.Note("host %s: moves to %s", h.name, e.Direction())
	on := h.nic.on
	h.nic.power(false)
	h.nic.end = e
	h.nic.power(on)
}

// ChangeMAC changes the MAC of interface number k. Its addresses stay the same, the
// link-local one included; its neighbors are forgotten. With announce the host
// announces the change.
func (h *Host) ChangeMAC(k int, m header.MAC, announce bool) error {
	old := h.interfaces[k]
	c := old.Config()
	c.MAC, c.Announce = m, false
	h.stack.RemoveInterface(old)
	i, err := h.stack.AddInterface(c)
	if err != nil {
		c = old.Config()
		c.Announce = false
		h.interfaces[k], _ = h.stack.AddInterface(c) // the old configuration, which was valid
		return fmt.Errorf("sim: host %s: %w", h.name, err)
	}
	h.world.Note("host %s: MAC %s instead of %s", h.name, m, old.MAC())
	h.interfaces[k] = i
	if announce {
		h.Announce(k)
	}
	return nil
}

// Announce makes interface number k announce its addresses once, besides the
// announcements of its stack.
func (h *Host) Announce(k int) {
	for _, a := range h.interfaces[k].Status() {
		h.Claim(k, a.Addr)
	}
}

// Claim makes interface number k announce an address with its MAC. If the address
// belongs to another station, that is spoofing; the host also answers solicitations for
// it only if it is in the interface's RespondFor.
func (h *Host) Claim(k int, a netip.Addr) {
	c := h.interfaces[k].Config()
	s := speaker{out: h.nic.Send, tags: c.Tags}
	s.announce(c.MAC, a, false)
}

// SolicitAs makes interface number k send a multicast or broadcast solicitation for target,
// with from as the sender's address.
func (h *Host) SolicitAs(k int, from, target netip.Addr) {
	c := h.interfaces[k].Config()
	s := speaker{out: h.nic.Send, tags: c.Tags}
	if target.Is4() {
		s.arp(header.Broadcast, header.ARPRepr{Op: header.ARPRequest, SenderMAC: c.MAC, SenderIP: from.As4(), TargetIP: target.As4()})
		return
	}
	s.solicit(c.MAC, from.As16(), target.As16())
}

// deliver counts a packet.
func (h *Host) deliver(i *stack.Interface, packet []byte) {
	h.counts.Packets++
	if h.flows == nil {
		h.flows = &flowTable{index: map[flowKey]uint32{}}
	}
	if packet[0]>>4 == 4 {
		h.count4(packet)
	} else {
		h.count6(packet)
	}
	if h.onPacket != nil {
		h.onPacket(i, packet)
	}
}

// count4 counts an IPv4 packet, which the stack has validated.
func (h *Host) count4(packet []byte) {
	ip, payload, err := header.ParseIPv4(packet)
	if err != nil {
		return // a fragment: not of a flow
	}
	k := flowKey{src: mapped(ip.Src), dst: mapped(ip.Dst), protocol: ip.Protocol, is4: true}
	switch ip.Protocol {
	case header.ProtocolICMPv4:
		echo, err := header.ParseICMPv4Echo(payload)
		h.countICMP(err == nil && echo.Reply, errors.Is(err, header.ErrICMPType))
		return
	case header.ProtocolUDP:
		u, _, err := header.ParseUDPv4(ip.Src, ip.Dst, payload)
		if err != nil {
			h.counts.Corrupt++
			return
		}
		k.port = u.DstPort
	}
	h.flows.count(k, len(packet))
}

// count6 counts an IPv6 packet, which the stack has validated.
func (h *Host) count6(packet []byte) {
	ip, payload, err := header.ParseIPv6(packet)
	if err != nil {
		return
	}
	k := flowKey{src: ip.Src, dst: ip.Dst, protocol: ip.NextHeader}
	switch ip.NextHeader {
	case header.ProtocolICMPv6:
		echo, err := header.ParseICMPv6Echo(ip, payload)
		h.countICMP(err == nil && echo.Reply, errors.Is(err, header.ErrICMPType))
		return
	case header.ProtocolUDP:
		u, _, err := header.ParseUDPv6(ip.Src, ip.Dst, payload)
		if err != nil {
			h.counts.Corrupt++
			return
		}
		k.port = u.DstPort
	}
	h.flows.count(k, len(packet))
}

func (h *Host) countICMP(reply, other bool) {
	switch {
	case reply:
		h.counts.EchoReplies++
	case other:
		h.counts.ICMPErrors++
	}
}
