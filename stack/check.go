package stack

import (
	"fmt"
	"slices"
)

// Check tells whether the stack's invariants hold; it is for tests and takes
// time in proportion to everything there is.
func (s *Stack) Check() error {
	counts := make([]int, len(s.interfaces))
	foreign := make([]int32, len(s.interfaces))
	known := make(map[*segment]int) // neighbors of its interfaces
	asks, live, strangers, foreigners := 0, 0, int32(0), int32(0)
	for id := uint32(1); id <= s.neighbors.entries.Len(); id++ {
		n := s.neighbors.at(id)
		if n.iface == 0 {
			continue
		}
		live++
		if int(n.iface) >= len(s.interfaces) || s.interfaces[n.iface] == nil {
			return fmt.Errorf("neighbor %d is of interface %d, which is not there", id, n.iface)
		}
		counts[n.iface]++
		if n.flags&flagForeign != 0 {
			foreign[n.iface]++
			foreigners++
			if n.state == StateIncomplete {
				strangers++
			}
		}
		if g := s.interfaces[n.iface].segment; g.watched != nil || len(g.interfaces) > scanAll {
			known[g]++
			if err := s.checkKnown(g, n); err != nil {
				return fmt.Errorf("neighbor %v: %w", s.neighbors.address(n).addr(), err)
			}
		}
		if err := s.checkNeighbor(id, n); err != nil {
			return fmt.Errorf("neighbor %v (%v): %w", s.neighbors.address(n).addr(), n.state, err)
		}
		if n.ask != 0 {
			asks++
		}
	}
	if live != s.neighbors.used || live != s.neighbors.entries.Live() {
		return fmt.Errorf("%d neighbors, %d counted, %d records", live, s.neighbors.used, s.neighbors.entries.Live())
	}
	if asks != s.asks.Live() {
		return fmt.Errorf("%d neighbors are being asked, %d records", asks, s.asks.Live())
	}
	for slot, i := range s.interfaces {
		if i != nil && i.count != counts[slot] {
			return fmt.Errorf("interface %d has %d neighbors, %d counted", i.config.Handle, counts[slot], i.count)
		}
		if i != nil && (i.peers != foreign[slot] || i.peers > foreignMax) {
			return fmt.Errorf("peers made %d neighbors of interface %d, %d counted, at most %d are allowed", foreign[slot], i.config.Handle, i.peers, foreignMax)
		}
		if i != nil && i.count-int(i.peers) > i.config.Neighbor.MaxEntries {
			return fmt.Errorf("interface %d has %d neighbors, %d of them of peers, at most %d are allowed", i.config.Handle, i.count, i.peers, i.config.Neighbor.MaxEntries)
		}
	}
	if strangers != s.strangers || foreigners != s.peers {
		return fmt.Errorf("peers made %d neighbors, %d counted; %d of them are looked for, %d counted", foreigners, s.peers, strangers, s.strangers)
	}
	for _, i := range s.interfaces {
		if i == nil {
			continue
		}
		counted := 0
		for _, k := range i.segment.watched {
			counted += int(k.count)
		}
		if counted != known[i.segment] {
			return fmt.Errorf("segment %x: %d neighbors, %d are known by address", i.segment.key, known[i.segment], counted)
		}
	}
	if err := s.checkDelayed(); err != nil {
		return err
	}
	return s.checkHolds()
}

// checkKnown looks whether a segment knows who has a neighbor.
func (s *Stack) checkKnown(g *segment, n *neighbor) error {
	a := s.neighbors.address(n)
	k, all := g.watched[a], g.shared[a]
	switch {
	case (k.count > 1) != (all != nil):
		return fmt.Errorf("%d interfaces know it, shared: %v", k.count, all != nil)
	case all == nil && (k.count != 1 || k.slot != n.iface):
		return fmt.Errorf("interface %d is said to know it (%d), not %d", k.slot, k.count, n.iface)
	case all == nil:
		return nil
	case len(all.slots) != int(k.count) || !slices.Contains(all.slots, n.iface):
		return fmt.Errorf("interfaces %v are said to know it (%d), not %d", all.slots, k.count, n.iface)
	case !all.settled.mac.IsZero() && s.claimOf(n) != all.settled:
		return fmt.Errorf("all are said to have %v, it has %v", all.settled, n.mac)
	}
	return nil
}

// checkNeighbor looks at one entry and all that hangs on it.
func (s *Stack) checkNeighbor(id uint32, n *neighbor) error {
	if found := s.neighbors.find(n.iface, s.neighbors.address(n)); found != id {
		return fmt.Errorf("the index gives %d, not %d", found, id)
	}
	if n.state == StateNone || n.state >= numStates {
		return fmt.Errorf("impossible state")
	}
	if hasMAC := !n.mac.IsZero(); hasMAC != n.state.HasMAC() || n.mac.IsMulticast() {
		return fmt.Errorf("has MAC %v", n.mac)
	}
	if n.isTracked() && n.state != StateReachable && n.state != StateProbe && !n.isSought() {
		return fmt.Errorf("is tracked")
	}
	armed := s.neighbors.timers.IsArmed(id)
	if wanted := n.state == StateReachable || n.state == StateDelay; armed != wanted {
		return fmt.Errorf("timer armed: %v", armed)
	}
	listed := s.neighbors.timers.IsListed(id)
	if wanted := n.state == StateStale && n.ask == 0; listed != wanted {
		return fmt.Errorf("listed for reclaiming: %v", listed)
	}
	if s.mustAsk(n) != (n.ask != 0) {
		return fmt.Errorf("record of asking %d", n.ask)
	}
	if n.ask == 0 {
		return nil
	}
	a := s.asks.At(n.ask)
	if a.neighbor != id {
		return fmt.Errorf("its record of asking is of neighbor %d", a.neighbor)
	}
	if a.packets > 0 && (n.state != StateIncomplete || a.flags&askSelf == 0) {
		return fmt.Errorf("%d held packets, flags %04b", a.packets, a.flags)
	}
	if int(a.packets) > s.interfaces[n.iface].config.Neighbor.MaxHeld {
		return fmt.Errorf("%d held packets", a.packets)
	}
	if a.flags&askOffered != 0 && a.holds == 0 {
		return fmt.Errorf("offered to nobody")
	}
	if a.flags&askLost != 0 && !n.isSought() {
		return fmt.Errorf("is lost")
	}
	if n.isTracked() && n.state != StateReachable && (s.up && !s.askTimers.IsArmed(n.ask) || a.flags&askOffered != 0) {
		return fmt.Errorf("is tracked, but the stack does not ask")
	}
	if armed := s.askTimers.IsArmed(n.ask); s.up && !armed && a.flags&askOffered == 0 && a.holds == 0 {
		return fmt.Errorf("is asked, but nothing will happen")
	}
	return nil
}

// checkHolds looks at the chains of holds.
func (s *Stack) checkHolds() error {
	chained, held, waiting := 0, 0, 0
	for id := uint32(1); id <= s.asks.Len(); id++ {
		a := s.asks.At(id)
		held += int(a.packets)
		if a.packets > 0 {
			waiting++
		}
		if err := s.checkPackets(id, a); err != nil {
			return err
		}
		for h := a.holds; h != 0; h = s.holds.At(h).next {
			if s.holds.At(h).ask != id {
				return fmt.Errorf("hold %d is of ask %d, not %d", h, s.holds.At(h).ask, id)
			}
			if chained++; chained > s.holds.Live() {
				return fmt.Errorf("holds form a circle")
			}
		}
		if err := s.checkTargets(a); err != nil {
			return err
		}
	}
	if chained != s.holds.Live() {
		return fmt.Errorf("%d holds hang on neighbors, %d are in use", chained, s.holds.Live())
	}
	if held != s.packets.live {
		return fmt.Errorf("%d packets hang on neighbors, %d are in use", held, s.packets.live)
	}
	if newest, surplus := s.packets.count(newestPackets), s.packets.count(surplusPackets); newest != waiting || surplus != held-waiting {
		return fmt.Errorf("%d neighbors have %d packets; %d are listed as newest, %d as surplus", waiting, held, newest, surplus)
	}
	return nil
}

// checkPackets looks at the packets that wait for one neighbor.
func (s *Stack) checkPackets(id uint32, a *ask) error {
	last := uint32(0)
	for k, at := uint16(0), a.head; k < a.packets; k, last, at = k+1, at, s.packets.slots[at].next {
		if at < firstPacket || s.packets.slots[at].ask != id {
			return fmt.Errorf("packet %d of ask %d is of ask %d", at, id, s.packets.slots[at].ask)
		}
	}
	if a.packets > 0 && (last != a.tail || s.packets.slots[last].next != 0) {
		return fmt.Errorf("the packets of ask %d end with %d, not %d", id, last, a.tail)
	}
	return nil
}

// count is how many packets are in a list.
func (p *packetPool) count(list uint32) (n int) {
	if len(p.slots) == 0 {
		return 0
	}
	for id := p.slots[list].newer; id != list && n <= p.live; id = p.slots[id].newer {
		n++
	}
	return n
}

// checkTargets wants the holds of one target to follow each other.
func (s *Stack) checkTargets(a *ask) error {
	for h := a.holds; h != 0; {
		target := s.holds.At(h).target
		for h != 0 && s.holds.At(h).target == target {
			h = s.holds.At(h).next
		}
		for other := h; other != 0; other = s.holds.At(other).next {
			if s.holds.At(other).target == target {
				return fmt.Errorf("hold %d is apart from others of target %d", other, target)
			}
		}
	}
	return nil
}
