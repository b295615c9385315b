package server

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"pgregory.net/rapid"

	"glean/server/engine"
)

// TestRandomRequests sends sequences of requests made from the document, valid
// and damaged, with few ids that are used again and again. The document must allow each
// reply and each accepted request, no reply is a 5xx, and no goroutine is left.
func TestRandomRequests(t *testing.T) {
	a := newHarness(t, func(_ *Config, c *engine.Config) { c.Limits.Events = 64 })
	statuses := make(map[int]int)
	a.reset()
	before := goroutines(t)
	rapid.Check(t, func(rt *rapid.T) {
		a.t = rt
		defer a.reset()
		if rapid.Bool().Draw(rt, "peers") {
			a.peers()
		}
		for range 30 {
			method, path, body := randomRequest(rt)
			r := a.send(method, path, body)
			if r.status >= 500 {
				rt.Fatalf("%s: %d %s", r.what, r.status, r.body)
			}
			statuses[r.status]++
		}
	})
	a.t = t
	a.reset()
	noMoreGoroutines(t, before)
	for _, status := range []int{200, 201, 202, 204, 400, 404, 405, 409} {
		if statuses[status] == 0 {
			t.Errorf("no answer was a %d: the requests do not reach far enough (%v)", status, statuses)
		}
	}
}

// reset removes all that a sequence made.
func (a *harness) reset() {
	var list []struct{ ID string }
	_ = json.Unmarshal(a.get("/packet/generators").body, &list)
	for _, g := range list {
		a.delete("/packet/generators/" + g.ID + "?force=true").want(204)
	}
	_ = json.Unmarshal(a.get("/interfaces").body, &list)
	for _, i := range list {
		a.delete("/interfaces/" + i.ID).want(204)
	}
	_ = json.Unmarshal(a.get("/learning").body, &list)
	for _, r := range list {
		a.delete("/learning/" + r.ID).want(204) // cancels
	}
	for _, filter := range []string{"?kind=bond", ""} { // bonds hold their ports
		_ = json.Unmarshal(a.get("/ports"+filter).body, &list)
		for _, p := range list {
			if p.ID != "0" && p.ID != "1" {
				a.delete("/ports/" + p.ID).want(204)
			}
		}
	}
	for _, collection := range []string{"/learning", "/learning-results", "/packet/generator-results"} {
		a.delete(collection).want(204)
	}
	for _, collection := range []string{"/packet/generators", "/interfaces", "/learning", "/learning-results", "/packet/generator-results"} {
		if got := a.get(collection).at("").([]any); len(got) > 0 {
			a.t.Errorf("%s: %d are left after everything was removed: %v", collection, len(got), got)
		}
	}
}

// Words of random requests; few, so that requests concern the same resources.
var (
	someIDs   = []string{"if-a", "if-b", "gen-1", "gen-2", "lr-1", "0", "1", "x", "plan", "Bad_id", ""}
	someTexts = append([]string{"198.18.0.11", "198.18.0.10", "2001:db8::b", "02:00:00:00:00:0c", "203.0.113.9", "224.0.0.1", "all", "static",
		"seconds", "frames", "0x8100", "\u0000", "ä", strings.Repeat("long", 100)}, someIDs...)
	someNumbers = []string{"0", "1", "-1", "64", "100", "4095", "65536", "1e3", "1.5", "-0", "9223372036854775808", "1" + strings.Repeat("0", 400)}
)

// making are the operations that make resources.
var making = []string{
	"POST /interfaces", "POST /packet/generators", "POST /packet/generators/x/bulk-create", "POST /learning",
	"POST /packet/generators/{id}/start", "POST /packet/generators/{id}/learning/start",
}

// randomRequest draws an operation of the document, and now and then another
// method.
func randomRequest(t *rapid.T) (method, path, body string) {
	list := operations()
	if rapid.Bool().Draw(t, "making") {
		list = making
	}
	operation := rapid.SampledFrom(list).Draw(t, "operation")
	method, pattern, _ := strings.Cut(operation, " ")
	if pattern == "/events" { // it does not end
		return "GET", "/version", ""
	}
	if rapid.IntRange(0, 50).Draw(t, "other method") == 0 {
		method = rapid.SampledFrom([]string{"GET", "POST", "PUT", "PATCH", "DELETE"}).Draw(t, "method")
		if method == "GET" && strings.HasSuffix(pattern, "/events") {
			return "GET", "/version", ""
		}
	}
	path = pattern
	for _, parameter := range []string{"{id}", "{module}"} {
		path = strings.ReplaceAll(path, parameter, rapid.SampledFrom(someIDs[:10]).Draw(t, "id"))
	}
	item := apiDocument().Paths.Value(pattern)
	o := item.GetOperation(method)
	if o == nil {
		return method, path, ""
	}
	if query := randomQuery(t, o); query != "" {
		path += "?" + query
	}
	if o.RequestBody != nil {
		body = randomBody(t, pattern, o.RequestBody.Value.Content.Get("application/json").Schema)
	}
	return method, path, body
}

func randomQuery(t *rapid.T, o *openapi3.Operation) string {
	var list []string
	for _, p := range o.Parameters {
		if p.Value.In != "query" || !rapid.Bool().Draw(t, p.Value.Name) {
			continue
		}
		value := rapid.SampledFrom([]string{"if-a", "gen-1", "resolving", "reachable", "198.18.0.11", "1", "true", "", "x"}).Draw(t, "value")
		list = append(list, p.Value.Name+"="+value)
	}
	return strings.Join(list, "&")
}

// templates are bodies that work, by the last part of the path they are for.
var templates = map[string][]string{
	"/interfaces":  {ifaceA, ifaceB},
	"/generators":  {generatorBody("gen-1", "if-a", "198.18.0.11"), generatorBody("gen-2", "0", silentHost), generatorWith("gen-2", "if-a", continuous, silentHost, "198.18.1.1")},
	"/learning":    {`{"id":"lr-1","interface_id":"if-a","addresses":["198.18.0.11","198.18.9.9"],"timeout_ms":100}`, `{"generator_ids":["gen-1"],"mode":"unresolved"}`},
	"/ports":       {`{"id":"p","kind":"wire","config":{"wire":{"name":"w2"}}}`, `{"id":"x","kind":"bond","config":{"bond":{"mode":"lag_802_3_ad","ports":["0","1"]}}}`},
	"/bulk-create": {`{"items":[` + ifaceA + `,` + ifaceB + `]}`, `{"items":[` + generatorBody("gen-1", "if-a", "198.18.0.11") + `]}`},
	"/bulk-delete": {`{"ids":["if-a","gen-1"]}`},
	"/bulk-start":  {`{"ids":["gen-1","gen-2"]}`},
	"/bulk-stop":   {`{"ids":["gen-1","gen-2"]}`},
	"/toggle":      {`{"replace":"gen-1","with":"gen-2"}`},
}

// randomBody returns a valid body, or one made from the schema, and often damages it.
func randomBody(t *rapid.T, pattern string, schema *openapi3.SchemaRef) string {
	list := templates[pattern[strings.LastIndexByte(pattern, '/'):]]
	var v any
	if len(list) > 0 && rapid.IntRange(0, 9).Draw(t, "from") < 8 {
		if err := json.Unmarshal([]byte(rapid.SampledFrom(list).Draw(t, "template")), &v); err != nil {
			panic(err)
		}
	} else {
		v = fromSchema(t, schema, "", 0)
	}
	for range rapid.SampledFrom([]int{0, 0, 0, 1, 1, 2}).Draw(t, "damages") {
		v = damage(t, v)
	}
	text, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	if rapid.IntRange(0, 40).Draw(t, "cut") == 0 {
		text = text[:rapid.IntRange(0, len(text)).Draw(t, "at")]
	}
	return string(text)
}

// damage changes one value somewhere inside v.
func damage(t *rapid.T, v any) any {
	switch in := v.(type) {
	case map[string]any:
		if names := slices.Sorted(maps.Keys(in)); len(names) > 0 {
			name := rapid.SampledFrom(names).Draw(t, "member")
			switch rapid.IntRange(0, 9).Draw(t, "damage") {
			case 0:
				delete(in, name)
			case 1:
				in[stranger] = in[name]
			default:
				in[name] = damage(t, in[name])
			}
			return in
		}
	case []any:
		if len(in) > 0 {
			i := rapid.IntRange(0, len(in)-1).Draw(t, "item")
			if rapid.IntRange(0, 5).Draw(t, "double") == 0 {
				return append(in, in[i])
			}
			in[i] = damage(t, in[i])
			return in
		}
	}
	return junk(t)
}

func junk(t *rapid.T) any {
	return rapid.OneOf(
		rapid.Just[any](nil), rapid.Just[any](true), rapid.Just[any]([]any{}), rapid.Just[any](map[string]any{}),
		rapid.Map(rapid.SampledFrom(someTexts), func(s string) any { return s }),
		rapid.Map(rapid.SampledFrom(someNumbers), func(s string) any { return json.Number(s) }),
	).Draw(t, "junk")
}

// fromSchema makes a value that a schema allows in most cases.
func fromSchema(t *rapid.T, ref *openapi3.SchemaRef, name string, depth int) any {
	s := ref.Value
	if depth > 8 || s.Nullable && rapid.IntRange(0, 5).Draw(t, "null") == 0 {
		return nil
	}
	if len(s.Enum) > 0 {
		return rapid.SampledFrom(s.Enum).Draw(t, name)
	}
	switch {
	case s.Type.Is("object"):
		v := make(map[string]any)
		for _, member := range slices.Sorted(maps.Keys(s.Properties)) {
			if slices.Contains(s.Required, member) || rapid.IntRange(0, 2).Draw(t, "has "+member) == 0 {
				v[member] = fromSchema(t, s.Properties[member], member, depth+1)
			}
		}
		return v
	case s.Type.Is("array"):
		v := []any{}
		for i := range rapid.IntRange(0, 2).Draw(t, "items") {
			v = append(v, fromSchema(t, s.Items, fmt.Sprint(name, i), depth+1))
		}
		return v
	case s.Type.Is("integer"):
		return json.Number(rapid.SampledFrom([]string{"1", "0", "64", "100", "1000"}).Draw(t, name))
	case s.Type.Is("boolean"):
		return rapid.Bool().Draw(t, name)
	}
	return rapid.SampledFrom(someTexts).Draw(t, name)
}
