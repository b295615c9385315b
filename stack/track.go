package stack

import (
	"net/netip"

	"glean/stack/header"
	"glean/stack/loop"
)

// Track keeps a next hop verified until Untrack, for those who send to its MAC
// without looking here, as transmitters do. A confirmation is good for
// ProbeInterval at most, from Track on; then the neighbor is asked by unicast
// (PROBE), and when that has no answer everybody is (INCOMPLETE). The asking does
// not end: after MulticastSolicits questions in vain the observer is told that it
// is Lost, and the gaps grow to 3 s. It is never asked twice in a RetransTimer.
//
// The entry outlives Flush, a link that goes down, and the need for room. All
// that becomes of it is told to Observer.NeighborChanged. Track twice is Track
// once. The reason tells why there is nobody to ask, ReasonNone if all is well:
// also for multicast, broadcast and static neighbors, which need no tracking.
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
		s.solicitations.At(n.solicitation).flags &^= solicitNotified // from now on it does not depend on a waiter
		s.setSolicitTimer(n, s.solicitations.At(n.solicitation), i, s.loop.Now())
	}
	s.schedule()
	return ReasonNone
}

// Untrack ends Track. The entry ages like any other then; one that is
// INCOMPLETE and that nobody else waits for goes.
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

// isTracked tells whether Track is in force.
func (n *neighbor) isTracked() bool { return n.flags&flagTracked != 0 }

// isTrackedIncomplete tells whether a tracked neighbor is being looked for: then the stack
// asks everybody by itself, whoever else waits.
func (n *neighbor) isTrackedIncomplete() bool { return n.isTracked() && n.state == StateIncomplete }

// probeInterval draws how long a confirmation of a tracked neighbor is good for.
// What is configured is the longest; up to a quarter less keeps neighbors that
// were confirmed together from being asked together for ever.
func (i *Interface) probeInterval() loop.Duration {
	s, c := i.stack, &i.config.Neighbor
	if c.ProbeInterval == 0 {
		return s.drawReachable(c.ReachableTime)
	}
	return c.ProbeInterval - loop.Duration(s.rand.Int64N(int64(c.ProbeInterval)/4+1))
}

// shortenReachable lets REACHABLE end when d is over, or earlier.
func (s *Stack) shortenReachable(id uint32, d loop.Duration) {
	now := s.loop.Now()
	s.neighbors.timers.Set(id, min(s.neighbors.timers.Deadline(id), now.Add(d)), now)
}

// solicitTracked asks everybody for a tracked neighbor when the time for that has come.
func (s *Stack) solicitTracked(n *neighbor, sol *solicitation, i *Interface) {
	if now := s.loop.Now(); s.nextSolicit(n, sol, i, now) <= now {
		s.solicitNow(n, sol, i)
	} else {
		s.setSolicitTimer(n, sol, i, now)
	}
}

// isNewlyLost tells whether a tracked neighbor did not answer any of the
// questions of RFC 4861 section 7.2.2, and nobody was told so yet.
func (s *Stack) isNewlyLost(n *neighbor, sol *solicitation, i *Interface) bool {
	return n.isTrackedIncomplete() && sol.flags&solicitLost == 0 &&
		int(sol.multicasts) >= i.config.Neighbor.MulticastSolicits
}

// reportLost tells the observer that a tracked neighbor does not answer. It is called
// a RetransTimer after the last question.
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
