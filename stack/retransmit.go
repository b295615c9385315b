package stack

import (
	"glean/stack/header"
	"glean/stack/loop"
	"glean/stack/wheel"
)

// mustAsk tells whether a neighbor needs a record of asking.
func (s *Stack) mustAsk(n *neighbor) bool {
	switch n.state {
	case StateIncomplete, StateProbe, StateUnreachable:
		return true
	case StateNone:
		return false
	}
	return n.ask != 0 && s.asks.At(n.ask).holds != 0
}

// startAsking makes the record of a neighbor that is going to be asked.
func (s *Stack) startAsking(id uint32, n *neighbor) {
	n.ask = s.asks.Alloc()
	s.asks.At(n.ask).neighbor = id
}

// stopAsking gives the record back, with whatever is left in it.
func (s *Stack) stopAsking(n *neighbor) {
	a := s.asks.At(n.ask)
	for a.holds != 0 {
		s.unlinkHold(a, a.holds)
	}
	s.dropHeld(a)
	s.askTimers.Remove(n.ask)
	s.asks.Release(n.ask)
	n.ask = 0
}

// askAnew follows a change of what is known of a neighbor that is being
// asked: the next question comes as soon as it may.
func (s *Stack) askAnew(n *neighbor, i *Interface) {
	a := s.asks.At(n.ask)
	a.tries, a.everybody = 0, 0
	n.flags &^= flagTried
	if n.state == StateProbe || n.isSought() {
		a.flags &^= askOffered // the stack asks, whether the waiter's window permits or not
	}
	if a.flags&askOffered == 0 {
		now := s.loop.Now()
		s.askTimers.Set(n.ask, max(now, n.asked.Add(i.config.Neighbor.RetransTimer)), now)
	}
}

// setAskTimer sets the time of the next question.
func (s *Stack) setAskTimer(n *neighbor, a *ask, i *Interface, now loop.Time) {
	if a.flags&askOffered == 0 {
		if at := s.nextQuestion(n, a, i, now); at != loop.Never {
			s.askTimers.Set(n.ask, at, now)
			return
		}
	}
	s.askTimers.Remove(n.ask)
}

// nextQuestion is when a neighbor is to be asked next, or a conclusion drawn
// from the last question; Never if no waiter has time left for an answer.
func (s *Stack) nextQuestion(n *neighbor, a *ask, i *Interface, now loop.Time) loop.Time {
	c := &i.config.Neighbor
	earliest := max(now, n.asked.Add(c.RetransTimer)) // RFC 4861 section 7.2.2, RFC 1122 section 2.3.2.1
	switch {
	case n.state == StateProbe || a.flags&askSelf != 0:
		return earliest
	case a.holds == 0 && n.state == StateUnreachable:
		return max(earliest, n.asked.Add(unreachableGap(c.RetransTimer, a.tries)))
	case a.attempts == 0 || a.holds == 0 && !n.isSought() || s.isSoughtInVain(n, a, i):
		return earliest
	}
	at, useful := max(earliest, n.asked.Add(heldGap(c, a.everybody))), n.isSought()
	for h := a.holds; h != 0; h = s.holds.At(h).next {
		deadline := s.holds.At(h).deadline
		last := loop.Time(int64(deadline) - int64(c.RetransTimer))
		switch {
		case last >= earliest:
			at, useful = min(at, max(earliest, wheel.TickDown(last))), true // its timer may be late, so it is set early
		case int(a.everybody) < c.MulticastSolicits && earliest.Add(shortestWait(c)) <= deadline:
			useful = true // RFC 4861 section 7.2.2 asks once more, and an answer can be in time
		}
	}
	if !useful {
		return loop.Never
	}
	return at
}

// shortestWait is the least time before a deadline at which RFC 4861 section 7.2.2's
// repeats are still sent; a waiter with less time left could not use the answer.
func shortestWait(c *NeighborConfig) loop.Duration { return c.RetransTimer / 10 }

// heldGap is the time to the next question for a neighbor that is held, after
// so many to everybody: RetransTimer while RFC 4861 section 7.2.2 would ask, then
// twice as long each time, at most longestGap. A question to one MAC does not
// count: if it was in vain, everybody is asked as if it had not been.
func heldGap(c *NeighborConfig, everybody uint16) loop.Duration {
	gap := c.RetransTimer
	for k := c.MulticastSolicits; k <= int(everybody) && gap < longestGap; k++ {
		gap *= 2
	}
	return max(c.RetransTimer, min(gap, longestGap))
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

// askDue is what the timer of an ask does.
func (s *Stack) askDue(askID uint32) {
	a := s.asks.At(askID)
	id := a.neighbor
	n := s.neighbors.at(id)
	i := s.interfaces[n.iface]
	if s.up && s.isSoughtInVain(n, a, i) {
		s.lose(n, a, i)
	}
	switch {
	case !s.up:
		// resumeAsking sets the timer again.
	case n.state == StateProbe:
		s.probe(id, n, a, i)
	case a.flags&askSelf != 0 && int(a.tries) < i.config.Neighbor.MulticastSolicits:
		s.askSelfNow(n, a, i)
	case a.flags&askSelf != 0:
		s.failHeldPackets(id, n, a, i)
	case n.isSought():
		s.seek(n, a, i)
	case a.holds != 0:
		s.offer(a)
	case n.state == StateUnreachable && a.flags&askUsed != 0:
		a.flags &^= askUsed
		s.askSelfNow(n, a, i)
	default: // INCOMPLETE or UNREACHABLE that nobody wants any more
		s.apply(id, evExhausted, header.MAC{}, CauseNoReply)
	}
}

// askSelfNow asks without the waiter. A tracked neighbor is not given up because
// of questions that did not leave.
func (s *Stack) askSelfNow(n *neighbor, a *ask, i *Interface) {
	now := s.loop.Now()
	if sent := s.question(n, a, i, now); a.tries < 255 && (sent || !n.isTracked()) {
		a.tries++
	}
	s.setAskTimer(n, a, i, now)
}

// probe sends the next probe, or draws the conclusion from the last
// (RFC 4861 section 7.3.3). One is enough if a waiter holds the neighbor, as in
// other states: it wants to know who has the address now.
func (s *Stack) probe(id uint32, n *neighbor, a *ask, i *Interface) {
	probes := i.config.Neighbor.UnicastSolicits
	if a.holds != 0 {
		probes = 1
	}
	switch {
	case int(a.tries) < probes:
		s.askSelfNow(n, a, i)
	case a.holds != 0:
		s.apply(id, evUnanswered, header.MAC{}, CauseNoReply)
	case i.config.Neighbor.KeepUnreachable:
		a.flags |= askUsed // it was, else there would have been no probes
		s.apply(id, evUnreachable, header.MAC{}, CauseNoReply)
	default:
		s.apply(id, evExhausted, header.MAC{}, CauseNoReply)
	}
}

// failHeldPackets gives up held packets; a waiter may go on.
func (s *Stack) failHeldPackets(id uint32, n *neighbor, a *ask, i *Interface) {
	a.flags &^= askSelf
	s.dropHeld(a)
	switch {
	case n.isTracked():
		s.setAskTimer(n, a, i, s.loop.Now())
	case a.holds != 0:
		s.offer(a)
	default:
		s.apply(id, evExhausted, header.MAC{}, CauseNoReply)
	}
}

// resumeAsking lets every neighbor that is being asked be asked now: the link
// is up again.
func (s *Stack) resumeAsking() {
	now := s.loop.Now()
	for id := uint32(1); id <= s.asks.Len(); id++ {
		a := s.asks.At(id)
		if a.neighbor == 0 {
			continue
		}
		n := s.neighbors.at(a.neighbor)
		a.everybody = 0 // a station that did not answer so far may be there now
		a.flags &^= askOffered
		s.askTimers.Set(id, max(now, n.asked.Add(s.interfaces[n.iface].config.Neighbor.RetransTimer)), now)
	}
}

// question asks a neighbor: by unicast in PROBE and first of all when it has a
// MAC, else everybody.
func (s *Stack) question(n *neighbor, a *ask, i *Interface, now loop.Time) bool {
	to, one := header.Broadcast, false // stands for the group of the target in IPv6, too
	if n.state == StateProbe || n.state.HasMAC() && n.state != StateUnreachable && s.tryUnicast(n, a, i, now) {
		to, one = n.mac, true
	}
	a.flags &^= askOffered
	n.asked = now
	n.flags = n.flags&^flagAnswered | flagOutstanding
	target := s.neighbors.address(n)
	sent := false
	if target.is4() {
		sent = i.sendARPRequest(to, target)
	} else {
		sent = i.sendSolicitation(to, target, i.solicitSource(a, target))
	}
	if !sent {
		return false
	}
	a.attempts++
	switch {
	case !one && a.everybody < 1<<16-1:
		a.everybody++
	case one && n.state != StateProbe:
		n.flags |= flagTried
	}
	return true
}

// isSilent tells whether a neighbor was asked at its MAC in vain, when the
// time for an answer is over.
func (n *neighbor) isSilent() bool {
	return n.state.HasMAC() && (n.flags&flagTried != 0 || n.state == StateUnreachable)
}

// tryUnicast tells whether a neighbor is worth asking at the MAC it had: not
// if that was in vain the last time, by whomever, nor if this is the last question
// for one of the waiters, which would not be followed by one to everybody.
func (s *Stack) tryUnicast(n *neighbor, a *ask, i *Interface, now loop.Time) bool {
	if n.flags&flagTried != 0 {
		return false
	}
	first := now.Add(i.config.Neighbor.RetransTimer)
	second, worth := first.Add(i.config.Neighbor.RetransTimer), a.holds == 0
	for h := a.holds; h != 0; h = s.holds.At(h).next {
		switch deadline := s.holds.At(h).deadline; {
		case deadline >= second:
			worth = true
		case deadline >= first:
			return false
		}
	}
	return worth
}
