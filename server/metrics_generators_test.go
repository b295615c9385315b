package server

import (
	"bytes"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"

	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	prometheusmodel "github.com/prometheus/common/model"

	"glean/generator/program"
)

// scrape reads /metrics as Prometheus does.
func (a *harness) scrape() map[string]*dto.MetricFamily {
	a.t.Helper()
	parser := expfmt.NewTextParser(prometheusmodel.LegacyValidation)
	families, err := parser.TextToMetricFamilies(bytes.NewReader(a.get("/metrics").want(200).body))
	if err != nil {
		a.t.Fatal(err)
	}
	return families
}

// valueOf is the value of a family's series with a generator, "" for none.
func valueOf(f *dto.MetricFamily, id string) (value float64, found bool) {
	for _, m := range f.GetMetric() {
		if len(m.Label) == 0 == (id == "") && (id == "" || m.Label[0].GetName() == "generator" && m.Label[0].GetValue() == id) {
			return m.GetCounter().GetValue() + m.GetGauge().GetValue(), true
		}
	}
	return 0, false
}

// runToEnd starts a generator and waits until it has sent everything.
func (a *harness) runToEnd(id string) {
	a.t.Helper()
	a.post("/packet/generators/"+id+"/start", "").want(201)
	a.waitUntil("/packet/generators/"+id, "active", "false")
}

// wantValues compares values by "name" or "name generator" of the metrics of
// generators; -1: there is no such series.
func wantValues(t *testing.T, families map[string]*dto.MetricFamily, want map[string]float64) {
	t.Helper()
	for series, value := range want {
		name, id, _ := strings.Cut(series, " ")
		if got, found := valueOf(families[name], id); found != (value >= 0) || found && got != value {
			t.Errorf("%s is %v (%t), want %v", series, got, found, value)
		}
	}
}

// TestMetricsOfGenerators: each generator's counters are the sums of its results, the sums
// of all include deleted generators, and each state is counted.
func TestMetricsOfGenerators(t *testing.T) {
	a := newHarness(t).peers()
	a.learned("g", "198.18.0.11")
	for range 2 {
		a.runToEnd("g")
	}
	a.post("/packet/generators", strings.Replace(generatorBody("half", "if-a", "198.18.0.11", silentHost), `"config":{`,
		`"config":{"learning":{"on_unresolved":"skip","timeout_ms":100},`, 1)).want(202)
	a.waitUntil("/packet/generators/half", "learning", "timed_out")
	a.runToEnd("half")
	families := a.scrape()
	wantValues(t, families, map[string]float64{
		"glean_generator_frames_total g":            200,
		"glean_generator_octets_total g":            200 * 64,
		"glean_generator_intended_frames_total g":   200,
		"glean_generator_errors_total g":            0,
		"glean_generator_stale_frames_total g":      0,
		"glean_generator_dropped_frames_total g":    0,
		"glean_generator_skipped_frames_total g":    0,
		"glean_generator_rate_frames_per_second g":  0,
		"glean_generator_unresolved_next_hops g":    0,
		"glean_generator_active g":                  0,
		"glean_generator_unresolved_next_hops half": 1,
		"glean_generators_unresolved_next_hops":     1,
		"glean_generators_unlisted":                 0,
		"glean_generator_frames_total unknown":      -1,
		"glean_generators_rate_frames_per_second":   0,
		"glean_generators_active":                   0,
	})
	half, _ := valueOf(families["glean_generator_frames_total"], "half")
	skipped, _ := valueOf(families["glean_generator_skipped_frames_total"], "half")
	all, _ := valueOf(families["glean_generators_frames_total"], "")
	if half == 0 || skipped == 0 || all != 200+half {
		t.Errorf("half sent %v and skipped %v, all sent %v", half, skipped, all)
	}

	a.post("/packet/generators", generatorWith("long", "if-a", `"duration":{"continuous":true}`, "198.18.0.11")).want(201)
	a.post("/packet/generators/long/start", "").want(201)
	for rate := 0.0; rate == 0; {
		families = a.scrape()
		rate, _ = valueOf(families["glean_generator_rate_frames_per_second"], "long")
		frames, _ := valueOf(families["glean_generator_frames_total"], "long")
		if sum, _ := valueOf(families["glean_generators_rate_frames_per_second"], ""); sum != rate || rate > 0 && frames == 0 {
			t.Fatalf("rate %v, of all %v, %v frames", rate, sum, frames)
		}
	}
	wantValues(t, families, map[string]float64{"glean_generator_active long": 1, "glean_generators_active": 1})
	before, _ := valueOf(families["glean_generators_frames_total"], "")
	a.delete("/packet/generators/long?force=true").want(204)
	a.delete("/packet/generators/g").want(204)
	families = a.scrape()
	wantValues(t, families, map[string]float64{"glean_generator_frames_total g": -1, "glean_generator_frames_total long": -1})
	if after, _ := valueOf(families["glean_generators_frames_total"], ""); after < before {
		t.Errorf("all generators sent %v frames, and then %v", before, after)
	}
}

// TestMetricsAreBounded: of many generators only the first 1,000 by id have series, the
// others are in the sums; a route's histogram has few buckets.
func TestMetricsAreBounded(t *testing.T) {
	a := newHarness(t)
	const more = 7
	var items []string
	for n := range listedGenerators + more {
		items = append(items, generatorBody(fmt.Sprintf("g-%04d", n), "0", "198.18.0.11"))
	}
	a.post("/packet/generators/x/bulk-create", `{"items":[`+strings.Join(items, ",")+`]}`).want(200)
	last := fmt.Sprintf("g-%04d", listedGenerators+more-1)
	a.runToEnd(last)
	families := a.scrape()
	wantValues(t, families, map[string]float64{
		"glean_generator_frames_total g-0000": 0, "glean_generator_frames_total g-0999": 0, "glean_generator_frames_total g-1000": -1,
		"glean_generator_frames_total " + last: -1, "glean_generators_frames_total": 100, "glean_generators_unlisted": more,
	})
	for name, f := range families {
		if len(f.Metric) > listedGenerators {
			t.Errorf("%s has %d series", name, len(f.Metric))
		}
		for _, m := range f.Metric {
			if n := len(m.GetHistogram().GetBucket()); n > 5 {
				t.Errorf("%s has %d buckets", name, n)
			}
		}
	}
}

// TestMetricsOfGeneratorsAreDescribed: openapi.yaml has each metric of generators.
func TestMetricsOfGeneratorsAreDescribed(t *testing.T) {
	a := newHarness(t)
	a.post("/packet/generators", generatorBody("g", "0", "198.18.0.11")).want(201)
	described := apiDocument().Paths.Value("/metrics").Get.Description
	for name := range a.scrape() {
		if strings.HasPrefix(name, "glean_generator_") && !strings.Contains(described, "`"+name+"`") {
			t.Errorf("%s is not described", name)
		}
	}
}

// TestEveryCounterHasAMetric: every counter of frames has a metric, and so has the one of
// octets sent.
func TestEveryCounterHasAMetric(t *testing.T) {
	var sent traffic
	counters := reflect.ValueOf(&sent.Counters).Elem()
	for n := range counters.NumField() {
		field := counters.Type().Field(n)
		if field.Type.Kind() != reflect.Uint64 || field.Name == "OctetsIntended" || field.Name == "OctetsDropped" {
			continue
		}
		sent.Counters = program.Counters{}
		counters.Field(n).SetUint(7)
		if !slices.ContainsFunc(generatorSeries, func(g generatorMetric) bool { return g.value(&sent) == 7 }) {
			t.Errorf("%s has no metric", field.Name)
		}
	}
}
