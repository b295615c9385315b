package learning

import "net/netip"

// Draft is a request that is ready to start: its tables are made.
type Prepared struct{ request *Request }

// NextHops is what Resolver.NextHop is.
type NextHops func(iface uint32, dst netip.Addr) (hop netip.Addr, reason Reason)

// Prepare checks a spec and makes the tables of its request, which takes a tenth
// of a second for a million addresses. It may be called anywhere, if next may be.
// The error is ErrInvalid.
func Prepare(spec Spec, next NextHops) (*Prepared, error) {
	if err := spec.check(); err != nil {
		return nil, err
	}
	r := &Request{id: spec.ID, mode: spec.Mode, timeout: spec.Timeout}
	r.result = &Result{state: StateResolving, live: r}
	build(next, &spec, r)
	return &Prepared{r}, nil
}

// Rename is for a draft of one generator that was not made yet when the draft was.
func (d *Prepared) SetGenerator(id string, handle uint32) {
	d.request.generators[0].handle = handle
	d.request.result.generatorIDs[0] = id
}

// StartDraft is Start of what was prepared. A draft is started once at most.
func (m *Manager) StartPrepared(d *Prepared) (*Request, error) {
	r, now := d.request, m.loop.Now()
	for i := range r.generators {
		if other := m.learning[r.generators[i].handle]; other != nil {
			return nil, ErrBusy{GeneratorID: r.result.generatorIDs[i], RequestID: other.id}
		}
	}
	if r.id == "" {
		r.id = m.newID(func(id string) bool { return id != "plan" && !m.requests.has(id) })
	}
	if m.requests.has(r.id) {
		return nil, ErrExists{ID: r.id}
	}
	r.manager, r.deadline = m, now.Add(r.timeout)
	r.result.requestID, r.result.createdAt = r.id, now
	r.result.id = m.newID(func(id string) bool { return !m.results.has(id) })
	m.register(r)
	m.begin(r)
	return r, nil
}
