package topology

import (
	"fmt"
	"net/netip"

	"glean/sim"
	"glean/stack/header"
	"glean/stack/link"
)

// LinkLocalHost is an IPv6 host that conforms to RFC 4861 in an unusual way: it
// answers solicitations from its link-local address instead of the target address
// (section 7.2.4 allows any address of the interface as source), and does not set
// the Override flag.
type LinkLocalHost struct {
	Origin
	Name   string
	On     string
	VLAN   uint16
	Number uint32 // of its MAC
	IPv6   netip.Addr
}

type linkLocalDevice struct {
	end    *sim.End
	mac    header.MAC
	addr   [16]byte
	tags   []header.VLAN
	frame  [128]byte
	frames [1][]byte
}

func (n *Network) addLinkLocalHosts() error {
	for _, spec := range n.topology.LinkLocalHosts {
		if !spec.IPv6.Is6() {
			return spec.Wrap(fmt.Errorf("host %s: %s is not an IPv6 address", spec.Name, spec.IPv6))
		}
		end, tags, segment, err := n.attach(spec.Name, spec.On, spec.VLAN, false, Wire{})
		if err != nil {
			return spec.Wrap(err)
		}
		d := &linkLocalDevice{end: end, mac: sim.MAC(sim.KindHost, spec.Number), addr: spec.IPv6.As16(), tags: tags}
		end.Attach(d)
		n.owners.assign(segment, spec.IPv6, d.mac, n.world.Now())
	}
	return nil
}

// HandleState implements link.Handler.
func (d *linkLocalDevice) HandleState(link.State) {}

// HandleFrame implements link.Handler.
func (d *linkLocalDevice) HandleFrame(frame []byte) {
	eth, payload, err := header.ParseEthernet(frame)
	if err != nil || eth.Type != header.EtherTypeIPv6 || !eth.Dst.IsMulticast() && eth.Dst != d.mac {
		return
	}
	ip, rest, err := header.ParseIPv6(payload)
	if err != nil || ip.NextHeader != header.ProtocolICMPv6 {
		return
	}
	ns, err := header.ParseNeighborSolicitation(ip, rest)
	if err != nil || ns.Target != d.addr || !ns.HasSourceLink {
		return
	}
	na := header.NeighborAdvertisement{Solicited: true, Target: d.addr, TargetLink: d.mac, HasTargetLink: true}
	out := header.IPv6Repr{
		Src: header.LinkLocal(d.mac), Dst: ip.Src, NextHeader: header.ProtocolICMPv6,
		HopLimit: header.NeighborHopLimit, PayloadLen: na.Size(),
	}
	e := header.EthernetRepr{Dst: ns.SourceLink, Src: d.mac, NumTags: uint8(len(d.tags)), Type: header.EtherTypeIPv6}
	copy(e.Tags[:], d.tags)
	at := e.Emit(d.frame[:])
	at += out.Emit(d.frame[at:])
	at += na.Emit(d.frame[at:], out.Src, out.Dst)
	d.frames[0] = d.frame[:at]
	_, _ = d.end.Send(d.frames[:]) // a full wire counts the drop
}
