package stack

import (
	"fmt"
	"net/netip"
	"slices"

	"glean/stack/header"
	"glean/stack/loop"
)

// Interface is a layer 2/3 endpoint of a stack.
type Interface struct {
	stack  *Stack
	vlan   *vlan
	config InterfaceConfig
	slot   uint32 // its number in the stack; 0 once it is removed

	addresses []*address // IPv4, link-local, IPv6: those configured
	ipv4      *address
	linkLocal *address
	ipv6      *address

	network, directed uint64 // old and new broadcast address of the IPv4 prefix; all ones if it has none

	count        int    // neighbors, static ones included
	foreignCount int32  // of these, foreign ones: only messages of peers created them
	staleList    uint32 // wheel list of STALE neighbors of ours without a solicitation, oldest first; 0: not made yet
	foreignList  uint32 // wheel list of STALE foreign neighbors

	announcer loop.Timer // for announcements and reports
	listener  listener
	stats     InterfaceStats
}

// An address is one of our addresses.
type address struct {
	iface *Interface
	ip    ip
	rival *rival // nil: no other station was ever seen to have it

	announceAt    loop.Time // the next announcement is not earlier
	announcements uint8     // still to be sent
	bits          uint8     // of its prefix
}

// A rival is another station with one of our addresses.
type rival struct {
	mac      header.MAC // zero: the link went down since
	at       loop.Time  // when it was seen last
	reported loop.Time
	defended loop.Time
}

// contested returns the other station that has the address and when it was last seen, a
// zero MAC if there is none.
func (a *address) contested() (mac header.MAC, at loop.Time) {
	if a.rival == nil {
		return header.MAC{}, 0
	}
	return a.rival.mac, a.rival.at
}

// AddressStatus is the status of one of our own addresses.
type AddressStatus struct {
	Addr        netip.Addr
	Duplicate   bool       // another station was seen to have it
	ConflictMAC header.MAC // that station
	ConflictAt  loop.Time  // when it was seen last
}

// AddInterface creates an interface. The error is a *ConfigError.
func (s *Stack) AddInterface(c InterfaceConfig) (*Interface, error) {
	if err := c.validate(); err != nil {
		return nil, err
	}
	c = c.normalized()
	i := &Interface{stack: s, config: c}
	i.makeAddresses()
	if s.handles.get(c.Handle) != nil {
		return nil, fault("Handle", "%d is in use", c.Handle)
	}
	key := vlanKey(c.Tags)
	v := s.vlans.get(key)
	if err := v.checkTags(c.Tags); err != nil {
		return nil, err
	}
	for _, a := range i.addresses {
		if v != nil && v.own(a.ip) != nil {
			return nil, &ConfigError{"IPv4, IPv6, LinkLocal", fmt.Sprintf("%v is in use in this VLAN of the port", a.ip.addr()), v.own(a.ip).iface}
		}
		for _, n := range c.Static {
			if ipFrom(n.Addr) == a.ip {
				return nil, fault("Static", "%v is the interface's own address", n.Addr)
			}
		}
	}
	if len(c.Static) > c.Neighbor.MaxEntries {
		return nil, fault("Static", "must be at most %d neighbors, the size of the table; got %d", c.Neighbor.MaxEntries, len(c.Static))
	}
	if v == nil {
		v = &vlan{key: key}
		s.vlans.set(key, v)
	}
	s.register(i, v)
	return i, nil
}

// normalized returns a copy that the caller cannot change, with defaults filled in.
func (c InterfaceConfig) normalized() InterfaceConfig {
	c.Tags = slices.Clone(c.Tags)
	c.RespondFor = slices.Clone(c.RespondFor)
	for k, p := range c.RespondFor {
		c.RespondFor[k] = p.Masked()
	}
	c.Static = slices.Clone(c.Static)
	c.Neighbor = c.Neighbor.withDefaults()
	c.LinkLocal = c.LinkLocal.WithZone("")
	c.Gateway6 = c.Gateway6.WithZone("")
	if c.IPv6.IsValid() && !c.LinkLocal.IsValid() {
		c.LinkLocal = netip.AddrFrom16(header.LinkLocal(c.MAC))
	}
	return c
}

// makeAddresses creates the addresses of the configuration.
func (i *Interface) makeAddresses() {
	prefixes := [...]netip.Prefix{i.config.IPv4, netip.PrefixFrom(i.config.LinkLocal, 64), i.config.IPv6}
	places := [len(prefixes)]**address{&i.ipv4, &i.linkLocal, &i.ipv6}
	count := 0
	for _, p := range prefixes {
		if p.IsValid() {
			count++
		}
	}
	room := make([]address, 0, count) // contiguous, because every frame searches them
	i.addresses = make([]*address, 0, count)
	for k, p := range prefixes {
		if p.IsValid() {
			room = append(room, address{iface: i, ip: ipFrom(p.Addr()), bits: uint8(p.Bits())})
			*places[k] = &room[len(room)-1]
			i.addresses = append(i.addresses, *places[k])
		}
	}
	i.network, i.directed = 0xffffffff, 0xffffffff
	if i.ipv4 != nil && i.ipv4.bits <= 30 { // RFC 3021: a /31 has no broadcast addresses
		bits := int(i.ipv4.bits)
		i.network = i.ipv4.ip.masked(bits).lo
		i.directed = i.network | (1<<(32-bits) - 1)
	}
}

// register puts the interface into the tables; it cannot fail.
func (s *Stack) register(i *Interface, v *vlan) {
	slot := slices.Index(s.interfaces[1:], nil) + 1
	if slot == 0 {
		slot = len(s.interfaces)
		s.interfaces = append(s.interfaces, nil)
	}
	i.slot, i.vlan = uint32(slot), v
	s.interfaces[slot] = i
	s.handles.set(i.config.Handle, i)
	v.add(i)
	s.indexBindings(v)
	i.announcer.Init(i.announce)
	for _, n := range i.config.Static {
		i.addStatic(ipFrom(n.Addr), n.MAC)
	}
	i.linkChanged(s.up)
}

// indexBindings starts the binding index of a VLAN that has more than maxUnindexed
// interfaces.
func (s *Stack) indexBindings(v *vlan) {
	if v.bindings != nil || len(v.interfaces) <= maxUnindexed {
		return
	}
	v.bindings, v.shared = make(map[ip]bindingRef), make(map[ip]*sharedBinding)
	for id := uint32(1); id <= s.neighbors.entries.Len(); id++ {
		if n := s.neighbors.at(id); n.iface != 0 && s.interfaces[n.iface].vlan == v {
			v.addBinding(s.neighbors.address(n), n.iface)
		}
	}
}

// RemoveInterface deletes an interface and its neighbors. Its subscriptions end; the
// subscriber is not notified.
func (s *Stack) RemoveInterface(i *Interface) {
	if i.slot == 0 || i.stack != s {
		return
	}
	s.loop.Disarm(&i.announcer)
	s.forgetNeighbors(i)
	s.dropDelayed(i)
	i.leaveGroups()
	i.vlan.remove(i)
	if len(i.vlan.interfaces) == 0 {
		s.vlans.delete(i.vlan.key)
		s.recentVLAN = nil
	}
	s.neighbors.timers.FreeList(i.staleList)
	s.neighbors.timers.FreeList(i.foreignList)
	s.handles.delete(i.config.Handle)
	s.interfaces[i.slot] = nil
	i.slot = 0
	s.schedule()
}

// Interface returns an interface by its handle, nil if none has it.
func (s *Stack) Interface(handle uint32) *Interface { return s.handles.get(handle) }

// Handle returns the handle of the configuration.
func (i *Interface) Handle() uint32 { return i.config.Handle }

// MAC returns the interface's own MAC.
func (i *Interface) MAC() header.MAC { return i.config.MAC }

// Config returns the configuration with defaults filled in. The slices are borrowed.
func (i *Interface) Config() InterfaceConfig { return i.config }

// Status returns for each of the interface's addresses whether another station has it
// too, in the order IPv4, link-local, IPv6.
func (i *Interface) Status() []AddressStatus {
	status := make([]AddressStatus, 0, len(i.addresses))
	for _, a := range i.addresses {
		mac, at := a.contested()
		status = append(status, AddressStatus{
			Addr: a.ip.addr(), Duplicate: !mac.IsZero(), ConflictMAC: mac, ConflictAt: at,
		})
	}
	return status
}

// own returns the address a of the interface, nil if it does not have it.
func (i *Interface) own(a ip) *address {
	switch {
	case a.is4():
		if i.ipv4 != nil && i.ipv4.ip == a {
			return i.ipv4
		}
	case i.ipv6 != nil && i.ipv6.ip == a:
		return i.ipv6
	case i.linkLocal != nil && i.linkLocal.ip == a:
		return i.linkLocal
	}
	return nil
}

// isBroadcast reports whether a is a broadcast address of the interface's IPv4 prefix:
// all ones, or the obsolete form of all zeros (RFC 1122 section 3.3.6), or that of
// 169.254/16 (RFC 3927 section 2.6.2).
func (i *Interface) isBroadcast(a ip) bool {
	return a.lo == 0xffffffff || a.lo == linkLocalBroadcast || a.lo == i.network || a.lo == i.directed
}

// ethernetSize returns the length of the Ethernet header of the interface's frames.
func (i *Interface) ethernetSize() int {
	return header.EthernetSize + header.VLANSize*len(i.config.Tags)
}

// emitEthernet writes the Ethernet header of a frame and returns its length.
func (i *Interface) emitEthernet(frame []byte, dst header.MAC, kind header.EtherType) int {
	return header.EmitEthernet(frame, &dst, &i.config.MAC, i.config.Tags, kind)
}
