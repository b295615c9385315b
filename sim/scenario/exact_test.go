package scenario

import (
	"runtime"
	"testing"
)

// A run is exact: the same with one processor and with several, and whatever
// else ran before it in the same process.
func TestRunsAreExact(t *testing.T) {
	run := func(name string) string {
		s, err := Open(name)
		if err != nil {
			t.Fatal(err)
		}
		r, err := Execute(s, Options{})
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

func TestDrawnWorldsAreExact(t *testing.T) {
	for seed := range uint64(200) {
		a, err := CheckSeed(seed, Options{})
		if err != nil {
			t.Fatal(err)
		}
		b, err := CheckSeed(seed, Options{})
		if err != nil {
			t.Fatal(err)
		}
		if a.Fingerprint != b.Fingerprint || a.Drawn.String() != b.Drawn.String() {
			t.Fatalf("seed %d: %s and %s", seed, a.Fingerprint, b.Fingerprint)
		}
	}
}

// BenchmarkWorlds is one random small world, on one core.
func BenchmarkWorlds(b *testing.B) {
	for n := range b.N {
		if _, err := CheckSeed(uint64(n)+1, Options{}); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "worlds/s")
}

// BenchmarkMillion learns a million addresses with 10 % loss each way, from the
// posted generator to the last answer, with the safety checks on. The report is
// not measured.
func BenchmarkMillion(b *testing.B) {
	s, err := Open("million")
	if err != nil {
		b.Fatal(err)
	}
	for range b.N {
		r, err := prepare(s, Options{Every: DefaultUntil})
		if err != nil {
			b.Fatal(err)
		}
		r.play()
		b.StopTimer()
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		b.ReportMetric(float64(m.HeapAlloc)/1e6, "MB-heap")
		runtime.KeepAlive(r)
		b.StartTimer()
	}
}
