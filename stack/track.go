package stack

import (
	"net/netip"

	"glean/stack/header"
	"glean/stack/loop"
)

// Track keeps a next hop verified until Untrack, for transmitters that send to its MAC
// without using the stack. A confirmation is valid for at most ProbeInterval; then the
// neighbor is solicited by unicast (PROBE), and when it does not answer, by multicast
// (INCOMPLETE). Solicitations do not end: after MulticastSolicits unanswered ones the
// observer receives a Lost event, and the gaps grow to 3 s. A neighbor is never
// solicited twice within a RetransTimer.
//
// The entry survives Flush, a link that goes down, and reclaiming. The observer receives
// every change of it. A second Track has no effect. The reason is why the neighbor
// cannot be solicited, ReasonNone if it can; also for multicast, broadcast and static
// neighbors, which need no tracking.
func (i *Interface) Track(hop netip.Addr) Reason {
	s, a := i.stack, ipFrom(hop)
	if _, ok := i.groupMAC(a); ok {
		return ReasonNone
	}
	if r := i.refusalReason(a); r != ReasonNone {
		return r
	}
	id, free := s.neighbors.search(i.slot, a)
	if id == 0 {
		if id = s.admit(i, a, free, s.loop.Now(), false); id == 0 {
			return TableFull
		}
	}
	n := s.neighbors.at(id)
	if n.state == StateStatic || n.isTracked() {
		return ReasonNone
	}
	s.adopt(n)
	n.flags |= flagTracked
	s.apply(id, evTrack, header.MAC{}, CauseAsked)
	switch n.state {
	case StateReachable:
		s.shortenReachable(id, i.probeInterval())
	case StateIncomplete:
		s.solicitations.At(n.solicitation).flags &^= solicitNotified // from now on the stack solicits, not the subscriber
		s.setSolicitTimer(n, s.solicitations.At(n.solicitation), i, s.loop.Now())
	}
	s.schedule()
	return ReasonNone
}

// Untrack ends Track. The entry then ages like any other; an INCOMPLETE one without
// subscriptions and held packets is deleted.
func (i *Interface) Untrack(hop netip.Addr) {
	s := i.stack
	id := s.neighbors.find(i.slot, ipFrom(hop))
	if i.slot == 0 || id == 0 || !s.neighbors.at(id).isTracked() {
		return
	}
	n := s.neighbors.at(id)
	n.flags &^= flagTracked
	switch n.state {
	case StateReachable:
		s.shortenReachable(id, s.drawReachable(i.config.Neighbor.ReachableTime))
	case StateIncomplete:
		sol := s.solicitations.At(n.solicitation)
		sol.flags &^= solicitLost
		s.setSolicitTimer(n, sol, i, s.loop.Now())
	}
	s.schedule()
}

// isTracked reports whether Track applies to the neighbor.
func (n *neighbor) isTracked() bool { return n.flags&flagTracked != 0 }

// isTrackedIncomplete reports whether a tracked neighbor has no MAC. The stack then
// multicasts solicitations by itself, whether the neighbor has subscriptions or not.
func (n *neighbor) isTrackedIncomplete() bool { return n.isTracked() && n.state == StateIncomplete }

// probeInterval draws how long a confirmation of a tracked neighbor is valid: the
// configured time or up to a quarter less, so that neighbors that were confirmed
// together are not always probed together.
func (i *Interface) probeInterval() loop.Duration {
	s, c := i.stack, &i.config.Neighbor
	if c.ProbeInterval == 0 {
		return s.drawReachable(c.ReachableTime)
	}
	return c.ProbeInterval - loop.Duration(s.rand.Int64N(int64(c.ProbeInterval)/4+1))
}

// shortenReachable makes REACHABLE end after d, or earlier.
func (s *Stack) shortenReachable(id uint32, d loop.Duration) {
	now := s.loop.Now()
	s.neighbors.timers.Set(id, min(s.neighbors.timers.Deadline(id), now.Add(d)), now)
}

// solicitTracked solicits a tracked INCOMPLETE neighbor if that is due.
func (s *Stack) solicitTracked(n *neighbor, sol *solicitation, i *Interface) {
	if now := s.loop.Now(); s.nextSolicit(n, sol, i, now) <= now {
		s.solicitNow(n, sol, i)
	} else {
		s.setSolicitTimer(n, sol, i, now)
	}
}

// isNewlyLost reports whether a tracked neighbor has not answered the solicitations of
// RFC 4861 section 7.2.2 and the observer does not know it yet.
func (s *Stack) isNewlyLost(n *neighbor, sol *solicitation, i *Interface) bool {
	return n.isTrackedIncomplete() && sol.flags&solicitLost == 0 &&
		int(sol.multicasts) >= i.config.Neighbor.MulticastSolicits
}

// reportLost reports to the observer that a tracked neighbor does not answer. It is
// called a RetransTimer after the last solicitation.
func (s *Stack) reportLost(n *neighbor, sol *solicitation, i *Interface) {
	sol.flags |= solicitLost
	if s.options.Observer == nil {
		return
	}
	s.options.Observer.NeighborChanged(NeighborEvent{
		Interface: i, Addr: s.neighbors.address(n).addr(), Old: n.state, New: n.state, OldMAC: sol.oldMAC,
		Cause: CauseNoReply, Tracked: true, Lost: true,
	})
}
