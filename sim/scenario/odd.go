package scenario

import (
	"fmt"
	"net/netip"

	"glean/sim"
	"glean/stack/header"
	"glean/stack/link"
)

// Odd is an IPv6 host that is right, but not as most are: it answers
// solicitations from its link-local address instead of the one that was asked
// for (RFC 4861 section 7.2.4 wants any of its addresses as the source), and does
// not set the Override flag.
type Odd struct {
	Origin
	Name   string
	On     string
	VLAN   uint16
	Number uint32
	IPv6   netip.Addr
}

type oddHost struct {
	end   *sim.End
	mac   header.MAC
	addr  [16]byte
	tags  []header.VLAN
	frame [128]byte
	one   [1][]byte
}

func (n *Network) addOdd() error {
	for _, spec := range n.topology.Odd {
		if !spec.IPv6.Is6() {
			return spec.Wrap(fmt.Errorf("host %s: %s is not an IPv6 address", spec.Name, spec.IPv6))
		}
		end, tags, seg, err := n.attach(spec.Name, spec.On, spec.VLAN, false, Wire{})
		if err != nil {
			return spec.Wrap(err)
		}
		h := &oddHost{end: end, mac: sim.MAC(sim.KindHost, spec.Number), addr: spec.IPv6.As16(), tags: tags}
		end.Attach(h)
		n.owners.take(seg, spec.IPv6, h.mac, n.now())
	}
	return nil
}

// HandleState implements link.Handler.
func (h *oddHost) HandleState(link.State) {}

// HandleFrame implements link.Handler.
func (h *oddHost) HandleFrame(frame []byte) {
	eth, payload, err := header.ParseEthernet(frame)
	if err != nil || eth.Type != header.EtherTypeIPv6 || !eth.Dst.IsMulticast() && eth.Dst != h.mac {
		return
	}
	ip, rest, err := header.ParseIPv6(payload)
	if err != nil || ip.NextHeader != header.ProtocolICMPv6 {
		return
	}
	ns, err := header.ParseNeighborSolicitation(ip, rest)
	if err != nil || ns.Target != h.addr || !ns.HasSourceLink {
		return
	}
	na := header.NeighborAdvertisement{Solicited: true, Target: h.addr, TargetLink: h.mac, HasTargetLink: true}
	out := header.IPv6Repr{
		Src: header.LinkLocal(h.mac), Dst: ip.Src, NextHeader: header.ProtocolICMPv6,
		HopLimit: header.NeighborHopLimit, PayloadLen: na.Size(),
	}
	e := header.EthernetRepr{Dst: ns.SourceLink, Src: h.mac, NumTags: uint8(len(h.tags)), Type: header.EtherTypeIPv6}
	copy(e.Tags[:], h.tags)
	at := e.Emit(h.frame[:])
	at += out.Emit(h.frame[at:])
	at += na.Emit(h.frame[at:], out.Src, out.Dst)
	h.one[0] = h.frame[:at]
	h.end.Send(h.one[:])
}
