package client

import (
	"context"
	"fmt"
	"time"

	"glean/server/api"
)

// LearningFilter selects the learning requests that match all members that are not
// empty.
type LearningFilter struct{ GeneratorID, State string }

// AddressFilter selects a page of a result's addresses.
type AddressFilter struct {
	State string // "resolving", "completed", "timed_out"; empty: all
	Limit int    // at most so many; 0: 10,000
	After string // only greater addresses
}

// Learn starts a learning request.
func (c *Client) Learn(ctx context.Context, body api.LearningBody) (api.LearningRequest, error) {
	return do[api.LearningRequest](ctx, c, post(body, "learning"))
}

// LearningRequests lists the learning requests that match.
func (c *Client) LearningRequests(ctx context.Context, f LearningFilter) ([]api.LearningRequest, error) {
	return do[[]api.LearningRequest](ctx, c, get("learning").with("generator_id", f.GeneratorID, "state", f.State))
}

// LearningRequest returns a learning request.
func (c *Client) LearningRequest(ctx context.Context, id string) (api.LearningRequest, error) {
	return do[api.LearningRequest](ctx, c, get("learning", id))
}

// WaitLearning waits for the end of a learning request and returns it.
func (c *Client) WaitLearning(ctx context.Context, id string) (api.LearningRequest, error) {
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

// DeleteLearning cancels a learning request that is in progress, and removes one that
// has ended.
func (c *Client) DeleteLearning(ctx context.Context, id string) error {
	return c.run(ctx, remove("learning", id))
}

// LearningResults lists the results, without their addresses.
func (c *Client) LearningResults(ctx context.Context) ([]api.LearningResult, error) {
	return do[[]api.LearningResult](ctx, c, get("learning-results"))
}

// LearningResult returns a result with one page of its addresses.
func (c *Client) LearningResult(ctx context.Context, id string, f AddressFilter) (api.LearningResult, error) {
	return do[api.LearningResult](ctx, c, get("learning-results", id).with("state", f.State, "limit", positive(f.Limit), "after", f.After))
}

// DeleteLearningResult removes a result. It returns a Problem of status 409 while the
// request is in progress.
func (c *Client) DeleteLearningResult(ctx context.Context, id string) error {
	return c.run(ctx, remove("learning-results", id))
}
