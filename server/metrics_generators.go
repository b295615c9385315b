package server

import (
	"github.com/prometheus/client_golang/prometheus"

	"glean/generator/program"
	"glean/server/engine"
	"glean/stack/loop"
)

// listedGenerators is the number of generators with series of their own, the first by
// id. The others count in the sums only, to keep a scrape small.
const listedGenerators = 1000

// traffic is what a generator has sent, and its present rate; or the sums of all.
type traffic struct {
	program.Counters
	rate       float64 // frames a second
	unresolved int     // next hops
	active     bool
}

// generatorMetrics are the metrics of generators.
type generatorMetrics struct {
	ids      []string
	each     []traffic
	all      traffic
	unlisted int
}

// newGeneratorMetrics adds the counters of running generators to those of ended runs.
func newGeneratorMetrics(c *engine.Counts, now loop.Time) generatorMetrics {
	m := generatorMetrics{all: traffic{Counters: c.All.Ended, unresolved: c.Unresolved}}
	runs := make(map[*program.Run]program.Counters, len(c.All.Runs))
	for _, r := range c.All.Runs {
		run := r.Run().Counters()
		runs[r.Run()] = run
		m.all.Counters = m.all.Plus(run)
		m.all.rate += rateOf(run, now.Sub(r.StartedAt))
	}
	for _, g := range c.First {
		t := traffic{Counters: g.Ended, unresolved: g.NextHops.Unresolved(), active: g.Run != nil}
		if t.active {
			run := runs[g.Run]
			t.Counters = t.Plus(run)
			t.rate = rateOf(run, now.Sub(g.StartedAt))
		}
		m.ids, m.each = append(m.ids, g.ID), append(m.each, t)
	}
	m.unlisted = c.All.Generators - len(c.First)
	return m
}

// rateOf returns the mean rate of a run in frames per second.
func rateOf(c program.Counters, took loop.Duration) float64 {
	if took <= 0 {
		return 0
	}
	return float64(c.PacketsActual) / (float64(took) / float64(loop.Second))
}

// generatorMetric is a metric of each generator, and its sum over all generators.
type generatorMetric struct {
	kind      prometheus.ValueType
	each, all *prometheus.Desc
	value     func(*traffic) float64
}

func newGeneratorMetric(kind prometheus.ValueType, name, help string, value func(*traffic) float64) generatorMetric {
	return generatorMetric{
		kind:  kind,
		each:  prometheus.NewDesc("glean_generator_"+name, help+" The first 1,000 generators by id.", []string{"generator"}, nil),
		all:   prometheus.NewDesc("glean_generators_"+name, help+" All generators together.", nil, nil),
		value: value,
	}
}

// generatorSeries are in the order of openapi.yaml.
var generatorSeries = []generatorMetric{
	newGeneratorMetric(prometheus.CounterValue, "frames_total", "Frames sent.", func(t *traffic) float64 { return float64(t.PacketsActual) }),
	newGeneratorMetric(prometheus.CounterValue, "octets_total", "Octets sent, with FCS.", func(t *traffic) float64 { return float64(t.OctetsActual) }),
	newGeneratorMetric(prometheus.CounterValue, "intended_frames_total", "Frames due by the schedule.", func(t *traffic) float64 { return float64(t.PacketsIntended) }),
	newGeneratorMetric(prometheus.CounterValue, "dropped_frames_total", "Frames that the device did not take in time.", func(t *traffic) float64 { return float64(t.PacketsDropped) }),
	newGeneratorMetric(prometheus.CounterValue, "skipped_frames_total", "Frames skipped because the next hop had no MAC.", func(t *traffic) float64 { return float64(t.PacketsSkipped) }),
	newGeneratorMetric(prometheus.CounterValue, "stale_frames_total", "Frames sent to a MAC that was known to have changed or not to answer.", func(t *traffic) float64 { return float64(t.PacketsToStale) }),
	newGeneratorMetric(prometheus.CounterValue, "unconfirmed_frames_total", "Frames sent to a MAC that was not confirmed since the link was down.", func(t *traffic) float64 { return float64(t.PacketsToUnconfirmed) }),
	newGeneratorMetric(prometheus.CounterValue, "errors_total", "Frames that could not leave.", func(t *traffic) float64 { return float64(t.Errors) }),
	newGeneratorMetric(prometheus.GaugeValue, "rate_frames_per_second", "Mean rate of the present run; 0 if there is none.", func(t *traffic) float64 { return t.rate }),
	newGeneratorMetric(prometheus.GaugeValue, "unresolved_next_hops", "Next hops without a MAC.", func(t *traffic) float64 { return float64(t.unresolved) }),
}

var (
	generatorActive    = prometheus.NewDesc("glean_generator_active", "1 if the generator transmits. The first 1,000 generators by id.", []string{"generator"}, nil)
	generatorsUnlisted = prometheus.NewDesc("glean_generators_unlisted", "Generators that have no series of their own.", nil, nil)
)

func (m *generatorMetrics) collect(out chan<- prometheus.Metric) {
	for _, g := range generatorSeries {
		out <- prometheus.MustNewConstMetric(g.all, g.kind, g.value(&m.all))
		for n := range m.each {
			out <- prometheus.MustNewConstMetric(g.each, g.kind, g.value(&m.each[n]), m.ids[n])
		}
	}
	for n := range m.each {
		active := 0.0
		if m.each[n].active {
			active = 1
		}
		out <- prometheus.MustNewConstMetric(generatorActive, prometheus.GaugeValue, active, m.ids[n])
	}
	out <- prometheus.MustNewConstMetric(generatorsUnlisted, prometheus.GaugeValue, float64(m.unlisted))
}
