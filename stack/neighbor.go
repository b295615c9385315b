package stack

import (
	"math/bits"

	"glean/stack/header"
	"glean/stack/loop"
	"glean/stack/wheel"
)

// suspectWithin is how soon after a change another MAC is a sign of a spoofer
// or a duplicate address.
const suspectWithin = 1 * loop.Second

// Bounds of the neighbors that only messages of peers created.
const (
	foreignMax   = 1024    // of an interface, as gc_thresh3 of Linux
	foreignAll   = 1 << 16 // of all interfaces of a stack; beyond it an interface has foreignShare
	foreignShare = 16
)

// foreignFull reports whether peers' messages have made as many neighbors of an
// interface as they may.
func (s *Stack) foreignFull(i *Interface) bool {
	return i.foreignCount >= foreignMax || s.foreignCount >= foreignAll && i.foreignCount >= foreignShare
}

// admit creates an entry in StateNone for an address that is not in the cache and
// returns its id, 0 if there is no room. When the cache is full, it reclaims the oldest
// STALE foreign entry; for an entry of ours also the oldest STALE entry of ours without
// subscriptions. Foreign entries are few, see foreignFull, and do not reduce the room
// for ours: the table may have MaxEntries of ours beside the foreign ones that cannot be
// reclaimed.
func (s *Stack) admit(i *Interface, a ip, free freeSlot, now loop.Time, foreign bool) uint32 {
	if most := i.config.Neighbor.MaxEntries; i.count >= most || s.neighbors.used >= maxIDs || foreign && s.foreignFull(i) {
		full := foreign || i.count-int(i.foreignCount) >= most || s.neighbors.used >= maxIDs
		victim := s.victim(i.foreignList, i, now)
		if victim == 0 && full && !foreign {
			victim = s.victim(i.staleList, i, now)
		}
		if victim == 0 && full {
			return 0
		}
		if victim != 0 {
			s.counts().Reclaimed++
			s.apply(victim, evFlush, header.MAC{}, CauseFlushed)
			free = noFreeSlot // others moved
		}
	}
	s.needCache()
	id := s.neighbors.create(i.slot, a, free, now)
	i.count++
	i.vlan.addBinding(a, i.slot)
	if foreign {
		s.neighbors.at(id).flags |= flagForeign
		i.foreignCount++
		s.foreignCount++
	}
	return id
}

// victim returns the oldest of a list of STALE entries, 0 if none may be reclaimed. An
// entry that was solicited within the last RetransTimer stays: with a new entry its
// neighbor could be solicited too early.
func (s *Stack) victim(list uint32, i *Interface, now loop.Time) uint32 {
	id := s.neighbors.timers.Oldest(list)
	if id == 0 || now < s.neighbors.at(id).solicited.Add(i.config.Neighbor.RetransTimer) {
		return 0
	}
	return id
}

// countForeign updates the count of INCOMPLETE foreign entries for a change of state.
func (s *Stack) countForeign(old, next State) {
	if next == StateIncomplete {
		s.foreignIncomplete++
	}
	if old == StateIncomplete {
		s.foreignIncomplete--
	}
}

// adopt makes a foreign entry one of ours.
func (s *Stack) adopt(n *neighbor) {
	if n.flags&flagForeign != 0 {
		i := s.interfaces[n.iface]
		s.countForeign(n.state, StateNone)
		n.flags &^= flagForeign
		i.foreignCount--
		s.foreignCount--
	}
}

// forget deletes an entry from the cache.
func (s *Stack) forget(id uint32) {
	n := s.neighbors.at(id)
	i := s.interfaces[n.iface]
	if n.solicitation != 0 {
		s.stopSolicitation(n)
	}
	s.adopt(n)
	i.count--
	i.vlan.removeBinding(s.neighbors.address(n), i.slot)
	s.neighbors.delete(id)
}

// addStatic creates an entry that never changes.
func (i *Interface) addStatic(a ip, mac header.MAC) {
	s := i.stack
	id, free := s.neighbors.search(i.slot, a)
	if id == 0 {
		s.needCache()
		id = s.neighbors.create(i.slot, a, free, s.loop.Now())
		i.count++
		i.vlan.addBinding(a, i.slot)
	}
	n := s.neighbors.at(id)
	n.state, n.mac = StateStatic, mac
	s.bindingChanged(i, n)
}

// apply moves a neighbor along its state table and performs the actions. The entry may
// be deleted when it returns.
func (s *Stack) apply(id uint32, e event, mac header.MAC, cause Cause) {
	n := s.neighbors.at(id)
	old := n.state
	next, do := step(old, e, n.isTracked())
	if next == old && do == 0 {
		return
	}
	i, now := s.interfaces[n.iface], s.loop.Now()
	if n.flags&flagForeign != 0 {
		s.countForeign(old, next)
	}
	if old == StateIncomplete && next == StateReachable && do == doResolve {
		s.resolve(id, n, i, mac, now, cause)
	} else {
		s.move(id, n, i, transition{next, do}, mac, now, cause)
	}
}

// move performs the actions of any transition.
func (s *Stack) move(id uint32, n *neighbor, i *Interface, t transition, mac header.MAC, now loop.Time, cause Cause) {
	old, oldMAC, next, do := n.state, n.mac, t.next, t.do
	n.state = next
	back := false
	if do&doRecord != 0 && old == StateIncomplete {
		sol := s.solicitations.At(n.solicitation)
		oldMAC, back = sol.oldMAC, sol.flags&solicitLost != 0
	}
	if do&doRecord != 0 && mac != n.mac {
		n.mac, n.heard = mac, ticks(now)
		if mac != oldMAC {
			n.confirmed = neverConfirmed
		}
		n.flags &^= flagTriedUnicast
		if !oldMAC.IsZero() && mac != oldMAC {
			s.counts().NeighborChanges++
		}
	}
	if do&doForget != 0 {
		n.mac = header.MAC{}
	}
	if next != old || n.mac != oldMAC {
		n.changed = now
	}
	s.setTimer(id, n, i, now, do)
	if do&doAnswer != 0 {
		if n.solicitation != 0 {
			s.confirmSubscriptions(n, s.solicitations.At(n.solicitation), now)
		}
		n.flags = n.flags&^flagOutstanding | flagAnswered
	} else if next != StateReachable {
		n.flags &^= flagAnswered
	}
	if do&doConfirm != 0 {
		n.confirmed = now
		n.flags &^= flagTriedUnicast
	}
	if n.solicitation != 0 && do&(doFlush|doDrop) != 0 {
		s.endHeldPackets(i, n, do)
	}
	if s.reconcile(id, n, i); n.solicitation != 0 && do&(doSolicit|doRecord|doForget) != 0 {
		s.restartSolicitation(n, i)
	}
	switch {
	case n.solicitation == 0:
	case n.state != StateIncomplete:
		s.solicitations.At(n.solicitation).flags &^= solicitLost
	case !oldMAC.IsZero():
		s.solicitations.At(n.solicitation).oldMAC = oldMAC
	}
	s.bindingChanged(i, n)
	s.report(i, n, old, oldMAC, cause, back)
	if next == StateNone {
		s.forget(id)
	}
}

// resolve is move for the most frequent transition: an INCOMPLETE neighbor becomes
// REACHABLE, and all subscribers are notified. It has the same effect in fewer steps,
// because no solicitation is left to schedule.
func (s *Stack) resolve(id uint32, n *neighbor, i *Interface, mac header.MAC, now loop.Time, cause Cause) {
	sol := s.solicitations.At(n.solicitation)
	oldMAC, back := sol.oldMAC, sol.flags&solicitLost != 0
	if !oldMAC.IsZero() && mac != oldMAC {
		s.counts().NeighborChanges++
	}
	n.state, n.mac, n.changed, n.confirmed, n.heard = StateReachable, mac, now, now, ticks(now)
	s.setTimer(id, n, i, now, doResolve)
	s.confirmSubscriptions(n, sol, now)
	n.flags = n.flags&^(flagOutstanding|flagTriedUnicast) | flagAnswered
	if sol.packets > 0 {
		s.endHeldPackets(i, n, doResolve)
	}
	s.solicitTimers.Remove(n.solicitation)
	s.solicitations.Release(n.solicitation)
	n.solicitation = 0
	s.bindingChanged(i, n)
	s.report(i, n, StateIncomplete, oldMAC, cause, back)
}

// setTimer arms the timer of the new state, or removes it.
func (s *Stack) setTimer(id uint32, n *neighbor, i *Interface, now loop.Time, do action) {
	switch {
	case do&doConfirm != 0 && n.isTracked():
		s.neighbors.timers.Set(id, now.Add(i.probeInterval()), now)
	case do&doConfirm != 0:
		s.neighbors.timers.Set(id, now.Add(s.drawReachable(i.config.Neighbor.ReachableTime)), now)
	case n.state == StateDelay:
		s.neighbors.timers.Set(id, now.Add(i.config.Neighbor.DelayFirstProbe), now)
	case n.state != StateReachable:
		s.neighbors.timers.Remove(id)
	}
}

// drawReachable draws a ReachableTime for one confirmation, between MIN_RANDOM_FACTOR
// 0.5 and MAX_RANDOM_FACTOR 1.5 of the mean (RFC 4861 sections 6.3.2 and 10), so that
// neighbors confirmed together do not age together.
func (s *Stack) drawReachable(mean loop.Duration) loop.Duration {
	part, _ := bits.Mul64(s.rand.Uint64(), uint64(mean)+1) // uniform but for less than one in a million
	return mean/2 + loop.Duration(part)
}

// reconcile creates or frees the solicitation record of an entry, as its state and
// subscriptions require, and puts an entry that may be reclaimed into its list.
func (s *Stack) reconcile(id uint32, n *neighbor, i *Interface) {
	switch needed := s.needsSolicitation(n); {
	case needed && n.solicitation == 0:
		s.startSolicitation(id, n)
	case !needed && n.solicitation != 0:
		s.stopSolicitation(n)
	}
	if n.state == StateStale && n.solicitation == 0 {
		list := &i.staleList
		if n.flags&flagForeign != 0 {
			list = &i.foreignList
		}
		if *list == 0 {
			*list = s.neighbors.timers.NewList()
		}
		s.neighbors.timers.Enlist(*list, id)
	} else if n.state == StateStale {
		s.neighbors.timers.Remove(id)
	}
}

// report calls the observer for a change of a neighbor.
func (s *Stack) report(i *Interface, n *neighbor, old State, oldMAC header.MAC, cause Cause, back bool) {
	if s.options.Observer == nil || old == n.state && oldMAC == n.mac {
		return
	}
	s.options.Observer.NeighborChanged(NeighborEvent{
		Interface: i, Addr: s.neighbors.address(n).addr(),
		Old: old, New: n.state, OldMAC: oldMAC, MAC: n.mac, Cause: cause, Tracked: n.isTracked(), Back: back,
	})
}

// ticks returns a time as neighbors store it: in ticks of the wheel, modulo 52 days.
func ticks(t loop.Time) uint32 { return uint32(t >> wheel.TickBits) }

// suspect counts and reports two MACs for one address within a second. It is called
// before the message is applied. If MACs alternate faster than that, only the first
// alternation is reported.
func (s *Stack) suspect(n *neighbor, told header.MAC, cause Cause) {
	now := ticks(s.loop.Now())
	if n.mac == told {
		n.heard = now
		return
	}
	if !n.state.HasMAC() {
		return
	}
	if now-n.heard > uint32(suspectWithin>>wheel.TickBits) && n.state != StateStatic {
		n.flags &^= flagSuspect
		return
	}
	s.counts().Suspicions++
	if n.flags&flagSuspect != 0 || s.options.Observer == nil {
		return
	}
	n.flags |= flagSuspect
	s.options.Observer.NeighborChanged(NeighborEvent{
		Interface: s.interfaces[n.iface], Addr: s.neighbors.address(n).addr(),
		Old: n.state, New: n.state, OldMAC: n.mac, MAC: n.mac, Cause: cause, Suspect: true, OtherMAC: told,
		Tracked: n.isTracked(),
	})
}

// linkDownNeighbors handles link down for the cache. Other stations may be there when
// the link comes up, so no entry stays confirmed, the next solicitation of an address
// goes to all stations and not to its old MAC, and held packets are dropped.
func (s *Stack) linkDownNeighbors() {
	for id := uint32(1); id <= s.neighbors.entries.Len(); id++ {
		n := s.neighbors.at(id)
		if n.iface == 0 {
			continue
		}
		n.flags = n.flags&^flagOutstanding | flagTriedUnicast
		s.apply(id, evLinkDown, header.MAC{}, CauseLinkDown)
	}
}

// ForgetSome deletes those of n entries of the stack's cache that belong to the
// interface, which is about to be removed. It splits the removal of a million entries
// over several turns of the loop. at is 0 first, then the value that the last call
// returned; 0 means that all entries are done. Subscriptions end; the subscriber is not
// notified. ForgetSome does nothing if the interface has all entries of the stack,
// because RemoveInterface is fast then.
func (i *Interface) ForgetSome(at uint32, n int) (next uint32) {
	s := i.stack
	if i.slot == 0 || i.count == s.neighbors.used && s.packets.live == 0 {
		return 0
	}
	last := s.neighbors.entries.Len()
	if int(last-min(at, last)) > n {
		last, next = at+uint32(n), at+uint32(n)
	}
	for id := at + 1; id <= last; id++ {
		if s.neighbors.at(id).iface == i.slot {
			s.forget(id)
		}
	}
	s.schedule()
	return next
}

// forgetNeighbors deletes all entries of an interface.
func (s *Stack) forgetNeighbors(i *Interface) {
	if i.count > 0 && i.count == s.neighbors.used && s.packets.live == 0 {
		s.forgetAll(i)
		return
	}
	for id := uint32(1); id <= s.neighbors.entries.Len() && i.count > 0; id++ {
		if s.neighbors.at(id).iface == i.slot {
			s.forget(id)
		}
	}
}

// forgetAll is forgetNeighbors for an interface that has all entries of the stack. It
// replaces the cache, because deleting a million entries one by one would block the
// loop. Subscriptions keep their generations, which make old refs invalid.
func (s *Stack) forgetAll(i *Interface) {
	for id := uint32(1); id <= s.subscriptions.Len(); id++ {
		if sub := s.subscriptions.At(id); sub.solicitation != 0 {
			s.endSubscription(id, sub)
		}
	}
	*s.cache = cache{neighbors: neighborTable{seed: s.seed}, subscriptions: s.subscriptions, packets: s.packets}
	for _, other := range s.interfaces {
		if other != nil { // its lists were empty
			other.staleList, other.foreignList = 0, 0
		}
	}
	i.count, i.foreignCount = 0, 0
	s.foreignIncomplete, s.foreignCount = 0, 0
	clear(i.vlan.bindings)
}

// Flush deletes the interface's neighbors except static ones. Neighbors with a
// subscription and tracked ones are solicited anew.
func (i *Interface) Flush() {
	if i.slot != 0 {
		i.stack.FlushSome(i, 0, int(i.stack.neighbors.entries.Len()))
	}
}

// FlushSome is Flush for n entries of the cache, those of one interface or, if it is
// nil, of all. It splits the flush of a million entries over several turns of the loop.
// at is 0 first, then the value that the last call returned; 0 means that all entries
// are done.
func (s *Stack) FlushSome(only *Interface, at uint32, n int) (next uint32) {
	last := s.neighbors.entries.Len()
	if int(last-min(at, last)) > n {
		last, next = at+uint32(n), at+uint32(n)
	}
	now := s.loop.Now()
	for id := at + 1; id <= last; id++ {
		n := s.neighbors.at(id)
		if n.iface == 0 || only != nil && n.iface != only.slot {
			continue
		}
		e := evFlush
		if n.solicitation != 0 && s.solicitations.At(n.solicitation).subscriptions != 0 || now < n.solicited.Add(s.interfaces[n.iface].config.Neighbor.RetransTimer) {
			e = evRestart // keeps the time of the last solicitation, so that RetransTimer holds
		}
		n.flags &^= flagOutstanding
		s.apply(id, e, header.MAC{}, CauseFlushed)
	}
	s.schedule()
	return next
}
