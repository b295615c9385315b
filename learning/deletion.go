package learning

import "slices"

// GeneratorDeleted ends a generator's part in the request that learns it. What
// no other generator of the request wants ends with GeneratorDeleted; a request
// without generators ends cancelled.
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

// giveUp ends the rows of a generator that no other one wants.
func (m *Manager) endUnwanted(r *Request, leaving *generator) {
	wanted := make([]bool, len(r.result.destinations))
	for i := range r.generators {
		if g := &r.generators[i]; !g.gone {
			for _, row := range g.destinations {
				wanted[row] = true
			}
		}
	}
	for _, row := range leaving.destinations {
		if !wanted[row] {
			m.endDestination(r, &r.result.destinations[row])
		}
	}
}

// giveUpRow ends one row. If others wait for the same next hop the row gets an
// answer of its own.
func (m *Manager) endDestination(r *Request, row *destination) {
	res := r.result
	a := &res.hops[row.result]
	if a.state != StateResolving || r.queues[a.iface].gone { // which ends it soon
		return
	}
	if res.destinationsOf(a) == 1 {
		m.end(r, row.result, evGeneratorDeleted)
		return
	}
	g := &res.gateways[a.hop&^viaGateway]
	g.destinations--
	if g.split == none {
		state, _ := step(a.state, evGeneratorDeleted)
		var attempts uint16
		if a.link != none {
			attempts = m.pending.slots[a.link].attempts
		}
		g.split = uint32(len(res.hops))
		before := sliceSize(res.hops)
		res.hops = append(res.hops, hopResult{
			state: state, reason: evGeneratorDeleted.reason(ReasonNone), at: m.loop.Now(),
			link: none, hop: a.hop, iface: a.iface,
			attempts: attempts,
		})
		res.charged += sliceSize(res.hops) - before
		m.octets.live += sliceSize(res.hops) - before
	}
	row.result = g.split
	r.count(1, res.hops[g.split].state)
}

// InterfaceDeleted ends everything that is being learned through an interface, what
// is more than a slice in several turns of the loop. It must be called before the
// interface is taken from the resolver, which must then forget what is held
// through it: no Release comes. The handle may be used again afterwards.
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

// sweep ends, of the next slice of answers, those whose interface went away; it
// tells how many it looked at. Those that are not begun yet end when their turn
// comes.
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
