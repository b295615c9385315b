package client

import (
	"context"
	"fmt"
	"time"
)

// Learn asks for a learning request: either of generators, or of addresses
// from an interface.
type Learn struct {
	ID           string   `json:"id,omitempty"`
	GeneratorIDs []string `json:"generator_ids,omitempty"`
	InterfaceID  string   `json:"interface_id,omitempty"`
	Addresses    []string `json:"addresses,omitempty"`
	Mode         string   `json:"mode,omitempty"` // "all", "unresolved"
	TimeoutMS    int      `json:"timeout_ms,omitempty"`
}

// LearningRequest is one run of learning.
type LearningRequest struct {
	ID           string   `json:"id"`
	State        string   `json:"state"` // "resolving", "completed", "timed_out", "cancelled"
	Mode         string   `json:"mode"`
	GeneratorIDs []string `json:"generator_ids"`
	InterfaceIDs []string `json:"interface_ids"`
	TimeoutMS    int      `json:"timeout_ms"`
	CreatedAt    string   `json:"created_at"`  // RFC 3339
	FinishedAt   string   `json:"finished_at"` // empty while it is resolving
	Progress     Progress `json:"progress"`
	ResultID     string   `json:"result_id"`
}

// Progress counts addresses.
type Progress struct {
	Total     int `json:"total"`
	Resolving int `json:"resolving"`
	Completed int `json:"completed"`
	TimedOut  int `json:"timed_out"`
}

// LearningResult is what a learning request has found.
type LearningResult struct {
	ID              string           `json:"id"`
	LearningID      string           `json:"learning_id"`
	GeneratorIDs    []string         `json:"generator_ids"`
	State           string           `json:"state"`
	CreatedAt       string           `json:"created_at"`
	FinishedAt      string           `json:"finished_at"`
	DurationNS      int64            `json:"duration_ns"`
	NextHops        int              `json:"next_hops"`
	RequestsSent    uint64           `json:"requests_sent"`
	RepliesReceived uint64           `json:"replies_received"`
	Addresses       []LearnedAddress `json:"addresses"` // none in lists of results
}

// LearnedAddress is one address of a result.
type LearnedAddress struct {
	IPAddress       string   `json:"ip_address"`
	InterfaceID     string   `json:"interface_id"`
	VLANIDs         []int    `json:"vlan_ids"`
	NextHopAddress  string   `json:"next_hop_address,omitempty"`
	State           string   `json:"state"`            // "resolving", "completed", "timed_out"
	Reason          string   `json:"reason,omitempty"` // of "timed_out"
	MACAddress      string   `json:"mac_address,omitempty"`
	Attempts        int      `json:"attempts"`
	RTTNS           int64    `json:"rtt_ns,omitempty"`
	FromCache       bool     `json:"from_cache,omitempty"`
	ConflictingMACs []string `json:"conflicting_macs,omitempty"` // other MACs that answered
	ResolvedAt      string   `json:"resolved_at,omitempty"`
}

// LearningFilter wants requests that match all of its members.
type LearningFilter struct{ GeneratorID, State string }

// AddressFilter is a page of a result's addresses.
type AddressFilter struct {
	State string // "resolving", "completed", "timed_out"; empty: all
	Limit int    // 0: 10,000
	After string // only greater addresses
}

// Learn starts a learning request.
func (c *Client) Learn(ctx context.Context, l Learn) (LearningRequest, error) {
	return do[LearningRequest](ctx, c, post(l, "learning"))
}

// LearningRequests lists the learning requests that match.
func (c *Client) LearningRequests(ctx context.Context, f LearningFilter) ([]LearningRequest, error) {
	return do[[]LearningRequest](ctx, c, get("learning").with("generator_id", f.GeneratorID, "state", f.State))
}

// LearningRequest shows a learning request.
func (c *Client) LearningRequest(ctx context.Context, id string) (LearningRequest, error) {
	return do[LearningRequest](ctx, c, get("learning", id))
}

// WaitLearning waits until a learning request is not in progress any more.
func (c *Client) WaitLearning(ctx context.Context, id string) (LearningRequest, error) {
	for {
		r, err := c.Waiting(time.Minute).LearningRequest(ctx, id)
		if err != nil {
			return r, fmt.Errorf("waiting for learning request %q: %w", id, err)
		}
		if r.State != "resolving" {
			return r, nil
		}
	}
}

// DeleteLearning cancels a learning request that is in progress, and removes
// one that is not.
func (c *Client) DeleteLearning(ctx context.Context, id string) error {
	return c.run(ctx, remove("learning", id))
}

// LearningResults lists the results, without their addresses.
func (c *Client) LearningResults(ctx context.Context) ([]LearningResult, error) {
	return do[[]LearningResult](ctx, c, get("learning-results"))
}

// LearningResult shows a result with one page of its addresses.
func (c *Client) LearningResult(ctx context.Context, id string, f AddressFilter) (LearningResult, error) {
	return do[LearningResult](ctx, c, get("learning-results", id).with("state", f.State, "limit", positive(f.Limit), "after", f.After))
}

// DeleteLearningResult removes a result. It is refused (409) while its request
// is in progress.
func (c *Client) DeleteLearningResult(ctx context.Context, id string) error {
	return c.run(ctx, remove("learning-results", id))
}
