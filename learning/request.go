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
	next        int           // answer that the slice begins with
	sweeps      bool          // an interface went away, and its answers are not ended yet
	swept       int           // answers that were looked at for that
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
	pending      int      // subscriptions that are not decided
	failed       bool     // one was decided without a MAC
	gone         bool     // deleted
	destinations []uint32 // its rows, sorted; nil if it is the only generator
}

// ID is the request's id.
func (r *Request) ID() string { return r.id }

// Mode is what counts as learned.
func (r *Request) Mode() Mode { return r.mode }

// Timeout is how long the request may take.
func (r *Request) Timeout() loop.Duration { return r.timeout }

// Deadline is when the request gives up what is not decided then.
func (r *Request) Deadline() loop.Time { return r.deadline }

// State tells how far the request is.
func (r *Request) State() State { return r.result.state }

// CreatedAt is when the request was made.
func (r *Request) CreatedAt() loop.Time { return r.result.createdAt }

// FinishedAt is when the request ended; false while it is in progress.
func (r *Request) FinishedAt() (loop.Time, bool) { return r.result.FinishedAt() }

func (r *Request) finishedAt() loop.Time { return r.result.finishedAt }

// Progress counts the rows by state.
func (r *Request) Progress() Progress { return r.result.progress }

// GeneratorIDs are the generators of the request, in the order given.
func (r *Request) GeneratorIDs() []string { return r.result.GeneratorIDs() }

// InterfaceIDs are the interfaces of the request, sorted.
func (r *Request) InterfaceIDs() []string { return r.result.InterfaceIDs() }

// ResultID is the id of the request's result, which may have been deleted.
func (r *Request) ResultID() string { return r.result.id }

// RequestsSent counts the questions sent for the request's next hops.
func (r *Request) RequestsSent() uint64 { return r.result.sent }

// RepliesReceived counts the answers that completed a next hop.
func (r *Request) RepliesReceived() uint64 { return r.result.replies }

// NextHops is the number of unique next hops.
func (r *Request) NextHops() int { return r.result.nextHops }

// Rows is Result.Rows; none once the result was deleted.
func (r *Request) Destinations(f DestinationFilter) []Destination { return r.result.Destinations(f) }

// subscriptions say which adjacencies of which generators an answer is for.
type adjacencyRefs struct {
	start     []uint32 // answer -> index of its first; nil: each answer has exactly one
	generator []uint32 // index into Request.generators; nil: all are of the first
	adj       []uint32
}

// of gives the range of an answer's subscriptions.
func (s *adjacencyRefs) of(answer uint32) (from, to uint32) {
	switch {
	case s.start == nil && int(answer) < len(s.adj):
		return answer, answer + 1
	case int(answer)+1 < len(s.start):
		return s.start[answer], s.start[answer+1]
	}
	return 0, 0 // no generators, or an answer split off later
}

func (s *adjacencyRefs) get(i uint32) (generator, adj uint32) {
	if s.generator != nil {
		generator = s.generator[i]
	}
	return generator, s.adj[i]
}
