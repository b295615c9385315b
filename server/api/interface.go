package api

// Interface is a layer 2 and 3 endpoint on a port.
type Interface = InterfaceOf[*NeighborConfig]

// InterfaceOf is an interface whose neighbor configuration is of a type of the
// caller's choice: the server sends that text as it was posted.
type InterfaceOf[N any] struct {
	ID     string             `json:"id,omitempty"`
	PortID string             `json:"port_id"`
	Config InterfaceConfig[N] `json:"config"`
	Stats  *Stats             `json:"stats,omitempty"` // of the interface's stack, without frames of generators
	Ignored
}

// InterfaceConfig holds an interface's protocols, filters and neighbor
// configuration.
type InterfaceConfig[N any] struct {
	Protocols []InterfaceProtocol `json:"protocols"`
	RxFilter  string              `json:"rx_filter,omitempty"`
	TxFilter  string              `json:"tx_filter,omitempty"`
	Neighbor  N                   `json:"neighbor,omitempty"`
}

// InterfaceProtocol has exactly one of its members.
type InterfaceProtocol struct {
	Eth  *Eth  `json:"eth,omitempty"`
	VLAN *VLAN `json:"vlan,omitempty"`
	IPv4 *IPv4 `json:"ipv4,omitempty"`
	IPv6 *IPv6 `json:"ipv6,omitempty"`
}

// Eth is layer 2 of an interface.
type Eth struct {
	MACAddress string `json:"mac_address"`
}

// VLAN is a tag of all frames of an interface.
type VLAN struct {
	ID       uint16 `json:"id"`
	Priority uint8  `json:"priority"`
	TPID     string `json:"tpid,omitempty"` // "0x8100" if absent, "0x88a8"
}

// IPv4 is the IPv4 configuration of an interface.
type IPv4 struct {
	Method string         `json:"method"` // "static", "dhcp", "auto"
	Static *Static        `json:"static,omitempty"`
	DHCP   *DHCP          `json:"dhcp,omitempty"`
	Status *AddressStatus `json:"status,omitempty"`
}

// IPv6 is the IPv6 configuration of an interface.
type IPv6 struct {
	Method           string         `json:"method"` // "static", "dhcp6", "auto"
	LinkLocalAddress string         `json:"link_local_address,omitempty"`
	LinkLocalStatus  *AddressStatus `json:"link_local_status,omitempty"`
	Static           *Static        `json:"static,omitempty"`
	DHCP6            *DHCP6         `json:"dhcp6,omitempty"`
	Status           *AddressStatus `json:"status,omitempty"`
}

// Static is an address of either family with its prefix length and gateway.
type Static struct {
	Address      string `json:"address"`
	PrefixLength int    `json:"prefix_length"`
	Gateway      string `json:"gateway,omitempty"`
}

// DHCP holds options for a DHCP server, and the state of the exchange.
type DHCP struct {
	Hostname string      `json:"hostname,omitempty"`
	Client   string      `json:"client,omitempty"`
	Status   *DHCPStatus `json:"status,omitempty"`
}

// DHCPStatus is the state of an exchange with a DHCP server.
type DHCPStatus struct {
	State string `json:"state"`
}

// DHCP6 is the configuration of DHCPv6.
type DHCP6 struct {
	Stateless bool `json:"stateless"`
}

// AddressStatus is the state of an address of an interface.
type AddressStatus struct {
	State       string `json:"state"` // "preferred", "tentative", "duplicate"
	ConflictMAC string `json:"conflict_mac,omitempty"`
}

// NeighborConfig holds the timers and limits of an interface's neighbor cache and
// of learning. An absent member has its default.
type NeighborConfig struct {
	DuplicateDetection string           `json:"duplicate_detection,omitempty"` // "none", "announce"
	RetransTimerMS     int              `json:"retrans_timer_ms,omitempty"`
	MulticastSolicits  int              `json:"multicast_solicits,omitempty"`
	UnicastSolicits    int              `json:"unicast_solicits,omitempty"`
	ReachableTimeMS    int              `json:"reachable_time_ms,omitempty"`
	ProbeIntervalMS    int              `json:"probe_interval_ms,omitempty"`
	DelayFirstProbeMS  int              `json:"delay_first_probe_ms,omitempty"`
	KeepUnreachable    bool             `json:"keep_unreachable,omitempty"`
	MaxEntries         int              `json:"max_entries,omitempty"`
	LearningRatePPS    int              `json:"learning_rate_pps,omitempty"`
	LearningWindow     int              `json:"learning_window,omitempty"`
	RespondFor         []string         `json:"respond_for,omitempty"` // prefixes
	ProxyDelayMS       int              `json:"proxy_delay_ms,omitempty"`
	Static             []StaticNeighbor `json:"static,omitempty"`
}

// StaticNeighbor is a neighbor whose MAC is configured.
type StaticNeighbor struct {
	IPAddress  string `json:"ip_address"`
	MACAddress string `json:"mac_address"`
}
