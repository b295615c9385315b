package stack

import (
	"net/netip"

	"glean/stack/header"
	"glean/stack/loop"
)

// ask is the record of a neighbor while it is being asked: while a waiter holds
// it, while packets wait for it, in INCOMPLETE and in PROBE.
type ask struct {
	neighbor   uint32
	holds      uint32 // the first of them
	attempts   uint32 // questions since asking began
	head, tail uint32 // held packets
	packets    uint16
	everybody  uint16     // questions to everybody since it was last known whom to ask
	was        header.MAC // the MAC before INCOMPLETE, zero if none was known
	tries      uint8      // questions of our own: for held packets, or as probes
	flags      uint8
}

// Flags of an ask.
const (
	askSelf    uint8 = 1 << iota // we ask without the waiter, for held packets
	askOffered                   // the waiter was told and may ask at any moment
	askUsed                      // a packet was sent since the last question; UNREACHABLE is asked only then
	askLost                      // the observer was told that it does not answer
)

// hold is one waiter's interest in a neighbor. Those of one target follow each
// other: the one that Hold gave a ref of, then those of Also.
type hold struct {
	deadline   loop.Time
	ask        uint32 // 0: free
	next       uint32 // of the same neighbor
	target     uint32
	generation uint32
}

// A ref names a hold by id and generation, so that a ref that has ended is
// known as such.
const (
	refIDBits = 22
	refIDMask = 1<<refIDBits - 1
)

// HeldState is how Hold ended.
type HeldState uint8

// States of Held.
const (
	HeldAsk     HeldState = iota // held; Solicit is allowed now
	HeldWait                     // held; Waiter.SolicitDue will say when to ask, if that is needed
	HeldKnown                    // MAC is known, nothing is held
	HeldRefused                  // Reason says why, nothing is held
)

// Held is the answer of Hold.
type Held struct {
	State  HeldState
	Ref    uint32     // HeldAsk, HeldWait
	MAC    header.MAC // HeldKnown
	Reason Reason     // HeldRefused
}

// longestGap is the longest time between two questions while a waiter holds
// the neighbor.
const longestGap = 3 * loop.Second

// rivalCounts is how long another station with one of our addresses is blamed for
// answers that do not come: as long as a neighbor is believed to be there without
// a word, REACHABLE_TIME (RFC 4861 section 10). One frame with a wrong sender
// does not explain all silence that follows.
const rivalCounts = 30 * loop.Second

// note is something to tell the waiter at the end of the turn.
type note struct {
	ref       uint32 // SolicitDue: not told if the hold ended meanwhile
	target    uint32
	attempts  uint32
	confirmed bool
	mac       header.MAC
	rtt       loop.Duration
}

// Hold begins to find out hop's MAC for a target of the waiter. Until deadline
// the neighbor is asked again and again: MulticastSolicits times every
// RetransTimer, while a tenth of a RetransTimer is left for the answer, then with
// growing gaps of at most 3 s, the last time one RetransTimer before the deadline.
// With fresh a REACHABLE entry does not count and is asked anew, unless it answered
// so lately that the next question may not come before the deadline. A neighbor with
// a MAC is asked there first; if it does not answer, the entry loses its MAC, and the
// next question goes to all stations. Static neighbors, multicast and broadcast
// addresses are known without asking. No two holds of a neighbor have one target.
func (i *Interface) Hold(hop netip.Addr, target uint32, fresh bool, deadline loop.Time) Held {
	s, a := i.stack, ipFrom(hop)
	if mac, ok := i.groupMAC(a); ok {
		return Held{State: HeldKnown, MAC: mac}
	}
	if r := i.refuse(a); r != ReasonNone {
		return Held{State: HeldRefused, Reason: r}
	}
	now := s.loop.Now()
	id, free := s.neighbors.search(i.slot, a)
	if id != 0 {
		if n := s.neighbors.at(id); i.isKnown(n, fresh, deadline) {
			return Held{State: HeldKnown, MAC: n.mac}
		}
	}
	if s.holds.Live() >= refIDMask {
		return Held{State: HeldRefused, Reason: TableFull}
	}
	if id == 0 {
		if id = s.admit(i, a, free, now, false); id == 0 {
			return Held{State: HeldRefused, Reason: TableFull}
		}
		if s.up {
			return Held{State: HeldAsk, Ref: s.begin(id, i, target, deadline)}
		}
	}
	ref, may := s.join(id, target, deadline, now)
	s.schedule()
	if may {
		return Held{State: HeldAsk, Ref: ref}
	}
	return Held{State: HeldWait, Ref: ref}
}

// isKnown tells whether nobody needs to be asked for who waits until deadline.
func (i *Interface) isKnown(n *neighbor, fresh bool, deadline loop.Time) bool {
	switch {
	case n.state == StateStatic:
		return true
	case n.state != StateReachable:
		return false
	}
	return !fresh || n.flags&flagAnswered != 0 && deadline < n.asked.Add(i.config.Neighbor.RetransTimer)
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

// refuse tells why a hop can't be asked for.
func (i *Interface) refuse(hop ip) Reason {
	switch {
	case i.slot == 0 || hop.isNeverAsked():
		return NoRoute
	case i.source(hop) == nil:
		return NoSourceAddress
	}
	if i.segment.own(hop) != nil {
		return OwnAddress // also another interface's: no frame comes back to the port that sent it
	}
	return ReasonNone
}

// begin is join, and evAsk, for an entry that was just made, while the link is
// up: nothing was asked yet, nobody else waits, and no timer is set.
func (s *Stack) begin(id uint32, i *Interface, target uint32, deadline loop.Time) (ref uint32) {
	n, h := s.neighbors.at(id), s.holds.Alloc()
	n.state, n.ask = StateIncomplete, s.asks.Alloc()
	s.unsettle(i, n)
	a, r := s.asks.At(n.ask), s.holds.At(h)
	a.neighbor, a.holds, a.flags = id, h, askOffered
	r.target, r.deadline, r.ask = target, deadline, n.ask
	s.report(i, n, StateNone, header.MAC{}, CauseAsked, false)
	return h | r.generation<<refIDBits
}

// join adds a hold to a neighbor and tells whether it may be asked now.
func (s *Stack) join(id, target uint32, deadline, now loop.Time) (ref uint32, may bool) {
	n := s.neighbors.at(id)
	s.adopt(n)
	n.flags &^= flagSuspect // the waiter wants to know of two MACs that answer, too
	if n.ask == 0 {
		s.startAsking(id, n)
	}
	if n.state == StateStale {
		s.neighbors.timers.Remove(id) // from the list of those to reclaim
	}
	h := s.holds.Alloc()
	a, r, i := s.asks.At(n.ask), s.holds.At(h), s.interfaces[n.iface]
	r.target, r.deadline, r.ask, r.next = target, deadline, n.ask, a.holds
	a.holds = h
	ref = h | r.generation<<refIDBits
	may = s.welcome(n, a, i, now)
	s.apply(id, evAsk, header.MAC{}, CauseAsked)
	return ref, may
}

// welcome sees to it that the next question comes in time for somebody new who
// waits for a neighbor. It tells whether the waiter may ask it now.
func (s *Stack) welcome(n *neighbor, a *ask, i *Interface, now loop.Time) (may bool) {
	switch {
	case n.state == StateProbe || a.flags&askSelf != 0:
		// The stack is asking already; the answer serves this waiter too.
	case n.isSought():
		if a.flags&askLost != 0 {
			a.everybody = 0 // the next question would be too late for this waiter
		}
		s.setAskTimer(n, a, i, now)
	case s.up && now >= n.asked.Add(i.config.Neighbor.RetransTimer):
		a.flags |= askOffered
		s.askTimers.Remove(n.ask)
		return true
	default:
		s.setAskTimer(n, a, i, now)
	}
	return false
}

// held finds the hold of a ref, nil if it has ended.
func (s *Stack) held(ref uint32) *hold {
	id := ref & refIDMask
	if id == 0 || id > s.holds.Len() {
		return nil
	}
	if h := s.holds.At(id); h.ask != 0 && h.generation<<refIDBits == ref&^refIDMask {
		return h
	}
	return nil
}

// Solicit sends one question for a held neighbor, if one is allowed now: the
// link is up and the last one is a RetransTimer ago. It tells whether a frame
// was sent. If not, SolicitDue comes when one is allowed.
func (s *Stack) Solicit(ref uint32) bool {
	h := s.held(ref)
	if h == nil {
		return false
	}
	a := s.asks.At(h.ask)
	n := s.neighbors.at(a.neighbor)
	i := s.interfaces[n.iface]
	now := s.loop.Now()
	if !s.up || now < n.asked.Add(i.config.Neighbor.RetransTimer) {
		return false // whoever made it too early has set the timer
	}
	if n.state != StateProbe && n.isSilent() {
		s.apply(a.neighbor, evUnanswered, header.MAC{}, CauseNoReply)
	}
	sent := s.question(n, a, i, now)
	s.setAskTimer(n, a, i, now)
	s.schedule()
	return sent
}

// Also tells that somebody who waits until deadline has come to wait for the
// target of a hold. Each deadline is asked for as if it were a hold's own; the
// answer is told once. That somebody has come is a reason to ask now, if that is
// allowed.
func (s *Stack) Also(ref uint32, deadline loop.Time) {
	h := s.held(ref)
	if h == nil {
		return
	}
	if s.holds.Live() >= refIDMask {
		h.deadline = max(h.deadline, deadline) // better than nothing
		return
	}
	more := s.holds.Alloc() // moves h, maybe
	h, m := s.holds.At(ref&refIDMask), s.holds.At(more)
	m.deadline, m.ask, m.target, m.next = deadline, h.ask, h.target, h.next
	h.next = more
	a := s.asks.At(h.ask)
	n := s.neighbors.at(a.neighbor)
	if a.flags&askOffered == 0 && s.welcome(n, a, s.interfaces[n.iface], s.loop.Now()) {
		s.offer(a)
	}
	s.schedule()
}

// NoLonger tells that one of those who wait for the target of a hold, until
// deadline, does not wait any more; others do.
func (s *Stack) NoLonger(ref uint32, deadline loop.Time) {
	h := s.held(ref)
	if h == nil {
		return
	}
	for before := h; before.next != 0; before = s.holds.At(before.next) {
		id := before.next
		m := s.holds.At(id)
		if m.target != h.target {
			return
		}
		if h.deadline == deadline { // the first of them stays, as the ref names it
			h.deadline, m.deadline = m.deadline, deadline
		}
		if m.deadline == deadline {
			before.next = m.next
			s.endHold(id, m)
			return
		}
	}
}

// Release ends a hold. A ref that has ended already does no harm.
func (s *Stack) Release(ref uint32) {
	h := s.held(ref)
	if h == nil {
		return
	}
	a := s.asks.At(h.ask)
	id := a.neighbor
	n := s.neighbors.at(id)
	i, now := s.interfaces[n.iface], s.loop.Now()
	s.unlinkHold(a, ref&refIDMask)
	switch {
	case n.state == StateIncomplete && a.holds == 0 && a.flags&askSelf == 0:
		// Nobody waits. The entry stays until the next question would be allowed,
		// so that nobody who comes back asks earlier.
		a.flags &^= askOffered
		s.askTimers.Set(n.ask, n.asked.Add(i.config.Neighbor.RetransTimer), now)
	case a.holds == 0:
		if s.reconcile(id, n, i); n.ask != 0 {
			a.flags &^= askOffered
			s.setAskTimer(n, a, i, now)
		}
	case a.flags&askOffered != 0:
		s.offer(a)
	default:
		s.setAskTimer(n, a, i, now)
	}
	s.schedule()
}

// Verdict tells why a held neighbor has not been confirmed so far.
func (s *Stack) Verdict(ref uint32) Reason {
	h := s.held(ref)
	if h == nil {
		return NoReply
	}
	n := s.neighbors.at(s.asks.At(h.ask).neighbor)
	if !s.up {
		return LinkDown
	}
	if own := s.interfaces[n.iface].source(s.neighbors.address(n)); own != nil {
		if mac, at := own.contested(); !mac.IsZero() && s.loop.Now().Sub(at) <= rivalCounts {
			return AddressConflict // the answers may go to the other one
		}
	}
	if a := s.asks.At(h.ask); a.attempts > 0 && n.state.HasMAC() && int32(n.told-ticks(n.asked)) >= 0 {
		return Unconfirmed
	}
	return NoReply
}

// unlinkHold takes a hold off its neighbor and ends it, with those of Also.
func (s *Stack) unlinkHold(a *ask, id uint32) {
	link := &a.holds
	for *link != id {
		link = &s.holds.At(*link).next
	}
	for target := s.holds.At(id).target; id != 0 && s.holds.At(id).target == target; id = *link {
		h := s.holds.At(id)
		*link = h.next
		s.endHold(id, h)
	}
}

func (s *Stack) endHold(id uint32, h *hold) {
	*h = hold{generation: h.generation + 1}
	s.holds.Free(id)
}

// confirmHolds tells all who wait for a neighbor; their holds end.
func (s *Stack) confirmHolds(n *neighbor, a *ask, now loop.Time) {
	rtt := loop.Duration(0)
	if n.flags&flagOutstanding != 0 {
		rtt = now.Sub(n.asked)
	}
	for told := (*note)(nil); a.holds != 0; {
		id := a.holds
		h := s.holds.At(id)
		if told == nil || told.target != h.target {
			s.notes = append(s.notes, note{})
			told = &s.notes[len(s.notes)-1] // filled in there: a copy would have to wait for its parts
			told.confirmed, told.target, told.mac, told.rtt, told.attempts = true, h.target, n.mac, rtt, a.attempts
		}
		a.holds = h.next
		s.endHold(id, h)
	}
}

// tell gives one note to the waiter.
func (s *Stack) tell(n *note) {
	switch {
	case s.options.Waiter == nil:
	case n.confirmed:
		s.options.Waiter.Confirmed(n.target, n.mac, n.rtt, n.attempts)
	case s.held(n.ref) != nil:
		s.options.Waiter.SolicitDue(n.target)
	}
}

// offer tells one who waits that the neighbor may be asked now.
func (s *Stack) offer(a *ask) {
	a.flags |= askOffered
	h := s.holds.At(a.holds)
	s.notes = append(s.notes, note{ref: a.holds | h.generation<<refIDBits, target: h.target})
}
