package learning

import (
	"container/list"

	"glean/stack/loop"
)

// Request is one run of learning.
type Request struct {
	id      string
	mode    Mode
	timeout loop.Duration
	result  *Result

	manager     *Manager
	slot        uint32 // in Manager.active
	deadline    loop.Time
	timer       loop.Timer
	generators  []generator
	adjacencies adjacencyRefs
	queues      []*ifaceQueue // one per interface of the result
	work        loop.Timer    // the next slice of beginning or ending
	next        int           // index of the next hop that the slice begins with
	sweeps      bool          // an interface was deleted, and its next hops have not ended yet
	swept       int           // next hops that were looked at for that
	move        deadlineMove
	ending      bool
	end         event // why
	cancelled   bool
	retained    *list.Element // in Manager.oldRequests once finished
	charged     int64         // octets, see account
}

// generator is a generator of a request in progress.
type generator struct {
	handle       uint32
	pending      int      // adjacencies that are not decided
	failed       bool     // one was decided without a MAC
	gone         bool     // deleted
	destinations []uint32 // indexes, sorted; nil if it is the only generator
}

// ID returns the request's id.
func (r *Request) ID() string { return r.id }

// Mode returns what counts as learned.
func (r *Request) Mode() Mode { return r.mode }

// Timeout returns how long the request may take.
func (r *Request) Timeout() loop.Duration { return r.timeout }

// Deadline returns when the request ends what is not decided by then.
func (r *Request) Deadline() loop.Time { return r.deadline }

// State returns the request's state.
func (r *Request) State() State { return r.result.state }

// CreatedAt returns when the request was made.
func (r *Request) CreatedAt() loop.Time { return r.result.createdAt }

// FinishedAt returns when the request ended, false while it is in progress.
func (r *Request) FinishedAt() (loop.Time, bool) { return r.result.FinishedAt() }

func (r *Request) finishedAt() loop.Time { return r.result.finishedAt }

// Progress returns the number of destinations by state.
func (r *Request) Progress() Progress { return r.result.progress }

// GeneratorIDs returns the generators of the request, in the order given.
func (r *Request) GeneratorIDs() []string { return r.result.GeneratorIDs() }

// InterfaceIDs returns the interfaces of the request, sorted.
func (r *Request) InterfaceIDs() []string { return r.result.InterfaceIDs() }

// ResultID returns the id of the request's result, which may have been deleted.
func (r *Request) ResultID() string { return r.result.id }

// RequestsSent returns the number of solicitations sent for the request's next hops.
func (r *Request) RequestsSent() uint64 { return r.result.sent }

// RepliesReceived returns the number of replies that completed a next hop.
func (r *Request) RepliesReceived() uint64 { return r.result.replies }

// NextHops returns the number of unique next hops.
func (r *Request) NextHops() int { return r.result.nextHops }

// Destinations is Result.Destinations; there are none once the result was deleted.
func (r *Request) Destinations(f DestinationFilter) []Destination { return r.result.Destinations(f) }

// adjacencyRefs say which adjacencies of which generators use a next hop.
type adjacencyRefs struct {
	start     []uint32 // next hop -> index of its first; nil: each next hop has exactly one
	generator []uint32 // index into Request.generators; nil: all are of the first
	adj       []uint32
}

// of returns the range of a next hop's adjacencies.
func (s *adjacencyRefs) of(hop uint32) (from, to uint32) {
	switch {
	case s.start == nil && int(hop) < len(s.adj):
		return hop, hop + 1
	case int(hop)+1 < len(s.start):
		return s.start[hop], s.start[hop+1]
	}
	return 0, 0 // no generators, or a result that endDestination split off
}

func (s *adjacencyRefs) get(i uint32) (generator, adj uint32) {
	if s.generator != nil {
		generator = s.generator[i]
	}
	return generator, s.adj[i]
}
