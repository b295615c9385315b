package engine_test

import (
	"errors"
	"strings"
	"testing"

	"glean/server/bodies"
	"glean/server/engine"
)

// TestConfigFaultsNameTheMember: a fault that the stack finds names the member of the body.
func TestConfigFaultsNameTheMember(t *testing.T) {
	n := newNetwork(t, 1)
	n.addInterface("if-0", 0, v4("198.18.0.10", 24, ""), "")
	n.addInterface("service", 0, `,{"vlan":{"id":100,"tpid":"0x88a8"}},{"vlan":{"id":7}}`+v4("198.18.0.10", 24, ""), "")
	for _, c := range []struct{ name, protocols, neighbor, path, words string }{
		{"range of groups", v4("198.18.0.20", 24, ""), `"respond_for":["224.0.0.0/4"]`, "config.neighbor.respond_for", "224.0.0.0/4"},
		{"static loopback", v4("198.18.0.20", 24, ""), `"static":[{"ip_address":"::1","mac_address":"02:00:00:00:00:01"}]`, "config.neighbor.static", "::1"},
		{"static broadcast", v4("198.18.0.20", 24, ""), `"static":[{"ip_address":"198.18.0.255","mac_address":"02:00:00:00:00:01"}]`, "config.neighbor.static", "198.18.0.255"},
		{"too many static", v4("198.18.0.20", 24, ""),
			`"max_entries":1,"static":[{"ip_address":"198.18.0.1","mac_address":"02:00:00:00:00:01"},{"ip_address":"198.18.0.2","mac_address":"02:00:00:00:00:01"}]`,
			"config.neighbor.static", "must be at most 1 neighbors"},
		{"taken address", v4("198.18.0.10", 24, ""), "", "config.protocols", "198.18.0.10 is in use in this vlan of the port; see interface \"if-0\""},
		{"other TPIDs", `,{"vlan":{"id":100}},{"vlan":{"id":7}}` + v4("198.18.0.20", 24, ""), "", "config.protocols",
			"vlan: tag 100 has tpid 0x88a8 on this port; it cannot have tpid 0x8100 as well; see interface \"service\""},
		{"table beyond all bounds", v4("198.18.0.20", 24, ""), `"max_entries":16777215`, "config.neighbor.max_entries", "16777214"},
	} {
		body := `{"id":"if-1","port_id":"0","config":{"protocols":[{"eth":{"mac_address":"02:00:00:00:00:b0"}}` + c.protocols + `],"neighbor":{` + c.neighbor + `}}}`
		spec, err := bodies.Strict.Interface([]byte(body))
		if err == nil {
			_, err = n.CreateInterface(spec)
		}
		var e *engine.Error
		if !errors.As(err, &e) || len(e.Faults) != 1 || e.Faults[0].Path != c.path ||
			!strings.Contains(strings.ToLower(e.Faults[0].Detail), c.words) {
			t.Errorf("%s: %v %+v", c.name, err, e)
		}
	}
}

func TestIDsAreShort(t *testing.T) {
	if long := strings.Repeat("a", 255); !engine.ValidID(long) || engine.ValidID(long+"a") || engine.ValidID("") {
		t.Error("ids of 1 to 255 characters")
	}
}
