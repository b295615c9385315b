package program

import (
	"fmt"
	"runtime"
	"strings"
	"testing"

	"glean/generator/traffic"
	"glean/generator/traffic/traffictest"
)

func TestLimitsOnTheTarget(t *testing.T) {
	big := func(count int) string {
		return traffictest.Config(traffictest.PerMillisecond, traffictest.Definition(fmt.Sprintf(`{"ethernet":{}},{"ipv4":{},"modifiers":{"items":[{"name":"destination","permute":false,"ipv4":{"sequence":{"count":%d,"start":"1.0.0.0"}}}]}}`, count), "", ""))
	}
	for _, c := range []struct {
		raw     string
		binding Binding
		has     string
	}{
		{big(1<<20 + 1), onLink(), "1048577 destinations"},
		{strings.Replace(traffictest.Plain, "128", "1519", 1), Binding{MTU: 1500}, "1519"},
		{strings.Replace(traffictest.Plain, "128", "1518", 1), Binding{MTU: 1500}, ""},
		{big(1 << 31), Binding{}, ""},
	} {
		parsed, faults := traffic.ParseConfig([]byte(c.raw))
		if len(faults) > 0 {
			t.Fatal(faults)
		}
		_, faults = Compile(parsed, c.binding)
		if (c.has == "") != (len(faults) == 0) || !strings.Contains(faults.Error(), c.has) {
			t.Errorf("%s: %v", c.has, faults)
		}
	}
}

// TestSmallTextIsNotLargeMemory: short definitions that each stay below the
// limits are refused when they add up.
func TestSmallTextIsNotLargeMemory(t *testing.T) {
	many := func(protocols, extra string) string {
		def := traffictest.Definition(protocols, "", extra)
		return traffictest.Config(traffictest.PerMillisecond, strings.Repeat(def+",", 3000)+def)
	}
	ether := `{"ethernet":{}}`
	for name, c := range map[string]struct {
		raw string
		has string
	}{
		"mixes":        {many(ether, `,"length":{"imix":[{"length":64,"weight":32768},{"length":65,"weight":32768}]}`), "hold more than"},
		"sequences":    {many(ether, `,"length":{"sequence":{"count":65536,"start":64,"stop":64}}`), "hold more than"},
		"permutations": {many(`{"ethernet":{}},{"udp":{},"modifiers":{"items":[{"name":"source","permute":true,"field":{"sequence":{"count":65536,"start":0}}}]}}`, ""), "hold more than"},
		"signatures":   {many(`{"ethernet":{}},{"udp":{},"modifiers":{"items":[{"name":"source","permute":false,"field":{"sequence":{"count":65535,"start":0}}}]}}`, `,"length":{"fixed":100},"signature":{"stream_id":1,"latency":"start_of_frame"}`), "with a signature"},
		"lengths":      {many(ether, `,"length":{"random":{"min":64,"max":9216}}`), "lengths"},
		"destinations": {many(`{"ethernet":{}},{"ipv4":{},"modifiers":{"items":[{"name":"destination","permute":false,"ipv4":{"sequence":{"count":1048576,"start":"1.0.0.0"}}}]}}`, ""), "repeated ones included"},
		"values":       {`{"a":[` + strings.Repeat("1,", 2*traffic.MaxStoredValues+1) + `1]}`, "values"},
	} {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		parsed, faults := traffic.ParseConfig([]byte(c.raw))
		if parsed != nil {
			_, faults = Compile(parsed, onLink())
		}
		runtime.ReadMemStats(&after)
		if !strings.Contains(faults.Error(), c.has) {
			t.Errorf("%s: %.200v", name, faults)
		}
		if mb := (after.TotalAlloc - before.TotalAlloc) >> 20; mb > 512 {
			t.Errorf("%s: %d MB were allocated to say no", name, mb)
		}
	}
}
