package api

// Port is an attachment to a network.
type Port struct {
	ID     string      `json:"id,omitempty"`
	Kind   string      `json:"kind"` // "tap", "packet", "wire", "bond"; "dpdk" with --openperf
	Config PortConfig  `json:"config"`
	Status *PortStatus `json:"status,omitempty"`
	Stats  *PortStats  `json:"stats,omitempty"`
	Ignored
}

// PortConfig has the one member that is named as the port's kind.
type PortConfig struct {
	TAP    *TAP    `json:"tap,omitempty"`
	Packet *Device `json:"packet,omitempty"`
	Wire   *Device `json:"wire,omitempty"`
	DPDK   *DPDK   `json:"dpdk,omitempty"`
	Bond   *Bond   `json:"bond,omitempty"`
}

// TAP is a TAP device. glean makes it if it does not exist.
type TAP struct {
	Name       string `json:"name"`
	Queues     int    `json:"queues,omitempty"` // 1 if absent
	Persist    bool   `json:"persist"`
	MTU        int    `json:"mtu,omitempty"` // unchanged if absent
	MACAddress string `json:"mac_address,omitempty"`
}

// Device is an existing device, or an in-process wire.
type Device struct {
	Name string `json:"name"`
}

// Bond is a name for several ports.
type Bond struct {
	Mode  string   `json:"mode"` // "lag_802_3_ad"
	Ports []string `json:"ports"`
}

// DPDK is any port but a bond in the form of OpenPerf's.
type DPDK struct {
	Device     string   `json:"device,omitempty"`
	Driver     string   `json:"driver,omitempty"`
	Interface  string   `json:"interface,omitempty"`
	MACAddress string   `json:"mac_address,omitempty"`
	Link       DPDKLink `json:"link"`
}

// DPDKLink has the settings of a link. They have no effect.
type DPDKLink struct {
	AutoNegotiation bool   `json:"auto_negotiation"`
	Speed           *int64 `json:"speed,omitempty"` // Mbps
	Duplex          string `json:"duplex,omitempty"`
}

// PortStatus is the state of a port's link and of its transmitter.
type PortStatus struct {
	Link   string `json:"link"` // "up", "down", "unknown"
	Reason string `json:"reason,omitempty"`
	Speed  int64  `json:"speed"` // Mbps, nominal
	Duplex string `json:"duplex"`
	Engine string `json:"engine"` // "plain", "io_uring"
	Queues int    `json:"queues"`
}

// PortStats are the counters of a port.
type PortStats struct {
	Stats
	RxDropped uint64 `json:"rx_dropped"`
	RxTraffic uint64 `json:"rx_traffic"` // of RxPackets, those that are not for the interfaces
}

// Stats are counters of packets, and of octets without FCS.
type Stats struct {
	RxPackets uint64 `json:"rx_packets"`
	TxPackets uint64 `json:"tx_packets"`
	RxBytes   uint64 `json:"rx_bytes"`
	TxBytes   uint64 `json:"tx_bytes"`
	RxErrors  uint64 `json:"rx_errors"`
	TxErrors  uint64 `json:"tx_errors"`
}
