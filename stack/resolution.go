package stack

import (
	"net/netip"

	"glean/stack/header"
	"glean/stack/loop"
)

// solicitation is the record of a neighbor while it is being asked: while a waiter holds
// it, while packets wait for it, in INCOMPLETE and in PROBE.
type solicitation struct {
	neighbor      uint32
	subscriptions uint32 // the first of them
	attempts      uint32 // questions since asking began
	head, tail    uint32 // held packets
	packets       uint16
	multicasts    uint16     // questions to everybody since it was last known whom to ask
	oldMAC        header.MAC // the MAC before INCOMPLETE, zero if none was known
	selfSent      uint8      // questions of our own: for held packets, or as probes
	flags         uint8
}

// Flags of an ask.
const (
	solicitSelf     uint8 = 1 << iota // we ask without the waiter, for held packets
	solicitNotified                   // the waiter was told and may ask at any moment
	solicitUsed                       // a packet was sent since the last question; UNREACHABLE is asked only then
	solicitLost                       // the observer was told that it does not answer
)

// subscription is one waiter's interest in a neighbor. Those of one target follow each
// other: the one that Hold gave a ref of, then those of Also.
type subscription struct {
	deadline     loop.Time
	solicitation uint32 // 0: free
	next         uint32 // of the same neighbor
	token        uint32
	generation   uint32
}

// A ref names a hold by id and generation, so that a ref that has ended is
// known as such.
const (
	refIDBits = 22
	refIDMask = 1<<refIDBits - 1
)

// SubscribeState is how Hold ended.
type SubscribeState uint8

// States of Held.
const (
	SubscribeDue     SubscribeState = iota // held; Solicit is allowed now
	SubscribeWait                          // held; Subscriber.SolicitDue will say when to ask, if that is needed
	SubscribeKnown                         // MAC is known, nothing is held
	SubscribeRefused                       // Reason says why, nothing is held
)

// SubscribeResult is the answer of Hold.
type SubscribeResult struct {
	State  SubscribeState
	Ref    uint32     // SubscribeDue, SubscribeWait
	MAC    header.MAC // SubscribeKnown
	Reason Reason     // SubscribeRefused
}

// maxSolicitGap is the longest time between two questions while a waiter holds
// the neighbor.
const maxSolicitGap = 3 * loop.Second

// rivalWindow is how long another station with one of our addresses is blamed for
// answers that do not come: as long as a neighbor is believed to be there without
// a word, REACHABLE_TIME (RFC 4861 section 10). One frame with a wrong sender
// does not explain all silence that follows.
const rivalWindow = 30 * loop.Second

// notice is something to tell the waiter at the end of the turn.
type notice struct {
	ref       uint32 // SolicitDue: not told if the hold ended meanwhile
	token     uint32
	attempts  uint32
	confirmed bool
	mac       header.MAC
	rtt       loop.Duration
}

// Subscribe begins to find out hop's MAC for a target of the waiter. Until deadline
// the neighbor is asked again and again: MulticastSolicits times every
// RetransTimer, while a tenth of a RetransTimer is left for the answer, then with
// growing gaps of at most 3 s, the last time one RetransTimer before the deadline.
// With fresh a REACHABLE entry does not count and is asked anew, unless it answered
// so lately that the next question may not come before the deadline. A neighbor with
// a MAC is asked there first; if it does not answer, the entry loses its MAC, and the
// next question goes to all stations. Static neighbors, multicast and broadcast
// addresses are known without asking. No two holds of a neighbor have one target.
func (i *Interface) Subscribe(hop netip.Addr, token uint32, fresh bool, deadline loop.Time) SubscribeResult {
	s, a := i.stack, ipFrom(hop)
	if mac, ok := i.groupMAC(a); ok {
		return SubscribeResult{State: SubscribeKnown, MAC: mac}
	}
	if r := i.refusalReason(a); r != ReasonNone {
		return SubscribeResult{State: SubscribeRefused, Reason: r}
	}
	now := s.loop.Now()
	id, free := s.neighbors.search(i.slot, a)
	if id != 0 {
		if n := s.neighbors.at(id); i.isKnown(n, fresh, deadline) {
			return SubscribeResult{State: SubscribeKnown, MAC: n.mac}
		}
	}
	if s.subscriptions.Live() >= refIDMask {
		return SubscribeResult{State: SubscribeRefused, Reason: TableFull}
	}
	if id == 0 {
		if id = s.admit(i, a, free, now, false); id == 0 {
			return SubscribeResult{State: SubscribeRefused, Reason: TableFull}
		}
		if s.up {
			return SubscribeResult{State: SubscribeDue, Ref: s.subscribeNew(id, i, token, deadline)}
		}
	}
	ref, may := s.subscribe(id, token, deadline, now)
	s.schedule()
	if may {
		return SubscribeResult{State: SubscribeDue, Ref: ref}
	}
	return SubscribeResult{State: SubscribeWait, Ref: ref}
}

// isKnown tells whether nobody needs to be asked for who waits until deadline.
func (i *Interface) isKnown(n *neighbor, fresh bool, deadline loop.Time) bool {
	switch {
	case n.state == StateStatic:
		return true
	case n.state != StateReachable:
		return false
	}
	return !fresh || n.flags&flagAnswered != 0 && deadline < n.solicited.Add(i.config.Neighbor.RetransTimer)
}

// Known gives the MAC of a neighbor that Hold would not ask for, of one that is
// held already, too.
func (i *Interface) Known(hop netip.Addr, fresh bool, deadline loop.Time) (mac header.MAC, known bool) {
	id := i.stack.neighbors.find(i.slot, ipFrom(hop))
	if i.slot == 0 || id == 0 {
		return header.MAC{}, false
	}
	n := i.stack.neighbors.at(id)
	return n.mac, i.isKnown(n, fresh, deadline)
}

// refusalReason tells why a hop can't be asked for.
func (i *Interface) refusalReason(hop ip) Reason {
	switch {
	case i.slot == 0 || hop.isNotHost():
		return NoRoute
	case i.source(hop) == nil:
		return NoSourceAddress
	}
	if i.vlan.own(hop) != nil {
		return OwnAddress // also another interface's: no frame comes back to the port that sent it
	}
	return ReasonNone
}

// subscribeNew is join, and evAsk, for an entry that was just made, while the link is
// up: nothing was asked yet, nobody else waits, and no timer is set.
func (s *Stack) subscribeNew(id uint32, i *Interface, token uint32, deadline loop.Time) (ref uint32) {
	n, h := s.neighbors.at(id), s.subscriptions.Alloc()
	n.state, n.solicitation = StateIncomplete, s.solicitations.Alloc()
	s.bindingChanged(i, n)
	sol, r := s.solicitations.At(n.solicitation), s.subscriptions.At(h)
	sol.neighbor, sol.subscriptions, sol.flags = id, h, solicitNotified
	r.token, r.deadline, r.solicitation = token, deadline, n.solicitation
	s.report(i, n, StateNone, header.MAC{}, CauseAsked, false)
	return h | r.generation<<refIDBits
}

// subscribe adds a hold to a neighbor and tells whether it may be asked now.
func (s *Stack) subscribe(id, token uint32, deadline, now loop.Time) (ref uint32, may bool) {
	n := s.neighbors.at(id)
	s.adopt(n)
	n.flags &^= flagSuspect // the waiter wants to know of two MACs that answer, too
	if n.solicitation == 0 {
		s.startSolicitation(id, n)
	}
	if n.state == StateStale {
		s.neighbors.timers.Remove(id) // from the list of those to reclaim
	}
	h := s.subscriptions.Alloc()
	sol, r, i := s.solicitations.At(n.solicitation), s.subscriptions.At(h), s.interfaces[n.iface]
	r.token, r.deadline, r.solicitation, r.next = token, deadline, n.solicitation, sol.subscriptions
	sol.subscriptions = h
	ref = h | r.generation<<refIDBits
	may = s.scheduleSolicit(n, sol, i, now)
	s.apply(id, evSubscribe, header.MAC{}, CauseAsked)
	return ref, may
}

// scheduleSolicit sees to it that the next question comes in time for somebody new who
// waits for a neighbor. It tells whether the waiter may ask it now.
func (s *Stack) scheduleSolicit(n *neighbor, sol *solicitation, i *Interface, now loop.Time) (may bool) {
	switch {
	case n.state == StateProbe || sol.flags&solicitSelf != 0:
		// The stack is asking already; the answer serves this waiter too.
	case n.isTrackedIncomplete():
		if sol.flags&solicitLost != 0 {
			sol.multicasts = 0 // the next question would be too late for this waiter
		}
		s.setSolicitTimer(n, sol, i, now)
	case s.up && now >= n.solicited.Add(i.config.Neighbor.RetransTimer):
		sol.flags |= solicitNotified
		s.solicitTimers.Remove(n.solicitation)
		return true
	default:
		s.setSolicitTimer(n, sol, i, now)
	}
	return false
}

// findSubscription finds the hold of a ref, nil if it has ended.
func (s *Stack) findSubscription(ref uint32) *subscription {
	id := ref & refIDMask
	if id == 0 || id > s.subscriptions.Len() {
		return nil
	}
	if sub := s.subscriptions.At(id); sub.solicitation != 0 && sub.generation<<refIDBits == ref&^refIDMask {
		return sub
	}
	return nil
}

// Solicit sends one question for a held neighbor, if one is allowed now: the
// link is up and the last one is a RetransTimer ago. It tells whether a frame
// was sent. If not, SolicitDue comes when one is allowed.
func (s *Stack) Solicit(ref uint32) bool {
	sub := s.findSubscription(ref)
	if sub == nil {
		return false
	}
	sol := s.solicitations.At(sub.solicitation)
	n := s.neighbors.at(sol.neighbor)
	i := s.interfaces[n.iface]
	now := s.loop.Now()
	if !s.up || now < n.solicited.Add(i.config.Neighbor.RetransTimer) {
		return false // whoever made it too early has set the timer
	}
	if n.state != StateProbe && n.isUnicastUnanswered() {
		s.apply(sol.neighbor, evUnanswered, header.MAC{}, CauseNoReply)
	}
	sent := s.solicit(n, sol, i, now)
	s.setSolicitTimer(n, sol, i, now)
	s.schedule()
	return sent
}

// AddDeadline tells that somebody who waits until deadline has come to wait for the
// target of a hold. Each deadline is asked for as if it were a hold's own; the
// answer is told once. That somebody has come is a reason to ask now, if that is
// allowed.
func (s *Stack) AddDeadline(ref uint32, deadline loop.Time) {
	sub := s.findSubscription(ref)
	if sub == nil {
		return
	}
	if s.subscriptions.Live() >= refIDMask {
		sub.deadline = max(sub.deadline, deadline) // better than nothing
		return
	}
	more := s.subscriptions.Alloc() // moves h, maybe
	sub, m := s.subscriptions.At(ref&refIDMask), s.subscriptions.At(more)
	m.deadline, m.solicitation, m.token, m.next = deadline, sub.solicitation, sub.token, sub.next
	sub.next = more
	sol := s.solicitations.At(sub.solicitation)
	n := s.neighbors.at(sol.neighbor)
	if sol.flags&solicitNotified == 0 && s.scheduleSolicit(n, sol, s.interfaces[n.iface], s.loop.Now()) {
		s.notifyDue(sol)
	}
	s.schedule()
}

// RemoveDeadline tells that one of those who wait for the target of a hold, until
// deadline, does not wait any more; others do.
func (s *Stack) RemoveDeadline(ref uint32, deadline loop.Time) {
	sub := s.findSubscription(ref)
	if sub == nil {
		return
	}
	for before := sub; before.next != 0; before = s.subscriptions.At(before.next) {
		id := before.next
		m := s.subscriptions.At(id)
		if m.token != sub.token {
			return
		}
		if sub.deadline == deadline { // the first of them stays, as the ref names it
			sub.deadline, m.deadline = m.deadline, deadline
		}
		if m.deadline == deadline {
			before.next = m.next
			s.endSubscription(id, m)
			return
		}
	}
}

// Release ends a hold. A ref that has ended already does no harm.
func (s *Stack) Release(ref uint32) {
	sub := s.findSubscription(ref)
	if sub == nil {
		return
	}
	sol := s.solicitations.At(sub.solicitation)
	id := sol.neighbor
	n := s.neighbors.at(id)
	i, now := s.interfaces[n.iface], s.loop.Now()
	s.unlinkSubscription(sol, ref&refIDMask)
	switch {
	case n.state == StateIncomplete && sol.subscriptions == 0 && sol.flags&solicitSelf == 0:
		// Nobody waits. The entry stays until the next question would be allowed,
		// so that nobody who comes back asks earlier.
		sol.flags &^= solicitNotified
		s.solicitTimers.Set(n.solicitation, n.solicited.Add(i.config.Neighbor.RetransTimer), now)
	case sol.subscriptions == 0:
		if s.reconcile(id, n, i); n.solicitation != 0 {
			sol.flags &^= solicitNotified
			s.setSolicitTimer(n, sol, i, now)
		}
	case sol.flags&solicitNotified != 0:
		s.notifyDue(sol)
	default:
		s.setSolicitTimer(n, sol, i, now)
	}
	s.schedule()
}

// FailureReason tells why a held neighbor has not been confirmed so far.
func (s *Stack) FailureReason(ref uint32) Reason {
	sub := s.findSubscription(ref)
	if sub == nil {
		return NoReply
	}
	n := s.neighbors.at(s.solicitations.At(sub.solicitation).neighbor)
	if !s.up {
		return LinkDown
	}
	if own := s.interfaces[n.iface].source(s.neighbors.address(n)); own != nil {
		if mac, at := own.contested(); !mac.IsZero() && s.loop.Now().Sub(at) <= rivalWindow {
			return AddressConflict // the answers may go to the other one
		}
	}
	if sol := s.solicitations.At(sub.solicitation); sol.attempts > 0 && n.state.HasMAC() && int32(n.heard-ticks(n.solicited)) >= 0 {
		return Unconfirmed
	}
	return NoReply
}

// unlinkSubscription takes a hold off its neighbor and ends it, with those of Also.
func (s *Stack) unlinkSubscription(sol *solicitation, id uint32) {
	link := &sol.subscriptions
	for *link != id {
		link = &s.subscriptions.At(*link).next
	}
	for target := s.subscriptions.At(id).token; id != 0 && s.subscriptions.At(id).token == target; id = *link {
		sub := s.subscriptions.At(id)
		*link = sub.next
		s.endSubscription(id, sub)
	}
}

func (s *Stack) endSubscription(id uint32, sub *subscription) {
	*sub = subscription{generation: sub.generation + 1}
	s.subscriptions.Free(id)
}

// confirmSubscriptions tells all who wait for a neighbor; their holds end.
func (s *Stack) confirmSubscriptions(n *neighbor, sol *solicitation, now loop.Time) {
	rtt := loop.Duration(0)
	if n.flags&flagOutstanding != 0 {
		rtt = now.Sub(n.solicited)
	}
	for told := (*notice)(nil); sol.subscriptions != 0; {
		id := sol.subscriptions
		sub := s.subscriptions.At(id)
		if told == nil || told.token != sub.token {
			s.notices = append(s.notices, notice{})
			told = &s.notices[len(s.notices)-1] // filled in there: a copy would have to wait for its parts
			told.confirmed, told.token, told.mac, told.rtt, told.attempts = true, sub.token, n.mac, rtt, sol.attempts
		}
		sol.subscriptions = sub.next
		s.endSubscription(id, sub)
	}
}

// notify gives one note to the waiter.
func (s *Stack) notify(e *notice) {
	switch {
	case s.options.Subscriber == nil:
	case e.confirmed:
		s.options.Subscriber.Confirmed(e.token, e.mac, e.rtt, e.attempts)
	case s.findSubscription(e.ref) != nil:
		s.options.Subscriber.SolicitDue(e.token)
	}
}

// notifyDue tells one who waits that the neighbor may be asked now.
func (s *Stack) notifyDue(sol *solicitation) {
	sol.flags |= solicitNotified
	sub := s.subscriptions.At(sol.subscriptions)
	s.notices = append(s.notices, notice{ref: sol.subscriptions | sub.generation<<refIDBits, token: sub.token})
}
