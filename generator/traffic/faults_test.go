package traffic

import (
	"encoding/json"
	"strings"
	"testing"

	"glean/generator/traffic/traffictest"
	"glean/internal/document"
	"glean/stack/loop"
)

// TestFaults: every rule of the language, broken, is a fault at the right
// place that names what is wrong.
func TestFaults(t *testing.T) {
	const at = "config.traffic[0]"
	modify := func(m string) [2]string { return [2]string{`{"udp":{}}`, `{"udp":{},"modifiers":` + m + `}`} }
	one := func(m string) [2]string { return modify(`{"items":[` + m + `]}`) }
	length := func(l string) [2]string { return [2]string{`{"fixed":128}`, l} }
	signedBy := func(s string) [2]string { return [2]string{`"packet"`, `"signature":` + s + `,"packet"`} }
	learning := func(l string) [2]string { return [2]string{`"load"`, `"learning":` + l + `,"load"`} }
	const item = at + ".packet.protocols[2].modifiers.items[0]"
	for _, c := range []struct {
		change [2]string
		path   string
		detail string
	}{
		{[2]string{traffictest.Plain, `[]`}, "config", "object"},
		{[2]string{traffictest.Plain, `{"duration":`}, "config.duration", "ends too early"},
		{[2]string{traffictest.Plain, traffictest.Plain + "x"}, "config", "JSON"},
		{[2]string{`"duration":{"continuous":true},`, ``}, "config.duration", "required"},
		{[2]string{`{"continuous":true}`, `{}`}, "config.duration", "continuous"},
		{[2]string{`{"continuous":true}`, `{"continuous":false}`}, "config.duration", "continuous"},
		{[2]string{`{"continuous":true}`, `{"continuous":1}`}, "config.duration.continuous", "a number"},
		{[2]string{`{"continuous":true}`, `{"frames":0}`}, "config.duration.frames", "between 1 and 9223372036854775807, got 0"},
		{[2]string{`{"continuous":true}`, `{"frames":1.5}`}, "config.duration.frames", "1.5"},
		{[2]string{`{"continuous":true}`, `{"frames":-1}`}, "config.duration.frames", "-1"},
		{[2]string{`{"continuous":true}`, `{"frames":99999999999999999999}`}, "config.duration.frames", "99999999999999999999"},
		{[2]string{`{"continuous":true}`, `{"frames":"1"}`}, "config.duration.frames", "a string"},
		{[2]string{`{"continuous":true}`, `{"time":{"value":1,"units":"days"}}`}, "config.duration.time.units", "days"},
		{[2]string{`{"continuous":true}`, `{"time":{"value":0,"units":"hours"}}`}, "config.duration.time.value", "0"},
		{[2]string{`{"continuous":true}`, `{"time":{"value":9000000000,"units":"hours"}}`}, "config.duration.time.value", "9000000000 hours"},
		{[2]string{`"load"`, `"loads"`}, "config.load", "required"},
		{[2]string{`"value":10`, `"value":0`}, "config.load.rate.value", "0"},
		{[2]string{`"value":10`, `"value":2000000000000`}, "config.load.rate.value", "2000000000000"},
		{[2]string{`"second"`, `"fortnight"`}, "config.load.rate.period", "fortnight"},
		{[2]string{`"frames"`, `"bits"`}, "config.load.units", "bits"},
		{[2]string{`"rate"`, `"burst_size":0,"rate"`}, "config.load.burst_size", "0"},
		{[2]string{`"rate"`, `"burst_size":65536,"rate"`}, "config.load.burst_size", "65536"},
		{[2]string{`"rate"`, `"burst_size":null,"rate"`}, "config.load.burst_size", "null"},
		{[2]string{`"traffic":[`, `"traffic":[` + traffictest.Definition(`{"ethernet":{}}`, "", "") + `,`}, "config.order", "required"},
		{[2]string{`"load"`, `"order":"random","load"`}, "config.order", "random"},
		{[2]string{`"load"`, `"protocol_counters":["ip","x"],"load"`}, "config.protocol_counters[1]", "x"},
		{learning(`{"on_unresolved":"wait"}`), "config.learning.on_unresolved", "wait"},
		{learning(`{"fallback_mac":"x"}`), "config.learning.fallback_mac", "x"},
		{learning(`{"fallback_mac":"00:00:00:00:00:00"}`), "config.learning.fallback_mac", "zero"},
		{learning(`{"timeout_ms":99}`), "config.learning.timeout_ms", "99"},
		{learning(`{"destination_mac":"any"}`), "config.learning.destination_mac", "any"},
		{learning(`{"on_lost":"panic"}`), "config.learning.on_lost", "panic"},
		{learning(`{"track":1}`), "config.learning.track", "number"},
		{learning(`7`), "config.learning", "number"},
		{[2]string{`"traffic":[`, `"traffics":[`}, "config.traffic", "required"},
		{length(`{}`), at + ".length", "exactly one"},
		{length(`{"list":[64],"sequence":{"count":1,"start":64}}`), at + ".length", "has 2"}, // pitfall 24
		{length(`{"fixed":63}`), at + ".length.fixed", "63"},
		{length(`{"fixed":9217}`), at + ".length.fixed", "9217"},
		{length(`{"fixed":null}`), at + ".length.fixed", "null"},
		{length(`{"list":[]}`), at + ".length.list", "empty"},
		{length(`{"list":[64,1]}`), at + ".length.list[1]", "1"},
		{length(`{"sequence":{"start":64}}`), at + ".length.sequence.count", "required"},
		{length(`{"sequence":{"count":3,"start":9215}}`), at + ".length.sequence.count", "9217"},
		{length(`{"sequence":{"count":2,"start":64,"stop":9217}}`), at + ".length.sequence.stop", "9217"},
		{length(`{"imix":[{"length":64,"weight":0}]}`), at + ".length.imix[0].weight", "0"},
		{length(`{"imix":[{"length":64,"weight":65536},{"length":65,"weight":1}]}`), at + ".length.imix", "65537"},
		{length(`{"random":{"min":100,"max":99}}`), at + ".length.random.min", "100"},
		{length(`{"random":{"min":64}}`), at + ".length.random.max", "is required"},
		{[2]string{`"length"`, `"weight":0,"length"`}, at + ".weight", "0"},
		{[2]string{`"protocols":[`, `"modifier_tie":"knot","protocols":[`}, at + ".packet.modifier_tie", "knot"},
		{[2]string{`{"ethernet":{}}`, `{}`}, at + ".packet.protocols[0]", "needs one of"},
		{[2]string{`{"ethernet":{}}`, `{"ethernet":{},"vlan":{}}`}, at + ".packet.protocols[0]", "both ethernet and vlan"},
		{[2]string{`{"ethernet":{}},`, ``}, at + ".packet.protocols[0]", "first"},
		{[2]string{`{"ethernet":{}}`, `{"custom":{"data":"AAAA","layer":"ethernet"}}`}, at + ".packet.protocols[0]", "14 octets"},
		{[2]string{`{"ethernet":{}}`, `{"custom":{"data":"?","layer":"ethernet"}}`}, at + ".packet.protocols[0].custom.data", "base64"},
		{[2]string{`{"ethernet":{}}`, `{"custom":{"data":"","layer":"ethernet"}}`}, at + ".packet.protocols[0].custom.data", "0 octets"},
		{[2]string{`{"udp":{}}`, `{"custom":{"data":"AAAA"}}`}, at + ".packet.protocols[2].custom.layer", "required"},
		{[2]string{`{"udp":{}}`, `{"custom":{"data":"AAAA","layer":"payload","protocol_id":65536}}`}, at + ".packet.protocols[2].custom.protocol_id", "65536"},
		{[2]string{`{"ethernet":{}}`, `{"ethernet":{"source":"02:00:00:00:00"}}`}, at + ".packet.protocols[0].ethernet.source", "02:00:00:00:00"},
		{[2]string{`198.18.0.2`, `198.18.0.256`}, at + ".packet.protocols[1].ipv4.destination", "198.18.0.256"},
		{[2]string{`198.18.0.2`, `::1`}, at + ".packet.protocols[1].ipv4.destination", "::1"},
		{[2]string{`{"udp":{}}`, `{"ipv6":{"destination":"fe80::1%eth0"}}`}, at + ".packet.protocols[2].ipv6.destination", "fe80::1%eth0"},
		{[2]string{`{"udp":{}}`, `{"udp":{"source":65536}}`}, at + ".packet.protocols[2].udp.source", "65536"},
		{[2]string{`{"udp":{}}`, `{"vlan":{"id":4096}}`}, at + ".packet.protocols[2].vlan.id", "4096"},
		{[2]string{`{"udp":{}}`, `{"vlan":{"priority":"high"}}`}, at + ".packet.protocols[2].vlan.priority", "high"},
		{[2]string{`{"udp":{}}`, `{"ipv4":{"header_length":21}}`}, at + ".packet.protocols[2].ipv4.header_length", "multiple of 4"},
		{[2]string{`{"udp":{}}`, `{"ipv4":{"flags":["x"]}}`}, at + ".packet.protocols[2].ipv4.flags[0]", "x"},
		{[2]string{`{"udp":{}}`, `{"tcp":{"flags":"syn"}}`}, at + ".packet.protocols[2].tcp.flags", "string"},
		{modify(`{}`), at + ".packet.protocols[2].modifiers.items", "required"},
		{modify(`{"items":[]}`), at + ".packet.protocols[2].modifiers.items", "empty"},
		{modify(`{"items":[{"name":"source","permute":false,"field":{"list":[1]}},{"name":"destination","permute":false,"field":{"list":[1]}}]}`),
			at + ".packet.protocols[2].modifiers.tie", "required"},
		{one(`{"name":"source","field":{"list":[1]}}`), item + ".permute", "required"},
		{one(`{"permute":false,"field":{"list":[1]}}`), item + ".name", "required"},
		{one(`{"name":"port","permute":false,"field":{"list":[1]}}`), item + ".name", "port"},
		{one(`{"name":"source","permute":false}`), item, "needs one of"},
		{one(`{"name":"source","permute":false,"field":{"list":[1]},"mac":{"list":[]}}`), item, "both field and mac"},
		{one(`{"name":"source","permute":false,"ipv4":{"list":["1.1.1.1"]}}`), item, "does not fit"},
		{one(`{"name":"source","permute":false,"field":{}}`), item + ".field", "list or a sequence"},
		{one(`{"name":"source","permute":false,"field":{"list":[1],"sequence":{"count":1,"start":1}}}`), item + ".field", "both"},
		{one(`{"name":"source","permute":false,"field":{"list":[]}}`), item + ".field.list", "must not be empty"},
		{one(`{"name":"source","permute":false,"field":{"list":[1,70000]}}`), item + ".field.list[1]", "70000"},
		{one(`{"name":"source","permute":false,"field":{"sequence":{"start":1}}}`), item + ".field.sequence.count", "required"},
		{one(`{"name":"source","permute":false,"field":{"sequence":{"count":1}}}`), item + ".field.sequence.start", "required"},
		{one(`{"name":"source","permute":false,"field":{"sequence":{"count":0,"start":1}}}`), item + ".field.sequence.count", "0"},
		{one(`{"name":"source","permute":false,"field":{"sequence":{"count":65536,"start":1}}}`), item + ".field.sequence.count", "outside"},
		{one(`{"name":"source","permute":false,"field":{"sequence":{"count":2,"start":1,"stop":1,"skip":[1]}}}`), item + ".field.sequence.skip", "no value"},
		{one(`{"name":"source","permute":false,"field":{"sequence":{"count":2,"start":1,"skip":["a"]}}}`), item + ".field.sequence.skip[0]", "string"},
		{one(`{"name":"source","permute":true,"field":{"sequence":{"count":281474976710655,"start":1,"stop":1}}}`), item + ".field.sequence.count", "4194304"},
		{[2]string{`{"udp":{}}`, `{"custom":{"data":"AAAA","layer":"payload"},"modifiers":{"items":[{"name":"data","permute":false,"offset":0,"field":{"list":[1]}}]}}`}, item, "4 octets does not fit 3"},
		{[2]string{`{"udp":{}}`, `{"custom":{"data":"AAAAAAAA","layer":"payload"},"modifiers":{"items":[{"name":"data","permute":false,"offset":3,"field":{"list":[1]}}]}}`}, item + ".offset", "must be between 0 and 2, got 3"},
		{[2]string{`{"udp":{}}`, `{"custom":{"data":"AAAAAAAA","layer":"payload"},"modifiers":{"items":[{"name":"data","permute":false,"field":{"list":[1]}}]}}`}, item + ".offset", "required"},
		{signedBy(`{"latency":"start_of_frame"}`), at + ".signature.stream_id", "required"},
		{signedBy(`{"stream_id":0,"latency":"start_of_frame"}`), at + ".signature.stream_id", "0"},
		{signedBy(`{"stream_id":1}`), at + ".signature.latency", "required"},
		{signedBy(`{"stream_id":1,"latency":"middle"}`), at + ".signature.latency", "middle"},
		{signedBy(`{"stream_id":1,"latency":"start_of_frame","fill":{"prbs":false}}`), at + ".signature.fill", "exactly one"},
		{signedBy(`{"stream_id":1,"latency":"start_of_frame","fill":{"increment":256}}`), at + ".signature.fill.increment", "256"},
		{signedBy(`{"stream_id":1,"latency":"start_of_frame","fill":{"increment":1,"decrement":1}}`), at + ".signature.fill", "it has 2"},
	} {
		raw := strings.Replace(traffictest.Plain, c.change[0], c.change[1], 1)
		if raw == traffictest.Plain {
			t.Errorf("%q is not in the configuration", c.change[0])
		}
		_, faults := ParseConfig([]byte(raw))
		found := false
		for _, f := range faults {
			found = found || f.Path == c.path && strings.Contains(f.Detail, c.detail)
		}
		if !found {
			t.Errorf("%s\n got %v\nwant %s: %s", c.change[1], faults, c.path, c.detail)
		}
	}
}

func TestEveryFaultIsListed(t *testing.T) {
	raw := strings.NewReplacer(`"value":10`, `"value":0`, `"fixed":128`, `"fixed":1`, `198.18.0.2`, `nowhere`, `{"udp":{}}`, `{"udp":{"source":-1}}`).Replace(traffictest.Plain)
	_, faults := ParseConfig([]byte(raw))
	if len(faults) != 4 {
		t.Errorf("%v", faults)
	}
	var many []string
	for range 3000 {
		many = append(many, `"x"`)
	}
	_, faults = ParseConfig([]byte(strings.Replace(traffictest.Plain, `{"udp":{}}`, `{"udp":{},"modifiers":{"items":[{"name":"source","permute":false,"field":{"list":[`+strings.Join(many, ",")+`]}}]}}`, 1)))
	if len(faults) != document.MaxFaults {
		t.Errorf("%d faults", len(faults))
	}
}

// TestAccepted are forms that users of the reference send.
func TestAccepted(t *testing.T) {
	for _, c := range [][2]string{
		{`"second"`, `"seconds"`}, {`"second"`, `"milliseconds"`}, {`"second"`, `"hour"`}, {`"second"`, `"minutes"`},
		{`"load"`, `"unknown":{"x":[1]},"flow_count":7,"learning":null,"load"`},
		{`"packet"`, `"signature":null,"packet"`},
		{`{"ethernet":{}}`, `{"ethernet":{"source":"02-00-00-00-00-01"},"vlan":null,"modifiers":null}`},
		{`{"continuous":true}`, `{"continuous":true,"frames":0}`},
		{`{"continuous":true}`, `{"continuous":false,"frames":5}`},
		{`{"fixed":128}`, `{"fixed":128,"list":null}`},
		{`"load"`, `"learning":{},"load"`},
		{`"load"`, `"learning":{"on_unresolved":"fallback","fallback_mac":null,"destination_mac":"learned","timeout_ms":3600000,"track":false,"on_lost":"stop","relearn":false,"accept_unconfirmed":true},"load"`},
	} {
		raw := strings.Replace(traffictest.Plain, c[0], c[1], 1)
		if _, faults := ParseConfig([]byte(raw)); len(faults) > 0 {
			t.Errorf("%s: %v", c[1], faults)
		}
	}
	c, _ := ParseConfig([]byte(traffictest.Plain))
	if c.Load.Burst != 1 { // pitfall 23
		t.Error("burst size", c.Load.Burst)
	}
	if c.Learning != (Learning{Timeout: 30 * loop.Second, Track: true, Relearn: true}) {
		t.Errorf("%+v", c.Learning)
	}
}

// Many definitions that each stay below their own limits have too many flows together.
func TestFlowsOfAllDefinitionsAreLimited(t *testing.T) {
	def := traffictest.Definition(`{"ethernet":{}},{"ipv4":{},`+traffictest.Items("cartesian", traffictest.Sequence("source", "ipv4", "1.0.0.0", 1<<24), traffictest.Sequence("destination", "ipv4", "1.0.0.0", 1<<23))+`}`, "", "")
	_, faults := ParseConfig([]byte(traffictest.Config(traffictest.PerMillisecond, strings.Repeat(def+",", 70)+def)))
	if len(faults) != 1 || faults[0].Path != "config.traffic" {
		t.Errorf("%v", faults)
	}
}

func TestRawIsKept(t *testing.T) {
	posted := []byte(traffictest.Plain)
	c, _ := ParseConfig(posted)
	posted[0] = 'x'
	if string(c.Raw) != traffictest.Plain || !json.Valid(c.Raw) {
		t.Error("the configuration shares the caller's buffer")
	}
}
