package stack

import (
	"glean/stack/header"
	"glean/stack/loop"
)

// Constants of announcements and conflicts.
const (
	announceNum      = 2                // ANNOUNCE_NUM (RFC 5227 section 2.3)
	announceInterval = 2 * loop.Second  // ANNOUNCE_INTERVAL
	advertNum        = 3                // MAX_NEIGHBOR_ADVERTISEMENT (RFC 4861 section 10)
	defendInterval   = 10 * loop.Second // DEFEND_INTERVAL (RFC 5227 section 2.4)
)

// allRouters is ff02::2.
var allRouters = [16]byte{0: 0xff, 1: 0x02, 15: 0x02}

// linkChanged starts to join groups and, if configured, to announce when the link comes
// up, and stops it when the link goes down. It clears conflicts: the network may be
// another one. announceGap also applies across link flaps.
func (i *Interface) linkChanged(up bool) {
	s := i.stack
	s.loop.Disarm(&i.announcer)
	for _, a := range i.addresses {
		a.announcements = 0
		if a.rival != nil {
			a.rival.mac = header.MAC{}
		}
		if up && i.config.Announce {
			a.announcements, a.announceAt = advertNum, max(a.announceAt, s.loop.Now())
			if a.ip.is4() {
				a.announcements = announceNum
			}
		}
	}
	i.listener = listener{}
	if up && (i.joinGroups() || i.config.Announce && len(i.addresses) > 0) {
		s.loop.Arm(&i.announcer, s.loop.Now())
	}
}

// announce sends the reports and announcements that are due and arms the timer for the
// next.
func (i *Interface) announce() {
	now := i.stack.loop.Now()
	next := i.reportGroups(now) // first: switches must know where our groups are
	for _, a := range i.addresses {
		if a.announcements == 0 {
			continue
		}
		if a.announceAt <= now {
			a.announcements--
			a.announce(false)
			if a.announcements == 0 {
				i.stack.interfaceEvent(InterfaceEvent{Kind: EventAnnounced, Interface: i, Addr: a.ip.addr(), MAC: i.config.MAC})
				continue
			}
		}
		next = min(next, a.announceAt)
	}
	if next != loop.Never {
		i.stack.loop.Arm(&i.announcer, next)
	}
}

// announceGap returns the time between two announcements: RFC 5227 section 2.3, and RFC
// 4861 section 7.2.6 with RetransTimer.
func (i *Interface) announceGap(a *address) loop.Duration {
	if a.ip.is4() {
		return announceInterval
	}
	return i.config.Neighbor.RetransTimer
}

// announce sends one announcement of the address. The ARP form is a request with the
// address as sender and target (RFC 5227 section 2.3). The ND forms are two: an advert
// to all nodes that overrides, so that nodes that have another MAC for the address
// follow at once (RFC 4861 section 7.2.6), and one to all routers that does not
// override, from which routers without an entry create one (RFC 9131 section 6.1.2). A
// defence needs only the first.
func (a *address) announce(defence bool) {
	i := a.iface
	a.announceAt = i.stack.loop.Now().Add(i.announceGap(a))
	if a.ip.is4() {
		own := a.ip.as4()
		i.sendARP(header.Broadcast, &header.ARPRepr{
			Op: header.ARPRequest, SenderMAC: i.config.MAC, SenderIP: own, TargetIP: own,
		}, &i.stack.counts().Announcements)
		return
	}
	if !defence {
		a.advertise(allRouters, false)
	}
	a.advertise(header.AllNodes, true)
}

// advertise sends an unsolicited advert of an IPv6 address to a group.
func (a *address) advertise(group [16]byte, override bool) {
	i := a.iface
	frame := i.stack.frameBuffer(smallFrame)
	n := i.emitEthernet(frame, groupMAC16(group), header.EtherTypeIPv6)
	n += emitAdvert(frame[n:], group, a.ip.as16(), false, i.station(override))
	i.send(n, &i.stack.counts().Announcements)
}

// conflict handles another station with one of our addresses. The address stays ours and
// is defended, at most once in DEFEND_INTERVAL (RFC 5227 section 2.4, the choice for
// hosts that must keep their address).
func (s *Stack) conflict(a *address, other header.MAC) {
	s.counts().Conflicts++
	now := s.loop.Now()
	if a.rival == nil {
		a.rival = &rival{reported: neverSolicited, defended: neverSolicited}
	}
	r := a.rival
	known := r.mac == other
	r.mac, r.at = other, now
	defend := now >= r.defended.Add(defendInterval)
	if defend {
		r.defended = now
		a.announce(true)
	}
	if defend || !known && now >= r.reported.Add(loop.Second) {
		r.reported = now
		s.interfaceEvent(InterfaceEvent{
			Kind: EventConflict, Interface: a.iface, Addr: a.ip.addr(), MAC: other, Defended: defend,
		})
	}
}

func (s *Stack) interfaceEvent(e InterfaceEvent) {
	if s.options.Observer != nil {
		s.options.Observer.InterfaceEvent(e)
	}
}
