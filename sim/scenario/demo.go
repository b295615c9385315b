package scenario

import (
	"encoding/json"
	"fmt"
	"net/netip"

	"glean/sim"
	"glean/stack/loop"
)

// Demo is the network of "glean demo".
func Demo() *Scenario {
	prefix := netip.MustParsePrefix
	addr := netip.MustParseAddr
	lossy := func() sim.Rule { return sim.Loss(10 * sim.Percent) }
	return &Scenario{
		Name: "demo", Seed: 1,
		About: "200 hosts with IPv4 and IPv6, half of them behind a router; 10 % of glean's frames are lost, and two addresses have no owner",
		Topology: Topology{
			Switches: []string{"lan", "far"},
			Routers: []Router{{Name: "router", Ports: []RouterPort{
				{On: "lan", IPv4: prefix("198.18.0.254/24"), IPv6: prefix("2001:db8:18::254/64")},
				{On: "far", IPv4: prefix("198.18.1.254/24"), IPv6: prefix("2001:db8:19::254/64")},
			}}},
			Hosts: []HostGroup{
				{Name: "near", Count: 100, On: "lan", IPv4: prefix("198.18.0.0/24"), IPv6: prefix("2001:db8:18::/64"), Wire: Wire{Delay: 20 * loop.Microsecond},
					Gateway4: addr("198.18.0.254"), Gateway6: addr("2001:db8:18::254")},
				{Name: "far", Count: 100, On: "far", IPv4: prefix("198.18.1.0/24"), IPv6: prefix("2001:db8:19::/64"), Wire: Wire{Delay: 50 * loop.Microsecond},
					Gateway4: addr("198.18.1.254"), Gateway6: addr("2001:db8:19::254")},
			},
			Ports:  []Port{{ID: "0", On: "lan", Wire: Wire{Delay: 10 * loop.Microsecond}}},
			Faults: []Fault{{Wires: []string{"port:0"}, Rules: []func() sim.Rule{lossy}}},
		},
		Interfaces: []json.RawMessage{json.RawMessage(`{"id":"if-1","port_id":"0","config":{"protocols":[
			{"eth":{"mac_address":"02:01:00:00:00:01"}},
			{"ipv4":{"method":"static","static":{"address":"198.18.0.253","prefix_length":24,"gateway":"198.18.0.254"}}},
			{"ipv6":{"method":"static","static":{"address":"2001:db8:18::253","prefix_length":64,"gateway":"2001:db8:18::254"}}}]}}`)},
		Generators: []json.RawMessage{demoGenerator(), demoStrict()},
		Expect: Expect{
			Learning: "timed_out", Accounted: true, Flows: 400, Received: 600_000, Started: []string{"all"}, Refused: []string{"strict"},
			TimedOut: map[netip.Addr]string{addr("198.18.0.250"): "no_reply", addr("2001:db8:18::fa"): "no_reply"},
		},
	}
}

func demoGenerator() json.RawMessage {
	def := func(family, first string) string {
		return fmt.Sprintf(`{"length":{"fixed":128},"packet":{"protocols":[{"ethernet":{}},
			{"%s":{},"modifiers":{"items":[{"name":"destination","permute":false,"%s":{"sequence":{"count":100,"start":"%s"}}}]}},
			{"udp":{"source":4000,"destination":5000}}]}}`, family, family, first)
	}
	one := func(family, to string) string {
		return fmt.Sprintf(`{"length":{"fixed":128},"packet":{"protocols":[{"ethernet":{}},
			{"%s":{"destination":"%s"}},{"udp":{"source":4000,"destination":5000}}]}}`, family, to)
	}
	return json.RawMessage(`{"id":"all","target_id":"if-1","config":{"duration":{"frames":20000},
		"load":{"rate":{"value":10000,"period":"second"},"units":"frames"},"order":"round-robin",
		"learning":{"timeout_ms":8000,"on_unresolved":"skip"},
		"traffic":[` + def("ipv4", "198.18.0.1") + "," + def("ipv4", "198.18.1.101") + "," +
		def("ipv6", "2001:db8:18::1") + "," + def("ipv6", "2001:db8:19::65") + "," +
		one("ipv4", "198.18.0.250") + "," + one("ipv6", "2001:db8:18::fa") + `]}}`)
}

// demoStrict has the default policy and an address that nobody owns.
func demoStrict() json.RawMessage {
	return json.RawMessage(`{"id":"strict","target_id":"if-1","config":{"duration":{"frames":100},
		"load":{"rate":{"value":1000,"period":"second"},"units":"frames"},"learning":{"timeout_ms":8000},
		"traffic":[{"length":{"fixed":128},"packet":{"protocols":[{"ethernet":{}},
			{"ipv4":{},"modifiers":{"items":[{"name":"destination","permute":false,"ipv4":{"list":["198.18.0.1","198.18.0.250"]}}]}},
			{"udp":{"source":4000,"destination":5001}}]}}]}}`)
}
