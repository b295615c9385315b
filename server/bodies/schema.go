package bodies

import (
	"glean/generator/traffic"
	"glean/internal/document"
	"glean/learning"
	"glean/server/engine"
	"glean/stack"
	"glean/stack/loop"
)

// The descriptions of the bodies that the API reads. Their names are those of
// the schemas in openapi.yaml; tests hold the readers and the document to them.
var (
	portSchema      = describePort()
	interfaceSchema = describeInterface()
	generatorSchema = document.ObjectOf("generator", "the body of POST /packet/generators",
		document.Optional("id", idText),
		document.Required("target_id", document.TextOf("id", "a port or an interface")),
		document.Required("config", traffic.ConfigSchema()),
		document.ReadOnly("active", document.Opaque("whether it transmits")),
		document.ReadOnly("learning", document.Opaque("the state of its learning")),
		document.ReadOnly("learning_id", document.Opaque("its latest learning request")),
		warnings, warningsCount,
	)
	learningSchema = document.OwnObject("learning request", "the body of POST /learning: either generator_ids, or interface_id and addresses",
		document.Optional("id", idText),
		document.Optional("generator_ids", document.ListOf(document.TextOf("id", ""), 1, ItemsMax, "generators whose destinations are learned")),
		document.Optional("interface_id", document.TextOf("id", "the interface that learns the addresses")),
		document.Optional("addresses", document.ListOf(document.TextOf("IP address", ""), 1, learning.MaxAddresses, "unicast addresses to learn")),
		document.Optional("mode", document.WordOf(learningModes, learningModes[0], "all: confirm every address anew; unresolved: only what is not completed, with generator_ids")),
		document.Optional("timeout_ms", document.NumberOr(milliseconds(learning.MinTimeout), milliseconds(learning.MaxTimeout), milliseconds(learning.DefaultTimeout), "how long learning tries")),
	)
	idsSchema = document.ObjectOf("ids", "the body of bulk-delete, bulk-start and bulk-stop",
		document.Required("ids", document.ListOf(document.TextOf("id", ""), 0, ItemsMax, "")))
	toggleSchema = document.ObjectOf("toggle", "the body of toggle",
		document.Required("replace", document.TextOf("id", "the active generator, which is stopped")),
		document.Required("with", document.TextOf("id", "the generator that replaces it")))
)

// Schemas returns the descriptions of all bodies by their names in
// openapi.yaml.
func Schemas() map[string]*document.Schema {
	return map[string]*document.Schema{
		"Port": portSchema, "Interface": interfaceSchema, "Generator": generatorSchema,
		"LearningBody": learningSchema, "IDs": idsSchema, "Toggle": toggleSchema,
	}
}

// itemsSchema describes the body of a bulk-create.
func itemsSchema(item *document.Schema) *document.Schema {
	return document.ObjectOf("items", "the body of bulk-create",
		document.Required("items", document.ListOf(item, 1, ItemsMax, "")))
}

var (
	bulkInterfaces = itemsSchema(interfaceSchema)
	bulkGenerators = itemsSchema(generatorSchema)

	idText        = document.TextOf("id", engine.IDRule+"; made by the daemon if absent")
	warnings      = document.ReadOnly("warnings", document.Opaque("unknown members that were ignored"))
	warningsCount = document.ReadOnly("warnings_count", document.Opaque("number of ignored members"))

	portKinds     = []string{string(engine.KindTAP), string(engine.KindPacket), string(engine.KindWire), string(engine.KindBond)}
	learningModes = []string{"all", "unresolved"}
	detections    = []string{"announce", "none"}
	methods4      = []string{"static", "dhcp", "auto"}
	methods6      = []string{"static", "dhcp6", "auto"}
	tpids         = []string{"0x8100", "0x88a8"}
	bondMode      = "lag_802_3_ad"
)

// milliseconds is a time as the API counts it.
func milliseconds(d loop.Duration) uint64 { return uint64(d / loop.Millisecond) }

func describePort() *document.Schema {
	name := document.Required("name", document.TextOf("device name", "1 to 15 octets"))
	return document.ObjectOf("port", "the body of POST /ports",
		document.Optional("id", idText),
		document.Required("kind", document.WordOf(portKinds, "", "")),
		document.Required("config", document.ChoiceOf("config", "the member with the name of the kind",
			document.Optional("tap", document.OwnObject("tap", "a TAP device",
				name,
				document.Optional("queues", document.NumberOr(1, queuesMax, 1, "queues of the device")),
				document.Optional("persist", document.Flag(false, "keep the device when glean ends")),
				document.Optional("mtu", document.Number(mtuMin, mtuMax, "MTU of the device; unchanged if absent")),
				document.Optional("mac_address", document.TextOf("MAC address", "MAC of the kernel's side; unchanged if absent")),
			)),
			document.Optional("packet", document.OwnObject("packet", "an existing Ethernet device", name)),
			document.Optional("wire", document.OwnObject("wire", "an in-process wire; two ports on one wire are back to back", name)),
			document.Optional("bond", document.ObjectOf("bond", "a name for several ports",
				document.Required("mode", document.WordOf([]string{bondMode}, "", "")),
				document.Required("ports", document.ListOf(document.TextOf("id", ""), 2, membersMax, "its ports")),
			)),
			document.ReadOnly("dpdk", describeDPDK()),
		)),
		document.ReadOnly("status", document.Opaque("link, engine and queues")),
		document.ReadOnly("stats", document.Opaque("counters")),
		warnings, warningsCount,
	)
}

// describeDPDK is the form that ports have with --openperf.
func describeDPDK() *document.Schema {
	return document.ObjectOf("dpdk", "how a port looks with --openperf; PUT checks it",
		document.ReadOnly("device", document.Opaque("")),
		document.ReadOnly("driver", document.Opaque("")),
		document.ReadOnly("interface", document.Opaque("")),
		document.ReadOnly("mac_address", document.Opaque("")),
		document.Required("link", document.ObjectOf("link", "checked, without effect",
			document.Required("auto_negotiation", &document.Schema{Type: document.TypeBoolean}),
			document.Optional("speed", document.Opaque("Mbps")),
			document.Optional("duplex", document.Opaque("full or half")),
		)),
	)
}

func describeInterface() *document.Schema {
	expression := document.TextOf("filter expression", "an expression of pcap-filter(7); empty: every frame passes")
	return document.ObjectOf("interface", "the body of POST /interfaces",
		document.Optional("id", idText),
		document.Required("port_id", document.TextOf("id", "the port of the interface")),
		document.Required("config", document.ObjectOf("config", "",
			document.Required("protocols", document.ListOf(describeProtocols(), 1, protocolsMax, "one eth, up to two vlan (outermost first), at most one ipv4 and one ipv6")),
			document.Optional("rx_filter", expression),
			document.Optional("tx_filter", expression),
			document.Optional("neighbor", describeNeighbor()),
		)),
		document.ReadOnly("stats", document.Opaque("counters")),
		warnings, warningsCount,
	)
}

func describeProtocols() *document.Schema {
	status := document.Opaque("the state of an address")
	static := func(v6 bool, bits uint64) *document.Schema {
		shape := map[bool]string{false: "IPv4 address", true: "IPv6 address"}[v6]
		about := map[bool]string{false: "an address; required with method static", true: "an address; required with method static, unless link_local_address is given"}[v6]
		return document.ObjectOf("static", about,
			document.Required("address", document.TextOf(shape, "")),
			document.Required("prefix_length", document.Number(0, bits, "")),
			document.Optional("gateway", document.TextOf(shape, "the default gateway, in the prefix")),
		)
	}
	return document.ChoiceOf("protocol", "exactly one of the members",
		document.Optional("eth", document.ObjectOf("eth", "layer 2", document.Required("mac_address", document.TextOf("MAC address", "a unicast address")))),
		document.Optional("vlan", document.ObjectOf("vlan", "a tag of the interface's frames (IEEE 802.1Q)",
			document.Required("id", document.Number(1, 4094, "")),
			document.Optional("priority", document.NumberOr(0, 7, 0, "")),
			document.Optional("tpid", document.WordOf(tpids, tpids[0], "")),
		)),
		document.Optional("ipv4", document.ObjectOf("ipv4", "an IPv4 address",
			document.Required("method", document.WordOf(methods4, "", "dhcp and auto are accepted only with --openperf, and give no address")),
			document.Optional("static", static(false, 32)),
			document.Optional("dhcp", document.ObjectOf("dhcp", "with method dhcp",
				document.Optional("hostname", document.TextOf("", "")),
				document.Optional("client", document.TextOf("", "")),
				document.ReadOnly("status", status),
			)),
			document.ReadOnly("status", status),
		)),
		document.Optional("ipv6", document.ObjectOf("ipv6", "a link-local address, and optionally another IPv6 address",
			document.Required("method", document.WordOf(methods6, "", "dhcp6 and auto are accepted only with --openperf, and give only a link-local address")),
			document.Optional("link_local_address", document.TextOf("IPv6 address", "in fe80::/10; made from the MAC if absent")),
			document.Optional("static", static(true, 128)),
			document.Optional("dhcp6", document.ObjectOf("dhcp6", "with method dhcp6",
				document.Required("stateless", &document.Schema{Type: document.TypeBoolean, About: "stateful DHCPv6 is not supported"}),
			)),
			document.ReadOnly("link_local_status", status),
			document.ReadOnly("status", status),
		)),
	)
}

// describeNeighbor is config.neighbor. The times are those of RFC 4861 section
// 10, which ARP follows, too.
func describeNeighbor() *document.Schema {
	usual := stack.DefaultNeighborConfig()
	return document.OwnObject("neighbor", "times and bounds of the neighbor cache and of learning",
		document.Optional("duplicate_detection", document.WordOf(detections, detections[0], "announce: the interface announces its addresses when it is created and when its link comes up")),
		document.Optional("retrans_timer_ms", document.NumberOr(1, retransMost, milliseconds(usual.RetransTimer), "time between two solicitations for a neighbor")),
		document.Optional("multicast_solicits", document.NumberOr(1, solicitsMost, uint64(usual.MulticastSolicits), "solicitations by broadcast or multicast before a neighbor is given up")),
		document.Optional("unicast_solicits", document.NumberOr(1, solicitsMost, uint64(usual.UnicastSolicits), "solicitations by unicast to a known MAC before it is given up")),
		document.Optional("reachable_time_ms", document.NumberOr(1, neighborTimeMost, milliseconds(usual.ReachableTime), "how long a neighbor is reachable after an answer, on average")),
		document.Optional("probe_interval_ms", document.NumberOr(0, neighborTimeMost, milliseconds(usual.ProbeInterval), "0 or at least 100: longest time between two confirmations of a tracked next hop; 0: reachable_time_ms decides")),
		document.Optional("delay_first_probe_ms", document.NumberOr(1, neighborTimeMost, milliseconds(usual.DelayFirstProbe), "time from the first packet to a stale neighbor to its first probe")),
		document.Optional("keep_unreachable", document.Flag(false, "true: packets to a neighbor that does not answer are still sent to its MAC (RFC 7048)")),
		document.Optional("max_entries", document.NumberOr(1, neighborEntriesMax, uint64(usual.MaxEntries), "the most neighbors of the interface")),
		document.Optional("learning_rate_pps", document.NumberOr(0, learningRateMost, 0, "solicitations of learning a second; 0: no limit")),
		document.Optional("learning_window", document.NumberOr(1, learningWindowMost, learningWindowDefault, "the most solicitations of learning in flight")),
		document.Optional("respond_for", document.ListOf(document.TextOf("prefix", ""), 0, respondForMax, "prefixes for whose addresses the interface answers, besides its own")),
		document.Optional("proxy_delay_ms", document.NumberOr(0, proxyDelayMost, milliseconds(usual.ProxyDelay), "an IPv6 answer for respond_for waits for a random part of this time (RFC 4861 section 7.2.8)")),
		document.Optional("static", document.ListOf(document.OwnObject("static", "a neighbor with a fixed MAC",
			document.Required("ip_address", document.TextOf("IP address", "")),
			document.Required("mac_address", document.TextOf("MAC address", "")),
		), 0, staticMax, "neighbors with a fixed MAC, which are not solicited")),
	)
}
