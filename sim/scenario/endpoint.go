package scenario

import (
	"net/netip"

	"glean/server/engine"
	"glean/stack/header"
	"glean/stack/loop"
)

// endpoint is an interface of glean as the scenario knows it: enough to say for
// itself what the next hop to somewhere is, and who has it.
type endpoint struct {
	id      string
	index   uint32
	port    string
	vlans   uint32
	segment segment
	mac     header.MAC
	own     []byte // what its frames have between their destination and their type: MAC and tags
	ipv4    netip.Prefix
	ipv6    netip.Prefix
	gate4   netip.Addr
	gate6   netip.Addr
	local   netip.Addr // link-local
	retrans loop.Duration
	respond []netip.Prefix

	maxEntries, rate, window int                 // as configured
	users                    int                 // requests in progress
	hops                     map[netip.Addr]bool // ever wanted
	nextAt                   loop.Time           // not before then may be asked again, at that rate
	flyingAt                 loop.Time
	flying                   map[netip.Addr]bool // asked for at flyingAt, and not answered
}

func (n *Network) newEndpoint(spec engine.InterfaceSpec) *endpoint {
	e := &endpoint{
		id: spec.ID, port: spec.PortID, vlans: vlanKey(spec.Tags), segment: n.segmentOf(spec.PortID, spec.Tags), mac: spec.MAC,
		ipv4: spec.IPv4, ipv6: spec.IPv6, gate4: spec.Gateway4, gate6: spec.Gateway6,
		retrans: spec.Neighbor.RetransTimer, respond: spec.RespondFor,
		maxEntries: spec.Neighbor.MaxEntries, rate: spec.LearningRatePPS, window: spec.LearningWindow,
	}
	whole := make([]byte, header.EthernetSize+header.VLANSize*len(spec.Tags))
	header.EmitEthernet(whole, &header.MAC{}, &spec.MAC, spec.Tags, 0)
	e.own = whole[len(spec.MAC) : len(whole)-2]
	if spec.HasIPv6 {
		if e.local = spec.LinkLocal; !e.local.IsValid() {
			e.local = netip.AddrFrom16(header.LinkLocal(spec.MAC))
		}
	}
	if e.retrans == 0 {
		e.retrans = loop.Second
	}
	return e
}

var (
	linkLocal4 = netip.MustParsePrefix("169.254.0.0/16")
	linkLocal6 = netip.MustParsePrefix("fe80::/10")
)

// nextHop is the address to ask for on the way to dst; invalid if there is no
// route. It is written apart from the stack's, to judge it.
func (e *endpoint) nextHop(dst netip.Addr) netip.Addr {
	prefix, gate, always := e.ipv4, e.gate4, linkLocal4
	if dst.Is6() {
		prefix, gate, always = e.ipv6, e.gate6, linkLocal6
		if !prefix.IsValid() && !e.local.IsValid() {
			return netip.Addr{}
		}
	} else if !prefix.IsValid() {
		return netip.Addr{}
	}
	if always.Contains(dst) || prefix.IsValid() && prefix.Contains(dst) {
		return dst
	}
	return gate
}

// isOwn tells whether an address is the interface's.
func (e *endpoint) isOwn(a netip.Addr) bool {
	return a == e.ipv4.Addr() || a == e.ipv6.Addr() || a == e.local
}
