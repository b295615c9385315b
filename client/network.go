package client

import (
	"context"
	"strconv"

	"glean/server/api"
)

// Ports lists the ports, or those of one kind if kind is not empty.
func (c *Client) Ports(ctx context.Context, kind string) ([]api.Port, error) {
	return do[[]api.Port](ctx, c, get("ports").with("kind", kind))
}

// Port returns a port.
func (c *Client) Port(ctx context.Context, id string) (api.Port, error) {
	return do[api.Port](ctx, c, get("ports", id))
}

// CreatePort opens a device as a port.
func (c *Client) CreatePort(ctx context.Context, p api.Port) (api.Port, error) {
	return do[api.Port](ctx, c, post(p, "ports"))
}

// DeletePort removes a port. It returns nil if the port does not exist.
func (c *Client) DeletePort(ctx context.Context, id string) error {
	return c.run(ctx, remove("ports", id))
}

// ReattachPort attaches a port to its device again after the device was deleted. It
// makes a TAP device that does not exist.
func (c *Client) ReattachPort(ctx context.Context, id string) (api.Port, error) {
	return do[api.Port](ctx, c, post(nil, "ports", id, "reattach"))
}

// InterfaceFilter selects the interfaces that match any member that is not empty.
type InterfaceFilter struct{ PortID, MACAddress, IPv4Address, IPv6Address string }

// Interfaces lists the interfaces that match the filter, or all if the filter is empty.
func (c *Client) Interfaces(ctx context.Context, f InterfaceFilter) ([]api.Interface, error) {
	return do[[]api.Interface](ctx, c, get("interfaces").with("port_id", f.PortID, "eth_mac_address", f.MACAddress,
		"ipv4_address", f.IPv4Address, "ipv6_address", f.IPv6Address))
}

// Interface returns an interface.
func (c *Client) Interface(ctx context.Context, id string) (api.Interface, error) {
	return do[api.Interface](ctx, c, get("interfaces", id))
}

// CreateInterface makes an interface.
func (c *Client) CreateInterface(ctx context.Context, i api.Interface) (api.Interface, error) {
	return do[api.Interface](ctx, c, post(i, "interfaces"))
}

// CreateInterfaces makes all interfaces or none.
func (c *Client) CreateInterfaces(ctx context.Context, list []api.Interface) ([]api.Interface, error) {
	made, err := do[api.Items[api.Interface]](ctx, c, post(api.Items[api.Interface]{Items: list}, "interfaces", "x", "bulk-create"))
	return made.Items, err
}

// DeleteInterface removes an interface. It returns nil if the interface does not exist.
func (c *Client) DeleteInterface(ctx context.Context, id string) error {
	return c.run(ctx, remove("interfaces", id))
}

// DeleteInterfaces removes the interfaces of list that exist.
func (c *Client) DeleteInterfaces(ctx context.Context, list []string) error {
	return c.run(ctx, post(api.IDs{IDs: list}, "interfaces", "x", "bulk-delete"))
}

// NeighborFilter selects the neighbors that match all members that are not empty.
type NeighborFilter struct {
	InterfaceID, State, IPAddress string
	Limit                         int    // at most so many; 0: 10,000
	After                         string // "INTERFACE_ID,IP_ADDRESS", or an address beside InterfaceID
}

// Neighbors lists the neighbors that match.
func (c *Client) Neighbors(ctx context.Context, f NeighborFilter) ([]api.Neighbor, error) {
	return do[[]api.Neighbor](ctx, c, get("neighbors").with("interface_id", f.InterfaceID, "state", f.State,
		"ip_address", f.IPAddress, "limit", positive(f.Limit), "after", f.After))
}

// FlushNeighbors removes the neighbors of an interface, or of all interfaces if
// interfaceID is empty.
func (c *Client) FlushNeighbors(ctx context.Context, interfaceID string) error {
	return c.run(ctx, remove("neighbors").with("interface_id", interfaceID))
}

// positive returns a number as text, or "" for a number that is not positive.
func positive(n int) string {
	if n <= 0 {
		return ""
	}
	return strconv.Itoa(n)
}
