// Package traffictest writes generator configurations for tests.
package traffictest

import (
	"fmt"
	"strings"
)

// PerMillisecond is a load of one frame each millisecond.
const PerMillisecond = `{"rate":{"value":1000,"period":"seconds"},"units":"frames"}`

// FallbackTo is a policy as it stands between quotes, with its MAC.
const FallbackTo = `fallback","fallback_mac":"02:ee:00:00:00:01`

// Plain is a configuration of one flow of UDP to 198.18.0.2.
const Plain = `{"duration":{"continuous":true},"load":{"rate":{"value":10,"period":"second"},"units":"frames"},"traffic":[{"length":{"fixed":128},"packet":{"protocols":[
	{"ethernet":{}},{"ipv4":{"destination":"198.18.0.2"}},{"udp":{}}]}}]}`

// Config returns a configuration with one traffic definition or more.
func Config(load, traffic string) string {
	return fmt.Sprintf(`{"duration":{"continuous":true},"load":%s,"order":"round-robin","traffic":[%s]}`, load, traffic)
}

// Definition returns a traffic definition of 128 octets, or as extra says.
func Definition(protocols, tie, extra string) string {
	if tie != "" {
		tie = `,"modifier_tie":"` + tie + `"`
	}
	if extra == "" {
		extra = `,"length":{"fixed":128}`
	}
	return `{"packet":{"protocols":[` + protocols + `]` + tie + `}` + extra + `}`
}

// Items returns the member "modifiers" of a protocol.
func Items(tie string, modifiers ...string) string {
	return `"modifiers":{"tie":"` + tie + `","items":[` + strings.Join(modifiers, ",") + `]}`
}

// Sequence returns a modifier that gives a field count values from start on.
func Sequence(name, kind, start string, count int) string {
	if kind != "field" {
		start = `"` + start + `"`
	}
	return fmt.Sprintf(`{"name":%q,"permute":false,"%s":{"sequence":{"count":%d,"start":%s}}}`, name, kind, count, start)
}

// OneFlow returns a configuration of one flow to 198.18.0.10.
func OneFlow(load, duration, learning string) string {
	return FlowsTo(1, load, duration, learning)
}

// FlowsTo returns a configuration of n flows, to 198.18.0.10 and the addresses
// after it.
func FlowsTo(n int, load, duration, learning string) string {
	if learning != "" {
		learning = `,"learning":` + learning
	}
	return fmt.Sprintf(`{"duration":%s,"load":%s%s,"traffic":[{"length":{"fixed":100},"packet":{"protocols":[{"ethernet":{}},
		{"ipv4":{},"modifiers":{"items":[{"name":"destination","permute":false,"ipv4":{"sequence":{"count":%d,"start":"198.18.0.10"}}}]}},{"udp":{}}]}}]}`,
		duration, load, learning, n)
}
