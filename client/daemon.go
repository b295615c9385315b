package client

import "context"

// Version tells what is running.
type Version struct {
	BuildNumber  string `json:"build_number"`
	BuildTime    string `json:"build_time,omitempty"` // RFC 3339, empty if unknown
	SourceCommit string `json:"source_commit"`
	Version      string `json:"version"`
}

// Version shows what is running.
func (c *Client) Version(ctx context.Context) (Version, error) {
	return do[Version](ctx, c, get("version"))
}
