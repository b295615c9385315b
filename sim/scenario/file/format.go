package file

import (
	"math"

	"glean/internal/document"
	"glean/sim/scenario"
)

// Format describes scenario files. What the reader takes and what is described
// here is the same; a test holds the two together.
func Format() *document.Schema { return format }

// FormatNotes explain what all of a file has in common.
const FormatNotes = `A scenario file (YAML) is a network, glean's place in it, what glean does, what goes wrong, and what is expected.

  times        250ms, 1.5s, 2m; at most a day
  percentages  12.5%
  names        letters, digits, ".", "_" and "-"; those of switches, devices, routers, ports and bodies are unique
  wires        a device's has its name, a trunk's is "A:B", a router's "ROUTER:SWITCH", a port's "port:ID"; patterns as "lan-*"
  repeat       an item of a list that has {repeat: {name: i, from: 1, to: 9, step: 1}} stands for several;
               "${i}" in its words is the number, "${i+1}" the next one; name i, from 1 and step 1 need not be said
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
	vlanNumber  = document.Number(1, 4094, "of the switch's port; on a port of glean the tag of its frames")
	onText      = document.TextOf(`switch, or "port:ID"`, "where it is attached")
	words       = func(about string, words ...string) *document.Schema { return document.WordOf(words, "", about) }
)

// saying is a description with another meaning.
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
	document.Optional("seed", document.NumberOr(0, math.MaxUint64, 1, "of all randomness")),
	document.Optional("until", saying(duration, "when the run is cut off; 2m if absent")),
	document.Optional("late", saying(duration, "how long after it was sent a frame may still arrive; 1s if absent")),
	document.Optional("traffic", document.WordOf([]string{"learned", "none"}, "learned", "each generator is started when it has been learned, or none")),
	document.Required("topology", topologyFormat),
	document.Optional("interfaces", listing(document.Opaque(""), `bodies of POST /interfaces; see "glean explain interface"`)),
	document.Optional("generators", listing(document.Opaque(""), `bodies of POST /packet/generators; see "glean explain generator"`)),
	document.Optional("learning", listing(document.Opaque(""), `bodies of POST /learning, at the beginning; see "glean explain learning-request"`)),
	document.Optional("timeline", listing(stepFormat(), "what happens, and when")),
	document.Optional("expect", expectFormat),
)

var topologyFormat = document.OwnObject("topology", "the network",
	document.Optional("switches", listing(saying(nameText, ""), "each a name, or {name: NAME}")),
	document.Optional("provider", saying(listOrName, "switches whose tags are service tags (IEEE 802.1ad)")),
	document.Optional("trunks", listing(document.OwnObject("trunk", "", onWire(
		document.Required("between", document.ListOf(nameText, 2, 2, "two switches")))...), "wires between switches, for all VLANs")),
	document.Optional("routers", listing(routerFormat, "")),
	document.Optional("virtual_routers", listing(virtualFormat, "addresses that routers share as VRRP does")),
	document.Optional("hosts", listing(hostFormat, "hosts with full stacks")),
	document.Optional("odd_hosts", listing(linkLocalFormat, "IPv6 hosts that answer from their link-local address without the Override flag")),
	document.Optional("farms", listing(farmFormat, "very many hosts on one wire")),
	document.Required("ports", listing(document.OwnObject("port", "", onWire(
		document.Required("id", document.TextOf("id", "")),
		document.Optional("on", saying(nameText, "the switch; absent if one device is on \"port:ID\"")))...), "glean's")),
	document.Optional("faults", listing(faultFormat, "for the whole run")),
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
	document.Required("on", saying(nameText, "the switch that all of them are attached to")),
	document.Optional("vlan", vlanNumber),
	document.Required("routers", listing(nameText, "the first is master at the beginning")),
	document.Optional("id", document.Number(1, 255, "of the virtual MAC; without it the MAC is the router's own, and changes")),
	document.Optional("ipv4", prefix4Text),
	document.Optional("ipv6", prefix6Text),
)

var hostFormat = document.OwnObject("hosts", "", onWire(
	document.Required("name", saying(nameText, "with a count: NAME-1, NAME-2, ...")),
	document.Optional("count", document.NumberOr(1, maxHosts, 1, "")),
	document.Optional("first", document.Number(1, 1<<24-1, "number of the first: its MAC, and its place in the prefixes; the next free one if absent")),
	document.Optional("address", document.Number(1, 1<<31, "place of the first in the prefixes, if not first")),
	document.Required("on", onText),
	document.Optional("vlan", vlanNumber),
	document.Optional("inner_vlan", document.Number(1, 4094, "the tag of their own frames within a provider's VLAN")),
	document.Optional("ipv4", saying(prefix4Text, "the prefix that they have addresses of")),
	document.Optional("ipv6", saying(prefix6Text, "the prefix that they have addresses of")),
	document.Optional("gateway_ipv4", addr4Text),
	document.Optional("gateway_ipv6", addr6Text),
	document.Optional("answers_for", listing(document.TextOf("prefix", ""), "the first host answers for these, too")),
	document.Optional("boot", saying(duration, "off until then")),
	document.Optional("off", document.Flag(false, "off until a step switches it on")),
	document.Optional("think", saying(duration, "every frame waits that long until it is handled")),
)...)

var linkLocalFormat = document.OwnObject("odd host", "",
	document.Required("name", nameText),
	document.Required("on", onText),
	document.Optional("vlan", vlanNumber),
	document.Required("number", document.Number(1, 1<<24-1, "its MAC")),
	document.Required("ipv6", addr6Text),
)

var farmFormat = document.OwnObject("farm", "", onWire(
	document.Required("name", nameText),
	document.Required("hosts", document.Number(1, 1<<24, "how many")),
	document.Optional("first", document.Number(0, 1<<24-1, "number of the first: its MAC")),
	document.Required("on", onText),
	document.Optional("vlan", vlanNumber),
	document.Optional("ipv4", saying(addr4Text, "of the first")),
	document.Optional("ipv6", saying(addr6Text, "of the first")),
	document.Optional("dead", listing(document.Number(0, 1<<24, ""), "numbers (from 0) of hosts that do not answer")),
)...)

var faultFormat = document.OwnObject("fault", "",
	document.Required("wires", document.TextOf("pattern, or list of patterns", "")),
	document.Optional("direction", document.WordOf([]string{"both", "out", "in"}, "both", "out is from the device that the wire is named after")),
	document.Required("rules", listing(ruleFormat, "each names one rule, and has the members that it needs")),
)

var ruleFormat = document.OwnObject("rule", "",
	document.Optional("loss", saying(percentage, "of frames, each by itself")),
	document.Optional("burst", document.OwnObject("burst", "loss in two states (Gilbert and Elliott)",
		document.Required("good_to_bad", saying(percentage, "for each frame")),
		document.Required("bad_to_good", saying(percentage, "for each frame")),
		document.Optional("loss_good", saying(percentage, "in the good state; 0% if absent")),
		document.Optional("loss_bad", saying(percentage, "in the bad state; 100% if absent")))),
	document.Optional("duplicate", saying(percentage, "of frames come twice, the second one later: after")),
	document.Optional("reorder", saying(percentage, "of frames come later: by")),
	document.Optional("corrupt", saying(percentage, "of frames have flipped bits: bits")),
	document.Optional("delay", saying(duration, "of every frame")),
	document.Optional("jitter", saying(duration, "of every frame, a random part of it, so that frames overtake each other")),
	document.Optional("after", saying(duration, "of duplicate, and required there")),
	document.Optional("by", saying(duration, "of reorder, and required there")),
	document.Optional("bits", document.NumberOr(1, 8, 1, "of corrupt")),
	document.Optional("rate", document.Number(1, 1<<40, "bits a second, FCS, preamble and gap included")),
	document.Optional("queue", document.NumberOr(1, 1<<30, 1<<16, "of rate: octets that may wait; less than 65,536 counts as 65,536")),
	document.Optional("police", document.Number(1, 1_000_000, "ARP requests and neighbor solicitations a second, the others are lost")),
	document.Optional("bucket", document.NumberOr(1, 1_000_000, 1, "of police: solicitations that pass at once")),
	document.Optional("mtu", document.Number(1, 65535, "longer packets are lost")),
	document.Optional("drop_first", document.Number(1, 1_000_000, "frames")),
	document.Optional("of", document.WordOf(scenario.FrameKinds(), "", "of drop_first: only frames of this kind count")),
)

var expectFormat = document.OwnObject("expect", "what has to come of it",
	document.Optional("learning", words("how every request ends", "completed", "timed_out", "cancelled")),
	document.Optional("timed_out", &document.Schema{Type: document.TypeObject, Keyed: document.TextOf("", ""), About: "ADDRESS: reason; all other addresses complete"}),
	document.Optional("within", saying(duration, "how long learning takes at most")),
	document.Optional("answered_within", saying(duration, "when the last answer is in, at the latest")),
	document.Optional("started", saying(listOrName, "generators that start")),
	document.Optional("refused", saying(listOrName, "generators that do not")),
	document.Optional("received", saying(percentage, "of the frames sent, at least")),
	document.Optional("accounted", document.Flag(false, "every frame that is not received was dropped by a wire")),
	document.Optional("flows", document.Number(1, 1<<30, "that are sent")),
	document.Optional("neighbor_changes", document.Number(0, 1<<53, "of all runs")),
	document.Optional("packets_to_stale_mac", document.Number(0, 1<<53, "of all runs")),
	document.Optional("conflicts", saying(listOrName, "interfaces of glean with an address that another host claims")),
)

// aboutActions are the steps of a timeline, by name.
var aboutActions = map[string]*document.Schema{
	"heal":      document.Flag(false, "true: all faults end"),
	"faults":    listing(faultFormat, "faults that begin"),
	"partition": saying(wiresFormat, "wires that are cut"),
	"mend":      saying(wiresFormat, "wires that are whole again"),
	"link_down": document.TextOf("port", "of glean loses its carrier"),
	"link_up":   document.TextOf("port", "of glean has a carrier again"),
	"power_off": document.TextOf("host or router", ""),
	"power_on":  document.TextOf("host or router", ""),
	"announce":  document.TextOf("host", "announces its addresses"),
	"claim": document.OwnObject("claim", "a host announces an address, whether or not it is its own",
		document.Required("host", nameText), document.Required("address", document.TextOf("IP address", ""))),
	"move": document.OwnObject("move", "a host is plugged into another switch",
		document.Required("host", nameText), document.Required("to", saying(nameText, "a switch"))),
	"change_mac": document.OwnObject("change_mac", "a host gets another MAC",
		document.Required("host", nameText), document.Optional("announce", document.Flag(false, "and announces it"))),
	"failover": document.OwnObject("failover", "another router becomes master",
		document.Required("virtual_router", nameText), document.Required("to", saying(nameText, "a router")),
		document.Optional("announce", document.Flag(true, "and announces it"))),
	"learn":            document.Opaque("a body of POST /learning"),
	"start":            document.TextOf("generator", ""),
	"stop":             document.TextOf("generator", ""),
	"delete_generator": document.TextOf("generator", ""),
	"delete_interface": document.TextOf("interface", ""),
	"cancel":           document.TextOf("learning request", ""),
	"flush":            document.TextOf("interface", "forgets its neighbors"),
}

var wiresFormat = document.OwnObject("wires", "",
	document.Required("wires", document.TextOf("pattern, or list of patterns", "")),
	document.Optional("direction", document.WordOf([]string{"both", "out", "in"}, "both", "")),
)

// stepFormat is "at" and one of the steps.
func stepFormat() *document.Schema {
	s := document.OwnObject("step", "at, and exactly one of the others",
		document.Required("at", saying(duration, "after the beginning")))
	for _, name := range sorted(aboutActions) {
		s.Members = append(s.Members, document.Optional(name, aboutActions[name]))
	}
	return s
}
