package file

import (
	"math"

	"glean/internal/document"
	"glean/sim/scenario"
)

// Format returns the description of scenario files. A test compares it with the members
// that the reader accepts.
func Format() *document.Schema { return format }

// FormatNotes explains the rules that hold for all parts of a file.
const FormatNotes = `A scenario file (YAML) describes a network, the interfaces and generators of glean in it, what happens, and what you expect.

  times        250ms, 1.5s, 2m; at most a day
  percentages  12.5%
  names        letters, digits, ".", "_" and "-"; unique among switches, devices, routers, ports and bodies
  wires        the wire of a device has the device's name; a trunk is "A:B", a router's wire "ROUTER:SWITCH", a port's "port:ID";
               patterns are allowed, for example "lan-*"
  repeat       an item of a list with {repeat: {name: i, from: 1, to: 9, step: 1}} stands for several items;
               "${i}" in its strings is the number, "${i+1}" the next one; name, from and step default to i, 1 and 1
`

var (
	duration    = document.TextOf("time", "")
	percentage  = document.TextOf("percentage", "")
	nameText    = document.TextOf("name", "")
	listOrName  = document.TextOf("name, or list of names", "")
	prefix4Text = document.TextOf("IPv4 address/length", "")
	prefix6Text = document.TextOf("IPv6 address/length", "")
	addr4Text   = document.TextOf("IPv4 address", "")
	addr6Text   = document.TextOf("IPv6 address", "")
	vlanNumber  = document.Number(1, 4094, "VLAN of the switch's port; on a port of glean the tag of the device's frames")
	onText      = document.TextOf(`switch, or "port:ID"`, "where it is attached")
	words       = func(about string, words ...string) *document.Schema { return document.WordOf(words, "", about) }
)

// saying returns a copy of a description with another text.
func saying(s *document.Schema, about string) *document.Schema {
	copied := *s
	copied.About = about
	return &copied
}

func listing(s *document.Schema, about string) *document.Schema {
	return document.ListOf(s, 0, 0, about)
}

// onWire adds the members that every wire has.
func onWire(members ...document.Member) []document.Member {
	return append(members,
		document.Optional("delay", saying(duration, "of its wire")),
		document.Optional("mtu", document.NumberOr(68, 65535, 1500, "of its wire")))
}

var format = document.OwnObject("scenario", "a scenario file",
	document.Required("name", document.TextOf("", "")),
	document.Optional("about", document.TextOf("", "one sentence")),
	document.Optional("seed", document.NumberOr(0, math.MaxUint64, 1, "random seed")),
	document.Optional("until", saying(duration, "end of the run at the latest; default 2m")),
	document.Optional("late", saying(duration, "how late a frame may arrive at most; default 1s")),
	document.Optional("traffic", document.WordOf([]string{"learned", "none"}, "learned", "learned: start each generator after its learning; none: start no generator")),
	document.Required("topology", topologyFormat),
	document.Optional("interfaces", listing(document.Opaque(""), `bodies of POST /interfaces; see "glean explain interface"`)),
	document.Optional("generators", listing(document.Opaque(""), `bodies of POST /packet/generators; see "glean explain generator"`)),
	document.Optional("learning", listing(document.Opaque(""), `bodies of POST /learning, at the beginning; see "glean explain learning-request"`)),
	document.Optional("timeline", listing(stepFormat(), "actions at their times")),
	document.Optional("expect", expectFormat),
)

var topologyFormat = document.OwnObject("topology", "the network",
	document.Optional("switches", listing(saying(nameText, ""), "each a name, or {name: NAME}")),
	document.Optional("provider", saying(listOrName, "switches whose tags are service tags (IEEE 802.1ad)")),
	document.Optional("trunks", listing(document.OwnObject("trunk", "", onWire(
		document.Required("between", document.ListOf(nameText, 2, 2, "two switches")))...), "wires between switches, for all VLANs")),
	document.Optional("routers", listing(routerFormat, "")),
	document.Optional("virtual_routers", listing(virtualFormat, "addresses that several routers share, as with VRRP")),
	document.Optional("hosts", listing(hostFormat, "hosts with full stacks")),
	document.Optional("odd_hosts", listing(linkLocalFormat, "IPv6 hosts that answer from their link-local address without the Override flag")),
	document.Optional("farms", listing(farmFormat, "large numbers of hosts on one wire")),
	document.Required("ports", listing(document.OwnObject("port", "", onWire(
		document.Required("id", document.TextOf("id", "")),
		document.Optional("on", saying(nameText, "the switch; without it one device is attached to \"port:ID\"")))...), "ports of glean")),
	document.Optional("faults", listing(faultFormat, "faults from the beginning on")),
)

var routerFormat = document.OwnObject("router", "",
	document.Required("name", nameText),
	document.Required("ports", listing(document.OwnObject("router port", "", onWire(
		document.Required("on", onText),
		document.Optional("vlan", vlanNumber),
		document.Optional("ipv4", prefix4Text),
		document.Optional("ipv6", prefix6Text))...), "")),
	document.Optional("routes", listing(document.OwnObject("route", "",
		document.Required("to", document.TextOf("prefix", "")),
		document.Required("via", document.TextOf("IP address", ""))), "static routes")),
)

var virtualFormat = document.OwnObject("virtual router", "",
	document.Required("name", nameText),
	document.Required("on", saying(nameText, "the switch that all the routers are attached to")),
	document.Optional("vlan", vlanNumber),
	document.Required("routers", listing(nameText, "the first one is master at the beginning")),
	document.Optional("id", document.Number(1, 255, "of the virtual MAC; without it the MAC is that of the master and changes with it")),
	document.Optional("ipv4", prefix4Text),
	document.Optional("ipv6", prefix6Text),
)

var hostFormat = document.OwnObject("hosts", "", onWire(
	document.Required("name", saying(nameText, "with a count the hosts are NAME-1, NAME-2, ...")),
	document.Optional("count", document.NumberOr(1, maxHosts, 1, "")),
	document.Optional("first", document.Number(1, 1<<24-1, "number of the first host, which determines its MAC and address; default the next free number")),
	document.Optional("address", document.Number(1, 1<<31, "number of the first host's address in the prefixes; default first")),
	document.Required("on", onText),
	document.Optional("vlan", vlanNumber),
	document.Optional("inner_vlan", document.Number(1, 4094, "the tag that the hosts send within a provider's VLAN")),
	document.Optional("ipv4", saying(prefix4Text, "the prefix of their addresses")),
	document.Optional("ipv6", saying(prefix6Text, "the prefix of their addresses")),
	document.Optional("gateway_ipv4", addr4Text),
	document.Optional("gateway_ipv6", addr6Text),
	document.Optional("answers_for", listing(document.TextOf("prefix", ""), "the first host also answers for these addresses")),
	document.Optional("boot", saying(duration, "the hosts are off until then")),
	document.Optional("off", document.Flag(false, "the hosts are off until a step switches them on")),
	document.Optional("think", saying(duration, "every received frame waits that long before it is handled")),
)...)

var linkLocalFormat = document.OwnObject("odd host", "",
	document.Required("name", nameText),
	document.Required("on", onText),
	document.Optional("vlan", vlanNumber),
	document.Required("number", document.Number(1, 1<<24-1, "of its MAC")),
	document.Required("ipv6", addr6Text),
)

var farmFormat = document.OwnObject("farm", "", onWire(
	document.Required("name", nameText),
	document.Required("hosts", document.Number(1, 1<<24, "number of hosts")),
	document.Optional("first", document.Number(0, 1<<24-1, "number of the first host, which determines its MAC")),
	document.Required("on", onText),
	document.Optional("vlan", vlanNumber),
	document.Optional("ipv4", saying(addr4Text, "of the first host")),
	document.Optional("ipv6", saying(addr6Text, "of the first host")),
	document.Optional("dead", listing(document.Number(0, 1<<24, ""), "numbers (from 0) of hosts that do not answer")),
)...)

var faultFormat = document.OwnObject("fault", "",
	document.Required("wires", document.TextOf("pattern, or list of patterns", "")),
	document.Optional("direction", document.WordOf([]string{"both", "out", "in"}, "both", "out is from the device that the wire is named after")),
	document.Required("rules", listing(ruleFormat, "each has the member that names one rule, and the other members of that rule")),
)

var ruleFormat = document.OwnObject("rule", "",
	document.Optional("loss", saying(percentage, "of frames, independently")),
	document.Optional("burst", document.OwnObject("burst", "loss in two states (Gilbert and Elliott)",
		document.Required("good_to_bad", saying(percentage, "for each frame")),
		document.Required("bad_to_good", saying(percentage, "for each frame")),
		document.Optional("loss_good", saying(percentage, "in the good state; default 0%")),
		document.Optional("loss_bad", saying(percentage, "in the bad state; default 100%")))),
	document.Optional("duplicate", saying(percentage, "of frames arrive twice, the copy later by \"after\"")),
	document.Optional("reorder", saying(percentage, "of frames arrive later by \"by\"")),
	document.Optional("corrupt", saying(percentage, "of frames have \"bits\" flipped bits")),
	document.Optional("delay", saying(duration, "of every frame")),
	document.Optional("jitter", saying(duration, "of every frame, between 0 and this time at random, so that frames overtake each other")),
	document.Optional("after", saying(duration, "required with duplicate")),
	document.Optional("by", saying(duration, "required with reorder")),
	document.Optional("bits", document.NumberOr(1, 8, 1, "with corrupt")),
	document.Optional("rate", document.Number(1, 1<<40, "bits per second, with FCS, preamble and gap")),
	document.Optional("queue", document.NumberOr(1, 1<<30, 1<<16, "with rate: octets that may wait; values below 65,536 count as 65,536")),
	document.Optional("police", document.Number(1, 1_000_000, "ARP requests and neighbor solicitations that pass per second; the others are dropped")),
	document.Optional("bucket", document.NumberOr(1, 1_000_000, 1, "with police: solicitations that pass in a burst")),
	document.Optional("mtu", document.Number(1, 65535, "longer packets are dropped")),
	document.Optional("drop_first", document.Number(1, 1_000_000, "frames that are dropped")),
	document.Optional("of", document.WordOf(scenario.FrameKinds(), "", "with drop_first: drop only frames of this kind")),
)

var expectFormat = document.OwnObject("expect", "what you expect of the run",
	document.Optional("learning", words("the state in which every request ends", "completed", "timed_out", "cancelled")),
	document.Optional("timed_out", &document.Schema{Type: document.TypeObject, Keyed: document.TextOf("", ""), About: "ADDRESS: reason; all other addresses must complete"}),
	document.Optional("within", saying(duration, "the longest time that a request takes")),
	document.Optional("answered_within", saying(duration, "the latest time of the last answer, from the request on")),
	document.Optional("started", saying(listOrName, "generators that transmit")),
	document.Optional("refused", saying(listOrName, "generators that are refused")),
	document.Optional("received", saying(percentage, "of the frames of each flow, at least")),
	document.Optional("accounted", document.Flag(false, "every frame that is not received was dropped by a wire")),
	document.Optional("flows", document.Number(1, 1<<30, "number of flows sent")),
	document.Optional("neighbor_changes", document.Number(0, 1<<53, "next hops that change under running generators")),
	document.Optional("packets_to_stale_mac", document.Number(0, 1<<53, "frames to MACs that were known to be wrong")),
	document.Optional("conflicts", saying(listOrName, "interfaces of glean with an address that another station claims")),
)

// aboutActions describes the actions of a timeline, by name.
var aboutActions = map[string]*document.Schema{
	"heal":      document.Flag(false, "ends all faults and partitions"),
	"faults":    listing(faultFormat, "adds faults"),
	"partition": saying(wiresFormat, "cuts wires"),
	"mend":      saying(wiresFormat, "restores wires"),
	"link_down": document.TextOf("port", "of glean that loses its carrier"),
	"link_up":   document.TextOf("port", "of glean that gets its carrier back"),
	"power_off": document.TextOf("host or router", ""),
	"power_on":  document.TextOf("host or router", ""),
	"announce":  document.TextOf("host", "announces its addresses"),
	"claim": document.OwnObject("claim", "a host announces an address, whether or not it is its own",
		document.Required("host", nameText), document.Required("address", document.TextOf("IP address", ""))),
	"move": document.OwnObject("move", "attaches a host to another switch",
		document.Required("host", nameText), document.Required("to", saying(nameText, "a switch"))),
	"change_mac": document.OwnObject("change_mac", "changes the MAC of a host",
		document.Required("host", nameText), document.Optional("announce", document.Flag(false, "and announces it"))),
	"failover": document.OwnObject("failover", "makes another router master",
		document.Required("virtual_router", nameText), document.Required("to", saying(nameText, "a router")),
		document.Optional("announce", document.Flag(true, "and announces it"))),
	"learn":            document.Opaque("body of POST /learning"),
	"start":            document.TextOf("generator", ""),
	"stop":             document.TextOf("generator", ""),
	"delete_generator": document.TextOf("generator", ""),
	"delete_interface": document.TextOf("interface", ""),
	"cancel":           document.TextOf("learning request", ""),
	"flush":            document.TextOf("interface", "whose neighbors are forgotten"),
}

var wiresFormat = document.OwnObject("wires", "",
	document.Required("wires", document.TextOf("pattern, or list of patterns", "")),
	document.Optional("direction", document.WordOf([]string{"both", "out", "in"}, "both", "")),
)

// stepFormat returns the description of a step: "at" and one action.
func stepFormat() *document.Schema {
	s := document.OwnObject("step", "at, and exactly one action",
		document.Required("at", saying(duration, "time since the beginning")))
	for _, name := range sorted(aboutActions) {
		s.Members = append(s.Members, document.Optional(name, aboutActions[name]))
	}
	return s
}
