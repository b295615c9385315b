package learning

import "unsafe"

// account is the memory in octets that a manager's requests and results hold, as charged
// when they were made and when they ended.
type account struct {
	requests, live, finished int64 // live and finished are of results
}

// The memory in octets that a request and a result hold besides their tables: themselves,
// their ids and timers, and their entries in the manager's tables.
const (
	requestOverhead = 640
	resultOverhead  = 420
)

// Sizes is the memory in octets that requests and results hold. Requests includes what
// is needed only while they are in progress.
type Sizes struct{ Requests, Results int64 }

// Sizes returns the memory that requests and results hold.
func (m *Manager) Sizes() Sizes {
	return Sizes{Requests: m.octets.requests, Results: m.octets.live + m.octets.finished}
}

// CountSizes returns Sizes counted anew, for tests.
func (m *Manager) CountSizes() Sizes {
	var s Sizes
	m.requests.each(func(r *Request) { s.Requests += r.octets() })
	m.results.each(func(r *Result) { s.Results += r.octets() })
	return s
}

// Size returns the memory of the result's tables in octets.
func (r *Result) Size() int64 { return r.charged }

// charge adds a request that begins, and its result, to the account.
func (m *Manager) charge(r *Request) {
	r.charged, r.result.charged = r.octets(), r.result.octets()
	m.octets.requests += r.charged
	m.octets.live += r.result.charged
}

// recharge updates the account when a request ends.
func (m *Manager) recharge(r *Request) {
	m.octets.requests -= r.charged
	m.octets.live -= r.result.charged
	r.charged, r.result.charged = r.octets(), r.result.octets()
	m.octets.requests += r.charged
	m.octets.finished += r.result.charged
}

func (r *Request) octets() int64 {
	n := requestOverhead + sliceSize(r.adjacencies.start) + sliceSize(r.adjacencies.generator) + sliceSize(r.adjacencies.adj) + sliceSize(r.generators) + sliceSize(r.queues)
	for i := range r.generators {
		n += sliceSize(r.generators[i].destinations)
	}
	if r.result.live != nil { // every next hop becomes a pending one
		n += int64(r.result.nextHops) * (int64(unsafe.Sizeof(pendingHop{})) + r.manager.options.PerHop)
	}
	return n
}

func (r *Result) octets() int64 {
	n := resultOverhead + sliceSize(r.destinations) + sliceSize(r.hops) + sliceSize(r.gateways) + sliceSize(r.interfaces) + sliceSize(r.generatorIDs)
	for _, id := range r.generatorIDs {
		n += int64(len(id))
	}
	return n + int64(len(r.conflicts))*conflictSize
}

// sliceSize returns the memory of a slice itself.
func sliceSize[T any](s []T) int64 {
	var v T
	return int64(cap(s)) * int64(unsafe.Sizeof(v))
}

// Estimate returns the memory in octets that a request in progress holds for that many
// destinations, next hops and generators, with its result and without Options.PerHop.
func Estimate(destinations, hops, generators int) int64 {
	const (
		perDestination = int64(unsafe.Sizeof(destination{})) + 4
		perNextHop     = int64(unsafe.Sizeof(hopResult{}) + unsafe.Sizeof(pendingHop{}))
	)
	return requestOverhead + resultOverhead + int64(destinations)*perDestination + int64(hops)*perNextHop + int64(generators)*64
}
