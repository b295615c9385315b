package stack

import (
	"fmt"
	"net/netip"

	"glean/stack/header"
	"glean/stack/loop"
)

// InterfaceConfig describes an interface. Zero addresses and prefixes are absent.
type InterfaceConfig struct {
	Handle uint32 // the caller's name for it, unique in the stack
	MAC    header.MAC
	Tags   []header.VLAN // outermost first, at most 2

	IPv4      netip.Prefix // address and prefix length
	Gateway4  netip.Addr
	LinkLocal netip.Addr   // absent with IPv6 given: made from the MAC
	IPv6      netip.Prefix // address and the length of the on-link prefix
	Gateway6  netip.Addr

	Announce   bool           // announce the addresses when the link comes up
	Quiet      bool           // send no MLD reports: for links on which no switch snoops MLD
	RespondFor []netip.Prefix // answer for all addresses in these prefixes too
	Static     []StaticNeighbor
	Neighbor   NeighborConfig // zero members get their defaults

	// RxFilter reports whether a received frame reaches the interface, TxFilter
	// whether one of its frames leaves; nil passes all. TxFilter applies to packets of
	// Output too. The frame is borrowed.
	RxFilter, TxFilter func(frame []byte) bool
}

// StaticNeighbor is a neighbor that is never solicited.
type StaticNeighbor struct {
	Addr netip.Addr
	MAC  header.MAC
}

// NeighborConfig is the settings of the neighbor state machine.
type NeighborConfig struct {
	RetransTimer    loop.Duration // least time between two solicitations of a neighbor
	ReachableTime   loop.Duration // mean time for which a confirmation is valid
	DelayFirstProbe loop.Duration // from the first packet to a STALE neighbor to the first probe
	MulticastSolicits,
	UnicastSolicits int // solicitations before giving up
	MaxEntries      int  // neighbors of the interface
	MaxHeld         int  // packets held for an unresolved neighbor
	KeepUnreachable bool // RFC 7048: keep a neighbor whose probes are unanswered
	// ProbeInterval is how long a tracked neighbor may stay unconfirmed before it
	// is probed, 100 ms at least; 0: its ReachableTime. See Track.
	ProbeInterval loop.Duration
	// ProxyDelay is the longest delay of an advert for an address of RespondFor; each
	// delay is random. At most 1 s, which is MAX_ANYCAST_DELAY_TIME. 0 is right if no
	// other station answers for these addresses.
	ProxyDelay loop.Duration
}

// DefaultNeighborConfig returns the constants of RFC 4861 section 10, which ARP uses too
// (RFC 1122 section 2.3.2.1 recommends at most one request a second).
func DefaultNeighborConfig() NeighborConfig {
	return NeighborConfig{
		RetransTimer:      1 * loop.Second,  // RETRANS_TIMER
		ReachableTime:     30 * loop.Second, // REACHABLE_TIME
		DelayFirstProbe:   5 * loop.Second,  // DELAY_FIRST_PROBE_TIME
		MulticastSolicits: 3,                // MAX_MULTICAST_SOLICIT
		UnicastSolicits:   3,                // MAX_UNICAST_SOLICIT
		MaxEntries:        1 << 20,
		MaxHeld:           32, // RFC 4861 section 7.2.2: at least one
	}
}

// withDefaults returns the settings with zero members replaced by defaults.
func (c NeighborConfig) withDefaults() NeighborConfig {
	d := DefaultNeighborConfig()
	fill := func(v *loop.Duration, d loop.Duration) {
		if *v == 0 {
			*v = d
		}
	}
	fill(&c.RetransTimer, d.RetransTimer)
	fill(&c.ReachableTime, d.ReachableTime)
	fill(&c.DelayFirstProbe, d.DelayFirstProbe)
	for _, f := range [...]struct{ v, d *int }{
		{&c.MulticastSolicits, &d.MulticastSolicits}, {&c.UnicastSolicits, &d.UnicastSolicits},
		{&c.MaxEntries, &d.MaxEntries}, {&c.MaxHeld, &d.MaxHeld},
	} {
		if *f.v == 0 {
			*f.v = *f.d
		}
	}
	return c
}

// ConfigError names the invalid member of an InterfaceConfig, and the other interface if
// one conflicts with it.
type ConfigError struct {
	Field, Detail string
	Other         *Interface
}

func (e *ConfigError) Error() string { return e.Field + ": " + e.Detail }

func fault(field, format string, args ...any) error {
	return &ConfigError{Field: field, Detail: fmt.Sprintf(format, args...)}
}

// validate checks all rules that do not depend on other interfaces.
func (c *InterfaceConfig) validate() error {
	if c.MAC.IsZero() || c.MAC.IsMulticast() {
		return fault("MAC", "%v is not the address of a station", c.MAC)
	}
	if len(c.Tags) > header.MaxTags {
		return fault("Tags", "must be at most %d tags, got %d", header.MaxTags, len(c.Tags))
	}
	for _, t := range c.Tags {
		if t.ID < 1 || t.ID > 4094 {
			return fault("Tags", "VLAN ID must be between 1 and 4094, got %d", t.ID)
		}
		if t.TPID != 0 && !t.TPID.IsTag() {
			return fault("Tags", "TPID %v is not of a VLAN tag", t.TPID)
		}
	}
	for _, check := range [...]func() error{c.validateIPv4, c.validateIPv6, c.validateRanges, c.validateNeighbor} {
		if err := check(); err != nil {
			return err
		}
	}
	return nil
}

func (c *InterfaceConfig) validateIPv4() error {
	if c.IPv4.IsValid() {
		a := c.IPv4.Addr()
		if !a.Is4() || ipFrom(a).isNotHost() {
			return fault("IPv4", "%v is not the address of a host", a)
		}
		if IsBroadcast(a, c.IPv4) {
			return fault("IPv4", "%v is a broadcast address of %v", a, c.IPv4.Masked())
		}
	}
	return validateGateway("Gateway4", c.Gateway4, c.IPv4, netip.Addr{})
}

// IsBroadcast reports whether a is a broadcast address of an IPv4 prefix: all ones, or
// the obsolete form of all zeros (RFC 1122 section 3.3.6), or that of 169.254/16 (RFC
// 3927 section 2.6.2). A /31 and a /32 have none (RFC 3021 section 2.2).
func IsBroadcast(a netip.Addr, p netip.Prefix) bool {
	if !a.Is4() {
		return false
	}
	x := ipFrom(a)
	if x.lo == linkLocalBroadcast {
		return true
	}
	if !p.Addr().Is4() || p.Bits() > 30 || !p.Contains(a) {
		return false
	}
	host := uint64(1)<<(32-p.Bits()) - 1
	return x.lo&host == 0 || x.lo&host == host
}

func (c *InterfaceConfig) validateIPv6() error {
	if c.LinkLocal.IsValid() && !(c.LinkLocal.Is6() && ipFrom(c.LinkLocal).isLinkLocal()) {
		return fault("LinkLocal", "%v is not in fe80::/10", c.LinkLocal)
	}
	if c.IPv6.IsValid() {
		a := c.IPv6.Addr()
		if !a.Is6() || a.Is4In6() || ipFrom(a).isNotHost() || a.Zone() != "" {
			return fault("IPv6", "%v is not the address of a host", a)
		}
		if ipFrom(a).isLinkLocal() {
			return fault("IPv6", "%v is link-local", a)
		}
	}
	linkLocal := c.LinkLocal
	if c.IPv6.IsValid() && !linkLocal.IsValid() {
		linkLocal = netip.AddrFrom16(header.LinkLocal(c.MAC))
	}
	return validateGateway("Gateway6", c.Gateway6, c.IPv6, linkLocal.WithZone(""))
}

// validateGateway checks that a gateway lies in the prefix, except link-local gateways
// and those of host and point-to-point prefixes. own is the interface's link-local
// address, if it has one.
func validateGateway(field string, gateway netip.Addr, prefix netip.Prefix, own netip.Addr) error {
	if !gateway.IsValid() {
		return nil
	}
	linkLocal := gateway.Is6() && ipFrom(gateway).isLinkLocal()
	switch {
	case ipFrom(gateway).isNotHost() || gateway.Is4In6():
		return fault(field, "%v is not the address of a router", gateway)
	case IsBroadcast(gateway, prefix):
		return fault(field, "%v is a broadcast address of %v", gateway, prefix.Masked())
	case gateway.WithZone("") == own:
		return fault(field, "%v is the interface's own address", gateway)
	case linkLocal && own.IsValid():
		return nil
	case !prefix.IsValid() || gateway.Is4() != prefix.Addr().Is4():
		return fault(field, "%v has no address of its family beside it", gateway)
	case gateway.WithZone("") == prefix.Addr():
		return fault(field, "%v is the interface's own address", gateway)
	case prefix.Bits() < prefix.Addr().BitLen()-1 && !prefix.Contains(gateway):
		return fault(field, "%v is not in %v", gateway, prefix.Masked())
	}
	return nil
}

func (c *InterfaceConfig) validateRanges() error {
	for _, p := range c.RespondFor {
		if !p.IsValid() || p.Addr().Is4In6() || p.Addr().Zone() != "" || ipFrom(p.Addr()).isMulticast() {
			return fault("RespondFor", "%v is not a prefix of hosts", p)
		}
	}
	for _, n := range c.Static {
		if !n.Addr.IsValid() || n.Addr.Is4In6() || ipFrom(n.Addr).isNotHost() || IsBroadcast(n.Addr, c.IPv4) {
			return fault("Static", "%v is not the address of a host", n.Addr)
		}
		if n.MAC.IsZero() || n.MAC.IsMulticast() {
			return fault("Static", "%v is not the MAC of a station", n.MAC)
		}
	}
	return nil
}

func (c *InterfaceConfig) validateNeighbor() error {
	n := c.Neighbor.withDefaults()
	const day = 24 * 3600 * loop.Second // far below the range of the timers
	for _, f := range [...]struct {
		name  string
		value loop.Duration
	}{{"RetransTimer", n.RetransTimer}, {"ReachableTime", n.ReachableTime}, {"DelayFirstProbe", n.DelayFirstProbe}} {
		if f.value < loop.Millisecond || f.value > 7*day {
			return fault("Neighbor."+f.name, "must be between 1 ms and 7 days, got %v", f.value)
		}
	}
	if p := n.ProbeInterval; p != 0 && (p < 100*loop.Millisecond || p > 7*day) {
		return fault("Neighbor.ProbeInterval", "must be between 100 ms and 7 days, got %v", p)
	}
	if d := n.ProxyDelay; d < 0 || d > maxAnycastDelay {
		return fault("Neighbor.ProxyDelay", "must be between 0 and %v, got %v", maxAnycastDelay, d)
	}
	for _, f := range [...]struct {
		name         string
		value, limit int
	}{
		{"MulticastSolicits", n.MulticastSolicits, 255}, {"UnicastSolicits", n.UnicastSolicits, 255},
		{"MaxEntries", n.MaxEntries, maxIDs}, {"MaxHeld", n.MaxHeld, 65535},
	} {
		if f.value < 1 || f.value > f.limit {
			return fault("Neighbor."+f.name, "must be between 1 and %d, got %d", f.limit, f.value)
		}
	}
	return nil
}
