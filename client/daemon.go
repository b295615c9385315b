package client

import "context"

// Version tells what is running. What the daemon does not know is empty.
type Version struct {
	BuildNumber  string `json:"build_number,omitempty"`
	BuildTime    string `json:"build_time,omitempty"` // RFC 3339
	SourceCommit string `json:"source_commit,omitempty"`
	Version      string `json:"version"`
}

// Version shows what is running.
func (c *Client) Version(ctx context.Context) (Version, error) {
	return do[Version](ctx, c, get("version"))
}
