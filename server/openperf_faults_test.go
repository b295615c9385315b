package server

import (
	"strings"
	"testing"
)

// Faults of OpenPerf that show in the API and that glean must not have. Those of
// learning and the network are tested in server/engine, those of frames in generator.

// TestDeleteWhileLearningTakesNothingElse: the deletion of an interface or generator
// during its learning deletes no other resource.
func TestDeleteWhileLearningTakesNothingElse(t *testing.T) {
	a := newHarness(t).peers()
	request := a.post("/learning", `{"interface_id":"if-a","addresses":[`+addressList("198.18.9.0", 200)+`]}`).want(202).text("id")
	a.post("/packet/generators", generatorBody("a", "if-a", silentHost)).want(202)
	a.post("/packet/generators", generatorBody("b", "if-a", silentHost)).want(202)
	a.delete("/packet/generators/a").want(204)
	a.delete("/interfaces/if-a").want(204)
	a.get("/learning/"+request).is("state", "timed_out", "progress.timed_out", 200)
	a.get("/packet/generators/b").is("learning", "timed_out")
	a.post("/interfaces", ifaceA).want(201)
	a.learned("a", "198.18.0.11") // the ids are free, and the rest works
	a.get("/packet/generators/b").is("learning", "timed_out")
}

// TestDeleteRemovesOnlyTheNamed: a delete removes the named resource and no other.
func TestDeleteRemovesOnlyTheNamed(t *testing.T) {
	a := newHarness(t)
	eth := func(id string) string {
		return `{"id":"` + id + `","port_id":"0","config":{"protocols":[{"eth":{"mac_address":"02:00:00:00:00:0a"}}]}}`
	}
	for _, collection := range []string{"/interfaces", "/packet/generators"} {
		make := eth
		if collection != "/interfaces" {
			make = func(id string) string { return generatorBody(id, "0", silentHost) }
		}
		for _, id := range []string{"e", "a", "d", "b", "c"} {
			a.post(collection, make(id)).want(201)
		}
		a.delete(collection + "/c").want(204)
		a.post(collection+"/x/bulk-delete", `{"ids":["b","unknown","d","b"]}`).want(204)
		if got := a.get(collection).ids(); got != "a e" {
			t.Errorf("%s: %q is left, want \"a e\"", collection, got)
		}
	}
}

// TestActiveResultsStayAndIdleStopsSucceed: results of an active generator stay, and a
// generator that never ran can be stopped.
func TestActiveResultsStayAndIdleStopsSucceed(t *testing.T) {
	a := newHarness(t)
	a.post("/packet/generators", generatorWith("g", "0", continuous, silentHost)).want(201)
	a.post("/packet/generators/g/stop", "").want(204)
	a.post("/packet/generators/x/bulk-stop", `{"ids":["g","unknown"]}`).want(204)
	result := a.post("/packet/generators/g/start", "").want(201).text("id")
	a.delete("/packet/generator-results/" + result).want(204)
	a.delete("/packet/generator-results").want(204)
	a.get("/packet/generator-results/"+result).is("active", true)
	a.post("/packet/generators/g/stop", "").want(204)
	a.delete("/packet/generator-results").want(204)
	a.send("GET", "/packet/generator-results/"+result, "").want(404)
}

// TestRoutesReplyWithoutALoop: every route still replies when the loop is gone.
func TestRoutesReplyWithoutALoop(t *testing.T) {
	a := newHarness(t)
	a.loop.Stop()
	<-a.loop.Done()
	for _, operation := range operations() {
		method, path, _ := strings.Cut(operation, " ")
		body := ""
		if method == "POST" {
			body = `{}`
		}
		path = strings.NewReplacer("{id}", "some", "{module}", "packetio").Replace(path)
		if r := a.send(method, path, body); r.status >= 500 && r.status != 503 {
			t.Errorf("%s: %d", r.what, r.status)
		}
	}
}

// TestBoundsAreInclusive: the first and the last value are accepted, and those beside
// them are not.
func TestBoundsAreInclusive(t *testing.T) {
	a := newHarness(t)
	body := generatorBody("g", "0", silentHost)
	for _, c := range []struct {
		old     string
		in, out []string
	}{
		// 1518 octets with header and FCS are the 1500 of the port's MTU.
		{`"fixed":64`, []string{`"fixed":64`, `"fixed":1518`}, []string{`"fixed":63`, `"fixed":1519`, `"fixed":9217`, `"fixed":0`, `"fixed":-1`}},
		{`"fixed":64`, []string{`"list":[64]`, `"list":[64,1518]`}, []string{`"list":[]`, `"list":[64,63]`, `"list":[64,1519]`}},
		{`"fixed":64`, []string{`"sequence":{"count":1,"start":1518}`, `"sequence":{"count":1455,"start":64}`},
			[]string{`"sequence":{"count":0,"start":64}`, `"sequence":{"count":1456,"start":64}`, `"sequence":{"count":2,"start":1518}`}},
		{`"frames":100`, []string{`"frames":1`, `"frames":9223372036854775807`}, []string{`"frames":0`, `"frames":9223372036854775808`}},
		{`"value":10000`, []string{`"value":1`}, []string{`"value":0`, `"value":-1`}},
	} {
		for status, list := range map[int][]string{201: c.in, 400: c.out} {
			for _, text := range list {
				changed := strings.Replace(body, c.old, text, 1)
				if changed == body && text != c.old {
					t.Fatalf("%s is not in %s", c.old, body)
				}
				a.post("/packet/generators", changed).want(status)
				a.delete("/packet/generators/g").want(204)
			}
		}
	}
}

// TestLearningOfAPortTargetIsUnsupported: start and retry have one reply for a
// generator on a port, the other learning routes another; --openperf has OpenPerf's.
func TestLearningOfAPortTargetIsUnsupported(t *testing.T) {
	for _, c := range []struct {
		name         string
		options      []option
		start, other int
	}{{"plain", nil, 409, 400}, {"openperf", []option{openPerf}, 204, 400}} {
		t.Run(c.name, func(t *testing.T) {
			a := newHarness(t, c.options...)
			a.post("/packet/generators", generatorBody("g", "0", silentHost)).want(201).is("learning", "unsupported")
			a.post("/packet/generators/g/learning/start", "").want(c.start)
			a.post("/packet/generators/g/learning/retry", "").want(c.start)
			a.post("/packet/generators/g/learning/stop", "").want(c.other)
			a.send("GET", "/packet/generators/g/learning", "").want(c.other)
			a.post("/packet/generators/g/start", "").want(201)
		})
	}
}

// TestLocationLeadsToTheResult: the Location header of a start leads to the result.
func TestLocationLeadsToTheResult(t *testing.T) {
	for _, prefix := range []string{"", "/packet"} {
		a := newHarness(t)
		for _, id := range []string{"a", "b"} {
			a.post(prefix+"/generators", generatorWith(id, "0", continuous, silentHost)).want(201)
		}
		for _, r := range []*answer{
			a.post(prefix+"/generators/a/start", "").want(201),
			a.post(prefix+"/generators/x/toggle", `{"replace":"a","with":"b"}`).want(201),
		} {
			a.get(r.header.Get("Location")).is("id", r.text("id"), "generator_id", r.text("generator_id"))
		}
	}
}
