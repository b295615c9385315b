package learning

import (
	"fmt"

	"glean/stack/loop"
)

// Options of a Manager. The zero value keeps all requests and numbers the ids.
type Options struct {
	NewID     func() string // ids of requests without one, and of results
	Retain    int           // finished requests kept at most, and finished results; 0: all
	RetainFor loop.Duration // how long they are kept; 0: for ever
	// RetainSize is the memory that finished results may hold, in octets; 0: any. The
	// newest result is kept whatever its size.
	RetainSize int64
	// PerHop is the memory that the resolver needs for a next hop with a subscription,
	// in octets. The account of a request in progress includes it.
	PerHop int64
}

// Manager runs the learning requests of a loop.
type Manager struct {
	loop     loop.Loop
	resolver Resolver
	observer Observer
	options  Options
	slice    int

	pending    pendingTable
	queues     map[uint32]*ifaceQueue    // by interface handle; never walked
	schedulers map[uint32]*portScheduler // by Budget.Path; never walked
	active     []*Request                // by slot; nil where free
	freeSlots  []uint32
	learning   map[uint32]*Request // by handle of a generator of a request in progress; never walked

	requests    registry[*Request]
	results     registry[*Result]
	oldRequests retention[*Request]
	oldResults  retention[*Result]
	expiry      loop.Timer

	octets account
}

// NewManager returns a manager without requests.
func NewManager(l loop.Loop, r Resolver, o Observer, options Options) *Manager {
	m := &Manager{
		loop: l, resolver: r, observer: o, options: options, slice: slice,
		pending:    newPendingTable(),
		queues:     make(map[uint32]*ifaceQueue),
		schedulers: make(map[uint32]*portScheduler),
		learning:   make(map[uint32]*Request),
		requests:   newRegistry((*Request).ID),
		results:    newRegistry((*Result).ID),
	}
	if m.options.NewID == nil {
		n := 0
		m.options.NewID = func() string { n++; return fmt.Sprintf("lr-%d", n) }
	}
	m.oldRequests.drop, m.oldRequests.ended = m.forgetRequest, (*Request).finishedAt
	m.oldResults.drop = m.forgetResult
	m.oldResults.total = &m.octets.finished
	m.oldResults.ended = func(r *Result) loop.Time { return r.finishedAt }
	m.expiry.Init(m.trim)
	return m
}

// Start begins a request, a large one in several turns of the loop. Next hops that are
// known at once (cached MACs, destinations without a route ...) are decided when it
// returns, or in one of these turns. If all are, the request has ended. The Observer is
// called before Start returns. Errors are ErrInvalid, ErrExists and ErrBusy; then nothing
// has begun.
func (m *Manager) Start(spec Spec) (*Request, error) {
	d, err := Prepare(spec, m.resolver.NextHop)
	if err != nil {
		return nil, err
	}
	return m.StartPrepared(d)
}

// newID calls NewID until an id is free. It gives up after 1,000: a NewID that repeats
// itself must not hang the loop.
func (m *Manager) newID(free func(string) bool) string {
	for range 1000 {
		if id := m.options.NewID(); free(id) {
			return id
		}
	}
	panic("learning: Options.NewID returned 1,000 used ids")
}

func (m *Manager) register(r *Request) {
	if n := len(m.freeSlots); n > 0 {
		r.slot, m.freeSlots = m.freeSlots[n-1], m.freeSlots[:n-1]
	} else {
		r.slot = uint32(len(m.active))
		m.active = append(m.active, nil)
	}
	m.active[r.slot] = r
	r.queues = make([]*ifaceQueue, len(r.result.interfaces))
	for i := range r.queues {
		r.queues[i] = m.acquireQueue(r.result.interfaces[i].Handle)
	}
	for i := range r.generators {
		m.learning[r.generators[i].handle] = r
	}
	m.requests.add(r)
	m.results.add(r.result)
	m.charge(r)
	r.timer.Init(func() { m.expire(r) })
	r.work.Init(func() { m.resume(r) })
	r.move.timer.Init(func() { m.moveDeadlines(r) })
	m.loop.Arm(&r.timer, r.deadline)
}

// Request returns a request by its id, nil if there is none.
func (m *Manager) Request(id string) *Request { return m.requests.byID[id] }

// Requests returns all requests, sorted by id.
func (m *Manager) Requests() []*Request { return m.requests.list() }

// RequestCount returns the number of requests. Unlike Requests it sorts nothing.
func (m *Manager) RequestCount() int { return len(m.requests.byID) }

// EachRequest calls visit for every request, in no particular order.
func (m *Manager) EachRequest(visit func(*Request)) { m.requests.each(visit) }

// Result returns a result by its id, nil if there is none.
func (m *Manager) Result(id string) *Result { return m.results.byID[id] }

// Results returns all results, sorted by id.
func (m *Manager) Results() []*Result { return m.results.list() }

// ResultCount returns the number of results.
func (m *Manager) ResultCount() int { return len(m.results.byID) }

// EachResult calls visit for every result, in no particular order.
func (m *Manager) EachResult(visit func(*Result)) { m.results.each(visit) }

// DeleteRequest removes a finished request; its result stays. It reports whether there
// was one.
func (m *Manager) DeleteRequest(id string) bool {
	r := m.requests.byID[id]
	if r == nil || r.State() == StateResolving {
		return false
	}
	m.oldRequests.items.Remove(r.retained)
	m.forgetRequest(r)
	return true
}

// DeleteResult removes a finished result; its request stays. An unknown id is no error.
// The error for a result in progress is ErrInProgress.
func (m *Manager) DeleteResult(id string) error {
	r := m.results.byID[id]
	if r == nil {
		return nil
	}
	if r.state == StateResolving {
		return ErrInProgress{ResultID: id, RequestID: r.requestID}
	}
	m.oldResults.items.Remove(r.retained)
	m.forgetResult(r)
	return nil
}

// DeleteFinishedRequests removes every finished request.
func (m *Manager) DeleteFinishedRequests() { m.oldRequests.clear() }

// DeleteFinishedResults removes every finished result.
func (m *Manager) DeleteFinishedResults() { m.oldResults.clear() }

func (m *Manager) forgetRequest(r *Request) {
	m.requests.remove(r)
	m.octets.requests -= r.charged
}

func (m *Manager) forgetResult(r *Result) {
	m.results.remove(r)
	m.octets.finished -= r.charged
	r.empty()
}

// trim removes finished requests and results beyond the limits of Options.
func (m *Manager) trim() {
	now := m.loop.Now()
	next := min(m.oldRequests.trim(now, m.options.Retain, m.options.RetainFor, 0),
		m.oldResults.trim(now, m.options.Retain, m.options.RetainFor, m.options.RetainSize))
	if next < loop.Never {
		m.loop.Arm(&m.expiry, next)
	} else {
		m.loop.Disarm(&m.expiry)
	}
}
