package program

import (
	"strings"
	"testing"

	"glean/generator/traffic"
	"glean/generator/traffic/traffictest"
	"glean/stack/header"
)

// compileFaults returns the faults of a configuration on a target.
func compileFaults(t *testing.T, raw string, b Binding, cut bool) string {
	t.Helper()
	c, faults := traffic.ParseConfig([]byte(raw))
	if len(faults) > 0 {
		t.Fatalf("%v\n%s", faults, raw)
	}
	c.CutHeaders = cut
	_, faults = Compile(c, b)
	return faults.Error()
}

// A length that is too short for the headers is refused, whatever kind of length
// it is, and the fault names the least one. OpenPerf cuts such headers.
func TestLengthMustFitTheHeaders(t *testing.T) {
	tcp6 := `{"ethernet":{}},{"ipv6":{"destination":"2001:db8::2"}},{"tcp":{}}` // 14 + 40 + 20 + 4 = 78
	for _, c := range []struct{ length, tooShort string }{
		{`{"fixed":77}`, "77"},
		{`{"list":[1518,64,78]}`, "64"},
		{`{"sequence":{"count":3,"start":90,"stop":66}}`, "74"},
		{`{"imix":[{"length":64,"weight":1},{"length":570,"weight":9}]}`, "64"},
		{`{"random":{"min":70,"max":100}}`, "70"},
		{`{"fixed":78}`, ""}, {`{"list":[78,90]}`, ""}, {`{"random":{"min":78,"max":100}}`, ""},
		{`{"imix":[{"length":78,"weight":1},{"length":570,"weight":9}]}`, ""},
	} {
		raw := traffictest.Config(traffictest.PerMillisecond, traffictest.Definition(tcp6, "", `,"length":`+c.length))
		want := ""
		if c.tooShort != "" {
			want = "config.traffic[0].length: a frame of " + c.tooShort + " octets is too short for its headers, which need at least 78 with the FCS"
		}
		for name, b := range map[string]Binding{"interface": onLink(), "port": {}} {
			if got := compileFaults(t, raw, b, false); got != want {
				t.Errorf("%s on a %s: %q, want %q", c.length, name, got, want)
			}
			if got := compileFaults(t, raw, b, true); got != "" {
				t.Errorf("%s on a %s with headers that may be cut: %q", c.length, name, got)
			}
		}
	}
}

// The interface's tags count, and so does what a custom header holds.
func TestLeastLengthCountsTagsAndCustomHeaders(t *testing.T) {
	b := onLink()
	b.Tags = []header.VLAN{{TPID: header.EtherTypeQinQ, ID: 100}, {ID: 200}}
	custom := `{"ethernet":{}},{"custom":{"data":"` + strings.Repeat("AAAA", 17) + `","layer":"payload"}}` // 14 + 8 + 51 + 4
	for protocols, want := range map[string]string{
		`{"ethernet":{}},{"ipv6":{"destination":"2001:db8::2"}},{"tcp":{}}`:                                         "at least 86 with the FCS and 2 VLAN tags of the interface",
		`{"ethernet":{}},{"vlan":{"id":100}},{"vlan":{"id":200}},{"ipv6":{"destination":"2001:db8::2"}},{"tcp":{}}`: "at least 86 with the FCS",
		custom: "at least 77 with the FCS and 2 VLAN tags of the interface",
	} {
		got := compileFaults(t, traffictest.Config(traffictest.PerMillisecond, traffictest.Definition(protocols, "", `,"length":{"fixed":64}`)), b, false)
		if !strings.HasSuffix(got, want) {
			t.Errorf("%s: %q, want %q", protocols, got, want)
		}
	}
}

// With `on_unresolved: fallback` each flow that is learned for needs another MAC:
// fallback_mac, or the template's, every one of its values.
func TestFallbackNeedsAMAC(t *testing.T) {
	udp4 := func(ethernet, destination string) string {
		return ethernet + `,{"ipv4":{"destination":"` + destination + `"}},{"udp":{}}`
	}
	list := func(macs string) string {
		return `{"ethernet":{},"modifiers":{"items":[{"name":"destination","permute":false,"mac":{"list":[` + macs + `]}}]}}`
	}
	bare, given := `{"ethernet":{}}`, `{"ethernet":{"destination":"02:dd:00:00:00:01"}}`
	for _, c := range []struct {
		name, protocols, learning string
		right                     bool
	}{
		{"nothing", udp4(bare, "198.18.0.77"), ``, false},
		{"a zero template", udp4(`{"ethernet":{"destination":"00:00:00:00:00:00"}}`, "198.18.0.77"), ``, false},
		{"a zero among the template's", udp4(list(`"02:dd:00:00:00:01","00:00:00:00:00:00"`), "198.18.0.77"), ``, false},
		{"nothing, with MACs that are configured", udp4(bare, "198.18.0.77"), `,"destination_mac":"configured"`, false},
		{"a list of MACs", udp4(list(`"02:dd:00:00:00:01","02:dd:00:00:00:02"`), "198.18.0.77"), ``, true},
		{"the template's", udp4(given, "198.18.0.77"), ``, true},
		{"fallback_mac", udp4(bare, "198.18.0.77"), `,"fallback_mac":"02:ee:00:00:00:01"`, true},
		{"a group, which has its MAC by rule", udp4(bare, "239.1.2.3"), ``, true},
		{"no IP header, so nothing to learn", `{"ethernet":{}}`, ``, true},
	} {
		raw := strings.Replace(traffictest.Config(traffictest.PerMillisecond, traffictest.Definition(c.protocols, "", "")), `"traffic"`, `"learning":{"on_unresolved":"fallback"`+c.learning+`},"traffic"`, 1)
		got := compileFaults(t, raw, onLink(), false)
		if c.right != (got == "") || !c.right && !strings.HasPrefix(got, "config.learning.on_unresolved: ") {
			t.Errorf("%s: %q", c.name, got)
		}
		if got := compileFaults(t, raw, Binding{}, false); got != "" {
			t.Errorf("%s, on a port: %q", c.name, got)
		}
	}
	two := strings.Replace(traffictest.Config(traffictest.PerMillisecond, traffictest.Definition(udp4(given, "198.18.0.77"), "", "")+","+traffictest.Definition(udp4(bare, "198.18.0.78"), "", "")),
		`"traffic"`, `"learning":{"on_unresolved":"fallback"},"traffic"`, 1)
	if got := compileFaults(t, two, onLink(), false); !strings.Contains(got, "config.traffic[1]") {
		t.Errorf("the second definition has no MAC: %q", got)
	}
}
