package server

import (
	"net/http"
	"slices"
	"strings"
	"testing"
)

// TestOtherMethodsAreNotAllowed requests every path with every method that it does not
// have.
func TestOtherMethodsAreNotAllowed(t *testing.T) {
	a := newHarness(t)
	methods := make(map[string][]string)
	for _, rt := range routes() {
		for _, prefix := range rt.prefixes() {
			pattern := prefix + rt.pattern
			methods[pattern] = append(methods[pattern], rt.method)
		}
	}
	for pattern, allowed := range methods {
		path := strings.NewReplacer("{id}", "nothing", "{module}", "nothing").Replace(pattern)
		slices.Sort(allowed)
		want := strings.Join(allowed, ", ")
		for _, method := range []string{"GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "PROPFIND"} {
			if slices.Contains(allowed, method) {
				continue
			}
			r := a.send(method, path, "").want(405)
			if got := r.header.Get("Allow"); got != want {
				t.Errorf("%s %s: Allow is %q, want %q", method, path, got, want)
			}
		}
	}
}

// TestMethodsOfOpenPerfAreAllowed has the methods that OpenPerf's clients check.
func TestMethodsOfOpenPerfAreAllowed(t *testing.T) {
	a := newHarness(t)
	for path, want := range map[string]string{
		"/ports":                     "GET, POST",
		"/ports/0":                   "DELETE, GET, PUT",
		"/interfaces":                "GET, POST",
		"/interfaces/foo":            "DELETE, GET",
		"/interfaces/x":              "DELETE, GET",
		"/interfaces/x/bulk-create":  "POST",
		"/interfaces/x/bulk-delete":  "POST",
		"/stacks":                    "GET",
		"/stacks/stack0":             "GET",
		"/modules":                   "GET",
		"/modules/packetio":          "GET",
		"/packet/generators":         "DELETE, GET, POST",
		"/packet/generator-results":  "DELETE, GET",
		"/packet//generator-results": "DELETE, GET",
		"/learning/plan":             "GET",
		"/learning/x":                "DELETE, GET",
	} {
		if got := a.send("PATCH", path, "").want(405).header.Get("Allow"); got != want {
			t.Errorf("%s: Allow is %q, want %q", path, got, want)
		}
	}
}

func TestUnknownPathsAreNotFound(t *testing.T) {
	a := newHarness(t)
	for _, path := range []string{
		"/nothing", "/packet", "/packet/", "/ports/", "/ports/0/", "/interfaces/x/bulk-nothing", "/interfaces/y/bulk-create",
		"/packet/ports", "/packet/generators/g/nothing", "/packet/generators/g/learning/nothing", "/packet/generators/g/start/x",
		"/generators/x/bulk-create/x", "/%2e%2e/ports", "/learning/a/b",
	} {
		r := a.send("GET", path, "").want(404)
		if detail, _ := r.at("detail").(string); detail == "" {
			t.Errorf("%s: no detail: %s", path, r.body)
		}
	}
}

func TestBadIDsInPathsAreNotFound(t *testing.T) {
	a := newHarness(t)
	for _, path := range []string{"/interfaces/", "/packet/generators/", "/generator-results/", "/learning/", "/learning-results/", "/ports/"} {
		for _, id := range []string{"A", "a_b", "a:b", "%20", "%C3%A4"} {
			a.send("GET", path+id, "").want(404)
			a.send("DELETE", path+id, "").want(404)
		}
	}
	a.send("GET", "/modules/Bad_Id", "").want(400)
	a.send("GET", "/modules/a.b", "").want(404)
}

// TestHeadHasNoBody: HEAD is allowed wherever GET is, and its reply has no body.
func TestHeadHasNoBody(t *testing.T) {
	a := newHarness(t)
	for _, path := range []string{"/ports", "/version", "/ports/0", "/events", "/metrics"} {
		if r := a.send("HEAD", path, ""); r.status != http.StatusOK || len(r.body) > 0 {
			t.Errorf("HEAD %s: %d %q", path, r.status, r.body)
		}
	}
}

// TestDoubledSlashesAreIgnored: OpenPerf's scripts send them.
func TestDoubledSlashesAreIgnored(t *testing.T) {
	a := newHarness(t).peers()
	for _, path := range []string{"//ports", "/interfaces//if-a", "///interfaces///if-a", "/packet//generators", "//packet//generator-results"} {
		a.get(path)
	}
	a.send("GET", "/packet/generator-results//12345", "").want(404)
}

// TestLiteralSegmentsComeBeforeParameters: x is a valid id, and also the segment of bulk
// requests.
func TestLiteralSegmentsComeBeforeParameters(t *testing.T) {
	a := newHarness(t)
	a.post("/interfaces", strings.Replace(ifaceA, `"if-a"`, `"x"`, 1)).want(201)
	a.get("/interfaces/x").is("id", "x")
	a.post("/packet/generators", generatorBody("x", "0", "198.18.0.11")).want(201)
	a.post("/packet/generators/x/start", "").want(201)
	a.post("/packet/generators/x/stop", "").want(204)
	a.post("/packet/generators/x/bulk-stop", `{"ids":["x"]}`).want(204)
}
