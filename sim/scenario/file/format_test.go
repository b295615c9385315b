package file

import (
	"bytes"
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"

	"glean/internal/document"
)

// everything is a file that has every map that there can be.
const everything = `name: everything
topology:
  switches: [lan, wan, {name: edge}]
  trunks: [{between: [lan, wan]}]
  routers:
    - {name: r, ports: [{on: lan, ipv4: 10.0.0.254/24}], routes: [{to: 10.2.0.0/16, via: 10.0.0.1}]}
  virtual_routers: [{name: v, on: lan, routers: [r], ipv4: 10.0.0.253/24}]
  hosts: [{name: h, on: lan, ipv4: 10.0.0.0/24}]
  odd_hosts: [{name: o, on: lan, number: 9, ipv6: "2001:db8::9"}]
  farms: [{name: f, on: lan, hosts: 3}]
  ports: [{id: "0", on: lan}]
  faults: [{wires: h, rules: [{burst: {good_to_bad: 1%, bad_to_good: 1%}}]}]
timeline:
  - {at: 1s, partition: {wires: h}}
  - {at: 1s, mend: {wires: h}}
  - {at: 1s, faults: [{wires: h, rules: [{burst: {good_to_bad: 1%, bad_to_good: 1%}}]}]}
  - {at: 1s, claim: {host: h, address: 10.0.0.7}}
  - {at: 1s, move: {host: h, to: wan}}
  - {at: 1s, change_mac: {host: h}}
  - {at: 1s, failover: {virtual_router: v, to: r}}
expect: {learning: completed}
`

var itemPath = regexp.MustCompile(`\[\d+\](\([^)]*\))?`)

// TestFormatIsWhatTheReaderTakes: every map that is read is described with the same
// members, and every one that is described is read.
func TestFormatIsWhatTheReaderTakes(t *testing.T) {
	read := make(map[string]bool)
	r := &reader{file: "all", budget: maxNodes}
	r.visit = func(path string, known []string) {
		path = itemPath.ReplaceAllString(path, "[]")
		if read[path] {
			return
		}
		read[path] = true
		described := Format().At(path)
		if described == nil || described.Type != document.TypeObject {
			if path != "topology.switches[]" {
				t.Errorf("%s is read, but not described", path)
			}
			return
		}
		if names := slices.Sorted(slices.Values(described.Names())); !slices.Equal(names, known) {
			t.Errorf("%s: described are %q, read %q", path, names, known)
		}
	}
	if _, err := r.load([]byte(everything)); err != nil {
		t.Fatal(err)
	}
	var look func(path string, s *document.Schema)
	look = func(path string, s *document.Schema) {
		if s.Type == document.TypeObject && s.Keyed == nil && !read[path] {
			t.Errorf("%s is described, but the file above does not have it", path)
		}
		for _, m := range s.Members {
			look(strings.TrimPrefix(path+"."+m.Name, "."), m.Schema)
		}
		if s.Items != nil {
			look(path+"[]", s.Items)
		}
	}
	look("", Format())
	if described, there := slices.Sorted(maps.Keys(aboutActions)), sorted(actions); !slices.Equal(described, there) {
		t.Errorf("steps: described are %q, there are %q", described, there)
	}
}

// TestFormatRequiresWhatTheReaderRequires leaves required members out, one by one.
func TestFormatRequiresWhatTheReaderRequires(t *testing.T) {
	for _, c := range []struct{ path, missing, text string }{
		{"topology.hosts[]", "on", "hosts: [{name: h}]"},
		{"topology.hosts[]", "name", "hosts: [{on: lan}]"},
		{"topology.farms[]", "hosts", "farms: [{name: f, on: lan}]"},
		{"topology.odd_hosts[]", "number", "odd_hosts: [{name: f, on: lan, ipv6: \"::1\"}]"},
		{"topology.routers[]", "ports", "routers: [{name: r}]"},
		{"topology.virtual_routers[]", "routers", "virtual_routers: [{name: r, on: lan}]"},
	} {
		if m := Format().At(c.path).Find(c.missing); m == nil || !m.Required {
			t.Errorf("%s.%s is not described as required", c.path, c.missing)
		}
		_, err := Load("f", []byte("name: x\ntopology:\n  switches: [lan]\n  ports: []\n  "+c.text))
		if err == nil || !strings.Contains(err.Error(), `"`+c.missing+`" is required`) {
			t.Errorf("%s: %v", c.text, err)
		}
	}
}

// TestFormatPrints: every member has its line.
func TestFormatPrintsEveryMember(t *testing.T) {
	var out bytes.Buffer
	if err := Format().Print(&out, func(*document.Schema) string { return "" }); err != nil {
		t.Fatal(err)
	}
	for _, part := range []string{"\n  topology ", "\n      inner_vlan", "\n    failover", "\n    at ", "1 to 4094"} {
		if !strings.Contains(out.String(), part) {
			t.Errorf("%q is missing:\n%s", part, &out)
		}
	}
}
