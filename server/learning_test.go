package server

import (
	"fmt"
	"strings"
	"testing"
)

func TestLearningRequest(t *testing.T) {
	a := newHarness(t).peers()
	stream := a.stream("/events?type=learning")
	r := a.post("/learning", `{"id":"lr-1","interface_id":"if-a","addresses":["198.18.1.7","2001:db8::b","203.0.113.9","198.18.1.7"]}`).want(202).
		is("id", "lr-1", "mode", "all", "timeout_ms", 30000, "interface_ids", "[if-a]", "generator_ids", "[]", "progress.total", 3)
	if got := r.header.Get("Location"); got != "/learning/lr-1" {
		t.Errorf("Location %q", got)
	}
	stream.until("learning", "lr-1", "completed")
	r = a.get("/packet/learning/lr-1").is("state", "completed", "progress.completed", 3, "progress.resolving", 0)
	r.text("finished_at")
	result := a.get("/learning-results/"+r.text("result_id")).is("learning_id", "lr-1", "state", "completed", "next_hops", 3,
		"addresses.0.ip_address", "198.18.1.7", "addresses.0.mac_address", "02:00:00:00:00:0b", "addresses.0.from_cache", false,
		"addresses.0.next_hop_address", "198.18.1.7", "addresses.1.next_hop_address", "198.18.0.11", "addresses.2.ip_address", "2001:db8::b",
		"addresses.0.vlan_ids", "[]", "addresses.0.state", "completed")
	result.text("addresses.0.resolved_at")
	if n, _ := result.at("requests_sent").(float64); n < 3 {
		t.Errorf("%v requests sent for 3 next hops", n)
	}
	a.post("/learning", `{"id":"lr-1","interface_id":"if-a","addresses":["198.18.1.7"]}`).want(400).faults("id")
}

func TestLearningFaults(t *testing.T) {
	a := newHarness(t).peers()
	a.post("/packet/generators", generatorBody("port", "1", silentHost)).want(201)
	for _, c := range []struct {
		body   string
		status int
		faults []string
	}{
		{``, 400, []string{""}},
		{`{}`, 400, []string{""}},
		{`{"generator_ids":["unknown"]}`, 400, []string{"generator_ids[0]"}},
		{`{"generator_ids":["port"]}`, 400, []string{"generator_ids[0]"}},
		{`{"interface_id":"unknown","addresses":["10.0.0.1"]}`, 400, []string{"interface_id"}},
		{`{"interface_id":"if-a","addresses":["10.0.0.300"]}`, 400, []string{"addresses[0]"}},
		{`{"interface_id":"if-a","addresses":["224.0.0.1"]}`, 400, []string{"addresses[0]"}},
		{`{"interface_id":"if-a","addresses":["10.0.0.1"],"mode":"unresolved"}`, 400, []string{"mode"}},
		{`{"interface_id":"if-a","addresses":["10.0.0.1"],"timeout_ms":99}`, 400, []string{"timeout_ms"}},
		{`{"interface_id":"if-a","addresses":["10.0.0.1"],"retries":1}`, 400, []string{"retries"}},
		{`{"id":"plan","interface_id":"if-a","addresses":["10.0.0.1"]}`, 400, []string{"id"}},
		{`{"id":"A","interface_id":"if-a","addresses":["10.0.0.1"]}`, 404, []string{"id"}},
	} {
		a.post("/learning", c.body).want(c.status).faults(c.faults...)
	}
	if got := a.get("/learning").ids(); got != "" {
		t.Errorf("requests are left of bad ones: %q", got)
	}
}

func TestLearningOfGenerators(t *testing.T) {
	a := newHarness(t).peers()
	a.post("/packet/generators", generatorBody("dead", "if-a", silentHost)).want(202)
	busy := a.get("/packet/generators/dead").text("learning_id")
	a.post("/learning", `{"generator_ids":["dead"]}`).want(409).is("learning_id", busy)
	a.learned("ok", "198.18.0.11")
	stream := a.stream("/events?type=learning")
	id := a.post("/packet/learning", `{"generator_ids":["ok"]}`).want(202).text("id")
	stream.until("learning", id, "completed")
	for filter, want := range map[string]string{
		"?generator_id=dead": busy, "?generator_id=": "", "?state=resolving&generator_id=dead": busy,
		"?state=completed&generator_id=dead": "",
	} {
		if got := a.get("/learning" + filter).ids(); got != want {
			t.Errorf("%s: %q, want %q", filter, got, want)
		}
	}
	a.send("GET", "/learning?state=nonsense", "").want(400).faults("?state")
	result := a.get("/learning/" + busy).text("result_id")
	a.delete("/learning-results/" + result).want(409)
	a.delete("/learning-results").want(204) // finished ones only
	a.get("/learning-results/"+result).is("state", "resolving", "finished_at", nil)
	a.delete("/learning/" + busy).want(204)
	a.get("/learning/"+busy).is("state", "cancelled", "progress.timed_out", 1)
	a.get("/learning-results/"+result).is("state", "cancelled", "addresses.0.reason", "cancelled")
	a.get("/packet/generators/dead").is("learning", "timed_out")
	a.delete("/learning/" + busy).want(204)
	a.send("GET", "/learning/"+busy, "").want(404)
	a.get("/learning-results/" + result) // outlives its request
	a.delete("/learning-results/" + result).want(204)
	a.delete("/learning-results/" + result).want(204)
	a.send("GET", "/learning-results/"+result, "").want(404)
	a.delete("/learning/unknown").want(204)
	a.delete("/learning").want(204)
	a.send("GET", "/learning/"+id, "").want(404)
}

// TestResultPagesAreTheWholeResult reads a result of many addresses page by page and at once.
func TestResultPagesAreTheWholeResult(t *testing.T) {
	a := newHarness(t).peers()
	const count = 3000 // more than two of the loop's pages
	live := strings.Split(strings.ReplaceAll(addressList("198.18.128.0", count), `"`, ""), ",")
	a.learned("live", live...)
	a.post("/packet/generators", generatorWith("g", "if-a", `"learning":{"timeout_ms":1000},"duration":{"frames":1}`, append(live, silentHost)...), "Prefer: wait=60").want(202)
	path := "/learning-results/" + a.get("/learning/"+a.get("/packet/generators/g").text("learning_id")).text("result_id")

	whole := a.get(path).at("addresses").([]any)
	if len(whole) != count+1 {
		t.Fatalf("%d addresses, want %d", len(whole), count+1)
	}
	var paged []any
	for after := ""; ; {
		page := a.get(path + "?limit=700" + after).at("addresses").([]any)
		paged = append(paged, page...)
		if len(page) == 0 {
			break
		}
		if len(page) > 700 {
			t.Fatalf("a page of %d addresses, want 700 at most", len(page))
		}
		after = "&after=" + page[len(page)-1].(map[string]any)["ip_address"].(string)
	}
	if fmt.Sprint(paged) != fmt.Sprint(whole) {
		t.Error("the pages together are not the whole")
	}
	a.get(path+"?state=timed_out").is("addresses.0.ip_address", silentHost, "addresses.0.reason", "no_reply", "addresses.1", nil)
	if got := a.get(path + "?state=completed&limit=5").at("addresses").([]any); len(got) != 5 {
		t.Errorf("%d completed addresses, want 5", len(got))
	}
	if got := a.get("/learning-results").at("0.addresses"); got != nil {
		t.Errorf("the list has addresses: %v", got)
	}
	for _, c := range []struct{ query, fault string }{
		{"?limit=0", "?limit"}, {"?limit=x", "?limit"}, {"?limit=1048577", "?limit"}, {"?after=x", "?after"},
		{"?state=cancelled", "?state"}, {"?state=", "?state"}, {"?limit=1e3", "?limit"},
	} {
		a.send("GET", path+c.query, "").want(400).faults(c.fault)
	}
}

func TestLearningPlan(t *testing.T) {
	a := newHarness(t).peers()
	a.post("/packet/generators", generatorBody("g", "if-a", "203.0.113.1", "203.0.113.2", "198.18.0.11", silentHost)).want(202)
	a.get("/learning/plan?generator_id=g").is("generator_id", "g", "interface_id", "if-a",
		"addresses.0.ip_address", "198.18.0.11", "addresses.3.next_hop_address", "198.18.0.11",
		"next_hops.0.next_hop_address", "198.18.0.11", "next_hops.0.addresses", 3, "next_hops.1.addresses", 1)
	if hops := a.get("/packet/learning/plan?generator_id=g").at("next_hops").([]any); len(hops) != 2 {
		t.Errorf("%d next hops, want 2", len(hops))
	}
	a.send("GET", "/learning/plan", "").want(400).faults("?generator_id")
	a.send("GET", "/learning/plan?generator_id=unknown", "").want(404)
	a.post("/packet/generators", generatorBody("port", "1", silentHost)).want(201)
	a.send("GET", "/learning/plan?generator_id=port", "").want(400)
}

func TestNeighbors(t *testing.T) {
	a := newHarness(t).peers()
	a.learned("g", "198.18.0.11", "198.18.1.1", "198.18.1.2")
	list := func(query string) string {
		var found []string
		for _, n := range a.get("/neighbors" + query).at("").([]any) {
			m := n.(map[string]any)
			found = append(found, fmt.Sprint(m["interface_id"], "=", m["ip_address"]))
		}
		return strings.Join(found, " ")
	}
	const all = "if-a=198.18.0.11 if-a=198.18.1.1 if-a=198.18.1.2"
	for query, want := range map[string]string{
		"?interface_id=if-a":                           all,
		"?interface_id=":                               "",
		"?interface_id=unknown":                        "",
		"?interface_id=if-a&state=reachable":           all,
		"?ip_address=198.18.1.1":                       "if-a=198.18.1.1",
		"?interface_id=if-a&limit=2":                   "if-a=198.18.0.11 if-a=198.18.1.1",
		"?interface_id=if-a&limit=2&after=198.18.0.11": "if-a=198.18.1.1 if-a=198.18.1.2",
		"?interface_id=if-a&after=if-a,198.18.1.1":     "if-a=198.18.1.2",
	} {
		if got := list(query); got != want {
			t.Errorf("%s: %q, want %q", query, got, want)
		}
	}
	for query, fault := range map[string]string{"?state=": "?state", "?state=resolved": "?state", "?ip_address=x": "?ip_address"} {
		a.send("GET", "/neighbors"+query, "").want(400).faults(fault)
	}
	row := a.get("/neighbors?ip_address=198.18.1.1")
	row.is("0.confirmed_at", row.text("0.updated_at")) // one answer did both
	row.is("0.mac_address", "02:00:00:00:00:0b", "0.state", "reachable", "0.is_router", false)
	a.send("GET", "/neighbors?after=x", "").want(400).faults("?after")
	a.send("GET", "/neighbors?after=198.18.0.11", "").want(400).faults("?after")
	a.send("GET", "/neighbors?limit=0", "").want(400).faults("?limit")
	a.delete("/neighbors?interface_id=unknown").want(404)
	a.delete("/neighbors?interface_id=").want(400)
	a.delete("/neighbors?interface_id=if-a").want(204)
	// They may stay for a moment, because they must not be asked again too early,
	// but nothing is known of them.
	if got := list("?interface_id=if-a&state=reachable"); got != "" {
		t.Errorf("after a flush: %q", got)
	}
	a.delete("/neighbors").want(204)
}
