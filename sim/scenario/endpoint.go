package scenario

import (
	"net/netip"

	"glean/server/engine"
	"glean/sim/topology"
	"glean/stack/header"
	"glean/stack/loop"
)

// Endpoint is the scenario's own view of an interface of glean. It determines next
// hops independently of glean, so that glean can be judged by it.
type Endpoint struct {
	ID, PortID   string
	Segment      topology.Segment
	MAC          header.MAC
	RetransTimer loop.Duration
	Rate, Window int // limits of learning as configured; 0: none

	index      uint32
	vlans      uint32
	prefix     []byte // of its frames, from the source MAC to the EtherType: MAC and tags
	ipv4, ipv6 netip.Prefix
	gateway4   netip.Addr
	gateway6   netip.Addr
	linkLocal  netip.Addr
	respondFor []netip.Prefix
	maxEntries int

	requests      int                 // in progress
	nextHops      map[netip.Addr]bool // all that were ever wanted
	nextAt        loop.Time           // the earliest time of the next solicitation at Rate
	outstandingAt loop.Time
	outstanding   map[netip.Addr]bool // solicited at outstandingAt and not answered
}

func newEndpoint(n *topology.Network, spec engine.InterfaceSpec) *Endpoint {
	e := &Endpoint{
		ID: spec.ID, PortID: spec.PortID, vlans: vlanKey(spec.Tags), Segment: n.SegmentOf(spec.PortID, spec.Tags), MAC: spec.MAC,
		ipv4: spec.IPv4, ipv6: spec.IPv6, gateway4: spec.Gateway4, gateway6: spec.Gateway6,
		RetransTimer: spec.Neighbor.RetransTimer, respondFor: spec.RespondFor,
		maxEntries: spec.Neighbor.MaxEntries, Rate: spec.LearningRatePPS, Window: spec.LearningWindow,
		nextHops: make(map[netip.Addr]bool),
	}
	frame := make([]byte, header.EthernetSize+header.VLANSize*len(spec.Tags))
	header.EmitEthernet(frame, &header.MAC{}, &spec.MAC, spec.Tags, 0)
	e.prefix = frame[len(spec.MAC) : len(frame)-2]
	if spec.HasIPv6 {
		if e.linkLocal = spec.LinkLocal; !e.linkLocal.IsValid() {
			e.linkLocal = netip.AddrFrom16(header.LinkLocal(spec.MAC))
		}
	}
	if e.RetransTimer == 0 {
		e.RetransTimer = loop.Second
	}
	return e
}

var (
	linkLocal4 = netip.MustParsePrefix("169.254.0.0/16")
	linkLocal6 = netip.MustParsePrefix("fe80::/10")
)

// NextHop returns the next hop of packets to dst, or the zero Addr if there is no
// route. It shares no code with the stack, which it judges.
func (e *Endpoint) NextHop(dst netip.Addr) netip.Addr {
	prefix, gateway, always := e.ipv4, e.gateway4, linkLocal4
	if dst.Is6() {
		prefix, gateway, always = e.ipv6, e.gateway6, linkLocal6
		if !prefix.IsValid() && !e.linkLocal.IsValid() {
			return netip.Addr{}
		}
	} else if !prefix.IsValid() {
		return netip.Addr{}
	}
	if always.Contains(dst) || prefix.IsValid() && prefix.Contains(dst) {
		return dst
	}
	return gateway
}

// IsOwn reports whether an address is the interface's.
func (e *Endpoint) IsOwn(a netip.Addr) bool {
	return a == e.ipv4.Addr() || a == e.ipv6.Addr() || a == e.linkLocal
}

// segment returns the endpoint's segment, or "" without an endpoint.
func (e *Endpoint) segment() topology.Segment {
	if e == nil {
		return ""
	}
	return e.Segment
}

// NextHops returns how many next hops were ever wanted on the interface.
func (e *Endpoint) NextHops() int { return len(e.nextHops) }

// IsCrowded reports whether more next hops were wanted on the interface than its
// neighbor cache holds. Then table_full is right for some of them, and it is not
// known here for which.
func (e *Endpoint) IsCrowded() bool { return e.maxEntries > 0 && len(e.nextHops) > e.maxEntries }
