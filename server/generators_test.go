package server

import (
	"fmt"
	"strings"
	"testing"
)

func TestCreateIsAcceptedWhileLearning(t *testing.T) {
	a := newHarness(t).peers()
	// Something to learn: 202, or 201 for OpenPerf's clients.
	r := a.post("/packet/generators", generatorBody("g1", "if-a", silentHost)).want(202).
		is("id", "g1", "target_id", "if-a", "active", false, "learning", "resolving", "config.flow_count", 1)
	if got := r.header.Get("Location"); got != "/packet/generators/g1" {
		t.Errorf("Location %q", got)
	}
	a.get("/learning/"+r.text("learning_id")).is("state", "resolving", "mode", "cached", "generator_ids", "[g1]", "interface_ids", "[if-a]")
	// Bound to a port: nothing is learned.
	r = a.post("/generators", generatorBody("g2", "1", silentHost)).want(201).is("learning", "unsupported", "learning_id", nil)
	if got := r.header.Get("Location"); got != "/generators/g2" {
		t.Errorf("Location %q", got)
	}
	// In the cache already, after it was learned.
	a.learned("g3", "198.18.0.11", "198.18.1.1")
	a.post("/packet/generators", generatorBody("g4", "if-a", "198.18.0.11")).want(201).is("learning", "resolved")
	if got := a.get("/packet/generators").ids(); got != "g1 g2 g3 g4" {
		t.Errorf("generators %q", got)
	}
	for filter, want := range map[string]string{"?target_id=1": "g2", "?target_id=": "", "?target_id=if-a": "g1 g3 g4"} {
		if got := a.get("/packet/generators" + filter).ids(); got != want {
			t.Errorf("%s: %q, want %q", filter, got, want)
		}
	}
	a.post("/packet/generators", generatorBody("g1", "if-a", silentHost)).want(400).faults("id")
	a.post("/packet/generators", generatorBody("G1", "if-a", silentHost)).want(404).faults("id")
	a.post("/packet/generators", generatorBody("g5", "nothing", silentHost)).want(400).faults("target_id")
	a.post("/packet/generators", generatorBody("g5", "4184 ", silentHost)).want(400).faults("target_id")
	a.send("GET", "/packet/generators/g5", "").want(404)
}

func TestOpenPerfCreateIsAlwaysCreated(t *testing.T) {
	a := newHarness(t, openPerf).peers()
	r := a.post("/packet/generators", generatorBody("g1", "if-a", silentHost)).want(201).is("learning", "resolving")
	if got := r.header.Get("Location"); got != a.http.URL+"/packet/generators/g1" {
		t.Errorf("Location %q", got)
	}
}

func TestCreateWaitsAsPreferred(t *testing.T) {
	a := newHarness(t).peers()
	r := a.post("/packet/generators", generatorBody("g1", "if-a", "198.18.0.11"), "Prefer: respond-async, wait=10").want(201).is("learning", "resolved")
	if got := r.header.Get("Preference-Applied"); got != "wait=10" {
		t.Errorf("Preference-Applied %q", got)
	}
	a.post("/packet/generators", generatorWith("g2", "if-a", `"duration":{"frames":1},"learning":{"timeout_ms":100}`, silentHost), "Prefer: wait=60").
		want(202).is("learning", "timed_out")
	a.post("/packet/generators", generatorBody("g3", "if-a", silentHost), "Prefer: wait=0").want(202).is("learning", "resolving")
	r = a.post("/packet/generators", generatorBody("g4", "if-a", silentHost), "Prefer: wait=soon").want(202)
	if got := r.header.Get("Preference-Applied"); got != "" {
		t.Errorf("Preference-Applied %q of what is not understood", got)
	}
	// No route to any address: decided at once.
	a.post("/interfaces", `{"id":"lone","port_id":"0","config":{"protocols":[{"eth":{"mac_address":"02:00:00:00:00:0d"}},
		{"ipv4":{"method":"static","static":{"address":"10.0.0.1","prefix_length":24}}}]}}`).want(201)
	a.post("/packet/generators", generatorBody("g5", "lone", "10.9.9.9"), "Prefer: wait=60").want(202).is("learning", "timed_out")
}

// TestConfigIsEchoed: replies have the posted configuration, and it can be posted again.
func TestConfigIsEchoed(t *testing.T) {
	a := newHarness(t).peers()
	body := strings.Replace(generatorBody("g", "if-a", silentHost), `"config":{`, `"config":{"flow_count":77,`, 1)
	body = strings.Replace(body, `"id":"g"`, `"id":"g","active":true,"learning":null`, 1)
	r := a.post("/packet/generators", body).want(202).is("config.load.rate.period", "seconds", "config.flow_count", 1, "active", false)
	a.delete("/packet/generators/g").want(204)
	again := a.post("/packet/generators", string(r.body)).want(202)
	if strings.Count(string(again.body), "flow_count") != 1 {
		t.Errorf("flow_count is there more than once: %s", again.body)
	}
}

func TestStartMakesAResultAndStopEndsIt(t *testing.T) {
	a := newHarness(t).peers()
	// One of the next hops is in the cache, so that it is completed at once.
	a.post("/packet/generators", generatorBody("first", "if-a", "198.18.0.11"), "Prefer: wait=10").want(201)
	a.post("/packet/generators", generatorBody("g", "if-a", silentHost, "198.18.0.11")).want(202)
	r := a.post("/packet/generators/g/start", "").want(409).is("next_hops.resolving", 1, "next_hops.completed", 1)
	if r.text("learning_id") != a.get("/packet/generators/g").text("learning_id") {
		t.Errorf("the conflict names another learning request: %s", r.body)
	}
	a.post("/packet/generators", generatorWith("run", "if-a", continuous, "198.18.0.11"), "Prefer: wait=10").want(201)
	r = a.post("/packet/generators/run/start", "").want(201).is("generator_id", "run", "active", true, "remaining.unit", "indefinite")
	result := r.text("id")
	if got := r.header.Get("Location"); got != "/packet/generator-results/"+result {
		t.Errorf("Location %q", got)
	}
	a.get(r.header.Get("Location")).is("id", result)
	a.get("/packet/generators/run").is("active", true)
	a.post("/packet/generators/run/start", "").want(400)
	// Deleting what is active does nothing.
	a.delete("/packet/generators/run").want(409)
	a.delete("/packet/generators").want(204)
	a.delete("/packet/generator-results/" + result).want(204)
	a.delete("/packet/generator-results").want(204)
	a.get("/packet/generators/run").is("active", true)
	a.get("/packet/generator-results/" + result)
	a.send("GET", "/packet/generators/g", "").want(404) // it was not active
	a.post("/packet/generators/run/stop", "").want(204)
	stopped := a.get("/packet/generator-results/"+result).is("active", false, "remaining", nil)
	if again := a.get("/packet/generator-results/" + result); string(again.body) != string(stopped.body) {
		t.Errorf("counters go on after stop was answered:\n%s\n%s", stopped.body, again.body)
	}
	a.post("/packet/generators/run/stop", "").want(204)
	a.post("/packet/generators/unknown/stop", "").want(204) // of one that never existed
	a.post("/packet/generators/unknown/start", "").want(404)
	a.delete("/packet/generator-results/" + result).want(204)
	a.send("GET", "/packet/generator-results/"+result, "").want(404)
}

// TestEndedRunLeavesAnInactiveResult: a generator that ends by itself leaves its result
// inactive.
func TestEndedRunLeavesAnInactiveResult(t *testing.T) {
	a := newHarness(t).peers()
	a.post("/packet/generators", generatorWith("g", "if-a", `"duration":{"frames":100},"protocol_counters":["ip"]`, "198.18.0.11"), "Prefer: wait=10").want(201)
	stream := a.stream("/events?type=generator")
	result := a.post("/generators/g/start", "").want(201).text("id")
	stream.until("generator", "g", "ended")
	a.get("/generator-results/"+result).is("active", false, "remaining", nil,
		"flow_counters.packets_actual", 100, "flow_counters.octets_actual", 6400, "flow_counters.packets_intended", 100,
		"protocol_counters.ip.ipv4", 100, "protocol_counters.ip.ipv6", 0, "error", nil)
	a.get("/generators/g").is("active", false)
	if first := a.get("/generator-results/" + result).text("flow_counters.timestamp_first"); len(first) != len("2026-01-02T03:04:05.123456789Z") {
		t.Errorf("timestamp %q: OpenPerf's scripts need nine digits", first)
	}
	a.post("/generators/g/start", "").want(201) // and can start again
	for filter, want := range map[string]int{"": 2, "?generator_id=g": 2, "?generator_id=": 0, "?generator_id=g&target_id=if-b": 0, "?target_id=if-a": 2} {
		if list := a.get("/packet/generator-results" + filter).at("").([]any); len(list) != want {
			t.Errorf("%s: %d results, want %d", filter, len(list), want)
		}
	}
	stream.until("generator", "g", "ended")
	a.delete("/packet/generators/g").want(204)
	if list := a.get("/packet/generator-results").at("").([]any); len(list) != 0 {
		t.Errorf("%d results of a generator that is gone", len(list))
	}
}

// A refused start names the next hop, its destination and interface, the reason
// and the call that helps.
func TestRefusedStartExplainsItself(t *testing.T) {
	a := newHarness(t).peers()
	body := strings.Replace(generatorBody("g", "if-a", silentHost), `"config":{`, `"config":{"learning":{"timeout_ms":100},`, 1)
	explains := func(words ...string) {
		t.Helper()
		detail, _ := a.post("/packet/generators/g/start", "").want(409).at("detail").(string)
		for _, w := range words {
			if !strings.Contains(detail, w) {
				t.Errorf("%q does not have %q", detail, w)
			}
		}
	}
	a.post("/packet/generators", body, "Prefer: wait=10").want(202).is("learning", "timed_out")
	explains("of destination "+silentHost, `on interface "if-a"`, "no_reply after ", "POST /packet/generators/g/learning/retry")
	a.post("/packet/generators/g/learning/start", "").want(204)
	a.delete("/packet/generators/g").want(204)
	a.post("/packet/generators", generatorBody("g", "if-a", silentHost)).want(202)
	explains("of destination "+silentHost, `on interface "if-a" is resolving`, `ms more: start it with the header "Prefer: wait=30", or look at /learning/`)
}

func TestForcedDelete(t *testing.T) {
	a := newHarness(t).peers()
	a.post("/packet/generators", generatorWith("g", "if-a", continuous, "198.18.0.11"), "Prefer: wait=10").want(201)
	a.post("/packet/generators/g/start", "").want(201)
	a.delete("/packet/generators/g?force=maybe").want(400).faults("?force")
	a.delete("/packet/generators/g?force=false").want(409)
	if detail, _ := a.delete("/packet/generators/g").want(409).at("detail").(string); !strings.Contains(detail, "?force=true") {
		t.Errorf("%q does not name ?force=true", detail)
	}
	a.get("/packet/generators/g").is("active", true)
	a.delete("/packet/generators/g?force=true").want(204)
	a.send("GET", "/packet/generators/g", "").want(404)
	a.delete("/packet/generators/g?force=true").want(204)
}

func TestOpenPerfDeleteLeavesActiveGenerator(t *testing.T) {
	a := newHarness(t, openPerf).peers()
	a.post("/packet/generators", generatorWith("g", "0", continuous, "198.18.0.11")).want(201)
	a.post("/packet/generators/g/start", "").want(201)
	a.delete("/packet/generators/g").want(204)
	a.get("/packet/generators/g").is("active", true)
	a.delete("/packet/generators/g?force=true").want(204)
	a.send("GET", "/packet/generators/g", "").want(404)
}

func TestBulkCreateOfGeneratorsIsAllOrNone(t *testing.T) {
	a := newHarness(t).peers()
	bulk := func(items ...string) *answer {
		return a.post("/packet/generators/x/bulk-create", `{"items":[`+strings.Join(items, ",")+`]}`)
	}
	r := bulk(generatorBody("c", "if-a", silentHost), generatorBody("a", "1", silentHost), generatorBody("b", "if-a", silentHost)).want(200).
		is("items.0.id", "c", "items.0.learning", "resolving", "items.1.learning", "unsupported", "items.2.id", "b")
	if r.text("items.0.learning_id") == r.text("items.2.learning_id") {
		t.Error("one learning request for two generators")
	}
	before := a.get("/learning").ids()
	bulk(generatorBody("d", "if-a", silentHost), generatorBody("e", "nope", silentHost)).want(400).faults("items[1].target_id")
	bulk(generatorBody("d", "if-a", silentHost), generatorBody("c", "if-a", silentHost)).want(400).faults("items[1].id")
	bulk(generatorBody("d", "if-a", silentHost), generatorBody("E", "if-a", silentHost)).want(404).faults("items[1].id")
	bulk(generatorBody("d", "if-a", silentHost), strings.Replace(generatorBody("e", "if-a", silentHost), `"fixed":64`, `"fixed":63`, 1)).want(400).
		faults("items[1].config.traffic[0].length.fixed")
	if got := a.get("/packet/generators").ids(); got != "a b c" {
		t.Errorf("after failed requests: %q", got)
	}
	if got := a.get("/learning").ids(); got != before {
		t.Errorf("learning requests of generators that were taken back are left: %q, before %q", got, before)
	}
	a.post("/packet/generators/x/bulk-delete", `{"ids":["b","unknown"]}`).want(204)
	if got := a.get("/packet/generators").ids(); got != "a c" { // the middle one is gone, and no other
		t.Errorf("after bulk-delete: %q", got)
	}
}

// TestBulkStartIsAllOrNone: if one generator cannot start, those that started are stopped
// and leave no result.
func TestBulkStartIsAllOrNone(t *testing.T) {
	a := newHarness(t).peers()
	for _, id := range []string{"a", "b", "c"} {
		a.post("/packet/generators", generatorWith(id, "if-a", continuous, "198.18.0.11"), "Prefer: wait=10").want(201)
	}
	a.post("/packet/generators", generatorBody("dead", "if-a", silentHost)).want(202)
	a.post("/packet/generators/x/bulk-start", `{"ids":["a","b","dead"]}`).want(409)
	a.post("/packet/generators/x/bulk-start", `{"ids":["a","unknown"]}`).want(404)
	a.post("/packet/generators/x/bulk-start", `{"ids":["a","a"]}`).want(400)
	for _, id := range []string{"a", "b"} {
		a.get("/packet/generators/"+id).is("active", false)
	}
	if list := a.get("/packet/generator-results").at("").([]any); len(list) != 0 {
		t.Errorf("%d results are left of starts that were taken back", len(list))
	}
	a.post("/packet/generators/x/bulk-start", `{"ids":["c","a"]}`).want(200).is("items.0.generator_id", "c", "items.1.active", true)
	a.post("/packet/generators/x/bulk-delete", `{"ids":["a","b","c"]}`).want(204) // active ones stay
	if got := a.get("/packet/generators").ids(); got != "a c dead" {
		t.Errorf("generators %q", got)
	}
	a.post("/packet/generators/x/bulk-stop", `{"ids":["a","c","unknown"]}`).want(204)
	for _, id := range []string{"a", "c"} {
		a.get("/packet/generators/"+id).is("active", false)
	}
	a.post("/packet/generators/x/bulk-start", "").want(200).is("items", "[]")
	a.post("/packet/generators/x/bulk-stop", "").want(204)
}

// TestGeneratorWithNothingToLearnStarts: a generator on an interface starts if its
// template has no IP header.
func TestGeneratorWithNothingToLearnStarts(t *testing.T) {
	a := newHarness(t).peers()
	a.post("/packet/generators", `{"id":"g","target_id":"if-a","config":{"duration":{"frames":1},
		"load":{"rate":{"value":1,"period":"second"},"units":"frames"},
		"traffic":[{"length":{"fixed":64},"packet":{"protocols":[{"ethernet":{"destination":"02:00:00:00:00:99"}}]}}]}}`).
		want(201).is("learning", "resolved")
	a.post("/packet/generators/g/start", "").want(201)
}

// TestGeneratorLearning reads learning in OpenPerf's form.
func TestGeneratorLearning(t *testing.T) {
	a := newHarness(t).peers()
	a.post("/packet/generators", generatorBody("g", "if-a", "198.18.0.11", "203.0.113.1", "203.0.113.2", silentHost)).want(202)
	learning := func(method, id, verb string) *answer {
		return a.send(method, "/packet/generators/"+id+"/learning"+verb, "")
	}
	request := a.get("/packet/generators/g").text("learning_id")
	learning("POST", "g", "/start").want(204)                            // it is being learned, and nothing changes
	learning("POST", "g", "/retry").want(409).is("learning_id", request) // 400 for OpenPerf
	a.get("/packet/generators/g").is("learning_id", request)
	learning("POST", "g", "/stop").want(204)
	a.get("/learning/"+request).is("state", "cancelled")
	r := learning("GET", "g", "").want(200).is("resolved_state", "timed_out", "ipv4.0.ip_address", "198.18.0.11",
		"ipv4.0.mac_address", "02:00:00:00:00:0b", "ipv4.1.ip_address", silentHost, "ipv4.1.mac_address", nil)
	if list := r.at("ipv4").([]any); len(list) != 2 {
		t.Errorf("%d IPv4 addresses, want the gateway once and the dead one: %s", len(list), r.body)
	}
	learning("POST", "g", "/stop").want(204)
	learning("POST", "g", "/retry").want(204)
	a.get("/learning/"+a.get("/packet/generators/g").text("learning_id")).is("mode", "unresolved", "progress.total", 1)
	learning("POST", "g", "/stop").want(204)
	learning("POST", "g", "/start").want(204)
	a.get("/learning/"+a.get("/packet/generators/g").text("learning_id")).is("mode", "all", "progress.total", 4)

	a.learned("ok", "198.18.0.11")
	before := a.get("/learning").ids()
	learning("POST", "ok", "/retry").want(204) // everything is resolved: no traffic
	if got := a.get("/learning").ids(); got != before {
		t.Error("a retry with nothing to do made a request")
	}
	a.post("/packet/generators", generatorBody("port", "1", silentHost)).want(201)
	learning("GET", "port", "").want(400)
	learning("POST", "port", "/stop").want(400)
	learning("POST", "port", "/start").want(409)
	learning("POST", "port", "/retry").want(409)
	for _, verb := range []string{"/start", "/retry", "/stop"} {
		learning("POST", "unknown", verb).want(404)
		learning("POST", "Bad", verb).want(404)
	}
	learning("GET", "unknown", "").want(404)
}

func TestGeneratorLearningOfOpenPerf(t *testing.T) {
	a := newHarness(t, openPerf).peers()
	a.post("/packet/generators", generatorBody("g", "if-a", silentHost)).want(201)
	a.post("/packet/generators/g/learning/retry", "").want(400)
	a.post("/packet/generators/g/learning/start", "").want(204)
	a.post("/packet/generators", generatorBody("port", "1", silentHost)).want(201)
	a.post("/packet/generators/port/learning/start", "").want(204)
	a.post("/packet/generators/port/learning/retry", "").want(204)
	a.post("/packet/generators/port/learning/stop", "").want(400)
	a.send("GET", "/packet/generators/port/learning", "").want(400)
}

func signed(id string, stream int, destinations ...string) string {
	return strings.Replace(generatorWith(id, "if-a", continuous, destinations...), `"length":{"fixed":64}`,
		fmt.Sprintf(`"length":{"fixed":128},"signature":{"stream_id":%d,"latency":"start_of_frame"}`, stream), 1)
}

// TestFlowIDsFindOnlyTheirResult: a flow's id never finds another result's flow.
func TestFlowIDsFindOnlyTheirResult(t *testing.T) {
	a := newHarness(t).peers()
	stream := a.stream("/events?type=generator")
	a.learned("g", "198.18.0.11", "198.18.1.1", "198.18.1.2")
	r := a.post("/packet/generators/g/start", "").want(201)
	result := r.text("id")
	stream.until("generator", "g", "ended")
	flows := a.get("/packet/generator-results/" + result).at("flows").([]any)
	if len(flows) != 3 {
		t.Fatalf("%d flows, want 3", len(flows))
	}
	sum := 0.0
	for i, id := range flows {
		f := a.get("/packet/tx-flows/"+id.(string)).is("id", id, "generator_result_id", result, "stream_id", nil)
		n := f.at("counters.packets_actual").(float64)
		if sum += n; n != float64([]int{34, 33, 33}[i]) {
			t.Errorf("flow %d sent %v frames", i, n)
		}
		f.text("counters.timestamp_last")
	}
	if sum != 100 {
		t.Errorf("the flows sent %v frames together, want 100", sum)
	}
	last := flows[2].(string)
	for _, id := range []string{last[:len(last)-1] + "4", last[:len(last)-1] + "0", result, "0", "x", "not-a-uuid"} {
		a.send("GET", "/tx-flows/"+id, "").want(404)
	}
	for filter, want := range map[string]int{"": 3, "?generator_id=g": 3, "?generator_id=": 0, "?target_id=if-a&generator_id=g": 3, "?target_id=if-b&generator_id=g": 0} {
		if list := a.get("/packet/tx-flows" + filter).at("").([]any); len(list) != want {
			t.Errorf("%s: %d flows, want %d", filter, len(list), want)
		}
	}
	a.post("/packet/generators", signed("s", 7, "198.18.0.11", "198.18.1.1"), "Prefer: wait=10").want(201)
	result = a.post("/packet/generators/s/start", "").want(201).text("id")
	a.get("/packet/tx-flows?generator_id=s").is("1.generator_result_id", result, "1.stream_id", 7<<16|2)
}

// TestToggle: a generator that is not learned cannot replace another.
func TestToggle(t *testing.T) {
	a := newHarness(t).peers()
	for _, id := range []string{"a", "b"} {
		a.post("/packet/generators", signed(id, 1, "198.18.0.11"), "Prefer: wait=10").want(201)
	}
	a.post("/packet/generators", generatorBody("dead", "if-a", silentHost)).want(202)
	toggle := func(replace, with string) *answer {
		return a.post("/packet/generators/x/toggle", `{"replace":"`+replace+`","with":"`+with+`"}`)
	}
	toggle("a", "b").want(400) // a is not active
	old := a.post("/packet/generators/a/start", "").want(201).text("id")
	toggle("a", "a").want(400)
	toggle("a", "unknown").want(404)
	toggle("unknown", "b").want(404)
	toggle("a", "B").want(404).faults("with")
	toggle("a", "dead").want(409)
	a.get("/packet/generators/a").is("active", true)
	r := toggle("a", "b").want(201).is("generator_id", "b", "active", true)
	if got := r.header.Get("Location"); got != "/packet/generator-results/"+r.text("id") {
		t.Errorf("Location %q", got)
	}
	a.get("/packet/generator-results/"+old).is("active", false)
	a.get("/packet/generators/a").is("active", false)
	a.get("/packet/generators/b").is("active", true)
}

// TestLargeLearningIsPreparedOffTheLoop: while a large request waits for a place to make
// its tables, other requests are answered.
func TestLargeLearningIsPreparedOffTheLoop(t *testing.T) {
	a := newHarness(t).peers()
	for range cap(a.server.compiling) {
		a.server.compiling <- struct{}{}
	}
	var list []string
	for n := range 5000 {
		list = append(list, fmt.Sprintf(`"2001:db8::1:%x"`, n))
	}
	body := `{"id":"large","timeout_ms":1000,"interface_id":"if-a","addresses":[` + strings.Join(list, ",") + `]}`
	made := make(chan int, 1) // the status
	go func() {
		r, err := a.http.Client().Post(a.http.URL+"/learning", "application/json", strings.NewReader(body))
		if err != nil {
			t.Error(err)
			close(made)
			return
		}
		r.Body.Close()
		made <- r.StatusCode
	}()
	a.post("/learning", `{"id":"lr","interface_id":"if-a","addresses":["198.18.1.7"]}`).want(202)
	for a.get("/learning/lr").text("state") == "resolving" {
	}
	select {
	case <-made:
		t.Fatal("made out of turn")
	default:
	}
	a.send("GET", "/learning/large", "").want(404)
	for range cap(a.server.compiling) {
		<-a.server.compiling
	}
	if status := <-made; status != 202 {
		t.Errorf("status %d, want 202", status)
	}
	a.get("/learning/large").is("progress.total", 5000)
}

// TestProgramsAreCompiledOffTheLoop: while generators wait for a place to be compiled,
// other requests are answered.
func TestProgramsAreCompiledOffTheLoop(t *testing.T) {
	a := newHarness(t).peers()
	for range cap(a.server.compiling) {
		a.server.compiling <- struct{}{}
	}
	made := make(chan int, 1) // the status
	go func() {
		r, err := a.http.Client().Post(a.http.URL+"/generators", "application/json", strings.NewReader(generatorBody("g", "if-a", "198.18.0.11")))
		if err != nil {
			t.Error(err)
			close(made)
			return
		}
		r.Body.Close()
		made <- r.StatusCode
	}()
	a.post("/learning", `{"id":"lr","interface_id":"if-a","addresses":["198.18.1.7"]}`).want(202)
	for a.get("/learning/lr").text("state") == "resolving" {
	}
	select {
	case <-made:
		t.Fatal("compiled out of turn")
	default:
	}
	for range cap(a.server.compiling) {
		<-a.server.compiling
	}
	if status := <-made; status != 202 {
		t.Errorf("status %d, want 202", status)
	}
}
