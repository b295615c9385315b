package stack

import "glean/stack/header"

// handleSolicitation implements RFC 4861 section 7.2.3. The parser has done the
// validation of section 7.1.1.
func (s *Stack) handleSolicitation(v *vlan, eth *header.EthernetRepr, ip6 *header.IPv6Repr, b []byte) {
	s.protocol = ProtocolND
	var r header.NeighborSolicitation
	if err := r.Parse(ip6, b); err != nil {
		s.malformed(err)
		return
	}
	s.counts().SolicitsReceived++
	target, source := ipFrom16(r.Target), ipFrom16(ip6.Src)
	i, exact := v.owner(target)
	switch {
	case i == nil:
		s.drop(DropOtherAddress)
		return
	case !i.passesRxFilter():
		s.drop(DropFilter)
		return
	case !eth.Dst.IsMulticast() && eth.Dst != i.config.MAC:
		s.drop(DropOtherMAC)
		return
	case r.HasSourceLink && isNoStation(r.SourceLink):
		s.drop(DropSenderMAC)
		return
	}
	if (source == ip{}) {
		// Duplicate address detection (RFC 4862 section 5.4.3): the answer goes to all
		// nodes, and nothing is cached.
		if eth.Src != i.config.MAC {
			i.respond(ip6.Src, &r, exact, eth.Dst)
		}
		return
	}
	if own := v.own(source); own != nil {
		if r.HasSourceLink && r.SourceLink != own.iface.config.MAC && own.iface.passesRxFilter() {
			s.conflict(own, r.SourceLink)
		}
		s.drop(DropConflict)
		return
	}
	if source.isNotHost() {
		s.drop(DropSenderIP)
		return
	}
	if r.HasSourceLink && r.SourceLink == i.config.MAC {
		s.drop(DropSenderMAC) // our own frame came back, or another station has our MAC
		return
	}
	if r.HasSourceLink {
		s.heard(i, source, r.SourceLink, message{cause: CauseHeard, create: true})
	}
	i.respond(ip6.Src, &r, exact, eth.Dst)
}

// answer sends an advert.
func (i *Interface) answer(to [16]byte, r *header.NeighborSolicitation, mac header.MAC, exact bool) {
	if n := AnswerSolicitation(i.stack.frameBuffer(smallFrame), to, r, mac, i.station(exact)); n > 0 {
		i.send(n, &i.stack.counts().AdvertsSent)
	}
}

// station returns the interface as a Station. exact means that it answers for an address
// of its own, not as a proxy.
func (i *Interface) station(exact bool) *Station {
	return &Station{MAC: i.config.MAC, Tags: i.config.Tags, Router: i.stack.options.IsRouter, Override: exact}
}

// answerUnknown answers a solicitation without a link-layer address: to the cached MAC,
// else after the source has been solicited. The source is a neighbor whatever its
// address is (RFC 4861 section 7.2.4), so the answer goes through no gateway.
func (i *Interface) answerUnknown(to [16]byte, r *header.NeighborSolicitation, exact bool) {
	s := i.stack
	id := s.neighbors.find(i.slot, ipFrom16(to))
	if id != 0 {
		if n := s.neighbors.at(id); n.state.HasMAC() {
			i.answer(to, r, n.mac, exact)
			return
		}
	}
	frame := s.frameBuffer(smallFrame)
	const room = header.EthernetSize + header.MaxTags*header.VLANSize
	n := emitAdvert(frame[room:], to, r.Target, true, i.station(exact))
	i.outputTo(ipFrom16(to), frame[room:room+n], byPeer)
}

// handleAdvert implements RFC 4861 section 7.2.5.
func (s *Stack) handleAdvert(v *vlan, eth *header.EthernetRepr, ip6 *header.IPv6Repr, b []byte) {
	s.protocol = ProtocolND
	var r header.NeighborAdvertisement
	if err := r.Parse(ip6, b); err != nil {
		s.malformed(err)
		return
	}
	s.counts().AdvertsReceived++
	target := ipFrom16(r.Target)
	if r.HasTargetLink && (r.TargetLink.IsZero() || r.TargetLink.IsMulticast()) {
		s.drop(DropSenderMAC)
		return
	}
	if own := v.own(target); own != nil {
		other := eth.Src
		if r.HasTargetLink {
			other = r.TargetLink
		}
		if other != own.iface.config.MAC && own.iface.passesRxFilter() {
			s.conflict(own, other)
		}
		s.drop(DropConflict)
		return
	}
	if !eth.Dst.IsMulticast() {
		own := v.own(ipFrom16(ip6.Dst))
		if own == nil || own.iface.config.MAC != eth.Dst {
			s.drop(DropOtherMAC)
			return
		}
		if !s.hearAdvert(own.iface, target, &r) {
			s.drop(DropUnasked)
		}
		return
	}
	known := false
	for i := range s.affected(v, target, binding{r.TargetLink, r.Router}) {
		known = s.hearAdvert(i, target, &r) || known
	}
	if !known && !v.hasBinding(target) {
		s.drop(DropUnasked)
	}
}

// hearAdvert applies an advertisement to one interface's cache. It reports whether the
// target is in the cache. If not, nothing is done: hosts do not create entries from
// adverts (RFC 9131 section 6.1.1 lets only routers).
func (s *Stack) hearAdvert(i *Interface, target ip, r *header.NeighborAdvertisement) bool {
	id := s.neighbors.find(i.slot, target)
	if id == 0 || !i.passesRxFilter() {
		return false
	}
	n := s.neighbors.at(id)
	cause := CauseAnnounced
	if r.Solicited {
		cause = CauseAnswer
	}
	lla := advertNone
	if r.HasTargetLink {
		if r.TargetLink == i.config.MAC {
			s.drop(DropSenderMAC)
			return true
		}
		s.suspect(n, r.TargetLink, cause)
		lla = advertOther
		if n.state.HasMAC() && n.mac == r.TargetLink {
			lla = advertSame
		}
	}
	if n.state == StateStatic {
		if lla == advertOther {
			s.drop(DropStatic)
		}
		return true
	}
	if lla == advertNone && n.state == StateIncomplete {
		s.drop(DropNoLinkAddress)
	}
	if n.state.accepts(r.Solicited, r.Override, lla) {
		s.setRouter(i, n, r.Router)
	}
	s.apply(id, advert(r.Solicited, r.Override, lla), r.TargetLink, cause)
	return true
}

// setRouter sets IsRouter to the flag of an accepted advert.
func (s *Stack) setRouter(i *Interface, n *neighbor, router bool) {
	was := n.flags&flagRouter != 0
	n.flags &^= flagRouter
	if router {
		n.flags |= flagRouter
	}
	s.bindingChanged(i, n)
	if was && !router && s.options.Observer != nil {
		s.options.Observer.NeighborChanged(NeighborEvent{
			Interface: i, Addr: s.neighbors.address(n).addr(), Old: n.state, New: n.state,
			OldMAC: n.mac, MAC: n.mac, Cause: CauseAnnounced, RouterLost: true, Tracked: n.isTracked(),
		})
	}
}

// solicitSource returns the source address of solicitations for an IPv6 neighbor: the
// source of the first held packet if that is ours, else an address of the right scope
// (RFC 4861 section 7.2.2).
func (i *Interface) solicitSource(sol *solicitation, target ip) ip {
	if sol.packets > 0 {
		packet := header.IPv6(i.stack.packets.slots[sol.head].data)
		if len(packet) >= header.IPv6Size && packet.Version() == 6 {
			if own := i.own(ipFrom16(packet.Src())); own != nil {
				return own.ip
			}
		}
	}
	return i.source(target).ip
}

// sendSolicitation sends a solicitation to the solicited-node group of the target (if to
// is Broadcast), or to the one station to.
func (i *Interface) sendSolicitation(to header.MAC, target, from ip) bool {
	src := from.as16()
	ns := header.NeighborSolicitation{Target: target.as16(), SourceLink: i.config.MAC, HasSourceLink: true}
	dst := ns.Target
	if to.IsBroadcast() {
		dst = header.SolicitedNode(ns.Target)
		to = groupMAC16(dst)
	}
	frame := i.stack.frameBuffer(smallFrame)
	n := i.emitEthernet(frame, to, header.EtherTypeIPv6)
	n += ns.EmitPacket(frame[n:], &src, &dst)
	return i.send(n, &i.stack.counts().SolicitsSent)
}

// groupMAC16 returns the MAC of an IPv6 group (RFC 2464 section 7).
func groupMAC16(g [16]byte) header.MAC {
	return header.MAC{0x33, 0x33, g[12], g[13], g[14], g[15]}
}
