package api

// Items is the body of a bulk request that makes resources, and its reply.
type Items[T any] struct {
	Items []T `json:"items"`
}

// IDs is the body of a bulk request about resources that exist.
type IDs struct {
	IDs []string `json:"ids"`
}

// Toggle is the body of a request to start a generator in the place of another one.
type Toggle struct {
	Replace string `json:"replace"` // an active generator
	With    string `json:"with"`    // one that is not active
}
