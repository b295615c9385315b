package server

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"glean/server/engine"
)

// TestRepliesOfEveryOperation calls every operation of the document, in a daemon with
// resources of all kinds and states. send compares each reply with the document, formats
// of strings included; with and without OpenPerf's dialect, and with a build whose version
// is known and one whose version is unknown.
func TestRepliesOfEveryOperation(t *testing.T) {
	unknownBuild := func(c *Config, _ *engine.Config) { c.Version = Version{Version: "0.1.0"} }
	for name, options := range map[string][]option{
		"strict": nil, "unknown build": {unknownBuild}, "openperf": {openPerf}, "openperf unknown build": {openPerf, unknownBuild},
	} {
		t.Run(name, func(t *testing.T) {
			a := newHarness(t, options...)
			asked := make(map[string]bool)
			a.furnished()
			for _, request := range everyReply() {
				method, path, _ := strings.Cut(request.line, " ")
				if collection, query, one := strings.Cut(path, "/*"); one {
					path = collection + "/" + a.get(collection).text("0.id") + query
				}
				if r := a.send(method, path, request.body, request.headers...); r.status >= 300 {
					t.Errorf("%s: %d %s", request.line, r.status, r.body)
				}
				plain, _, _ := strings.Cut(path, "?")
				pattern, _, _ := described(plain)
				asked[strings.Replace(method, "HEAD", "GET", 1)+" "+pattern] = true
			}
			for _, operation := range operations() {
				_, pattern, _ := strings.Cut(operation, " ")
				bare := strings.Replace(operation, "/packet", "", 1)
				if asked[operation] || asked[bare] || asked[strings.Replace(operation, " ", " /packet", 1)] {
					continue
				}
				if pattern == "/ports/{id}/reattach" { // TestReattach: a wire has no device
					continue
				}
				t.Errorf("%s was not asked", operation)
			}
			a.stream("/events?last_event_id=0").until("port", "w", "deleted")
		})
	}
}

// furnished makes ports, interfaces and generators of all kinds, with runs in
// progress and ended, and addresses that are known, unknown and lost.
func (a *harness) furnished() {
	a.t.Helper()
	a.peers()
	a.post("/ports", `{"id":"w","kind":"wire","config":{"wire":{"name":"w2"}}}`).want(201)
	a.post("/ports", `{"id":"bond","kind":"bond","config":{"bond":{"mode":"lag_802_3_ad","ports":["0","1"]}}}`).want(201)
	a.post("/interfaces", `{"id":"tagged","port_id":"0","config":{"rx_filter":"not arp","protocols":[{"eth":{"mac_address":"2-0-0-0-0-1a"}},
		{"vlan":{"id":7}},{"vlan":{"id":8}},{"ipv4":{"method":"static","static":{"address":"198.18.0.30","prefix_length":31}}},
		{"ipv6":{"method":"static","link_local_address":"FE80:0::0:1","static":{"address":"2001:DB8:0::1","prefix_length":64,"gateway":"FE80::2"}}}],
		"neighbor":{"respond_for":["198.19.0.0/24","2001:db8:9::/64"],"static":[{"ip_address":"2001:db8::99","mac_address":"02.0.0.0.0.99"}]}}}`).want(201)
	a.learned("resolved", "198.18.1.1", "198.18.1.2")
	a.post("/packet/generators", generatorBody("failed", "if-a", silentHost, "203.0.113.1", "198.18.0.10")).want(acceptedBy(a))
	a.post("/packet/generators", generatorBody("of-port", "0", "198.18.0.11")).want(201)
	a.post("/packet/generators", `{"id":"six","target_id":"if-a","config":{"protocol_counters":["ethernet","ip"],"duration":{"time":{"value":1,"units":"hour"}},
		"learning":{"timeout_ms":500,"on_unresolved":"fallback","fallback_mac":"2:0:0:0:0:9"},
		"load":{"rate":{"value":1000,"period":"seconds"},"units":"frames"},"traffic":[{"length":{"fixed":128},"packet":{"protocols":[
		{"ethernet":{"destination":"02-00-00-00-00-01"},"modifiers":{"items":[{"name":"source","permute":false,"mac":{"list":["2.0.0.0.0.1"]}}]}},
		{"ipv6":{"source":"2001:0db8::A"},"modifiers":{"items":[{"name":"destination","permute":false,"ipv6":{"sequence":{"count":2,"start":"2001:DB8::B"}}}]}},
		{"custom":{"data":"AAEC","layer":"payload"}}]},"signature":{"stream_id":1,"latency":"end_of_frame"}}]}}`).want(acceptedBy(a))
	a.post("/learning", `{"id":"done","interface_id":"if-a","addresses":["198.18.1.7","2001:db8::b","198.18.0.10"]}`).want(202)
	a.post("/learning", `{"id":"waits","interface_id":"if-a","addresses":["198.18.9.8","2001:db8::dead"],"timeout_ms":3600000}`).want(202)
	a.waitUntil("/learning/done", "state", "completed", "timed_out")
	a.waitUntil("/packet/generators/six", "learning", "resolved", "timed_out")
	a.post("/packet/generators/six/start", "").want(201)
	a.post("/packet/generators/of-port/start", "").want(201)
	a.waitUntil("/packet/generators/of-port", "active", "false")
	conflicting := strings.NewReplacer("if-a", "conflicting", "00:0a", "00:1b", `"port_id":"0"`, `"port_id":"1"`).Replace(ifaceA)
	a.post("/interfaces", conflicting).want(201)
	a.waitUntil("/interfaces/if-a", "config.protocols.1.ipv4.status.conflict_mac", "02:00:00:00:00:1b")
}

// acceptedBy returns the status of the reply to a generator that must learn.
func acceptedBy(a *harness) int {
	if a.server.OpenPerf {
		return 201
	}
	return 202
}

// waitUntil asks until a member has one of the values.
func (a *harness) waitUntil(path, member string, values ...string) {
	a.t.Helper()
	for limit := time.Now().Add(20 * time.Second); time.Now().Before(limit); {
		if slices.Contains(values, fmt.Sprint(a.get(path).at(member))) {
			return
		}
	}
	a.t.Fatalf("%s: %s is none of %q", path, member, values)
}

// asking is one request of many. A "*" in its path is the first id of the
// collection.
type asking struct {
	line, body string
	headers    []string
}

// everyReply lists requests to a furnished daemon for all its replies, and at last those
// that delete its resources.
func everyReply() []asking {
	ids := func(list string) string { return `{"ids":["` + list + `"]}` }
	bulk := func(item string) string { return `{"items":[` + item + `]}` }
	again := strings.Replace(ifaceA, `"if-a"`, `"again"`, 1)
	again = strings.NewReplacer("00:0a", "00:2b", "198.18.0.10", "198.18.0.40", "2001:db8::a", "2001:db8::40").Replace(again)
	second := strings.NewReplacer(`"again"`, `"second"`, "00:2b", "00:2c", "198.18.0.40", "198.18.0.41", "2001:db8::40", "2001:db8::41").Replace(again)
	generator := func(id string) string { return generatorWith(id, "if-a", continuous, "198.18.1.1") }
	return []asking{
		{line: "GET /ports"}, {line: "GET /ports/0"}, {line: "GET /ports/bond"}, {line: "GET /ports?kind=wire"},
		{line: "POST /ports", body: `{"kind":"wire","config":{"wire":{"name":"w3"}}}`},
		{line: "PUT /ports/bond", body: `{"kind":"bond","config":{"bond":{"mode":"lag_802_3_ad","ports":["0","1"]}}}`},
		{line: "GET /interfaces"}, {line: "GET /interfaces/if-a"}, {line: "GET /interfaces/tagged"},
		{line: "POST /interfaces", body: again}, {line: "POST /interfaces/x/bulk-create", body: bulk(second)},
		{line: "GET /packet/generators"}, {line: "GET /packet/generators/six"},
		{line: "GET /packet/generators/six/learning"}, {line: "GET /packet/generators/failed/learning"},
		{line: "POST /packet/generators/x/bulk-create", body: bulk(generator("one") + "," + generator("two"))},
		{line: "POST /packet/generators", body: generator("three"), headers: []string{"Prefer: wait=10"}},
		{line: "POST /packet/generators/failed/learning/stop"}, {line: "POST /packet/generators/failed/learning/start"},
		{line: "POST /packet/generators/failed/learning/stop"}, {line: "POST /packet/generators/failed/learning/retry"},
		{line: "POST /packet/generators/three/start"},
		{line: "POST /packet/generators/resolved/learning/stop"},
		{line: "POST /packet/generators/x/toggle", body: `{"replace":"three","with":"resolved"}`},
		{line: "POST /packet/generators/three/stop"},
		{line: "POST /packet/generators/x/bulk-start", body: ids("three")},
		{line: "GET /packet/generator-results"}, {line: "GET /packet/tx-flows"},
		{line: "GET /packet/generator-results/*"}, {line: "GET /packet/tx-flows/*"},
		{line: "POST /packet/generators/x/bulk-stop", body: ids(`three","six`)},
		{line: "GET /packet/generator-results"}, {line: "GET /packet/tx-flows"},
		{line: "GET /learning"}, {line: "GET /learning/done"}, {line: "GET /learning/waits"}, {line: "GET /learning/plan?generator_id=six"},
		{line: "GET /learning/plan?generator_id=failed"}, {line: "POST /learning", body: `{"interface_id":"if-a","addresses":["198.18.1.7"]}`},
		{line: "GET /learning-results"}, {line: "GET /learning-results/*"}, {line: "GET /learning-results/*?state=timed_out"},
		{line: "GET /neighbors"}, {line: "GET /neighbors?limit=1"}, {line: "GET /stacks"}, {line: "GET /stacks/stack0"},
		{line: "GET /modules"}, {line: "GET /modules/packetio"}, {line: "GET /version"},
		{line: "GET /metrics"}, {line: "GET /openapi.yaml"}, {line: "GET /docs"}, {line: "HEAD /events"}, {line: "GET /packet/generators/six"},
		{line: "DELETE /learning/waits"}, {line: "GET /learning/waits"}, {line: "GET /learning-results/*"},
		{line: "DELETE /learning-results/*"}, {line: "DELETE /learning"}, {line: "DELETE /learning-results"}, {line: "DELETE /neighbors"},
		{line: "DELETE /packet/generator-results/nothing"}, {line: "DELETE /packet/generator-results"},
		{line: "POST /packet/generators/x/bulk-delete", body: ids("one")}, {line: "DELETE /packet/generators/two?force=true"},
		{line: "POST /interfaces/x/bulk-delete", body: ids("second")}, {line: "DELETE /interfaces/again"}, {line: "DELETE /packet/generators"},
		{line: "DELETE /ports/bond"}, {line: "DELETE /ports/w"},
	}
}
