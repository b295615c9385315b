package server

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
)

// wrongValues are values that hardly any member allows. send checks the wording of each
// reply.
var wrongValues = []string{
	`null`, `true`, `"x"`, `""`, `[]`, `[null]`, `{}`, `{"x":1}`, `-1`, `0`, `1.5`, `1e400`, `18446744073709551616`,
	`"300.1.1.1"`, `"198.18.0.0/99"`, `"fe80::1%eth0"`, `"02:00:00:00:00"`, `"2:0:0:0:0:zz"`, `"AAA"`, `["x","x"]`, `[[]]`,
}

// TestFaultsOfEveryMemberAreWordedForUsers sends each body that works with each member
// in turn replaced by each wrong value.
func TestFaultsOfEveryMemberAreWordedForUsers(t *testing.T) {
	for name, options := range map[string][]option{"strict": nil, "openperf": {openPerf}} {
		t.Run(name, func(t *testing.T) {
			a := newHarness(t, options...)
			sent, refused := 0, 0
			for _, operation := range operations() {
				method, pattern, _ := strings.Cut(operation, " ")
				for _, body := range templates[pattern[strings.LastIndexByte(pattern, '/'):]] {
					if method != "POST" || strings.HasPrefix(pattern, "/packet/") {
						continue // the same below it
					}
					for _, damaged := range damagedBodies(body) {
						sent++
						if r := a.post(strings.ReplaceAll(pattern, "{id}", "x"), damaged); r.status >= 500 {
							t.Errorf("%s: %d %s", r.what, r.status, r.body)
						} else if r.status >= 400 {
							refused++
						}
					}
				}
				a.reset()
			}
			if sent < 2000 || refused < sent/2 {
				t.Errorf("%d bodies were sent, %d were refused", sent, refused)
			}
		})
	}
}

// damagedBodies returns a body with each of its values replaced in turn, and some
// that are no JSON.
func damagedBodies(body string) []string {
	list := []string{body[:len(body)/2], body + "}", strings.Replace(body, ":", "", 1), strings.Replace(body, `"`, "'", 1), "{\"a\":\x01}"}
	var v any
	if err := json.Unmarshal([]byte(body), &v); err != nil {
		panic(err)
	}
	replaceEach(v, func(old any, put func(any)) {
		defer put(old)
		for _, wrong := range wrongValues {
			put(json.RawMessage(wrong))
			text, err := json.Marshal(v)
			if err != nil {
				panic(err)
			}
			list = append(list, string(text))
		}
	})
	return list
}

// replaceEach calls f for each value inside v, with a function that puts another
// value in its place.
func replaceEach(v any, f func(old any, put func(any))) {
	switch in := v.(type) {
	case map[string]any:
		for _, name := range slices.Sorted(maps.Keys(in)) {
			f(in[name], func(other any) { in[name] = other })
			replaceEach(in[name], f)
		}
	case []any:
		for n := range in {
			f(in[n], func(other any) { in[n] = other })
			replaceEach(in[n], f)
		}
	}
}

func TestFaultsOfQueryParametersAreWordedForUsers(t *testing.T) {
	a := newHarness(t)
	for _, rt := range routes() {
		if rt.pattern == "/events" {
			continue
		}
		for _, name := range append(slices.Clone(rt.query), "stranger") {
			for _, value := range []string{"", "x", "-1", "1e9", "99999999999999999999", "300.1.1.1", "fe80::1%25eth0", "%zz", "%00", "a&" + name + "=b"} {
				path := fmt.Sprintf("%s?%s=%s", strings.NewReplacer("{id}", "x", "{module}", "x").Replace(rt.pattern), name, value)
				if r := a.send(rt.method, path, ""); r.status >= 500 {
					t.Errorf("%s: %d", r.what, r.status)
				}
			}
		}
	}
	for _, id := range []string{"last_event_id", "type"} {
		for _, value := range []string{"x", "-", "1-", "99999999999999999999", "a-b"} {
			a.send("GET", "/events?"+id+"="+value, "").want(400)
		}
	}
}
