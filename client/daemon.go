package client

import (
	"context"

	"glean/server/api"
)

// Version shows what is running.
func (c *Client) Version(ctx context.Context) (api.Version, error) {
	return do[api.Version](ctx, c, get("version"))
}
