package program

import (
	"fmt"
	"net/netip"
	"runtime"
	"strings"
	"testing"

	"glean/generator/traffic"
	"glean/generator/traffic/traffictest"
)

// heapOf is what n calls of f leave in the heap for each call.
func heapOf[T any](n int, f func() T) (octets float64, last T) {
	kept := make([]T, n)
	before := liveHeap()
	for i := range kept {
		kept[i] = f()
	}
	octets = float64(liveHeap()-before) / float64(n)
	last = kept[n-1]
	runtime.KeepAlive(kept)
	return octets, last
}

func liveHeap() int64 {
	runtime.GC()
	runtime.GC()
	var s runtime.MemStats
	runtime.ReadMemStats(&s)
	return int64(s.HeapAlloc)
}

// within reports whether a figure is right to a factor of 1.5.
func within(figure int64, measured float64) bool {
	return float64(figure) < 1.5*measured && float64(figure) > measured/1.5
}

func numbers(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, "%d,", i%65536)
	}
	return strings.TrimSuffix(b.String(), ",")
}

func addresses(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, `"198.18.%d.%d",`, i*7%65536>>8, i*7&255)
	}
	return strings.TrimSuffix(b.String(), ",")
}

// sizeCases are configurations of the shapes that take memory.
func sizeCases() map[string]string {
	to := func(values string) string {
		return `{"ethernet":{}},{"ipv4":{"destination":"198.18.0.10"},"modifiers":{"items":[{"name":"destination","permute":false,"ipv4":` + values + `}]}}`
	}
	six := `{"ethernet":{}},{"ipv6":{"destination":"2001:db8::9"},"modifiers":{"items":[{"name":"destination","permute":false,"ipv6":{"sequence":{"count":60000,"start":"2001:db8::100"}}}]}}`
	ports := func(values string) string {
		return `{"ethernet":{}},{"ipv4":{"destination":"198.18.0.10"}},{"udp":{},"modifiers":{"items":[{"name":"source","permute":false,"field":` + values + `}]}}`
	}
	var many []string
	for i := range 300 {
		many = append(many, traffictest.Definition(to(fmt.Sprintf(`{"sequence":{"count":3,"start":"198.18.1.%d"}}`, i%200)), "", ""))
	}
	one := func(protocols, extra string) string {
		return traffictest.Config(traffictest.PerMillisecond, traffictest.Definition(protocols, "", extra))
	}
	return map[string]string{
		"smallest":                     one(`{"ethernet":{}}`, ""),
		"one destination":              one(to(`{"list":["198.18.0.9"]}`), ""),
		"sequence of 60,000":           one(to(`{"sequence":{"count":60000,"start":"198.18.0.10"}}`), ""),
		"behind a gateway":             one(to(`{"sequence":{"count":500000,"start":"10.0.0.0"}}`), ""),
		"list of 20,000":               one(to(`{"list":[`+addresses(20000)+`]}`), ""),
		"IPv6":                         one(six, ""),
		"list of 200,000 numbers":      one(ports(`{"list":[`+numbers(200_000)+`]}`), ""),
		"sequence of ports":            one(ports(`{"sequence":{"count":60000,"start":1}}`), ""),
		"300 definitions":              traffictest.Config(traffictest.PerMillisecond, strings.Join(many, ",")),
		"a list of 200 lengths":        one(to(`{"list":["198.18.0.9"]}`), `,"length":{"list":[`+numbersFrom(64, 200)+`]}`),
		"random lengths":               one(to(`{"list":["198.18.0.9"]}`), `,"length":{"random":{"min":64,"max":1500}}`),
		"signature with 60,000 flows":  one(ports(`{"sequence":{"count":60000,"start":1}}`), `,"length":{"fixed":128},"signature":{"stream_id":1,"latency":"end_of_frame"}`),
		"signature and random lengths": one(to(`{"list":["198.18.0.9"]}`), `,"length":{"random":{"min":100,"max":1500}},"signature":{"stream_id":1,"latency":"end_of_frame"}`),
	}
}

func numbersFrom(first, n int) string {
	list := make([]string, n)
	for i := range list {
		list[i] = fmt.Sprint(first + i)
	}
	return strings.Join(list, ",")
}

// TestSizesAreWhatTheHeapSays: what a generator and its run are counted as, before
// and after they are made, is right to a factor of 1.5.
func TestSizesAreWhatTheHeapSays(t *testing.T) {
	b := onLink()
	b.Prefix4, b.IPv4 = netip.MustParsePrefix("198.18.0.0/15"), netip.MustParseAddr("198.19.255.1")
	for name, text := range sizeCases() {
		t.Run(name, func(t *testing.T) {
			n := 1
			if len(text) < 100_000 && !strings.Contains(text, "0000") {
				n = 50
			}
			made := func() *Program {
				c, faults := traffic.ParseConfig([]byte(text))
				if len(faults) > 0 {
					t.Fatal(faults)
				}
				p, faults := Compile(c, b)
				if len(faults) > 0 {
					t.Fatal(faults)
				}
				return p
			}
			measured, p := heapOf(n, made)
			estimate, destinations, hops := Estimate(p.config, b)
			t.Logf("program: %.0f measured, %d counted, %d estimated", measured, p.Size(), estimate)
			if !within(p.Size()-overhead, measured) {
				t.Errorf("a program of %.0f octets is counted as %d", measured, p.Size())
			}
			if !within(estimate-overhead, measured) {
				t.Errorf("a program of %.0f octets is estimated as %d", measured, estimate)
			}
			// Definitions may share next hops.
			if made := len(p.Hops()); 3*hops < 2*made || len(p.defs) == 1 && 2*hops > 3*made+2 {
				t.Errorf("%d next hops are estimated as %d", made, hops)
			}
			if destinations < p.DestinationCount() {
				t.Errorf("%d destinations are estimated as %d", p.DestinationCount(), destinations)
			}
			measured, run := heapOf(n, func() *Run { return NewRun(p, RunOptions{}) })
			t.Logf("run: %.0f measured, %d counted, %d estimated", measured, run.Size(), p.RunEstimate())
			if !within(run.Size(), measured) || !within(p.RunEstimate(), measured) {
				t.Errorf("a run of %.0f octets is counted as %d and estimated as %d", measured, run.Size(), p.RunEstimate())
			}
		})
	}
}
