package server

import (
	"strings"
	"testing"
)

// Bodies of a configuration file are read as those of clients, and a member that is given
// twice is a fault, too.
func TestConfiguredBodiesAreReadAsPosted(t *testing.T) {
	a := newHarness(t)
	const config = `"config":{"protocols":[{"eth":{"mac_address":"02:00:00:00:00:0a"}}]}`
	for _, c := range []struct{ path, body, fault string }{
		{"/interfaces/a", `{"port_id":"0",` + config + `}`, ""},
		{"/interfaces/b", ` {"id":"b","port_id":"0",` + config + `}`, ""},
		{"/ports/p", `{"kind":"wire","config":{"wire":{"name":"w9"}}}`, ""},
		{"/interfaces/a", `{"port_id":"0",` + config + `}`, "exists"},
		{"/interfaces/c", `{"id":"d","port_id":"0",` + config + `}`, `the path says "c"`},
		{"/interfaces/c", `{"port_id":"0","port_id":"1",` + config + `}`, "port_id: "},
		{"/interfaces/c", `{"id":"c","id":"c","port_id":"0",` + config + `}`, "id: "},
		{"/interfaces/c", `{}`, "port_id: is required"},
		{"/interfaces/c", `null`, "port_id: is required"},
		{"/interfaces/c", `[]`, "must be a map"},
		{"/interfaces/C", `{"port_id":"0",` + config + `}`, "404"},
		{"/interfaces/", `{}`, "/collection/id"},
		{"/a", `{}`, "/collection/id"},
		{"/nosuch/a", `{}`, "404"},
	} {
		err := a.server.Apply(t.Context(), c.path, []byte(c.body))
		if c.fault == "" && err != nil || c.fault != "" && (err == nil || !strings.Contains(err.Error(), c.fault)) {
			t.Errorf("%s %s: %v, want %q", c.path, c.body, err, c.fault)
		}
	}
	if got := a.get("/interfaces").ids() + "," + a.get("/ports").ids(); got != "a b,0 1 p" {
		t.Errorf("made %q", got)
	}
}
