package client

import (
	"context"
	"strconv"
)

// Port is an attachment to a network.
type Port struct {
	ID     string      `json:"id,omitempty"`
	Kind   string      `json:"kind"` // "tap", "packet", "wire", "bond"; "dpdk" under --openperf
	Config PortConfig  `json:"config"`
	Status *PortStatus `json:"status,omitempty"`
	Stats  *Stats      `json:"stats,omitempty"`

	Warnings      []Fault `json:"warnings,omitempty"` // unknown members that were ignored, the first 100
	WarningsCount int     `json:"warnings_count,omitempty"`
}

// PortConfig has the member that is called as the port's kind.
type PortConfig struct {
	TAP    *TAP    `json:"tap,omitempty"`
	Packet *Device `json:"packet,omitempty"`
	Wire   *Device `json:"wire,omitempty"`
	Bond   *Bond   `json:"bond,omitempty"`
	DPDK   *DPDK   `json:"dpdk,omitempty"`
}

// TAP is a TAP device.
type TAP struct {
	Name       string `json:"name"`
	Queues     int    `json:"queues,omitempty"`
	Persist    bool   `json:"persist,omitempty"`
	MTU        int    `json:"mtu,omitempty"`
	MACAddress string `json:"mac_address,omitempty"`
}

// Device is an existing device, or an in-process wire, by name.
type Device struct {
	Name string `json:"name"`
}

// Bond is several ports by name.
type Bond struct {
	Mode  string   `json:"mode"` // "lag_802_3_ad"
	Ports []string `json:"ports"`
}

// DPDK is the form of a port for OpenPerf's clients.
type DPDK struct {
	Device    string   `json:"device,omitempty"`
	Driver    string   `json:"driver,omitempty"`
	Interface string   `json:"interface,omitempty"`
	MAC       string   `json:"mac_address,omitempty"`
	Link      DPDKLink `json:"link"`
}

// DPDKLink is what OpenPerf says of a link.
type DPDKLink struct {
	AutoNegotiation bool   `json:"auto_negotiation"`
	Speed           int64  `json:"speed,omitempty"` // Mbps
	Duplex          string `json:"duplex,omitempty"`
}

// PortStatus is how a port is.
type PortStatus struct {
	Link   string `json:"link"` // "up", "down", "unknown"
	Reason string `json:"reason,omitempty"`
	Speed  int64  `json:"speed"` // Mbps, nominal
	Duplex string `json:"duplex"`
	Engine string `json:"engine"`
	Queues int    `json:"queues"`
}

// Stats are the counters of a port or an interface, octets without FCS.
type Stats struct {
	RxPackets uint64 `json:"rx_packets"`
	TxPackets uint64 `json:"tx_packets"`
	RxBytes   uint64 `json:"rx_bytes"`
	TxBytes   uint64 `json:"tx_bytes"`
	RxErrors  uint64 `json:"rx_errors"`
	TxErrors  uint64 `json:"tx_errors"`
	RxDropped uint64 `json:"rx_dropped,omitempty"` // of ports
	RxTraffic uint64 `json:"rx_traffic,omitempty"` // of ports: of RxPackets, those that are not for the interfaces
}

// Ports lists the ports, of one kind if it is not empty.
func (c *Client) Ports(ctx context.Context, kind string) ([]Port, error) {
	return do[[]Port](ctx, c, get("ports").with("kind", kind))
}

// Port shows a port.
func (c *Client) Port(ctx context.Context, id string) (Port, error) {
	return do[Port](ctx, c, get("ports", id))
}

// CreatePort opens a device as a port.
func (c *Client) CreatePort(ctx context.Context, p Port) (Port, error) {
	return do[Port](ctx, c, post(p, "ports"))
}

// DeletePort removes a port. One that does not exist is no error.
func (c *Client) DeletePort(ctx context.Context, id string) error {
	return c.run(ctx, remove("ports", id))
}

// ReattachPort attaches a port to its device again after the device was deleted. A TAP
// that does not exist is made.
func (c *Client) ReattachPort(ctx context.Context, id string) (Port, error) {
	return do[Port](ctx, c, post(nil, "ports", id, "reattach"))
}

// Interface is a layer 2 and 3 endpoint on a port.
type Interface struct {
	ID     string          `json:"id,omitempty"`
	PortID string          `json:"port_id"`
	Config InterfaceConfig `json:"config"`
	Stats  *Stats          `json:"stats,omitempty"`

	Warnings      []Fault `json:"warnings,omitempty"` // unknown members that were ignored, the first 100
	WarningsCount int     `json:"warnings_count,omitempty"`
}

// InterfaceConfig is what an interface is made of.
type InterfaceConfig struct {
	Protocols []InterfaceProtocol `json:"protocols"`
	RxFilter  string              `json:"rx_filter,omitempty"`
	TxFilter  string              `json:"tx_filter,omitempty"`
	Neighbor  *NeighborConfig     `json:"neighbor,omitempty"`
}

// InterfaceProtocol has one of the members.
type InterfaceProtocol struct {
	Eth  *Eth  `json:"eth,omitempty"`
	VLAN *VLAN `json:"vlan,omitempty"`
	IPv4 *IPv4 `json:"ipv4,omitempty"`
	IPv6 *IPv6 `json:"ipv6,omitempty"`
}

// Eth is layer 2.
type Eth struct {
	MACAddress string `json:"mac_address"`
}

// VLAN is a tag of all of an interface's frames.
type VLAN struct {
	ID       int    `json:"id"`
	Priority int    `json:"priority,omitempty"`
	TPID     string `json:"tpid,omitempty"` // "0x8100", "0x88a8"
}

// IPv4 is the IPv4 side of an interface.
type IPv4 struct {
	Method string         `json:"method"` // "static", "dhcp", "auto"
	Static *Static        `json:"static,omitempty"`
	DHCP   *DHCP          `json:"dhcp,omitempty"`
	Status *AddressStatus `json:"status,omitempty"`
}

// IPv6 is the IPv6 side of an interface.
type IPv6 struct {
	Method           string         `json:"method"` // "static", "dhcp6", "auto"
	LinkLocalAddress string         `json:"link_local_address,omitempty"`
	LinkLocalStatus  *AddressStatus `json:"link_local_status,omitempty"`
	Static           *Static        `json:"static,omitempty"`
	DHCP6            *DHCP6         `json:"dhcp6,omitempty"`
	Status           *AddressStatus `json:"status,omitempty"`
}

// Static is an address of either family with its gateway.
type Static struct {
	Address      string `json:"address"`
	PrefixLength int    `json:"prefix_length"`
	Gateway      string `json:"gateway,omitempty"`
}

// DHCP is what is sent to a DHCP server, and what it gave.
type DHCP struct {
	Hostname string      `json:"hostname,omitempty"`
	Client   string      `json:"client,omitempty"`
	Status   *DHCPStatus `json:"status,omitempty"`
}

// DHCPStatus is where DHCP is.
type DHCPStatus struct {
	State string `json:"state"`
}

// DHCP6 is stateless DHCPv6.
type DHCP6 struct {
	Stateless bool `json:"stateless"`
}

// AddressStatus is how an address is.
type AddressStatus struct {
	State       string `json:"state"` // "preferred", "tentative", "duplicate"
	ConflictMAC string `json:"conflict_mac,omitempty"`
}

// NeighborConfig has the times and bounds of the neighbor cache and of
// learning. Zero is the default.
type NeighborConfig struct {
	DuplicateDetection string           `json:"duplicate_detection,omitempty"`
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
	RespondFor         []string         `json:"respond_for,omitempty"`
	ProxyDelayMS       int              `json:"proxy_delay_ms,omitempty"`
	Static             []StaticNeighbor `json:"static,omitempty"`
}

// StaticNeighbor is never asked for.
type StaticNeighbor struct {
	IPAddress  string `json:"ip_address"`
	MACAddress string `json:"mac_address"`
}

// InterfaceFilter wants interfaces that match any of its members.
type InterfaceFilter struct{ PortID, MACAddress, IPv4Address, IPv6Address string }

// Interfaces lists the interfaces that match, all if the filter is empty.
func (c *Client) Interfaces(ctx context.Context, f InterfaceFilter) ([]Interface, error) {
	return do[[]Interface](ctx, c, get("interfaces").with("port_id", f.PortID, "eth_mac_address", f.MACAddress,
		"ipv4_address", f.IPv4Address, "ipv6_address", f.IPv6Address))
}

// Interface shows an interface.
func (c *Client) Interface(ctx context.Context, id string) (Interface, error) {
	return do[Interface](ctx, c, get("interfaces", id))
}

// CreateInterface makes an interface.
func (c *Client) CreateInterface(ctx context.Context, i Interface) (Interface, error) {
	return do[Interface](ctx, c, post(i, "interfaces"))
}

// CreateInterfaces makes all of them or none.
func (c *Client) CreateInterfaces(ctx context.Context, list []Interface) ([]Interface, error) {
	made, err := do[items[Interface]](ctx, c, post(items[Interface]{list}, "interfaces", "x", "bulk-create"))
	return made.Items, err
}

// DeleteInterface removes an interface. One that does not exist is no error.
func (c *Client) DeleteInterface(ctx context.Context, id string) error {
	return c.run(ctx, remove("interfaces", id))
}

// DeleteInterfaces removes those that exist.
func (c *Client) DeleteInterfaces(ctx context.Context, list []string) error {
	return c.run(ctx, post(ids{list}, "interfaces", "x", "bulk-delete"))
}

// Neighbor is an entry of the neighbor cache.
type Neighbor struct {
	InterfaceID string `json:"interface_id"`
	VLANIDs     []int  `json:"vlan_ids"`
	IPAddress   string `json:"ip_address"`
	MACAddress  string `json:"mac_address"` // empty if it is not known
	State       string `json:"state"`
	IsRouter    bool   `json:"is_router"`
	UpdatedAt   string `json:"updated_at"`   // RFC 3339
	ConfirmedAt string `json:"confirmed_at"` // RFC 3339; empty if no answer has confirmed the MAC
}

// NeighborFilter wants neighbors that match all of its members.
type NeighborFilter struct {
	InterfaceID, State, IPAddress string
	Limit                         int    // 0: 10,000
	After                         string // "INTERFACE_ID,IP_ADDRESS", or an address beside InterfaceID
}

// Neighbors lists the neighbors that match.
func (c *Client) Neighbors(ctx context.Context, f NeighborFilter) ([]Neighbor, error) {
	return do[[]Neighbor](ctx, c, get("neighbors").with("interface_id", f.InterfaceID, "state", f.State,
		"ip_address", f.IPAddress, "limit", positive(f.Limit), "after", f.After))
}

// FlushNeighbors forgets the neighbors of an interface, of all if it is empty.
func (c *Client) FlushNeighbors(ctx context.Context, interfaceID string) error {
	return c.run(ctx, remove("neighbors").with("interface_id", interfaceID))
}

func positive(n int) string {
	if n <= 0 {
		return ""
	}
	return strconv.Itoa(n)
}
