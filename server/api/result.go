package api

// GeneratorResult holds the counters of one run of a generator.
type GeneratorResult struct {
	ID               string                       `json:"id"`
	GeneratorID      string                       `json:"generator_id"`
	Active           bool                         `json:"active"`
	FlowCounters     FlowCounters                 `json:"flow_counters"`
	Flows            []string                     `json:"flows"`
	ProtocolCounters map[string]map[string]uint64 `json:"protocol_counters"`
	// NeighborChanges are the newest changes of next hops during the run;
	// NeighborChangesLeftOut counts older ones.
	NeighborChanges        []NeighborChange `json:"neighbor_changes"`
	NeighborChangesLeftOut uint64           `json:"neighbor_changes_left_out"`
	Remaining              *Remaining       `json:"remaining,omitempty"` // of an active run
	Error                  string           `json:"error,omitempty"`
}

// NeighborChange is another MAC of a next hop of a run, or its loss.
type NeighborChange struct {
	Time             string  `json:"time"` // RFC 3339
	InterfaceID      string  `json:"interface_id"`
	NextHopAddress   string  `json:"next_hop_address"`
	OldMAC           string  `json:"old_mac"`
	NewMAC           *string `json:"new_mac"` // nil: the next hop stopped answering
	Cause            string  `json:"cause"`   // "announced", "heard", "answer", "no_reply", "still_lost"
	FramesToStaleMAC uint64  `json:"frames_to_stale_mac"`
}

// Remaining is the rest of an active run.
type Remaining struct {
	Unit  string  `json:"unit"` // "indefinite", "frames", "seconds"
	Value *uint64 `json:"value,omitempty"`
}

// FlowCounters count frames of a run or of a flow, and octets with FCS.
type FlowCounters struct {
	OctetsActual            uint64  `json:"octets_actual"`
	PacketsActual           uint64  `json:"packets_actual"`
	OctetsIntended          uint64  `json:"octets_intended"`
	PacketsIntended         uint64  `json:"packets_intended"`
	Errors                  uint64  `json:"errors"`
	OctetsDropped           uint64  `json:"octets_dropped"`
	PacketsDropped          uint64  `json:"packets_dropped"`
	PacketsSkipped          *uint64 `json:"packets_skipped,omitempty"`            // nil for a flow, as the next two are
	PacketsToStaleMAC       *uint64 `json:"packets_to_stale_mac,omitempty"`       // to MACs that were known to be outdated
	PacketsToUnconfirmedMAC *uint64 `json:"packets_to_unconfirmed_mac,omitempty"` // to next hops that have not answered since the link was down, or never confirm
	TimestampFirst          string  `json:"timestamp_first,omitempty"`            // RFC 3339; absent before the first frame
	TimestampLast           string  `json:"timestamp_last,omitempty"`
}

// TxFlow holds the counters of one flow in one run.
type TxFlow struct {
	ID                string       `json:"id"`
	GeneratorResultID string       `json:"generator_result_id"`
	StreamID          *uint32      `json:"stream_id,omitempty"` // of its signature; nil without one
	Counters          FlowCounters `json:"counters"`
}
