package stack

import (
	"net/netip"

	"glean/stack/header"
	"glean/stack/loop"
)

// A solicitation is the record of a neighbor that is being solicited: while it has
// subscriptions or held packets, and in INCOMPLETE, PROBE and UNREACHABLE.
type solicitation struct {
	neighbor      uint32
	subscriptions uint32 // the first of them
	attempts      uint32 // solicitations sent
	head, tail    uint32 // held packets
	packets       uint16
	multicasts    uint16     // multicast solicitations since the MAC or the link last changed
	oldMAC        header.MAC // the MAC before INCOMPLETE, zero if none was known
	selfSent      uint8      // solicitations without the subscriber: for held packets, or as probes
	flags         uint8
}

// Flags of a solicitation.
const (
	solicitSelf     uint8 = 1 << iota // the stack solicits without the subscriber, for held packets
	solicitNotified                   // SolicitDue was called; the subscriber may solicit at any moment
	solicitUsed                       // a packet was sent since the last solicitation; UNREACHABLE is solicited only then
	solicitLost                       // Lost was reported to the observer
)

// A subscription is the interest of a subscriber in a neighbor until one deadline. The
// subscriptions of a neighbor with the same token follow each other in the list: the one
// that Subscribe returned a ref of, then those of AddDeadline.
type subscription struct {
	deadline     loop.Time
	solicitation uint32 // 0: free
	next         uint32 // of the same neighbor
	token        uint32
	generation   uint32
}

// A ref is the id and the generation of a subscription, so that the ref of an ended
// subscription is recognized as such.
const (
	refIDBits = 22
	refIDMask = 1<<refIDBits - 1
)

// SubscribeState is the outcome of Subscribe.
type SubscribeState uint8

// Outcomes of Subscribe.
const (
	SubscribeDue     SubscribeState = iota // subscribed; Solicit is allowed now
	SubscribeWait                          // subscribed; SolicitDue is called when Solicit is allowed, if it is needed
	SubscribeKnown                         // MAC is known, no subscription
	SubscribeRefused                       // Reason is why, no subscription
)

// SubscribeResult is the result of Subscribe.
type SubscribeResult struct {
	State  SubscribeState
	Ref    uint32     // SubscribeDue, SubscribeWait
	MAC    header.MAC // SubscribeKnown
	Reason Reason     // SubscribeRefused
}

// maxSolicitGap is the longest time between two solicitations while a neighbor has
// subscriptions.
const maxSolicitGap = 3 * loop.Second

// rivalWindow is how long a missing answer is explained by an address conflict after the
// other station was last seen. It is REACHABLE_TIME (RFC 4861 section 10), the time for
// which a neighbor counts as reachable without a message. One frame with a wrong sender
// does not explain all silence that follows.
const rivalWindow = 30 * loop.Second

// A notice is a callback to the subscriber that is pending until the end of the turn.
type notice struct {
	ref       uint32 // of SolicitDue, which is not called if the subscription has ended
	token     uint32
	attempts  uint32
	confirmed bool
	mac       header.MAC
	rtt       loop.Duration
}

// Subscribe starts to resolve the MAC of hop for the subscriber, which chooses token to
// recognize it by. Until deadline the neighbor is solicited again and again:
// MulticastSolicits times every RetransTimer, as long as a tenth of a RetransTimer is
// left for the answer, then with growing gaps of at most 3 s, and for the last time one
// RetransTimer before the deadline.
//
// With fresh, a REACHABLE entry does not count as known and is solicited anew, unless it
// answered so recently that RetransTimer forbids another solicitation before the
// deadline. A neighbor with a MAC is first solicited by unicast. If it does not answer,
// the entry loses its MAC, and the next solicitation goes to all stations. The MACs of
// static neighbors, multicast and broadcast addresses are known without a solicitation.
// A token has at most one subscription to a neighbor.
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

// isKnown reports whether the cached MAC may be used without a new solicitation before
// deadline.
func (i *Interface) isKnown(n *neighbor, fresh bool, deadline loop.Time) bool {
	switch {
	case n.state == StateStatic:
		return true
	case n.state != StateReachable:
		return false
	}
	return !fresh || n.flags&flagAnswered != 0 && deadline < n.solicited.Add(i.config.Neighbor.RetransTimer)
}

// Known returns the MAC of a neighbor and reports whether Subscribe would use it without
// a solicitation. It also works for neighbors with a subscription.
func (i *Interface) Known(hop netip.Addr, fresh bool, deadline loop.Time) (mac header.MAC, known bool) {
	id := i.stack.neighbors.find(i.slot, ipFrom(hop))
	if i.slot == 0 || id == 0 {
		return header.MAC{}, false
	}
	n := i.stack.neighbors.at(id)
	return n.mac, i.isKnown(n, fresh, deadline)
}

// refusalReason returns why hop cannot be solicited, ReasonNone if it can.
func (i *Interface) refusalReason(hop ip) Reason {
	switch {
	case i.slot == 0 || hop.isNotHost():
		return NoRoute
	case i.source(hop) == nil:
		return NoSourceAddress
	}
	if i.vlan.own(hop) != nil {
		return OwnAddress // also of another interface: a frame does not come back to the port that sent it
	}
	return ReasonNone
}

// subscribeNew is subscribe for an entry that was just created, while the link is up. It
// skips evSubscribe: no solicitation was sent, no other subscription exists, and no
// timer is set.
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

// subscribe adds a subscription to a neighbor and reports whether the subscriber may
// solicit it now.
func (s *Stack) subscribe(id, token uint32, deadline, now loop.Time) (ref uint32, may bool) {
	n := s.neighbors.at(id)
	s.adopt(n)
	n.flags &^= flagSuspect // report two MACs again if both answer
	if n.solicitation == 0 {
		s.startSolicitation(id, n)
	}
	if n.state == StateStale {
		s.neighbors.timers.Remove(id) // from the list of entries to reclaim
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

// scheduleSolicit sets the time of the next solicitation for an added deadline. It
// reports whether the subscriber may solicit now.
func (s *Stack) scheduleSolicit(n *neighbor, sol *solicitation, i *Interface, now loop.Time) (may bool) {
	switch {
	case n.state == StateProbe || sol.flags&solicitSelf != 0:
		// The stack solicits already; the answer serves this subscription too.
	case n.isTrackedIncomplete():
		if sol.flags&solicitLost != 0 {
			sol.multicasts = 0 // the next solicitation would be too late for this deadline
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

// findSubscription returns the subscription of a ref, nil if it has ended.
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

// Solicit sends one solicitation to a neighbor with a subscription, if the link is up
// and the last one is at least a RetransTimer ago. It reports whether a frame was sent.
// If not, SolicitDue is called when a solicitation is allowed.
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
		return false // the earlier solicitation has already armed the timer
	}
	if n.state != StateProbe && n.isUnicastUnanswered() {
		s.apply(sol.neighbor, evUnanswered, header.MAC{}, CauseNoReply)
	}
	sent := s.solicit(n, sol, i, now)
	s.setSolicitTimer(n, sol, i, now)
	s.schedule()
	return sent
}

// AddDeadline adds a second deadline to an existing subscription. The neighbor is
// solicited for each deadline as for a subscription of its own; Confirmed is called
// once. The neighbor is solicited now, if that is allowed.
func (s *Stack) AddDeadline(ref uint32, deadline loop.Time) {
	sub := s.findSubscription(ref)
	if sub == nil {
		return
	}
	if s.subscriptions.Live() >= refIDMask {
		sub.deadline = max(sub.deadline, deadline) // no room for another deadline: keep the later one
		return
	}
	more := s.subscriptions.Alloc() // may move sub
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

// RemoveDeadline removes one deadline of a subscription that has several.
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
		if sub.deadline == deadline { // the first stays, because the ref names it
			sub.deadline, m.deadline = m.deadline, deadline
		}
		if m.deadline == deadline {
			before.next = m.next
			s.endSubscription(id, m)
			return
		}
	}
}

// Release ends a subscription with all its deadlines. A ref that has ended already is
// ignored.
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
		// No subscription is left. The entry stays until the next solicitation would
		// be allowed, so that a new subscription does not solicit earlier.
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

// FailureReason returns why a neighbor with a subscription has not been confirmed so
// far.
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
			return AddressConflict // the answers may go to the other station
		}
	}
	if sol := s.solicitations.At(sub.solicitation); sol.attempts > 0 && n.state.HasMAC() && int32(n.heard-ticks(n.solicited)) >= 0 {
		return Unconfirmed
	}
	return NoReply
}

// unlinkSubscription ends a subscription with those of AddDeadline and removes them from
// the list of their neighbor.
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

// endSubscription frees a subscription; its generation makes the ref invalid.
func (s *Stack) endSubscription(id uint32, sub *subscription) {
	*sub = subscription{generation: sub.generation + 1}
	s.subscriptions.Free(id)
}

// confirmSubscriptions ends all subscriptions of a confirmed neighbor and queues a
// notice for each token.
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
			told = &s.notices[len(s.notices)-1] // filled in place: a copy would stall on its parts
			told.confirmed, told.token, told.mac, told.rtt, told.attempts = true, sub.token, n.mac, rtt, sol.attempts
		}
		sol.subscriptions = sub.next
		s.endSubscription(id, sub)
	}
}

// notify calls the subscriber for one notice.
func (s *Stack) notify(e *notice) {
	switch {
	case s.options.Subscriber == nil:
	case e.confirmed:
		s.options.Subscriber.Confirmed(e.token, e.mac, e.rtt, e.attempts)
	case s.findSubscription(e.ref) != nil:
		s.options.Subscriber.SolicitDue(e.token)
	}
}

// notifyDue queues the notice that the neighbor may be solicited now, to the first
// subscription.
func (s *Stack) notifyDue(sol *solicitation) {
	sol.flags |= solicitNotified
	sub := s.subscriptions.At(sol.subscriptions)
	s.notices = append(s.notices, notice{ref: sol.subscriptions | sub.generation<<refIDBits, token: sub.token})
}
