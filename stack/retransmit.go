package stack

import (
	"glean/stack/header"
	"glean/stack/loop"
	"glean/stack/wheel"
)

// needsSolicitation tells whether a neighbor needs a record of asking.
func (s *Stack) needsSolicitation(n *neighbor) bool {
	switch n.state {
	case StateIncomplete, StateProbe, StateUnreachable:
		return true
	case StateNone:
		return false
	}
	return n.solicitation != 0 && s.solicitations.At(n.solicitation).subscriptions != 0
}

// startSolicitation makes the record of a neighbor that is going to be asked.
func (s *Stack) startSolicitation(id uint32, n *neighbor) {
	n.solicitation = s.solicitations.Alloc()
	s.solicitations.At(n.solicitation).neighbor = id
}

// stopSolicitation gives the record back, with whatever is left in it.
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

// restartSolicitation follows a change of what is known of a neighbor that is being
// asked: the next question comes as soon as it may.
func (s *Stack) restartSolicitation(n *neighbor, i *Interface) {
	sol := s.solicitations.At(n.solicitation)
	sol.selfSent, sol.multicasts = 0, 0
	n.flags &^= flagTriedUnicast
	if n.state == StateProbe || n.isTrackedIncomplete() {
		sol.flags &^= solicitNotified // the stack asks, whether the waiter's window permits or not
	}
	if sol.flags&solicitNotified == 0 {
		now := s.loop.Now()
		s.solicitTimers.Set(n.solicitation, max(now, n.solicited.Add(i.config.Neighbor.RetransTimer)), now)
	}
}

// setSolicitTimer sets the time of the next question.
func (s *Stack) setSolicitTimer(n *neighbor, sol *solicitation, i *Interface, now loop.Time) {
	if sol.flags&solicitNotified == 0 {
		if at := s.nextSolicit(n, sol, i, now); at != loop.Never {
			s.solicitTimers.Set(n.solicitation, at, now)
			return
		}
	}
	s.solicitTimers.Remove(n.solicitation)
}

// nextSolicit is when a neighbor is to be asked next, or a conclusion drawn
// from the last question; Never if no waiter has time left for an answer.
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
			at, useful = min(at, max(earliest, wheel.TickDown(last))), true // its timer may be late, so it is set early
		case int(sol.multicasts) < c.MulticastSolicits && earliest.Add(minAnswerTime(c)) <= deadline:
			useful = true // RFC 4861 section 7.2.2 asks once more, and an answer can be in time
		}
	}
	if !useful {
		return loop.Never
	}
	return at
}

// minAnswerTime is the least time before a deadline at which RFC 4861 section 7.2.2's
// repeats are still sent; a waiter with less time left could not use the answer.
func minAnswerTime(c *NeighborConfig) loop.Duration { return c.RetransTimer / 10 }

// solicitGap is the time to the next question for a neighbor that is held, after
// so many to everybody: RetransTimer while RFC 4861 section 7.2.2 would ask, then
// twice as long each time, at most longestGap. A question to one MAC does not
// count: if it was in vain, everybody is asked as if it had not been.
func solicitGap(c *NeighborConfig, multicasts uint16) loop.Duration {
	gap := c.RetransTimer
	for k := c.MulticastSolicits; k <= int(multicasts) && gap < maxSolicitGap; k++ {
		gap *= 2
	}
	return max(c.RetransTimer, min(gap, maxSolicitGap))
}

// unreachableGap is RFC 7048 sections 3 and 4: three times as long each time
// (BACKOFF_MULTIPLE), at most a minute (MAX_RETRANS_TIMER).
func unreachableGap(retrans loop.Duration, tries uint8) loop.Duration {
	const longest = 60 * loop.Second
	gap := retrans
	for k := uint8(0); k < tries && gap < longest; k++ {
		gap *= 3
	}
	return max(retrans, min(gap, longest))
}

// solicitTimerExpired is what the timer of an ask does.
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
		// resumeAsking sets the timer again.
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
	default: // INCOMPLETE or UNREACHABLE that nobody wants any more
		s.apply(id, evExhausted, header.MAC{}, CauseNoReply)
	}
}

// solicitNow asks without the waiter. A tracked neighbor is not given up because
// of questions that did not leave.
func (s *Stack) solicitNow(n *neighbor, sol *solicitation, i *Interface) {
	now := s.loop.Now()
	if sent := s.solicit(n, sol, i, now); sol.selfSent < 255 && (sent || !n.isTracked()) {
		sol.selfSent++
	}
	s.setSolicitTimer(n, sol, i, now)
}

// probe sends the next probe, or draws the conclusion from the last
// (RFC 4861 section 7.3.3). One is enough if a waiter holds the neighbor, as in
// other states: it wants to know who has the address now.
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
		sol.flags |= solicitUsed // it was, else there would have been no probes
		s.apply(id, evUnreachable, header.MAC{}, CauseNoReply)
	default:
		s.apply(id, evExhausted, header.MAC{}, CauseNoReply)
	}
}

// failHeldPackets gives up held packets; a waiter may go on.
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

// resumeSolicitations lets every neighbor that is being asked be asked now: the link
// is up again.
func (s *Stack) resumeSolicitations() {
	now := s.loop.Now()
	for id := uint32(1); id <= s.solicitations.Len(); id++ {
		sol := s.solicitations.At(id)
		if sol.neighbor == 0 {
			continue
		}
		n := s.neighbors.at(sol.neighbor)
		sol.multicasts = 0 // a station that did not answer so far may be there now
		sol.flags &^= solicitNotified
		s.solicitTimers.Set(id, max(now, n.solicited.Add(s.interfaces[n.iface].config.Neighbor.RetransTimer)), now)
	}
}

// solicit asks a neighbor: by unicast in PROBE and first of all when it has a
// MAC, else everybody.
func (s *Stack) solicit(n *neighbor, sol *solicitation, i *Interface, now loop.Time) bool {
	to, unicast := header.Broadcast, false // stands for the group of the target in IPv6, too
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

// isUnicastUnanswered tells whether a neighbor was asked at its MAC in vain, when the
// time for an answer is over.
func (n *neighbor) isUnicastUnanswered() bool {
	return n.state.HasMAC() && (n.flags&flagTriedUnicast != 0 || n.state == StateUnreachable)
}

// worthUnicast tells whether a neighbor is worth asking at the MAC it had: not
// if that was in vain the last time, by whomever, nor if this is the last question
// for one of the waiters, which would not be followed by one to everybody.
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
