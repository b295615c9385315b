package bodies

import (
	"fmt"
	"runtime"
	"strings"
	"testing"
)

// TestEstimateIsWhatReadingAllocates: the estimate for a body is what reading it
// allocates, to a factor of two: the collector decides how much of that is garbage
// early.
func TestEstimateIsWhatReadingAllocates(t *testing.T) {
	list := func(n int, item func(i int) string) string {
		items := make([]string, n)
		for i := range items {
			items[i] = item(i)
		}
		return strings.Join(items, ",")
	}
	generator := func(protocols string) string {
		return `{"target_id":"a","config":{"duration":{"frames":1},"load":{"rate":{"value":1,"period":"seconds"},"units":"frames"},"traffic":[{"length":{"fixed":128},"packet":{"protocols":[` + protocols + `]}}]}}`
	}
	numbers := func(values string) string {
		return generator(`{"ethernet":{}},{"ipv4":{}},{"udp":{},"modifiers":{"items":[{"name":"source","permute":false,"field":{"list":[` + values + `]}}]}}`)
	}
	ip := func(i int) string { return fmt.Sprintf(`"10.%d.%d.%d"`, i>>16, i>>8&255, i&255) }
	ip6 := func(i int) string { return fmt.Sprintf(`"2001:db8:1:2:3::%x:%x"`, i>>16, i&0xffff) }
	for _, c := range []struct {
		name, body string
		parse      func([]byte) (any, error)
	}{
		{"numbers", numbers(list(1<<20, func(int) string { return "7" })), func(b []byte) (any, error) { return Strict.Generator(b) }},
		{"addresses", generator(`{"ethernet":{}},{"ipv4":{},"modifiers":{"items":[{"name":"destination","permute":false,"ipv4":{"list":[` + list(300_000, ip) + `]}}]}}`), func(b []byte) (any, error) { return Strict.Generator(b) }},
		{"IPv6 addresses", generator(`{"ethernet":{}},{"ipv6":{},"modifiers":{"items":[{"name":"destination","permute":false,"ipv6":{"list":[` + list(200_000, ip6) + `]}}]}}`), func(b []byte) (any, error) { return Strict.Generator(b) }},
		{"generators", `{"items":[` + list(5000, func(int) string { return numbers("1,2,3") }) + `]}`, func(b []byte) (any, error) { return Strict.Generators(b) }},
		{"a learning request", `{"interface_id":"a","addresses":[` + list(500_000, ip) + `]}`, func(b []byte) (any, error) { return Learning(b) }},
		{"objects where numbers belong", numbers(list(500_000, func(int) string { return "{}" })), func(b []byte) (any, error) { return Strict.Generator(b) }},
		{"lists where addresses belong", `{"interface_id":"a","addresses":[` + list(500_000, func(int) string { return "[]" }) + `]}`, func(b []byte) (any, error) { return Learning(b) }},
	} {
		raw := []byte(c.body)
		var before, after runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&before)
		v, err := c.parse(raw)
		runtime.ReadMemStats(&after)
		runtime.KeepAlive(v)
		took := int64(after.TotalAlloc - before.TotalAlloc)
		estimate := Estimate(raw)
		t.Logf("%s: %d octets take %d, estimated %d (%.40v)", c.name, len(raw), took, estimate, err)
		if estimate > 2*took && err == nil || took > 2*estimate { // a faulty body may end sooner
			t.Errorf("%s: %d octets take %d, which is estimated as %d", c.name, len(raw), took, estimate)
		}
	}
}
