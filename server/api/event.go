package api

// Event is the data of a server-sent event about a resource.
type Event struct {
	Seq    uint64 `json:"seq"`
	Time   string `json:"time"` // RFC 3339
	Type   string `json:"type"` // "learning", "generator", "port", "interface", "neighbor"
	ID     string `json:"id"`   // of the resource
	What   string `json:"what"` // as "created"
	Detail string `json:"detail,omitempty"`
}

// EventGap is the data of the server-sent event "gap": the stream lacks the events
// from First to Last, because the daemon had overwritten them.
type EventGap struct {
	First     uint64 `json:"first"`
	Last      uint64 `json:"last"`
	Restarted bool   `json:"restarted,omitempty"` // the events were of an earlier run of the daemon; First and Last are 0
}
