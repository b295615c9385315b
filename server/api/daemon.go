package api

// Version is the build of the running daemon. Members that are unknown are absent.
type Version struct {
	BuildNumber  string `json:"build_number,omitempty"`
	BuildTime    string `json:"build_time,omitempty"` // RFC 3339
	SourceCommit string `json:"source_commit,omitempty"`
	Version      string `json:"version"`
}

// Module is a part of the API that OpenPerf's clients look for.
type Module struct {
	ID          string        `json:"id"`
	Description string        `json:"description"`
	Linkage     string        `json:"linkage"`
	Version     ModuleVersion `json:"version"`
}

// ModuleVersion is the version of a module and of its build.
type ModuleVersion struct {
	Version      int    `json:"version"`
	BuildNumber  string `json:"build_number,omitempty"`
	BuildDate    string `json:"build_date,omitempty"` // RFC 3339
	SourceCommit string `json:"source_commit,omitempty"`
}

// Stack is the protocol stack of all ports together.
type Stack struct {
	ID    string     `json:"id"`
	Stats StackStats `json:"stats"`
}

// StackStats are the counters of a stack by protocol.
type StackStats struct {
	ARP  ProtocolStats `json:"arp"`
	IPv4 ProtocolStats `json:"ipv4"`
	ND   ProtocolStats `json:"nd"`
	IPv6 ProtocolStats `json:"ipv6"`
}

// ProtocolStats are the counters of a protocol. A counter that OpenPerf's schema
// requires and glean does not have is 0.
type ProtocolStats struct {
	TxPackets        uint64 `json:"tx_packets"`
	RxPackets        uint64 `json:"rx_packets"`
	ForwardedPackets uint64 `json:"forwarded_packets"`
	DroppedPackets   uint64 `json:"dropped_packets"`
	ChecksumErrors   uint64 `json:"checksum_errors"`
	LengthErrors     uint64 `json:"length_errors"`
	MemoryErrors     uint64 `json:"memory_errors"`
	RoutingErrors    uint64 `json:"routing_errors"`
	ProtocolErrors   uint64 `json:"protocol_errors"`
	OptionErrors     uint64 `json:"option_errors"`
	MiscErrors       uint64 `json:"misc_errors"`
	CacheHits        uint64 `json:"cache_hits"`
}
