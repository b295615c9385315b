package stack

import (
	"glean/stack/header"
	"glean/stack/loop"
	"glean/stack/wheel"
)

// needsSolicitation reports whether a neighbor needs a solicitation record.
func (s *Stack) needsSolicitation(n *neighbor) bool {
	switch n.state {
	case StateIncomplete, StateProbe, StateUnreachable:
		return true
	case StateNone:
		return false
	}
	return n.solicitation != 0 && s.solicitations.At(n.solicitation).subscriptions != 0
}

// startSolicitation creates the solicitation record of a neighbor.
func (s *Stack) startSolicitation(id uint32, n *neighbor) {
	n.solicitation = s.solicitations.Alloc()
	s.solicitations.At(n.solicitation).neighbor = id
}

// stopSolicitation frees the solicitation record of a neighbor with its subscriptions
// and held packets.
func (s *Stack) stopSolicitation(n *neighbor) {
	sol := s.solicitations.At(n.solicitation)
	for sol.subscriptions != 0 {
		s.unlinkSubscription(sol, sol.subscriptions)
	}
	s.dropHeldPackets(sol)
	s.solicitTimers.Remove(n.solicitation)
	s.solicitations.Release(n.solicitation)
	n.solicitation = 0
}

// restartSolicitation resets the counts of a solicitation after the MAC or state of its
// neighbor changed, and schedules the next one as soon as RetransTimer allows.
func (s *Stack) restartSolicitation(n *neighbor, i *Interface) {
	sol := s.solicitations.At(n.solicitation)
	sol.selfSent, sol.multicasts = 0, 0
	n.flags &^= flagTriedUnicast
	if n.state == StateProbe || n.isTrackedIncomplete() {
		sol.flags &^= solicitNotified // the stack solicits, whatever the subscriber's window permits
	}
	if sol.flags&solicitNotified == 0 {
		now := s.loop.Now()
		s.solicitTimers.Set(n.solicitation, max(now, n.solicited.Add(i.config.Neighbor.RetransTimer)), now)
	}
}

// setSolicitTimer arms the timer of the next solicitation.
func (s *Stack) setSolicitTimer(n *neighbor, sol *solicitation, i *Interface, now loop.Time) {
	if sol.flags&solicitNotified == 0 {
		if at := s.nextSolicit(n, sol, i, now); at != loop.Never {
			s.solicitTimers.Set(n.solicitation, at, now)
			return
		}
	}
	s.solicitTimers.Remove(n.solicitation)
}

// nextSolicit returns when a neighbor is solicited next, or when the last solicitation
// counts as unanswered. It returns Never if no subscription has time left for an answer.
func (s *Stack) nextSolicit(n *neighbor, sol *solicitation, i *Interface, now loop.Time) loop.Time {
	c := &i.config.Neighbor
	earliest := max(now, n.solicited.Add(c.RetransTimer)) // RFC 4861 section 7.2.2, RFC 1122 section 2.3.2.1
	switch {
	case n.state == StateProbe || sol.flags&solicitSelf != 0:
		return earliest
	case sol.subscriptions == 0 && n.state == StateUnreachable:
		return max(earliest, n.solicited.Add(unreachableGap(c.RetransTimer, sol.selfSent)))
	case sol.attempts == 0 || sol.subscriptions == 0 && !n.isTrackedIncomplete() || s.isNewlyLost(n, sol, i):
		return earliest
	}
	at, useful := max(earliest, n.solicited.Add(solicitGap(c, sol.multicasts))), n.isTrackedIncomplete()
	for h := sol.subscriptions; h != 0; h = s.subscriptions.At(h).next {
		deadline := s.subscriptions.At(h).deadline
		last := loop.Time(int64(deadline) - int64(c.RetransTimer))
		switch {
		case last >= earliest:
			at, useful = min(at, max(earliest, wheel.TickDown(last))), true // a timer expires up to a tick late
		case int(sol.multicasts) < c.MulticastSolicits && earliest.Add(minAnswerTime(c)) <= deadline:
			useful = true // RFC 4861 section 7.2.2 retransmits once more, and an answer can be in time
		}
	}
	if !useful {
		return loop.Never
	}
	return at
}

// minAnswerTime returns the least time before a deadline at which the retransmissions of
// RFC 4861 section 7.2.2 are still sent. With less time left, the answer would come too
// late.
func minAnswerTime(c *NeighborConfig) loop.Duration { return c.RetransTimer / 10 }

// solicitGap returns the time to the next solicitation of a neighbor with subscriptions,
// after a number of multicast ones: RetransTimer while RFC 4861 section 7.2.2 would
// retransmit, then twice as long each time, at most maxSolicitGap. Unicast solicitations
// do not count: an unanswered one must not delay the multicast ones.
func solicitGap(c *NeighborConfig, multicasts uint16) loop.Duration {
	gap := c.RetransTimer
	for k := c.MulticastSolicits; k <= int(multicasts) && gap < maxSolicitGap; k++ {
		gap *= 2
	}
	return max(c.RetransTimer, min(gap, maxSolicitGap))
}

// unreachableGap returns the time to the next solicitation in UNREACHABLE (RFC 7048
// sections 3 and 4): three times as long each time (BACKOFF_MULTIPLE), at most a minute
// (MAX_RETRANS_TIMER).
func unreachableGap(retrans loop.Duration, tries uint8) loop.Duration {
	const longest = 60 * loop.Second
	gap := retrans
	for k := uint8(0); k < tries && gap < longest; k++ {
		gap *= 3
	}
	return max(retrans, min(gap, longest))
}

// solicitTimerExpired handles the timer of a solicitation: the next one is due, or the
// last one is unanswered.
func (s *Stack) solicitTimerExpired(solID uint32) {
	sol := s.solicitations.At(solID)
	id := sol.neighbor
	n := s.neighbors.at(id)
	i := s.interfaces[n.iface]
	if s.up && s.isNewlyLost(n, sol, i) {
		s.reportLost(n, sol, i)
	}
	switch {
	case !s.up:
		// resumeSolicitations arms the timer again.
	case n.state == StateProbe:
		s.probe(id, n, sol, i)
	case sol.flags&solicitSelf != 0 && int(sol.selfSent) < i.config.Neighbor.MulticastSolicits:
		s.solicitNow(n, sol, i)
	case sol.flags&solicitSelf != 0:
		s.failHeldPackets(id, n, sol, i)
	case n.isTrackedIncomplete():
		s.solicitTracked(n, sol, i)
	case sol.subscriptions != 0:
		s.notifyDue(sol)
	case n.state == StateUnreachable && sol.flags&solicitUsed != 0:
		sol.flags &^= solicitUsed
		s.solicitNow(n, sol, i)
	default: // INCOMPLETE or UNREACHABLE without subscriptions and packets
		s.apply(id, evExhausted, header.MAC{}, CauseNoReply)
	}
}

// solicitNow solicits without the subscriber. Solicitations that did not leave do not
// count for a tracked neighbor, so that they do not make it lost.
func (s *Stack) solicitNow(n *neighbor, sol *solicitation, i *Interface) {
	now := s.loop.Now()
	if sent := s.solicit(n, sol, i, now); sol.selfSent < 255 && (sent || !n.isTracked()) {
		sol.selfSent++
	}
	s.setSolicitTimer(n, sol, i, now)
}

// probe sends the next probe, or acts on the last one being unanswered (RFC 4861 section
// 7.3.3). With a subscription one probe is enough, as in other states: the subscriber
// needs the station that has the address now.
func (s *Stack) probe(id uint32, n *neighbor, sol *solicitation, i *Interface) {
	probes := i.config.Neighbor.UnicastSolicits
	if sol.subscriptions != 0 {
		probes = 1
	}
	switch {
	case int(sol.selfSent) < probes:
		s.solicitNow(n, sol, i)
	case sol.subscriptions != 0:
		s.apply(id, evUnanswered, header.MAC{}, CauseNoReply)
	case i.config.Neighbor.KeepUnreachable:
		sol.flags |= solicitUsed // a packet was sent, else it would not be in PROBE
		s.apply(id, evUnreachable, header.MAC{}, CauseNoReply)
	default:
		s.apply(id, evExhausted, header.MAC{}, CauseNoReply)
	}
}

// failHeldPackets drops the held packets of an unanswered neighbor. Subscriptions go on.
func (s *Stack) failHeldPackets(id uint32, n *neighbor, sol *solicitation, i *Interface) {
	sol.flags &^= solicitSelf
	s.dropHeldPackets(sol)
	switch {
	case n.isTracked():
		s.setSolicitTimer(n, sol, i, s.loop.Now())
	case sol.subscriptions != 0:
		s.notifyDue(sol)
	default:
		s.apply(id, evExhausted, header.MAC{}, CauseNoReply)
	}
}

// resumeSolicitations lets every neighbor with a solicitation be solicited now. It is
// called when the link comes up.
func (s *Stack) resumeSolicitations() {
	now := s.loop.Now()
	for id := uint32(1); id <= s.solicitations.Len(); id++ {
		sol := s.solicitations.At(id)
		if sol.neighbor == 0 {
			continue
		}
		n := s.neighbors.at(sol.neighbor)
		sol.multicasts = 0 // a station that did not answer so far may be connected now
		sol.flags &^= solicitNotified
		s.solicitTimers.Set(id, max(now, n.solicited.Add(s.interfaces[n.iface].config.Neighbor.RetransTimer)), now)
	}
}

// solicit sends one solicitation: by unicast in PROBE and, first, to a neighbor with a
// MAC; else to all stations.
func (s *Stack) solicit(n *neighbor, sol *solicitation, i *Interface, now loop.Time) bool {
	to, unicast := header.Broadcast, false // in IPv6 it stands for the solicited-node group
	if n.state == StateProbe || n.state.HasMAC() && n.state != StateUnreachable && s.worthUnicast(n, sol, i, now) {
		to, unicast = n.mac, true
	}
	sol.flags &^= solicitNotified
	n.solicited = now
	n.flags = n.flags&^flagAnswered | flagOutstanding
	target := s.neighbors.address(n)
	sent := false
	if target.is4() {
		sent = i.sendARPRequest(to, target)
	} else {
		sent = i.sendSolicitation(to, target, i.solicitSource(sol, target))
	}
	if !sent {
		return false
	}
	sol.attempts++
	switch {
	case !unicast && sol.multicasts < 1<<16-1:
		sol.multicasts++
	case unicast && n.state != StateProbe:
		n.flags |= flagTriedUnicast
	}
	return true
}

// isUnicastUnanswered reports whether the neighbor did not answer at its MAC. It is
// called when the time for an answer is over.
func (n *neighbor) isUnicastUnanswered() bool {
	return n.state.HasMAC() && (n.flags&flagTriedUnicast != 0 || n.state == StateUnreachable)
}

// worthUnicast reports whether to solicit a neighbor by unicast at its cached MAC. It
// does not if the last unicast was unanswered, or if this is the last solicitation
// before some deadline, which no multicast one would follow.
func (s *Stack) worthUnicast(n *neighbor, sol *solicitation, i *Interface, now loop.Time) bool {
	if n.flags&flagTriedUnicast != 0 {
		return false
	}
	first := now.Add(i.config.Neighbor.RetransTimer)
	second, worth := first.Add(i.config.Neighbor.RetransTimer), sol.subscriptions == 0
	for h := sol.subscriptions; h != 0; h = s.subscriptions.At(h).next {
		switch deadline := s.subscriptions.At(h).deadline; {
		case deadline >= second:
			worth = true
		case deadline >= first:
			return false
		}
	}
	return worth
}
