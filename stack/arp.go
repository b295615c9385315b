package stack

import "glean/stack/header"

// handleARP is the reception of RFC 826: the sender's entry is updated whatever the
// target is, it is created only if the target is ours, and only then a request is
// answered.
func (s *Stack) handleARP(v *vlan, eth *header.EthernetRepr, b []byte) {
	var r header.ARPRepr
	if err := r.Parse(b); err != nil {
		s.malformed(err)
		return
	}
	if r.Op == header.ARPRequest {
		s.counts().ARPRequestsReceived++
	} else {
		s.counts().ARPRepliesReceived++
	}
	if r.SenderMAC != eth.Src {
		s.counts().SenderMismatch++ // the MAC of the ARP packet is the one that is cached (RFC 826)
	}
	if isNoStation(r.SenderMAC) {
		s.drop(DropSenderMAC)
		return
	}
	sender, target := ipFrom4(r.SenderIP), ipFrom4(r.TargetIP)
	i, ours := v.arpRecipient(eth, target)
	if i != nil && !i.passesRxFilter() {
		s.drop(DropFilter)
		if !eth.Dst.IsMulticast() {
			return
		}
		i = nil
	}
	s.setRecipient(i)
	if i == nil && !eth.Dst.IsMulticast() {
		s.drop(DropOtherMAC)
		return
	}
	if own := v.own(sender); own != nil {
		if r.SenderMAC != own.iface.config.MAC && own.iface.passesRxFilter() {
			s.conflict(own, r.SenderMAC)
		}
		s.drop(DropConflict)
		return
	}
	probe := sender.lo == 0 // RFC 5227 section 2.1.1: no host has the address yet, so it is never cached
	if !probe && sender.isNotHost() {
		s.drop(DropSenderIP)
		return
	}
	if i != nil && !probe && i.isBroadcast(sender) {
		s.drop(DropSenderIP)
		return
	}
	if i != nil && r.SenderMAC == i.config.MAC {
		s.drop(DropSenderMAC) // our own frame came back, or another station has our MAC
		return
	}
	if !probe {
		s.hearARP(v, eth, &r, i, ours)
	}
	switch {
	case i == nil:
		s.drop(DropOtherAddress)
	case ours && r.Op == header.ARPRequest:
		if n := AnswerARP(s.frameBuffer(smallFrame), &r, i.station(true)); n > 0 {
			i.send(n, &s.counts().ARPRepliesSent)
		}
	}
}

// arpRecipient returns the interface that a message is for: the one that has the target
// address or answers for it (ours is true), else, for a unicast frame, the one with the
// MAC, because replies are matched by sender (RFC 826).
func (v *vlan) arpRecipient(eth *header.EthernetRepr, target ip) (i *Interface, ours bool) {
	if i, _ := v.owner(target); i != nil && (eth.Dst.IsMulticast() || eth.Dst == i.config.MAC) {
		return i, true
	}
	if eth.Dst.IsMulticast() {
		return nil, false
	}
	return v.station(eth.Dst), false
}

// hearARP updates the caches: that of the interface i that the message is for, and, for
// a broadcast, those of the other interfaces that have the sender as a neighbor.
func (s *Stack) hearARP(v *vlan, eth *header.EthernetRepr, r *header.ARPRepr, i *Interface, ours bool) {
	sender, cause := ipFrom4(r.SenderIP), CauseHeard
	if r.SenderIP == r.TargetIP {
		cause = CauseAnnounced
	}
	if i != nil {
		create := ours && r.Op == header.ARPRequest
		s.heard(i, sender, r.SenderMAC, message{
			cause: cause, create: create, answer: r.Op == header.ARPReply,
		})
	}
	if !eth.Dst.IsMulticast() || i != nil && len(v.interfaces) == 1 {
		return
	}
	for other := range s.affected(v, sender, binding{mac: r.SenderMAC}) {
		if other != i && other.passesRxFilter() {
			s.heard(other, sender, r.SenderMAC, message{cause: cause})
		}
	}
}

// A message is what a peer's message means for one interface's cache.
type message struct {
	cause  Cause
	create bool // it may create an entry
	answer bool // an ARP reply: it confirms if a request is outstanding
}

// heard applies a MAC of a message that does not confirm reachability by itself, or of
// an ARP reply.
func (s *Stack) heard(i *Interface, sender ip, mac header.MAC, m message) {
	if mac == i.config.MAC || sender.is4() && i.isBroadcast(sender) {
		return // counted for the interface that the message is for
	}
	id, free := s.neighbors.search(i.slot, sender)
	if id == 0 {
		if !m.create {
			if m.answer {
				s.drop(DropUnasked)
			}
			return
		}
		if id = s.admit(i, sender, free, s.loop.Now(), true); id == 0 {
			s.drop(DropForeignFull)
			return
		}
	}
	n := s.neighbors.at(id)
	s.suspect(n, mac, m.cause)
	if n.state == StateStatic {
		if n.mac != mac {
			s.drop(DropStatic)
		}
		return
	}
	lla := advertOther
	if n.state.HasMAC() && n.mac == mac {
		lla = advertSame
	}
	switch {
	case m.answer && s.outstanding(n, i):
		s.apply(id, advert(true, true, lla), mac, CauseAnswer)
	case lla == advertSame:
		s.apply(id, evHeardSame, mac, m.cause)
	default:
		s.apply(id, evHeardOther, mac, m.cause)
	}
}

// outstanding reports whether a reply that arrives now answers a request of ours.
func (s *Stack) outstanding(n *neighbor, i *Interface) bool {
	return n.flags&flagOutstanding != 0 &&
		(n.solicitation != 0 || s.loop.Now() < n.solicited.Add(i.config.Neighbor.RetransTimer))
}

// sendARPRequest sends a request for target to the MAC to, which may be Broadcast.
func (i *Interface) sendARPRequest(to header.MAC, target ip) bool {
	if i.ipv4.ip.isLinkLocal() {
		to = header.Broadcast // RFC 3927 section 2.5
	}
	return i.sendARP(to, &header.ARPRepr{
		Op: header.ARPRequest, SenderMAC: i.config.MAC, SenderIP: i.ipv4.ip.as4(), TargetIP: target.as4(),
	}, &i.stack.counts().ARPRequestsSent)
}

func (i *Interface) sendARP(dst header.MAC, r *header.ARPRepr, count *uint64) bool {
	frame := i.stack.frameBuffer(smallFrame)
	n := i.emitEthernet(frame, dst, header.EtherTypeARP)
	n += r.EmitTo(frame[n:])
	return i.send(n, count)
}
