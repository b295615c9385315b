package learning

import "slices"

// GeneratorDeleted ends a generator's part in the request that learns it. Destinations
// that no other generator of the request wants end with the reason GeneratorDeleted. A
// request without generators ends cancelled.
func (m *Manager) GeneratorDeleted(handle uint32) {
	r := m.learning[handle]
	if r == nil {
		return
	}
	delete(m.learning, handle)
	var leaving *generator
	others := 0
	for i := range r.generators {
		g := &r.generators[i]
		switch {
		case g.handle == handle && !g.gone:
			leaving = g
			g.gone = true
		case !g.gone:
			others++
		}
	}
	if others == 0 {
		m.cancel(r, evGeneratorDeleted)
		return
	}
	m.endUnwanted(r, leaving)
	if !m.finish(r) {
		m.observer.RequestChanged(r)
	}
}

// endUnwanted ends the destinations of a generator that no other one wants.
func (m *Manager) endUnwanted(r *Request, leaving *generator) {
	wanted := make([]bool, len(r.result.destinations))
	for i := range r.generators {
		if g := &r.generators[i]; !g.gone {
			for _, dest := range g.destinations {
				wanted[dest] = true
			}
		}
	}
	for _, dest := range leaving.destinations {
		if !wanted[dest] {
			m.endDestination(r, &r.result.destinations[dest])
		}
	}
}

// endDestination ends one destination. If others wait for the same next hop, it gets a
// result of its own.
func (m *Manager) endDestination(r *Request, dest *destination) {
	res := r.result
	h := &res.hops[dest.result]
	if h.state != StateResolving || r.queues[h.iface].gone { // InterfaceDeleted ends it
		return
	}
	if res.destinationsOf(h) == 1 {
		m.end(r, dest.result, evGeneratorDeleted)
		return
	}
	g := &res.gateways[h.hop&^viaGateway]
	g.destinations--
	if g.split == none {
		state, _ := step(h.state, evGeneratorDeleted)
		var attempts uint16
		if h.link != none {
			attempts = m.pending.slots[h.link].attempts
		}
		g.split = uint32(len(res.hops))
		before := sliceSize(res.hops)
		res.hops = append(res.hops, hopResult{
			state: state, reason: evGeneratorDeleted.reason(ReasonNone), at: m.loop.Now(),
			link: none, hop: h.hop, iface: h.iface,
			attempts: attempts,
		})
		res.charged += sliceSize(res.hops) - before
		m.octets.live += sliceSize(res.hops) - before
	}
	dest.result = g.split
	r.count(1, res.hops[g.split].state)
}

// InterfaceDeleted ends everything that is being learned through an interface, more
// than a slice of it in several turns of the loop. It must be called before the resolver
// loses the interface. The resolver must then end the subscriptions through it: no
// Release comes. The handle may be used again afterwards.
func (m *Manager) InterfaceDeleted(handle uint32) {
	q := m.queues[handle]
	if q == nil {
		return
	}
	delete(m.queues, handle)
	q.close()
	left := m.slice
	for _, r := range m.active {
		if r == nil || r.ending || !slices.Contains(r.queues, q) {
			continue
		}
		r.sweeps, r.swept = true, 0
		if left > 0 {
			left -= m.sweep(r)
		} else {
			m.loop.Arm(&r.work, m.loop.Now())
		}
	}
}

// sweep ends, of the next slice of next hops, those of deleted interfaces, and returns
// how many next hops it looked at. A next hop that has not begun ends when beginSome
// reaches it.
func (m *Manager) sweep(r *Request) int {
	from, to := r.swept, min(r.swept+m.slice, r.next)
	for ; r.swept < to; r.swept++ {
		if r.queues[r.result.hops[r.swept].iface].gone {
			m.end(r, uint32(r.swept), evInterfaceDeleted)
		}
	}
	r.sweeps = r.swept < r.next
	if m.finish(r) {
		return to - from
	}
	if !r.sweeps {
		m.observer.RequestChanged(r)
	}
	if r.sweeps || r.next < len(r.result.hops) {
		m.loop.Arm(&r.work, m.loop.Now())
	}
	return to - from
}
