package traffic

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"glean/internal/document"
)

// Words of a configuration, each list in the order of its constants.
var (
	loadUnits    = []string{"frames", "octets"}
	orderWords   = []string{"sequential", "round-robin"}
	policyWords  = []string{"refuse", "skip", "fallback"}
	macWords     = []string{"learned", "configured"}
	lostWords    = []string{"continue", "pause", "stop"}
	tieWords     = []string{"zip", "cartesian"}
	latencyWords = []string{"start_of_frame", "end_of_frame"}
	customLayers = []string{"ethernet", "ip", "protocol", "payload"}
)

// Limits and defaults of members that the reader and the description share.
const (
	learningLeast  = 100       // ms
	learningMost   = 3_600_000 // ms
	learningUsual  = 30_000    // ms
	burstMost      = 65_535    // frames
	modifierNumber = math.MaxUint32
)

// configSchema describes a generator's config. ParseConfig reads the same members with
// the same ranges; a test tries each limit.
var configSchema = document.ObjectOf("config", "what a generator sends, how fast, and what it learns",
	document.Required("duration", durationSchema),
	document.Required("load", loadSchema),
	document.Optional("order", document.WordOf(orderWords, "", "order of the traffic definitions: one after the other, or in turn; required with more than one definition")),
	document.Optional("protocol_counters", document.ListOf(document.WordOf(familyNames, "", ""), 0, 0, "kinds of headers whose frames are counted")),
	document.Required("traffic", document.ListOf(trafficSchema, 1, MaxDefinitions, "traffic definitions; flows that need learning have at most 1,048,576 unicast destinations in all definitions together")),
	document.Optional("learning", learningSchema),
	document.ReadOnly("flow_count", document.Opaque("flows of all definitions")),
)

// ConfigSchema returns the description of a generator's config.
func ConfigSchema() *document.Schema { return configSchema }

var durationSchema = document.ObjectOf("duration", "when a run ends: the first of continuous (true), frames and time that is given",
	document.Optional("continuous", &document.Schema{Type: document.TypeBoolean, About: "true: the run ends when it is stopped"}),
	document.Optional("frames", document.Number(1, maxFrames, "frames to send")),
	document.Optional("time", document.ObjectOf("time", "how long to send",
		document.Required("value", document.Number(1, uint64(maxTime/timeSizes[3]), "in units; at most about 73 years")),
		document.Required("units", document.WordOf(timeUnits, "", "")),
	)),
)

var loadSchema = document.ObjectOf("load", "how fast to send",
	document.Required("rate", document.ObjectOf("rate", "how many frames or octets in a period",
		document.Required("value", document.Number(1, maxValue(timeSizes[0]), "at most 10^12 a second")),
		document.Required("period", document.WordOf(timeUnits, "", "")),
	)),
	document.Required("units", document.WordOf(loadUnits, "", "unit of rate: frames, or octets of frames with FCS")),
	document.Optional("burst_size", document.NumberOr(1, burstMost, 1, "frames sent back to back")),
)

var learningSchema = document.OwnObject("learning", "how the MAC addresses of next hops are learned and kept",
	document.Optional("on_unresolved", document.WordOf(policyWords, policyWords[0], "what a start does with flows whose next hop has no MAC")),
	document.Optional("fallback_mac", document.TextOf("MAC address", "destination of the frames with fallback; null: the destination of the packet template")),
	document.Optional("destination_mac", document.WordOf(macWords, macWords[0], "configured: a destination of the template that is not zero is used instead of a learned MAC")),
	document.Optional("timeout_ms", document.NumberOr(learningLeast, learningMost, learningUsual, "how long learning tries")),
	document.Optional("track", document.Flag(true, "true: keep next hops verified during a run, and use changed MACs at once")),
	document.Optional("on_lost", document.WordOf(lostWords, lostWords[0], "what happens to flows whose tracked next hop stops answering")),
	document.Optional("relearn", document.Flag(true, "true: when the link comes up, learn again what was not learned because it was down")),
	document.Optional("accept_unconfirmed", document.Flag(false, "true: use next hops that announce their MAC but never confirm it by an answer")),
)

var trafficSchema = document.ObjectOf("traffic", "one traffic definition",
	document.Required("packet", document.ObjectOf("packet", "headers of the frames, outermost first",
		document.Optional("modifier_tie", tieSchema(tieWords[0], "how modifiers of different protocols combine")),
		document.Required("protocols", document.ListOf(protocolSchema, 1, MaxProtocols, "the first is ethernet, or custom in its place; at most 64 modifiers in all")),
	)),
	document.Required("length", lengthSchema),
	document.Optional("signature", signatureSchema),
	document.Optional("weight", document.NumberOr(1, math.MaxUint32, 1, "frames of this definition in each turn of round-robin")),
)

func tieSchema(otherwise, about string) *document.Schema {
	return document.WordOf(tieWords, otherwise, about+": side by side (zip) or each with each (cartesian)")
}

var frameLength = document.Number(MinFrame, MaxFrame, "octets")

var lengthSchema = document.ChoiceOf("length", "length of the frames in octets, FCS included: exactly one of the members",
	document.Optional("fixed", document.Number(MinFrame, MaxFrame, "length of every frame")),
	document.Optional("list", document.ListOf(frameLength, 1, maxLengths, "lengths, used in turn")),
	document.Optional("sequence", document.ObjectOf("sequence", "count lengths from start",
		document.Required("count", document.Number(1, maxLengths, "number of lengths")),
		document.Required("start", document.Number(MinFrame, MaxFrame, "the first length")),
		document.Optional("stop", document.Number(MinFrame, MaxFrame, "the step is (stop - start) / count; without stop it is 1")),
		document.Optional("skip", document.ListOf(document.Number(0, MaxFrame, ""), 0, MaxStoredValues, "lengths to leave out")),
	)),
	document.Optional("imix", document.ListOf(document.OwnObject("imix", "one length of a mix",
		document.Required("length", frameLength),
		document.Required("weight", document.Number(1, maxLengths, "frames of this length in a cycle")),
	), 1, MaxFrame, "a mix of lengths, spread evenly; the sum of the weights is at most 65,536")),
	document.Optional("random", document.OwnObject("random", "random length of each frame, from min to max",
		document.Required("min", frameLength),
		document.Required("max", frameLength),
		document.Optional("seed", document.NumberOr(0, math.MaxUint64, 1, "the same seed gives the same lengths")),
	)),
)

var signatureSchema = document.ObjectOf("signature", "20 octets at the end of each frame: stream, sequence number and time of sending",
	document.Required("stream_id", document.Number(1, math.MaxUint32, "the low 16 bits are in the signature")),
	document.Required("latency", document.WordOf(latencyWords, "", "the end of the frame whose time of sending is in the signature")),
	document.Optional("fill", fillSchema()),
)

func fillSchema() *document.Schema {
	s := document.ChoiceOf("fill", "content of the payload: exactly one of the members; zeros if absent")
	about := map[Fill]string{FillConstant: "this 16-bit value, repeated", FillIncrement: "octets that count up from this value", FillDecrement: "octets that count down from this value"}
	for _, f := range fills {
		s.Members = append(s.Members, document.Optional(f.name, document.Number(0, f.limit, about[f.fill])))
	}
	s.Members = append(s.Members, document.Optional("prbs", &document.Schema{Type: document.TypeBoolean, About: "true: the sequence of x^23+x^18+1, inverted"}))
	return s
}

// protocolSchema describes one protocol of a packet by the table of fields.
var protocolSchema = func() *document.Schema {
	s := document.ObjectOf("protocol", "exactly one protocol, and its modifiers")
	for kind := range NumProtocols {
		s.Members = append(s.Members, document.Optional(kind.String(), headerSchema(kind)))
	}
	s.Members = append(s.Members, document.Optional("modifiers", modifiersSchema))
	return s
}()

func headerSchema(kind Protocol) *document.Schema {
	if kind == Custom {
		return document.ObjectOf(kind.String(), "a header of octets",
			document.Required("data", document.TextOf("base64", fmt.Sprintf("1 to %d octets", MaxCustomSize))),
			document.Required("layer", document.WordOf(customLayers, "", "the layer of the header; the frame has the octets as they are")),
			document.Optional("protocol_id", document.Number(0, math.MaxUint16, "EtherType or IP protocol that the header before it carries")),
		)
	}
	s := document.ObjectOf(kind.String(), fmt.Sprintf("%s header, %d octets (%s)", kind, sizes[kind], sourceOf[kind]))
	for i := range fields[kind] {
		s.Members = append(s.Members, document.Optional(fields[kind][i].Name, fieldSchema(&fields[kind][i])))
	}
	return s
}

// sourceOf names the standards that define the headers.
var sourceOf = [NumProtocols]string{
	Ethernet: "IEEE 802.3", VLAN: "IEEE 802.1Q", MPLS: "RFC 3032", IPv4: "RFC 791",
	IPv6: "RFC 8200", TCP: "RFC 9293", UDP: "RFC 768",
}

// filled describes what the compiler writes into fields of a role.
var filled = map[Role]string{
	RoleNext:     "set by the header that follows; this value is used if that is custom without protocol_id, or if none follows",
	RoleLength:   "computed for each frame; only a modifier changes it",
	RoleChecksum: "computed for each frame; only a modifier changes it",
	RoleSource:   "zero is replaced by the interface's own, for a generator on an interface",
}

// filledMAC is filled for addresses of Ethernet.
const filledMAC = "replaced by the learned MAC of the next hop, for a generator on an interface"

// fieldSchema describes a field. Its range is what its bits can hold.
func fieldSchema(f *Field) *document.Schema {
	s := &document.Schema{About: filled[f.Role]}
	if f.Kind == KindMAC && f.Role == RoleDestination {
		s.About = filledMAC
	}
	switch f.Kind {
	case KindInteger:
		s.Type, s.Max, s.Default = document.TypeInteger, f.Max(), strconv.FormatUint(f.preset.Lo, 10)
		if f.Scale > 1 {
			s.About = strings.TrimPrefix(fmt.Sprintf("%s; a multiple of %d", s.About, f.Scale), "; ")
		}
	case KindBoolean:
		s.Type, s.Default = document.TypeBoolean, strconv.FormatBool(f.preset.Lo != 0)
	case KindWord:
		s.Type, s.Words = document.TypeText, f.Words
		s.Default = f.Words[slices.Index(f.values, f.preset.Lo)]
	case KindFlags:
		s.Type, s.Items = document.TypeList, document.WordOf(f.Words, "", "")
	case KindMAC:
		s.Type, s.Shape, s.Default = document.TypeText, "MAC address", "00:00:00:00:00:00"
	case KindIPv4:
		s.Type, s.Shape, s.Default = document.TypeText, "IPv4 address", "0.0.0.0"
	case KindIPv6:
		s.Type, s.Shape, s.Default = document.TypeText, "IPv6 address", "::"
	}
	return s
}

var modifiersSchema = document.ObjectOf("modifiers", "give fields of the protocol several values; each combination is a flow",
	document.Optional("tie", tieSchema("", "how the items combine; required with more than one")),
	document.Required("items", document.ListOf(modifierSchema, 1, MaxModifiers, "modifiers")),
)

var modifierSchema = func() *document.Schema {
	s := document.ObjectOf("modifier", "the values of one field: exactly one of field, ipv4, ipv6, mac",
		document.Required("name", document.TextOf("", "a field of the protocol; data of custom")),
		document.Required("permute", &document.Schema{Type: document.TypeBoolean, About: "true: the values are in a shuffled order, which is the same in every run"}),
		document.Optional("offset", document.Number(0, MaxCustomSize, "first octet of the value in the data of custom; required there")),
	)
	about := map[FieldKind]string{
		KindInteger: "values of a field that is not an address; in custom they are XORed with 4 octets of the data",
		KindIPv4:    "values of an IPv4 address; in custom 4 octets", KindIPv6: "values of an IPv6 address; in custom 16 octets",
		KindMAC: "values of a MAC address; in custom 6 octets",
	}
	for _, k := range modifierKinds {
		s.Members = append(s.Members, document.Optional(k.name, valuesSchema(k.kind, about[k.kind])))
	}
	return s
}()

// valuesSchema describes the values of a modifier.
func valuesSchema(kind FieldKind, about string) *document.Schema {
	one := document.Number(0, modifierNumber, "in the range of the field")
	if kind != KindInteger {
		one = document.TextOf(map[FieldKind]string{KindMAC: "MAC address", KindIPv4: "IPv4 address", KindIPv6: "IPv6 address"}[kind], "")
	}
	return document.ChoiceOf("values", about+": a list or a sequence",
		document.Optional("list", document.ListOf(one, 1, MaxStoredValues, "values, used in turn")),
		document.Optional("sequence", document.ObjectOf("sequence", "count values from start",
			document.Required("count", document.Number(1, MaxFlows, "number of values; a definition with a signature has at most 65,535 flows")),
			document.Required("start", one),
			document.Optional("stop", one),
			document.Optional("skip", document.ListOf(one, 0, MaxStoredValues, "values to leave out")),
		)),
	)
}
