package api

// Generator sends frames from a port or an interface.
type Generator = GeneratorOf[GeneratorConfig]

// GeneratorOf is a generator whose configuration is of a type of the caller's
// choice: the server sends that text as it was posted.
type GeneratorOf[C any] struct {
	ID         string `json:"id,omitempty"`
	TargetID   string `json:"target_id"`
	Active     bool   `json:"active"`
	Learning   string `json:"learning,omitempty"` // "unsupported", "unresolved", "resolving", "resolved", "timed_out"
	LearningID string `json:"learning_id,omitempty"`
	Config     C      `json:"config"`
	Ignored
}

// GeneratorConfig holds the frames that a generator sends, their rate and the end.
type GeneratorConfig struct {
	Duration         Duration                 `json:"duration"`
	Load             Load                     `json:"load"`
	Order            string                   `json:"order,omitempty"` // "round-robin", "sequential"
	ProtocolCounters []string                 `json:"protocol_counters,omitempty"`
	Traffic          []TrafficDefinition      `json:"traffic"`
	Learning         *GeneratorLearningConfig `json:"learning,omitempty"`
	FlowCount        uint64                   `json:"flow_count,omitempty"`
}

// Duration is the end of a run; it has one of its members.
type Duration struct {
	Continuous bool   `json:"continuous,omitempty"`
	Frames     uint64 `json:"frames,omitempty"`
	Time       *Time  `json:"time,omitempty"`
}

// Time is a time with its unit, as "seconds".
type Time struct {
	Value int64  `json:"value"`
	Units string `json:"units"`
}

// Load is the rate of a generator, and how it is divided into bursts.
type Load struct {
	Rate      Rate   `json:"rate"`
	Units     string `json:"units"` // "frames", "octets"
	BurstSize int    `json:"burst_size,omitempty"`
}

// Rate is a number of frames or octets in each period, as "second".
type Rate struct {
	Value  int64  `json:"value"`
	Period string `json:"period"`
}

// GeneratorLearningConfig holds the deadline of a generator's learning, and the policies
// for flows whose next hop has no MAC.
type GeneratorLearningConfig struct {
	OnUnresolved      string `json:"on_unresolved,omitempty"` // "refuse", "skip", "fallback"
	FallbackMAC       string `json:"fallback_mac,omitempty"`
	DestinationMAC    string `json:"destination_mac,omitempty"` // "learned", "configured"
	TimeoutMS         int    `json:"timeout_ms,omitempty"`
	Track             *bool  `json:"track,omitempty"`   // true if absent
	OnLost            string `json:"on_lost,omitempty"` // "continue", "pause", "stop"
	Relearn           *bool  `json:"relearn,omitempty"` // true if absent
	AcceptUnconfirmed bool   `json:"accept_unconfirmed,omitempty"`
}

// GeneratorLearning lists what a generator has learned, in OpenPerf's form.
type GeneratorLearning struct {
	ResolvedState string       `json:"resolved_state"` // "unresolved", "resolving", "resolved", "timed_out"
	IPv4          []LearnedMAC `json:"ipv4"`           // each address that is asked for, once
	IPv6          []LearnedMAC `json:"ipv6"`           // each destination
}

// LearnedMAC is an address of a GeneratorLearning.
type LearnedMAC struct {
	IPAddress      string `json:"ip_address"`
	NextHopAddress string `json:"next_hop_address,omitempty"`
	MACAddress     string `json:"mac_address,omitempty"` // absent until it is resolved
}
