package learning

import "net/netip"

// Prepared is a request that is ready to start: its tables are made.
type Prepared struct{ request *Request }

// NextHops returns next hops as Resolver.NextHop does.
type NextHops func(iface uint32, dst netip.Addr) (hop netip.Addr, reason Reason)

// Prepare checks a spec and makes the tables of its request, which takes a tenth of a
// second for a million addresses. It may be called on any goroutine on which next may
// be called. The error is an ErrInvalid.
func Prepare(spec Spec, next NextHops) (*Prepared, error) {
	if err := spec.check(); err != nil {
		return nil, err
	}
	r := &Request{id: spec.ID, mode: spec.Mode, timeout: spec.Timeout}
	r.result = &Result{state: StateResolving, live: r}
	build(next, &spec, r)
	return &Prepared{r}, nil
}

// SetGenerator sets the id and handle of a prepared request's only generator, which did
// not exist yet when the request was prepared.
func (d *Prepared) SetGenerator(id string, handle uint32) {
	d.request.generators[0].handle = handle
	d.request.result.generatorIDs[0] = id
}

// StartPrepared is Start for a prepared request, which may be started once.
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
