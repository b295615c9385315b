package api

import "fmt"

// Problem is the reply to a request that failed (RFC 9457), with the members of
// OpenPerf's errors, code and message.
type Problem struct {
	Type    string  `json:"type"`
	Title   string  `json:"title"`
	Status  int     `json:"status"`
	Detail  string  `json:"detail"`
	Code    int     `json:"code"`    // as Status
	Message string  `json:"message"` // as Detail
	Errors  []Fault `json:"errors,omitempty"`

	LearningID string    `json:"learning_id,omitempty"` // of a 409: the learning request in progress
	NextHops   *HopCount `json:"next_hops,omitempty"`   // of a 409: the generator's next hops by state
	Memory     *Memory   `json:"memory,omitempty"`      // of a 429: what holds the memory budget
	Incident   string    `json:"incident,omitempty"`    // of a 500: the word to look for in the daemon's log
}

// Error returns the status and the detail.
func (p *Problem) Error() string {
	text := p.Detail
	if text == "" {
		text = p.Title
	}
	return fmt.Sprintf("%d: %s", p.Status, text)
}

// Fault is one mistake in a request.
type Fault struct {
	Path   string `json:"path"` // of the member, as "config.traffic[0].length"; "?name" for a query parameter
	Detail string `json:"detail"`
}

// Ignored lists members of a request that are unknown and were ignored. Replies
// have it with --openperf only.
type Ignored struct {
	Warnings      []Fault `json:"warnings,omitempty"` // at most 100
	WarningsCount int     `json:"warnings_count,omitempty"`
}

// HopCount counts next hops by state.
type HopCount struct {
	Resolving int `json:"resolving"`
	Completed int `json:"completed"`
	TimedOut  int `json:"timed_out"`
}

// Memory is the use of the daemon's memory budget, in octets.
type Memory struct {
	Budget   int64        `json:"budget"`
	Needed   int64        `json:"needed"`   // by the request that failed
	Reserved int64        `json:"reserved"` // for requests in progress
	Kept     []MemoryPart `json:"kept"`     // the largest first
	Largest  []MemoryItem `json:"largest"`  // at most 5 resources
}

// MemoryPart is the memory of all resources of a kind.
type MemoryPart struct {
	What   string `json:"what"` // as "learning-results"
	Count  int    `json:"count"`
	Octets int64  `json:"octets"`
}

// MemoryItem is the memory that a DELETE of Path frees.
type MemoryItem struct {
	Path   string `json:"path"`
	Octets int64  `json:"octets"`
}
