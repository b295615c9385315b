package conformance

import (
	"flag"
	"fmt"
	"testing"
	"time"

	"glean/generator"
	"glean/server/bodies"
	"glean/server/engine"
)

var besideTraffic = flag.Bool("beside", false, "measure the time of learning beside traffic")

// TestLearningBesideTraffic is a part of `make bench-tx`. It measures the time to learn
// 65,536 addresses from a kernel behind a TAP with two queues: alone, and while a
// generator sends at full rate on the queue that the protocols do not use. The two
// measurements alternate.
func TestLearningBesideTraffic(t *testing.T) {
	if !*besideTraffic {
		t.Skip("`make bench-tx` runs it")
	}
	const rounds = 9
	a := newArena(t, arenaConfig{count: 65536, tap: true, queues: 2})
	a.glean.addTraffic()
	var alone, beside, ratios []float64
	missed, sent := 0, uint64(0)
	for range rounds {
		first := a.gleanResolves()
		var result *generator.Result
		a.glean.do(func(e *engine.Engine) {
			var err error
			if result, err = e.StartGenerator("traffic"); err != nil {
				t.Error(err)
			}
		})
		second := a.gleanResolves()
		stopped := make(chan struct{})
		a.glean.do(func(e *engine.Engine) {
			if err := e.StopGenerator("traffic", func() { close(stopped) }); err != nil {
				t.Error(err)
			}
		})
		<-stopped
		alone, beside = append(alone, float64(first.wall)), append(beside, float64(second.wall))
		ratios = append(ratios, float64(second.wall)/float64(first.wall))
		missed += first.missed + second.missed
		sent += result.Run().Counters().PacketsActual
	}
	fmt.Printf("learning of %d: alone %v, beside traffic %v, ratio %.2f (wanted: 1.5); %d timed out, %d frames of traffic in a round\n", a.count,
		time.Duration(median(alone)).Round(time.Millisecond), time.Duration(median(beside)).Round(time.Millisecond), median(ratios), missed, sent/rounds)
}

// addTraffic adds a generator on the port that sends at full rate.
func (g *glean) addTraffic() {
	g.t.Helper()
	spec, err := bodies.Strict.Generator([]byte(`{"id":"traffic","target_id":"0","config":{"duration":{"continuous":true},
		"load":{"rate":{"value":100000000,"period":"second"},"units":"frames"},"traffic":[{"length":{"fixed":64},"packet":{"protocols":[
		{"ethernet":{"destination":"02:00:00:00:00:99","source":"02:00:00:00:00:98"}},{"ipv4":{}},{"udp":{}}]}}]}}`))
	if err == nil {
		g.do(func(e *engine.Engine) { _, err = e.CreateGenerator(spec) })
	}
	if err != nil {
		g.t.Fatal(err)
	}
}
