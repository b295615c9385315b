package scenario_test

import (
	"runtime"
	"testing"

	"glean/sim/scenario"
	"glean/sim/scenario/file"
)

// A run is the same with one processor and with several, and whatever else ran
// before it in the same process.
func TestRunsAreExact(t *testing.T) {
	run := func(name string) string {
		s, err := file.Open(name)
		if err != nil {
			t.Fatal(err)
		}
		r, err := scenario.Execute(s, scenario.Options{})
		if err != nil {
			t.Fatal(err)
		}
		return r.Fingerprint
	}
	for _, name := range []string{"demo", "campus", "lossy-wan", "gateway-failover"} {
		first := run(name)
		procs := runtime.GOMAXPROCS(1)
		alone := run(name)
		runtime.GOMAXPROCS(procs)
		if again := run(name); first != alone || first != again {
			t.Errorf("%s: fingerprints %s, %s with one processor, %s", name, first, alone, again)
		}
	}
}

// BenchmarkMillion learns a million addresses with 10 % loss each way, from the
// posted generator to the last answer, with the safety checks on. The report is
// not measured.
func BenchmarkMillion(b *testing.B) {
	s, err := file.Open("million")
	if err != nil {
		b.Fatal(err)
	}
	for range b.N {
		r, err := scenario.Prepare(s, scenario.Options{Every: scenario.DefaultUntil})
		if err != nil {
			b.Fatal(err)
		}
		r.Play()
		b.StopTimer()
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		b.ReportMetric(float64(m.HeapAlloc)/1e6, "MB-heap")
		runtime.KeepAlive(r)
		b.StartTimer()
	}
}
