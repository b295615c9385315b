package stack

import (
	"fmt"
	"maps"
)

// Check tells whether the stack's invariants hold; it is for tests and takes
// time in proportion to everything there is.
func (s *Stack) Check() error {
	counts := make([]int, len(s.interfaces))
	var watched map[*segment]map[ip]int
	asks, live := 0, 0
	for id := uint32(1); id <= s.neighbors.entries.length; id++ {
		n := s.neighbors.at(id)
		if n.iface == 0 {
			continue
		}
		live++
		if int(n.iface) >= len(s.interfaces) || s.interfaces[n.iface] == nil {
			return fmt.Errorf("neighbor %d is of interface %d, which is not there", id, n.iface)
		}
		counts[n.iface]++
		if g := s.interfaces[n.iface].segment; g.watched != nil || len(g.interfaces) > scanAll {
			if watched == nil {
				watched = make(map[*segment]map[ip]int)
			}
			if watched[g] == nil {
				watched[g] = make(map[ip]int)
			}
			watched[g][s.neighbors.address(n)]++
		}
		if err := s.checkNeighbor(id, n); err != nil {
			return fmt.Errorf("neighbor %v (%v): %w", s.neighbors.address(n).addr(), n.state, err)
		}
		if n.ask != 0 {
			asks++
		}
	}
	if live != s.neighbors.used || live != s.neighbors.entries.live() {
		return fmt.Errorf("%d neighbors, %d counted, %d records", live, s.neighbors.used, s.neighbors.entries.live())
	}
	if asks != s.asks.live() {
		return fmt.Errorf("%d neighbors are being asked, %d records", asks, s.asks.live())
	}
	for slot, i := range s.interfaces {
		if i != nil && i.count != counts[slot] {
			return fmt.Errorf("interface %d has %d neighbors, %d counted", i.config.Handle, counts[slot], i.count)
		}
		if i != nil && i.count > i.config.Neighbor.MaxEntries {
			return fmt.Errorf("interface %d has %d neighbors, at most %d are allowed", i.config.Handle, i.count, i.config.Neighbor.MaxEntries)
		}
	}
	for _, i := range s.interfaces {
		if i == nil {
			continue
		}
		g := i.segment
		if (g.watched != nil || len(g.interfaces) > scanAll) && !maps.Equal(g.watched, watched[g]) {
			return fmt.Errorf("segment %x: neighbors by address are %v, counted %v", g.key, watched[g], g.watched)
		}
	}
	return s.checkHolds()
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
	armed := s.neighbors.timers.isArmed(id)
	if wanted := n.state == StateReachable || n.state == StateDelay; armed != wanted {
		return fmt.Errorf("timer armed: %v", armed)
	}
	listed := s.neighbors.timers.isListed(id)
	if wanted := n.state == StateStale && n.ask == 0; listed != wanted {
		return fmt.Errorf("listed for reclaiming: %v", listed)
	}
	if s.mustAsk(n) != (n.ask != 0) {
		return fmt.Errorf("record of asking %d", n.ask)
	}
	if n.ask == 0 {
		return nil
	}
	a := s.asks.at(n.ask)
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
	if n.isTracked() && n.state != StateReachable && (s.up && !s.askTimers.isArmed(n.ask) || a.flags&askOffered != 0) {
		return fmt.Errorf("is tracked, but the stack does not ask")
	}
	if armed := s.askTimers.isArmed(n.ask); s.up && !armed && a.flags&askOffered == 0 && a.holds == 0 {
		return fmt.Errorf("is asked, but nothing will happen")
	}
	return nil
}

// checkHolds looks at the chains of holds.
func (s *Stack) checkHolds() error {
	chained, held := 0, 0
	for id := uint32(1); id <= s.asks.length; id++ {
		a := s.asks.at(id)
		held += int(a.packets)
		for h := a.holds; h != 0; h = s.holds.at(h).next {
			if s.holds.at(h).ask != id {
				return fmt.Errorf("hold %d is of ask %d, not %d", h, s.holds.at(h).ask, id)
			}
			if chained++; chained > s.holds.live() {
				return fmt.Errorf("holds form a circle")
			}
		}
	}
	if chained != s.holds.live() {
		return fmt.Errorf("%d holds hang on neighbors, %d are in use", chained, s.holds.live())
	}
	if held != s.packets.live {
		return fmt.Errorf("%d packets hang on neighbors, %d are in use", held, s.packets.live)
	}
	return nil
}
