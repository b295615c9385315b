package stack

import (
	"fmt"
	"slices"
)

// Check returns an error if an invariant of the stack does not hold. It is for tests and
// takes time in proportion to the number of neighbors.
func (s *Stack) Check() error {
	counts := make([]int, len(s.interfaces))
	foreign := make([]int32, len(s.interfaces))
	known := make(map[*vlan]int) // neighbors of its interfaces
	asks, live, incomplete, allForeign := 0, 0, int32(0), int32(0)
	for id := uint32(1); id <= s.neighbors.entries.Len(); id++ {
		n := s.neighbors.at(id)
		if n.iface == 0 {
			continue
		}
		live++
		if int(n.iface) >= len(s.interfaces) || s.interfaces[n.iface] == nil {
			return fmt.Errorf("neighbor %d is of interface %d, which does not exist", id, n.iface)
		}
		counts[n.iface]++
		if n.flags&flagForeign != 0 {
			foreign[n.iface]++
			allForeign++
			if n.state == StateIncomplete {
				incomplete++
			}
		}
		if v := s.interfaces[n.iface].vlan; v.bindings != nil || len(v.interfaces) > maxUnindexed {
			known[v]++
			if err := s.checkBinding(v, n); err != nil {
				return fmt.Errorf("neighbor %v: %w", s.neighbors.address(n).addr(), err)
			}
		}
		if err := s.checkNeighbor(id, n); err != nil {
			return fmt.Errorf("neighbor %v (%v): %w", s.neighbors.address(n).addr(), n.state, err)
		}
		if n.solicitation != 0 {
			asks++
		}
	}
	if live != s.neighbors.used || live != s.neighbors.entries.Live() {
		return fmt.Errorf("%d neighbors, %d counted, %d records", live, s.neighbors.used, s.neighbors.entries.Live())
	}
	if asks != s.solicitations.Live() {
		return fmt.Errorf("%d neighbors are being solicited, %d records", asks, s.solicitations.Live())
	}
	for slot, i := range s.interfaces {
		if i != nil && i.count != counts[slot] {
			return fmt.Errorf("interface %d has %d neighbors, %d counted", i.config.Handle, counts[slot], i.count)
		}
		if i != nil && (i.foreignCount != foreign[slot] || i.foreignCount > foreignMax) {
			return fmt.Errorf("interface %[2]d has %[1]d foreign neighbors, %[3]d counted, at most %[4]d are allowed", foreign[slot], i.config.Handle, i.foreignCount, foreignMax)
		}
		if i != nil && i.count-int(i.foreignCount) > i.config.Neighbor.MaxEntries {
			return fmt.Errorf("interface %d has %d neighbors, %d of them foreign, at most %d of ours are allowed", i.config.Handle, i.count, i.foreignCount, i.config.Neighbor.MaxEntries)
		}
	}
	if incomplete != s.foreignIncomplete || allForeign != s.foreignCount {
		return fmt.Errorf("%d foreign neighbors, %d counted; %d of them INCOMPLETE, %d counted", allForeign, s.foreignCount, incomplete, s.foreignIncomplete)
	}
	for _, i := range s.interfaces {
		if i == nil {
			continue
		}
		counted := 0
		for _, k := range i.vlan.bindings {
			counted += int(k.count)
		}
		if counted != known[i.vlan] {
			return fmt.Errorf("VLAN %x: %d neighbors, %d are in the binding index", i.vlan.key, known[i.vlan], counted)
		}
	}
	if err := s.checkDelayed(); err != nil {
		return err
	}
	return s.checkSubscriptions()
}

// checkBinding checks that the binding index of a VLAN has an entry.
func (s *Stack) checkBinding(v *vlan, n *neighbor) error {
	a := s.neighbors.address(n)
	k, all := v.bindings[a], v.shared[a]
	switch {
	case (k.count > 1) != (all != nil):
		return fmt.Errorf("binding index: %d interfaces have it, shared: %v", k.count, all != nil)
	case all == nil && (k.count != 1 || k.slot != n.iface):
		return fmt.Errorf("binding index: interface %d has it (%d), not %d", k.slot, k.count, n.iface)
	case all == nil:
		return nil
	case len(all.slots) != int(k.count) || !slices.Contains(all.slots, n.iface):
		return fmt.Errorf("binding index: interfaces %v have it (%d), not %d", all.slots, k.count, n.iface)
	case !all.common.mac.IsZero() && s.bindingOf(n) != all.common:
		return fmt.Errorf("common binding is %v, its MAC is %v", all.common, n.mac)
	}
	return nil
}

// checkNeighbor checks one entry with its timer, list and solicitation.
func (s *Stack) checkNeighbor(id uint32, n *neighbor) error {
	if found := s.neighbors.find(n.iface, s.neighbors.address(n)); found != id {
		return fmt.Errorf("the index has id %d, not %d", found, id)
	}
	if n.state == StateNone || n.state >= numStates {
		return fmt.Errorf("impossible state")
	}
	if hasMAC := !n.mac.IsZero(); hasMAC != n.state.HasMAC() || n.mac.IsMulticast() {
		return fmt.Errorf("has MAC %v", n.mac)
	}
	if n.isTracked() && n.state != StateReachable && n.state != StateProbe && !n.isTrackedIncomplete() {
		return fmt.Errorf("is tracked")
	}
	armed := s.neighbors.timers.IsArmed(id)
	if wanted := n.state == StateReachable || n.state == StateDelay; armed != wanted {
		return fmt.Errorf("timer armed: %v", armed)
	}
	listed := s.neighbors.timers.IsListed(id)
	if wanted := n.state == StateStale && n.solicitation == 0; listed != wanted {
		return fmt.Errorf("listed for reclaiming: %v", listed)
	}
	if s.needsSolicitation(n) != (n.solicitation != 0) {
		return fmt.Errorf("has solicitation record %d", n.solicitation)
	}
	if n.solicitation == 0 {
		return nil
	}
	sol := s.solicitations.At(n.solicitation)
	if sol.neighbor != id {
		return fmt.Errorf("its solicitation record is of neighbor %d", sol.neighbor)
	}
	if sol.packets > 0 && (n.state != StateIncomplete || sol.flags&solicitSelf == 0) {
		return fmt.Errorf("%d held packets, flags %04b", sol.packets, sol.flags)
	}
	if int(sol.packets) > s.interfaces[n.iface].config.Neighbor.MaxHeld {
		return fmt.Errorf("%d held packets", sol.packets)
	}
	if sol.flags&solicitNotified != 0 && sol.subscriptions == 0 {
		return fmt.Errorf("SolicitDue was called without a subscription")
	}
	if sol.flags&solicitLost != 0 && !n.isTrackedIncomplete() {
		return fmt.Errorf("is lost")
	}
	if n.isTracked() && n.state != StateReachable && (s.up && !s.solicitTimers.IsArmed(n.solicitation) || sol.flags&solicitNotified != 0) {
		return fmt.Errorf("is tracked, but no solicitation is scheduled")
	}
	if armed := s.solicitTimers.IsArmed(n.solicitation); s.up && !armed && sol.flags&solicitNotified == 0 && sol.subscriptions == 0 {
		return fmt.Errorf("is being solicited, but no event is scheduled")
	}
	return nil
}

// checkSubscriptions checks the lists of subscriptions and held packets.
func (s *Stack) checkSubscriptions() error {
	chained, held, waiting := 0, 0, 0
	for id := uint32(1); id <= s.solicitations.Len(); id++ {
		sol := s.solicitations.At(id)
		held += int(sol.packets)
		if sol.packets > 0 {
			waiting++
		}
		if err := s.checkPackets(id, sol); err != nil {
			return err
		}
		for h := sol.subscriptions; h != 0; h = s.subscriptions.At(h).next {
			if s.subscriptions.At(h).solicitation != id {
				return fmt.Errorf("subscription %d is of solicitation %d, not %d", h, s.subscriptions.At(h).solicitation, id)
			}
			if chained++; chained > s.subscriptions.Live() {
				return fmt.Errorf("subscriptions form a circle")
			}
		}
		if err := s.checkTokens(sol); err != nil {
			return err
		}
	}
	if chained != s.subscriptions.Live() {
		return fmt.Errorf("%d subscriptions are in lists, %d are in use", chained, s.subscriptions.Live())
	}
	if held != s.packets.live {
		return fmt.Errorf("%d packets are in lists, %d are in use", held, s.packets.live)
	}
	if newest, surplus := s.packets.count(newestPackets), s.packets.count(surplusPackets); newest != waiting || surplus != held-waiting {
		return fmt.Errorf("%d neighbors have %d packets; %d are listed as newest, %d as surplus", waiting, held, newest, surplus)
	}
	return nil
}

// checkPackets checks the held packets of one neighbor.
func (s *Stack) checkPackets(id uint32, sol *solicitation) error {
	last := uint32(0)
	for k, at := uint16(0), sol.head; k < sol.packets; k, last, at = k+1, at, s.packets.slots[at].next {
		if at < firstPacket || s.packets.slots[at].solicitation != id {
			return fmt.Errorf("packet %d of solicitation %d is of solicitation %d", at, id, s.packets.slots[at].solicitation)
		}
	}
	if sol.packets > 0 && (last != sol.tail || s.packets.slots[last].next != 0) {
		return fmt.Errorf("the packets of solicitation %d end with %d, not %d", id, last, sol.tail)
	}
	return nil
}

// count returns how many packets are in a list.
func (p *packetPool) count(list uint32) (n int) {
	if len(p.slots) == 0 {
		return 0
	}
	for id := p.slots[list].newer; id != list && n <= p.live; id = p.slots[id].newer {
		n++
	}
	return n
}

// checkTokens checks that the subscriptions of one token follow each other.
func (s *Stack) checkTokens(sol *solicitation) error {
	for h := sol.subscriptions; h != 0; {
		target := s.subscriptions.At(h).token
		for h != 0 && s.subscriptions.At(h).token == target {
			h = s.subscriptions.At(h).next
		}
		for other := h; other != 0; other = s.subscriptions.At(other).next {
			if s.subscriptions.At(other).token == target {
				return fmt.Errorf("subscription %d is apart from others of token %d", other, target)
			}
		}
	}
	return nil
}
