package engine

import (
	"errors"
	"fmt"

	"glean/stack"
)

// configPaths maps the stack's name of each field to the member of an interface's body. A
// member of protocols may be anywhere in the list, so words name it.
var configPaths = map[string]struct{ path, words string }{
	"MAC":                        {"config.protocols", "eth.mac_address: "},
	"Tags":                       {"config.protocols", "vlan: "},
	"IPv4":                       {"config.protocols", "ipv4.static.address: "},
	"IPv6":                       {"config.protocols", "ipv6.static.address: "},
	"LinkLocal":                  {"config.protocols", "ipv6.link_local_address: "},
	"IPv4, IPv6, LinkLocal":      {"config.protocols", ""},
	"Gateway4":                   {"config.protocols", "ipv4.static.gateway: "},
	"Gateway6":                   {"config.protocols", "ipv6.static.gateway: "},
	"RespondFor":                 {"config.neighbor.respond_for", ""},
	"Static":                     {"config.neighbor.static", ""},
	"Neighbor.RetransTimer":      {"config.neighbor.retrans_timer_ms", ""},
	"Neighbor.ReachableTime":     {"config.neighbor.reachable_time_ms", ""},
	"Neighbor.DelayFirstProbe":   {"config.neighbor.delay_first_probe_ms", ""},
	"Neighbor.ProbeInterval":     {"config.neighbor.probe_interval_ms", ""},
	"Neighbor.ProxyDelay":        {"config.neighbor.proxy_delay_ms", ""},
	"Neighbor.MulticastSolicits": {"config.neighbor.multicast_solicits", ""},
	"Neighbor.UnicastSolicits":   {"config.neighbor.unicast_solicits", ""},
	"Neighbor.MaxEntries":        {"config.neighbor.max_entries", ""},
}

// configFault returns the fault of a member that the stack refuses. If another interface
// of the port is the reason, the fault names it.
func (e *Engine) configFault(err error) error {
	var c *stack.ConfigError
	if errors.As(err, &c) {
		detail := c.Detail
		if c.Other != nil {
			detail += fmt.Sprintf("; see interface %q", e.handles[c.Other.Handle()].spec.ID)
		}
		if to, known := configPaths[c.Field]; known {
			return invalid(to.path, "%s%s", to.words, detail)
		}
	}
	return invalid("config", "%v", err)
}
