package learning

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
	m.giveUp(r, leaving)
	if !m.finish(r) {
		m.observer.RequestChanged(r)
	}
}

// giveUp ends the rows of a generator that no other one wants.
func (m *Manager) giveUp(r *Request, leaving *generator) {
	wanted := make([]bool, len(r.result.rows))
	for i := range r.generators {
		if g := &r.generators[i]; !g.gone {
			for _, row := range g.rows {
				wanted[row] = true
			}
		}
	}
	for _, row := range leaving.rows {
		if !wanted[row] {
			m.giveUpRow(r, &r.result.rows[row])
		}
	}
}

// giveUpRow ends one row. If others wait for the same next hop the row gets an
// answer of its own.
func (m *Manager) giveUpRow(r *Request, row *row) {
	res := r.result
	a := &res.answers[row.answer]
	if a.state != StateResolving {
		return
	}
	if res.rowsOf(a) == 1 {
		m.end(r, row.answer, evGeneratorDeleted)
		return
	}
	g := &res.gateways[a.hop&^viaGateway]
	g.rows--
	if g.split == none {
		state, _ := step(a.state, evGeneratorDeleted)
		var attempts uint16
		if a.link != none {
			attempts = m.targets.slots[a.link].asked
		}
		g.split = uint32(len(res.answers))
		res.answers = append(res.answers, answer{
			state: state, reason: evGeneratorDeleted.reason(ReasonNone), at: m.loop.Now(),
			link: none, hop: a.hop, iface: a.iface,
			attempts: attempts,
		})
	}
	row.answer = g.split
	r.account(1, res.answers[g.split].state)
}

// InterfaceDeleted ends everything that is being learned through an interface.
// It must be called before the interface is taken from the resolver. The handle
// may be used again afterwards.
func (m *Manager) InterfaceDeleted(handle uint32) {
	l := m.lanes[handle]
	if l == nil {
		return
	}
	delete(m.lanes, handle)
	for _, r := range m.active {
		if r == nil {
			continue
		}
		for i := range r.lanes {
			if r.lanes[i] == l {
				m.endInterface(r, uint32(i))
				if !m.finish(r) {
					m.observer.RequestChanged(r)
				}
				break
			}
		}
	}
}

func (m *Manager) endInterface(r *Request, iface uint32) {
	for i := range r.result.answers {
		if r.result.answers[i].iface == iface {
			m.end(r, uint32(i), evInterfaceDeleted)
		}
	}
}
