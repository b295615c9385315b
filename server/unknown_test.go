package server

import (
	"strings"
	"testing"
)

// TestUnknownMembersAreNamedWithTheNearest: the fault has the path, the nearest known name
// and all names.
func TestUnknownMembersAreNamedWithTheNearest(t *testing.T) {
	a := newHarness(t)
	generator := func(protocols string) string {
		return `{"target_id":"0","config":{"duration":{"frames":1},"load":{"rate":{"value":1,"period":"seconds"},"units":"frames"},
			"traffic":[{"length":{"fixed":64},"packet":{"protocols":[{"ethernet":{}},` + protocols + `]}}]}}`
	}
	const at = "config.traffic[0].packet.protocols[1]."
	for _, c := range []struct{ path, body, fault, near, listed string }{
		{"/packet/generators", generator(`{"udp":{"dst_port":1}}`), at + "udp.dst_port", "destination", "members are source, destination, length, checksum"},
		{"/packet/generators", generator(`{"ipv4":{"ttl":5}}`), at + "ipv4.ttl", "time_to_live", "dscp"},
		{"/packet/generators", generator(`{"udp":{},"modifers":{"items":[]}}`), at + "modifers", "modifiers", "custom"},
		{"/generators", strings.Replace(generator(`{"udp":{}}`), `"target_id"`, `"target":"0","target_id"`, 1), "target", "target_id", "config"},
		{"/packet/generators/x/bulk-create", `{"items":[` + generator(`{"udp":{"dst_port":1}}`) + `]}`, "items[0]." + at + "udp.dst_port", "destination", "checksum"},
		{"/packet/generators/x/bulk-start", `{"id":["a"],"ids":[]}`, "id", "ids", "the only member is ids"},
		{"/learning", `{"interface_id":"a","adresses":["198.18.0.1"]}`, "adresses", "addresses", "timeout_ms"},
		{"/ports", `{"kind":"tap","config":{"tap":{"name":"t","queue":2}}}`, "config.tap.queue", "queues", "persist"},
		{"/interfaces", `{"port_id":"0","config":{"protocols":[{"eth":{"mac":"02:00:00:00:00:01","mac_address":"02:00:00:00:00:01"}}]}}`, "config.protocols[0].eth.mac", "mac_address", "mac_address"},
	} {
		r := a.post(c.path, c.body).want(400)
		detail := ""
		for _, e := range r.at("errors").([]any) {
			if m := e.(map[string]any); m["path"] == c.fault {
				detail = m["detail"].(string)
			}
		}
		for _, part := range []string{"unknown member", `did you mean "` + c.near + `"?`, c.listed} {
			if !strings.Contains(detail, part) {
				t.Errorf("%s: %q at %s, want %q", c.path, detail, c.fault, part)
			}
		}
	}
	if got := a.get("/packet/generators").ids(); got != "" {
		t.Errorf("generators %q are left of bad requests", got)
	}
}

// TestIgnoredMembersAreWarnedAbout: with --openperf the answers to POST and GET
// list what was ignored, and objects that OpenPerf does not have are strict.
func TestIgnoredMembersAreWarnedAbout(t *testing.T) {
	a := newHarness(t, openPerf)
	const generator = `{"id":"g","target_id":"0","color":"blue","config":{"duration":{"frames":1},"load":{"rate":{"value":1,"period":"seconds"},"units":"frames"},
		"traffic":[{"length":{"fixed":64},"packet":{"protocols":[{"ethernet":{}},{"udp":{"stranger":1}}]}}]}}`
	const iface = `{"id":"i","port_id":"0","config":{"mtu":9,"protocols":[{"eth":{"mac_address":"02:00:00:00:00:01"}}]}}`
	const udp = "config.traffic[0].packet.protocols[1].udp.stranger"
	warned := []any{"warnings_count", 2, "warnings.0.path", "color", "warnings.1.path", udp}
	a.post("/packet/generators", generator).want(201).is(warned...)
	a.get("/packet/generators/g").is(warned...)
	a.get("/packet/generators").is("0.warnings_count", 2)
	a.post("/packet/generators/x/bulk-create", `{"items":[`+strings.Replace(generator, `"g"`, `"h"`, 1)+`]}`).want(200).is("items.0.warnings.1.path", udp)
	a.post("/interfaces", iface).want(201).is("warnings_count", 1, "warnings.0.path", "config.mtu")
	a.get("/interfaces/i").is("warnings_count", 1)
	a.post("/ports", `{"id":"p","kind":"wire","speed":1,"config":{"wire":{"name":"w9"}}}`).want(201).is("warnings.0.path", "speed")
	a.get("/ports/p").is("warnings_count", 1)
	a.get("/ports?unknown=1")

	a.post("/interfaces", strings.Replace(iface, `"mtu":9`, `"neighbor":{"retrans":1}`, 1)).want(400).faults("config.neighbor.retrans")
	a.post("/learning", `{"generator_ids":["g"],"retries":1}`).want(400).faults("retries")
	if text := string(a.get("/ports/0").body); strings.Contains(text, "warnings") {
		t.Errorf("warnings about nothing: %s", text)
	}
}

// TestUnknownQueryParameters: parameters that are unknown, given twice or malformed are
// refused.
func TestUnknownQueryParameters(t *testing.T) {
	a := newHarness(t)
	for path, want := range map[string]string{
		"/ports?knd=wire":               `did you mean "kind"?`,
		"/ports/0?kind=wire":            "has none",
		"/learning?generator=a":         `did you mean "generator_id"?`,
		"/ports?kind=wire&kind=tap":     "more than once",
		"/ports?kind=%zz":               "does not parse",
		"/packet/tx-flows?target=a&x=1": `?target`,
		"/neighbors?iface=a":            "interface_id, state",
	} {
		r := a.send("GET", path, "").want(400)
		if detail := r.text("detail"); !strings.Contains(detail, want) {
			t.Errorf("%s: %s, want %s", path, detail, want)
		}
	}
}

// TestWhatIsShownCanBePosted: requests may have the read-only members of replies.
func TestWhatIsShownCanBePosted(t *testing.T) {
	for name, options := range map[string][]option{"strict": nil, "openperf": {openPerf}} {
		a := newHarness(t, options...)
		a.post("/interfaces", `{"id":"i","port_id":"0","config":{"rx_filter":"ip or arp or ip6","protocols":[{"eth":{"mac_address":"02:00:00:00:00:01"}},{"vlan":{"id":5}},
			{"ipv4":{"method":"static","static":{"address":"10.0.0.1","prefix_length":24,"gateway":"10.0.0.254"}}},
			{"ipv6":{"method":"static","static":{"address":"2001:db8::1","prefix_length":64}}}],"neighbor":{"static":[{"ip_address":"10.0.0.9","mac_address":"02:00:00:00:00:09"}]}}}`).want(201)
		a.post("/packet/generators", generatorBody("g", "i", "10.0.0.9")).want(201)
		a.post("/ports", `{"id":"p","kind":"wire","config":{"wire":{"name":"w7"}}}`).want(201)
		for path, id := range map[string]string{"/interfaces/": "i", "/packet/generators/": "g", "/ports/": "p"} {
			if name == "openperf" && path == "/ports/" {
				continue // ports are shown as OpenPerf's, which can't be made
			}
			shown := string(a.get(path + id).body)
			if path == "/interfaces/" {
				shown = strings.ReplaceAll(strings.ReplaceAll(shown, "10.0.0.1\"", "10.0.0.2\""), "2001:db8::1\"", "2001:db8::2\"")
				shown = strings.ReplaceAll(strings.ReplaceAll(shown, "00:00:01\"", "00:00:02\""), "fe80::ff:fe00:1\"", "fe80::ff:fe00:2\"")
			}
			again := strings.Replace(shown, `"id":"`+id+`"`, `"id":"again"`, 1)
			if r := a.post(strings.TrimSuffix(path, "/"), again).want(201); strings.Contains(string(r.body), "warnings") {
				t.Errorf("%s: %s%s: %s", name, path, id, r.body)
			}
		}
		a.send("PUT", "/ports/p", string(a.get("/ports/p").body)).want(200)
	}
}
