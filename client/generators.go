package client

import (
	"context"
	"time"

	"glean/server/api"
)

// Generators lists the generators, or those of one port or interface if targetID is not
// empty.
func (c *Client) Generators(ctx context.Context, targetID string) ([]api.Generator, error) {
	return do[[]api.Generator](ctx, c, get("packet", "generators").with("target_id", targetID))
}

// Generator returns a generator.
func (c *Client) Generator(ctx context.Context, id string) (api.Generator, error) {
	return do[api.Generator](ctx, c, get("packet", "generators", id))
}

// CreateGenerator makes a generator. It waits for the end of its learning, at most wait,
// in whole seconds up to 60. Learning is still "resolving" if that was too short.
func (c *Client) CreateGenerator(ctx context.Context, g api.Generator, wait time.Duration) (api.Generator, error) {
	return do[api.Generator](ctx, c.Waiting(wait), post(g, "packet", "generators"))
}

// CreateGenerators makes all generators or none.
func (c *Client) CreateGenerators(ctx context.Context, list []api.Generator) ([]api.Generator, error) {
	made, err := do[api.Items[api.Generator]](ctx, c, post(api.Items[api.Generator]{Items: list}, "packet", "generators", "x", "bulk-create"))
	return made.Items, err
}

// DeleteGenerator removes a generator and its results. For an active generator it
// returns a Problem of status 409, unless force stops the generator first.
func (c *Client) DeleteGenerator(ctx context.Context, id string, force bool) error {
	r := remove("packet", "generators", id)
	if force {
		r = r.with("force", "true")
	}
	return c.run(ctx, r)
}

// DeleteGenerators removes the generators of list that exist and are not active.
func (c *Client) DeleteGenerators(ctx context.Context, list []string) error {
	return c.run(ctx, post(api.IDs{IDs: list}, "packet", "generators", "x", "bulk-delete"))
}

// StartGenerator starts a generator. It returns a Problem of status 409 with LearningID
// until learning has ended; a client made by Waiting waits for that.
func (c *Client) StartGenerator(ctx context.Context, id string) (api.GeneratorResult, error) {
	return do[api.GeneratorResult](ctx, c, post(nil, "packet", "generators", id, "start"))
}

// StartGenerators starts all generators at one moment, or none.
func (c *Client) StartGenerators(ctx context.Context, list []string) ([]api.GeneratorResult, error) {
	made, err := do[api.Items[api.GeneratorResult]](ctx, c, post(api.IDs{IDs: list}, "packet", "generators", "x", "bulk-start"))
	return made.Items, err
}

// StopGenerator stops a generator. The generator sends no frame after the call.
func (c *Client) StopGenerator(ctx context.Context, id string) error {
	return c.run(ctx, post(nil, "packet", "generators", id, "stop"))
}

// StopGenerators stops the generators of list that exist.
func (c *Client) StopGenerators(ctx context.Context, list []string) error {
	return c.run(ctx, post(api.IDs{IDs: list}, "packet", "generators", "x", "bulk-stop"))
}

// Toggle starts generator with in the place of replace, which is active.
func (c *Client) Toggle(ctx context.Context, replace, with string) (api.GeneratorResult, error) {
	return do[api.GeneratorResult](ctx, c, post(api.Toggle{Replace: replace, With: with}, "packet", "generators", "x", "toggle"))
}

// GeneratorResults lists the results, or those of one generator if generatorID is not
// empty.
func (c *Client) GeneratorResults(ctx context.Context, generatorID string) ([]api.GeneratorResult, error) {
	return do[[]api.GeneratorResult](ctx, c, get("packet", "generator-results").with("generator_id", generatorID))
}

// GeneratorResult returns a result.
func (c *Client) GeneratorResult(ctx context.Context, id string) (api.GeneratorResult, error) {
	return do[api.GeneratorResult](ctx, c, get("packet", "generator-results", id))
}

// DeleteGeneratorResult removes a result. It does not remove that of an active run.
func (c *Client) DeleteGeneratorResult(ctx context.Context, id string) error {
	return c.run(ctx, remove("packet", "generator-results", id))
}

// TxFlows lists the flows of all results, or those of one generator if generatorID is
// not empty.
func (c *Client) TxFlows(ctx context.Context, generatorID string) ([]api.TxFlow, error) {
	return do[[]api.TxFlow](ctx, c, get("packet", "tx-flows").with("generator_id", generatorID))
}

// TxFlow returns a flow.
func (c *Client) TxFlow(ctx context.Context, id string) (api.TxFlow, error) {
	return do[api.TxFlow](ctx, c, get("packet", "tx-flows", id))
}
