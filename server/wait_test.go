package server

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"testing"
)

// impatient returns a generator whose destination never answers and whose learning takes
// an hour.
func impatient(id string) string {
	return generatorWith(id, "if-a", `"learning":{"timeout_ms":3600000},"duration":{"frames":1}`, silentHost)
}

// applied checks that the reply confirms the preference.
func (r *answer) applied(seconds int) *answer {
	r.t.Helper()
	if got := r.header.Get("Preference-Applied"); got != fmt.Sprintf("wait=%d", seconds) {
		r.t.Errorf("%s: Preference-Applied %q, want wait=%d", r.what, got, seconds)
	}
	return r
}

// A start that waits starts when learning has ended: alone, one of many, or in the place
// of another generator.
func TestStartWaitsForLearning(t *testing.T) {
	for _, c := range []struct {
		path, body string
		status     int
	}{
		{"/packet/generators/one/start", "", 201},
		{"/packet/generators/x/bulk-start", `{"ids":["of-port","one"]}`, 200},
		{"/packet/generators/x/toggle", `{"replace":"runs","with":"one"}`, 201},
	} {
		a := newHarness(t)
		a.post("/interfaces", ifaceA).want(201)
		a.post("/packet/generators", generatorWith("runs", "1", continuous, "198.18.0.11")).want(201)
		a.post("/packet/generators/runs/start", "").want(201)
		a.post("/packet/generators", generatorWith("of-port", "1", continuous, "198.18.0.11")).want(201)
		a.post("/packet/generators", generatorWith("one", "if-a", continuous, "198.18.0.11")).want(202)
		answers := make(chan *answer)
		go func() { answers <- a.post(c.path, c.body, "Prefer: wait=60") }()
		a.until(func() bool { return a.server.Engine.Waiting() == 1 })
		a.post("/interfaces", ifaceB).want(201)
		(<-answers).want(c.status).applied(60)
		a.get("/packet/generators/one").is("active", true, "learning", "resolved")
	}
	a := newHarness(t)
	a.post("/packet/generators/nothing/start", "", "Prefer: wait=20").want(404)
	a.post("/packet/generators/x/bulk-start", `{"ids":["nothing"]}`, "Prefer: wait=20").want(404)
}

// A start is refused when learning fails. When its time is over, the refusal names the
// preference that helps.
func TestStartThatHasWaitedIsRefused(t *testing.T) {
	a := newHarness(t).peers()
	a.post("/packet/generators", generatorWith("brief", "if-a", `"learning":{"timeout_ms":300},"duration":{"frames":1}`, silentHost)).want(202)
	detail := a.post("/packet/generators/brief/start", "", "Prefer: wait=60").want(409).applied(60).text("detail")
	if !strings.Contains(detail, "no_reply") || !strings.Contains(detail, "/learning/retry") {
		t.Errorf("detail %q", detail)
	}
	a.post("/packet/generators", impatient("long")).want(202)
	for _, headers := range [][]string{nil, {"Prefer: wait=0"}, {"Prefer: wait=1"}} {
		detail := a.post("/packet/generators/long/start", "", headers...).want(409).text("detail")
		if !strings.Contains(detail, `"Prefer: wait=60"`) || !strings.Contains(detail, "198.18.9.9") {
			t.Errorf("%q: detail %q", headers, detail)
		}
	}
}

// Replies with learning requests, their results and the results of generators wait for
// their end, if the client wants that.
func TestResultsWaitForTheirEnd(t *testing.T) {
	a := newHarness(t).peers()
	brief := func(id string) string {
		return `{"id":"` + id + `","interface_id":"if-a","addresses":["` + silentHost + `"],"timeout_ms":300}`
	}
	a.post("/learning", brief("made"), "Prefer: wait=60").want(202).applied(60).is("state", "timed_out")
	a.post("/learning", brief("shown")).want(202).is("state", "resolving")
	r := a.send("GET", "/learning/shown", "", "Prefer: wait=60").want(200).applied(60).is("state", "timed_out")
	a.post("/learning", brief("listed")).want(202)
	listed := a.get("/learning/listed").text("result_id")
	a.send("GET", "/packet/learning-results/"+listed, "", "Prefer: wait=60").want(200).applied(60).is("addresses.0.reason", "no_reply")
	a.send("GET", "/learning-results/"+r.text("result_id"), "", "Prefer: wait=60").want(200).is("state", "timed_out") // has ended

	a.post("/packet/generators", generatorWith("again", "if-a", `"learning":{"timeout_ms":300},"duration":{"frames":1}`, silentHost), "Prefer: wait=60").want(202)
	for _, call := range []string{"start", "retry"} {
		a.post("/packet/generators/again/learning/"+call, "", "Prefer: wait=60").want(204).applied(60)
		request := a.get("/packet/generators/again").is("learning", "timed_out").text("learning_id")
		a.get("/learning/"+request).is("timeout_ms", 300)
	}

	a.learned("run", "198.18.0.11")
	result := a.post("/packet/generators/run/start", "").want(201).text("id")
	for range 2 {
		a.send("GET", "/packet/generator-results/"+result, "", "Prefer: wait=60").want(200).applied(60).
			is("active", false, "flow_counters.packets_actual", 100)
	}
	a.send("GET", "/generator-results/nothing", "", "Prefer: wait=60").want(404)
}

// A client that waits and goes, and one whose time is over, leave no goroutine and no
// registration.
func TestAbandonedWaitsLeaveNothing(t *testing.T) {
	a := newHarness(t).peers()
	a.post("/packet/generators", impatient("long")).want(202)
	a.post("/packet/generators", generatorWith("run", "if-a", continuous, "198.18.0.11"), "Prefer: wait=20").want(201)
	before := goroutines(t)
	result := a.post("/packet/generators/run/start", "").want(201).text("id")
	for _, line := range []string{
		"POST /packet/generators/long/start", "GET /learning/" + a.get("/packet/generators/long").text("learning_id"),
		"GET /packet/generator-results/" + result,
	} {
		method, path, _ := strings.Cut(line, " ")
		ctx, leave := context.WithCancel(t.Context())
		r, err := http.NewRequestWithContext(ctx, method, a.http.URL+path, nil)
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Prefer", "wait=60")
		gone := make(chan error)
		go func() {
			_, err := a.http.Client().Do(r) //nolint:bodyclose // the request fails
			gone <- err
		}()
		a.until(func() bool { return a.server.Engine.Waiting() == 1 })
		leave()
		if err := <-gone; err == nil {
			t.Errorf("%s was answered", line)
		}
		a.until(func() bool { return a.server.Engine.Waiting() == 0 })
	}
	a.send("GET", "/packet/generator-results/"+result, "", "Prefer: wait=1").want(200).is("active", true)
	a.until(func() bool { return a.server.Engine.Waiting() == 0 })
	a.post("/packet/generators/run/stop", "").want(204)
	noMoreGoroutines(t, before)
}
