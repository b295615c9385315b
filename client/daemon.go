package client

import (
	"context"

	"glean/server/api"
)

// Version returns the build of the running daemon.
func (c *Client) Version(ctx context.Context) (api.Version, error) {
	return do[api.Version](ctx, c, get("version"))
}
