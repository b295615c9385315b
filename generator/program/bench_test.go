package program

import (
	"fmt"
	"net/netip"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"glean/generator/traffic"
	"glean/generator/traffic/traffictest"
	"glean/stack/loop"
)

// fastest is a load that is always behind, so that every Step has a full
// batch.
const fastest = `{"rate":{"value":1000000000000,"period":"second"},"units":"frames"}`

// Protocols with the modifiers that preparation is measured with.
const (
	unmodified   = `{"ethernet":{}},{"ipv4":{"destination":"198.18.0.2"}},{"udp":{}}`
	destinations = `{"ethernet":{}},{"ipv4":{},"modifiers":{"items":[{"name":"destination","permute":false,"ipv4":{"sequence":{"count":65536,"start":"198.19.0.0"}}}]}},{"udp":{}}`
	sources      = `{"ethernet":{}},{"ipv4":{"destination":"198.18.0.2"},"modifiers":{"items":[{"name":"source","permute":false,"ipv4":{"sequence":{"count":60000,"start":"10.0.0.1"}}}]}},{"udp":{}}`
	fiveZipped   = `{"ethernet":{}},{"ipv4":{},"modifiers":{"tie":"zip","items":[` +
		`{"name":"destination","permute":false,"ipv4":{"sequence":{"count":1000,"start":"198.19.0.0"}}},` +
		`{"name":"source","permute":true,"ipv4":{"sequence":{"count":1000,"start":"10.0.0.1"}}},` +
		`{"name":"identification","permute":false,"field":{"sequence":{"count":1000,"start":0}}}]}},` +
		`{"udp":{},"modifiers":{"tie":"zip","items":[{"name":"source","permute":false,"field":{"sequence":{"count":1000,"start":1}}},` +
		`{"name":"destination","permute":false,"field":{"list":[5,6,7,8]}}]}}`
	sixIPv6 = `{"ethernet":{},"modifiers":{"items":[{"name":"source","permute":false,"mac":{"sequence":{"count":500,"start":"02:00:00:00:00:00"}}}]}},` +
		`{"vlan":{"id":1},"modifiers":{"items":[{"name":"priority","permute":false,"field":{"list":[1,2,3]}}]}},` +
		`{"ipv6":{},"modifiers":{"tie":"cartesian","items":[` +
		`{"name":"destination","permute":false,"ipv6":{"sequence":{"count":1000,"start":"2001:db8::1000"}}},` +
		`{"name":"source","permute":false,"ipv6":{"sequence":{"count":10,"start":"2001:db8:1::1"}}},` +
		`{"name":"flow_label","permute":false,"field":{"sequence":{"count":100,"start":0}}}]}},` +
		`{"tcp":{},"modifiers":{"items":[{"name":"destination","permute":true,"field":{"sequence":{"count":1000,"start":1}}}]}}`
	tenZipped = `{"ethernet":{}},{"ipv4":{},"modifiers":{"tie":"zip","items":[` +
		`{"name":"destination","permute":false,"ipv4":{"sequence":{"count":1000,"start":"198.19.0.0"}}},` +
		`{"name":"source","permute":true,"ipv4":{"sequence":{"count":1000,"start":"10.0.0.1"}}},` +
		`{"name":"identification","permute":false,"field":{"sequence":{"count":1000,"start":0}}},` +
		`{"name":"dscp","permute":false,"field":{"sequence":{"count":50,"start":0}}},` +
		`{"name":"time_to_live","permute":true,"field":{"sequence":{"count":100,"start":1}}}]}},` +
		`{"tcp":{},"modifiers":{"tie":"zip","items":[` +
		`{"name":"source","permute":true,"field":{"sequence":{"count":1000,"start":1}}},` +
		`{"name":"destination","permute":false,"field":{"sequence":{"count":1000,"start":1}}},` +
		`{"name":"sequence","permute":true,"field":{"sequence":{"count":1000,"start":1}}},` +
		`{"name":"ack","permute":false,"field":{"sequence":{"count":1000,"start":1}}},` +
		`{"name":"window","permute":true,"field":{"sequence":{"count":1000,"start":1}}}]}}`
	fiveCartesian = `{"ethernet":{}},{"ipv4":{},"modifiers":{"tie":"cartesian","items":[` +
		`{"name":"destination","permute":false,"ipv4":{"sequence":{"count":10,"start":"198.19.0.0"}}},` +
		`{"name":"source","permute":true,"ipv4":{"sequence":{"count":10,"start":"10.0.0.1"}}},` +
		`{"name":"identification","permute":false,"field":{"sequence":{"count":10,"start":0}}}]}},` +
		`{"udp":{},"modifiers":{"tie":"cartesian","items":[{"name":"source","permute":true,"field":{"sequence":{"count":3,"start":1}}},` +
		`{"name":"destination","permute":false,"field":{"sequence":{"count":5,"start":1}}}]}}`
)

// What else a definition says: its lengths and signature.
const (
	signed64    = `,"length":{"fixed":64},"signature":{"stream_id":1,"latency":"start_of_frame"}`
	imix        = `,"length":{"imix":[{"length":128,"weight":7},{"length":570,"weight":4},{"length":1518,"weight":1}]}`
	anyLength   = `,"length":{"random":{"min":100,"max":1518}}`
	manyLengths = `,"length":{"sequence":{"count":1000,"start":100,"stop":1100}}`
	prbsFill    = `,"signature":{"stream_id":1,"latency":"end_of_frame","fill":{"prbs":true}}`
	unfilled    = `,"signature":{"stream_id":1,"latency":"start_of_frame"}`
)

// modifierSets are what a frame's preparation is measured with.
var modifierSets = []struct{ name, traffic string }{
	{"none", traffictest.Definition(unmodified, "", "")},
	{"destination", traffictest.Definition(destinations, "", "")},
	{"five", traffictest.Definition(fiveZipped, "zip", "")},
	{"six, IPv6, VLAN", traffictest.Definition(sixIPv6, "zip", "")},
	{"ten", traffictest.Definition(tenZipped, "zip", "")},
	{"five, cartesian", traffictest.Definition(fiveCartesian, "cartesian", "")},
	{"signature", traffictest.Definition(sources, "", signed64)},
	{"five, imix", traffictest.Definition(fiveZipped, "zip", imix)},
	{"signature, prbs, imix, five", traffictest.Definition(fiveZipped, "zip", imix+prbsFill)},
	{"five, random lengths", traffictest.Definition(fiveZipped, "zip", anyLength)},
	{"five, random lengths, signature", traffictest.Definition(fiveZipped, "zip", anyLength+unfilled)},
	{"five, 1000 lengths", traffictest.Definition(fiveZipped, "zip", manyLengths)},
	{"five, 1000 lengths, prbs", traffictest.Definition(fiveZipped, "zip", manyLengths+prbsFill)},
	{"two of five", weighted(fiveZipped, "", 1, 1)},
	{"two of five, signature", weighted(fiveZipped, unfilled+`,"length":{"fixed":128}`, 1, 1)},
	{"two of five, weights 7 and 3", weighted(fiveZipped, "", 7, 3)},
	{"two of five, imix", weighted(fiveZipped, imix, 1, 1)},
	{"two of five, random lengths", weighted(fiveZipped, anyLength, 1, 1)},
	{"four of five", weighted(fiveZipped, "", 1, 1, 1, 1)},
	{"eight of five", weighted(fiveZipped, "", 1, 1, 1, 1, 1, 1, 1, 1)},
}

// weighted are as many equal definitions as there are weights.
func weighted(protocols, extra string, weights ...int) string {
	if extra == "" {
		extra = `,"length":{"fixed":128}`
	}
	var all []string
	for _, w := range weights {
		all = append(all, traffictest.Definition(protocols, "zip", fmt.Sprintf(`%s,"weight":%d`, extra, w)))
	}
	return strings.Join(all, ",")
}

// BenchmarkPrepare makes frames and does not send them.
func BenchmarkPrepare(b *testing.B) {
	for _, s := range modifierSets {
		b.Run(s.name, func(b *testing.B) {
			binding := onLink()
			if strings.Contains(s.traffic, "ipv6") {
				binding = Binding{}
			}
			p := mustCompile(b, traffictest.Config(fastest, s.traffic), binding)
			resolveAll(p)
			r := NewRun(p, RunOptions{})
			b.ReportAllocs()
			b.ResetTimer()
			cpu := cpuTime()
			for r.tally.made < uint64(b.N) {
				r.build(loop.Time(r.tally.made), Batch)
			}
			b.ReportMetric(float64(cpuTime()-cpu)/float64(b.N), "cpu-ns/frame")
		})
	}
}

func millionFlows() string {
	return traffictest.Config(fastest, traffictest.Definition(`{"ethernet":{}},{"ipv4":{},"modifiers":{"items":[`+
		`{"name":"destination","permute":false,"ipv4":{"sequence":{"count":1000000,"start":"198.19.0.0"}}}]}},{"udp":{}}`, "", ""))
}

// BenchmarkMillionFlows compiles a million flows to a million destinations and
// reports the memory that stays.
func BenchmarkMillionFlows(b *testing.B) {
	binding := onLink()
	next := binding.NextHop
	for _, hops := range []string{"gateway", "each"} {
		b.Run(hops, func(b *testing.B) {
			if hops == "each" {
				binding.NextHop = func(a netip.Addr) (netip.Addr, bool) { return a, true }
			} else {
				binding.NextHop = next
			}
			raw := []byte(millionFlows())
			for range b.N {
				before := heap()
				began := time.Now()
				c, _ := traffic.ParseConfig(raw)
				p, _ := Compile(c, binding)
				r := NewRun(p, RunOptions{})
				b.ReportMetric(float64(time.Since(began).Milliseconds()), "ms/compile")
				b.ReportMetric(float64(heap()-before)/1e6, "MB")
				runtime.KeepAlive(r)
			}
		})
	}
}

// cpuTime is the processor time of the process in nanoseconds. It is shown beside
// the elapsed time because other work on the machine does not count in it.
func cpuTime() int64 {
	var u syscall.Rusage
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &u)
	return u.Utime.Nano() + u.Stime.Nano()
}

func heap() int64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

// BenchmarkFlowCounters compares 65,536 counted flows with one, on a device that
// costs a system call for each frame, as the cheapest real one does.
func BenchmarkFlowCounters(b *testing.B) {
	for _, flows := range []int{1, 65536} {
		b.Run(fmt.Sprint(flows), func(b *testing.B) {
			p := mustCompile(b, traffictest.Config(fastest, traffictest.Definition(fmt.Sprintf(`{"ethernet":{}},{"ipv4":{"destination":"198.18.0.2"},`+
				`"modifiers":{"items":[{"name":"source","permute":false,"ipv4":{"sequence":{"count":%d,"start":"10.0.0.1"}}}]}},{"udp":{}}`, flows), "", "")), onLink())
			resolveAll(p)
			r := NewRun(p, RunOptions{})
			fd, err := syscall.Open("/dev/null", syscall.O_WRONLY, 0)
			if err != nil {
				b.Fatal(err)
			}
			defer syscall.Close(fd)
			q := &writer{fd: fd}
			now := loop.Time(1)
			b.ResetTimer()
			cpu := cpuTime()
			for q.frames < b.N {
				now++
				r.Step(now, q)
			}
			b.ReportMetric(float64(cpuTime()-cpu)/float64(b.N), "cpu-ns/frame")
		})
	}
}

// writer writes each frame to a file.
type writer struct{ fd, frames int }

func (q *writer) Send(frames [][]byte) (int, error) {
	for i, f := range frames {
		if _, err := syscall.Write(q.fd, f); err != nil {
			return i, err
		}
	}
	q.frames += len(frames)
	return len(frames), nil
}

func (q *writer) Close() error { return nil }
