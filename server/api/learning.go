package api

// LearningBody starts a learning request: either of generators, or of addresses
// from an interface.
type LearningBody struct {
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
	Mode         string   `json:"mode"`  // "all", "unresolved", "cached"
	GeneratorIDs []string `json:"generator_ids"`
	InterfaceIDs []string `json:"interface_ids"`
	TimeoutMS    int      `json:"timeout_ms"`
	CreatedAt    string   `json:"created_at"`  // RFC 3339
	FinishedAt   *string  `json:"finished_at"` // RFC 3339; nil while it is in progress
	Progress     Progress `json:"progress"`
	ResultID     string   `json:"result_id"`
}

// Progress counts addresses, one for each pair of interface and destination.
type Progress struct {
	Total     int `json:"total"`
	Resolving int `json:"resolving"`
	Completed int `json:"completed"`
	TimedOut  int `json:"timed_out"`
}

// LearningResult holds the addresses that a learning request has resolved or not.
type LearningResult struct {
	LearningResultHead
	Addresses []LearnedAddress `json:"addresses,omitempty"` // none in lists of results
}

// LearningResultHead is a learning result without its addresses, as lists have it.
// The server sends the addresses after it, page by page.
type LearningResultHead struct {
	ID              string   `json:"id"`
	LearningID      string   `json:"learning_id"`
	GeneratorIDs    []string `json:"generator_ids"`
	State           string   `json:"state"` // "resolving", "completed", "timed_out", "cancelled"
	CreatedAt       string   `json:"created_at"`
	FinishedAt      *string  `json:"finished_at"`
	DurationNS      int64    `json:"duration_ns"` // until now while the request is in progress
	NextHops        int      `json:"next_hops"`
	RequestsSent    uint64   `json:"requests_sent"`
	RepliesReceived uint64   `json:"replies_received"`
}

// LearnedAddress is one address of a learning result.
type LearnedAddress struct {
	IPAddress       string   `json:"ip_address"`
	InterfaceID     string   `json:"interface_id"`
	VLANIDs         []uint16 `json:"vlan_ids"`
	NextHopAddress  string   `json:"next_hop_address,omitempty"`
	State           string   `json:"state"`            // "resolving", "completed", "timed_out"
	Reason          string   `json:"reason,omitempty"` // of "timed_out"
	MACAddress      string   `json:"mac_address,omitempty"`
	Attempts        uint32   `json:"attempts"`
	RTTNS           *int64   `json:"rtt_ns,omitempty"`     // nil unless an answer to a solicitation completed it
	FromCache       *bool    `json:"from_cache,omitempty"` // nil unless it is completed
	ResolvedAt      string   `json:"resolved_at,omitempty"`
	ConflictingMACs []string `json:"conflicting_macs,omitempty"` // other MACs that answered
}

// LearningPlan holds the next hops that learning would resolve for a generator.
type LearningPlan struct {
	GeneratorID string        `json:"generator_id"`
	InterfaceID string        `json:"interface_id"`
	VLANIDs     []uint16      `json:"vlan_ids"`
	NextHops    []PlanHop     `json:"next_hops"`
	Addresses   []PlanAddress `json:"addresses"`
}

// PlanHop is a next hop of a plan.
type PlanHop struct {
	NextHopAddress string `json:"next_hop_address"`
	Addresses      int    `json:"addresses"` // destinations behind it
	State          string `json:"state"`     // "unresolved", "resolved", "unconfirmed", "timed_out", "stale"
}

// PlanAddress is a destination of a plan. It has a next hop or a reason.
type PlanAddress struct {
	IPAddress      string `json:"ip_address"`
	NextHopAddress string `json:"next_hop_address,omitempty"`
	Reason         string `json:"reason,omitempty"`
}
