package swarm

import (
	"flag"
	"testing"

	"glean/sim/scenario"
)

var (
	seeds = flag.Uint64("seeds", 1000, "how many random worlds are checked")
	from  = flag.Uint64("from", 1, "the first seed")
)

func TestRandomWorldsBreakNoRule(t *testing.T) {
	s, err := Check(*from, *seeds, nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, o := range s.Failures {
		t.Errorf("%s\n%v\nagain: glean sim check --from %d --seeds 1", o.World, o.Violations[0], o.World.Seed)
	}
	t.Logf("%d worlds from seed %d", s.Worlds, *from)
}

func TestSeedDeterminesRandomWorld(t *testing.T) {
	for seed := range uint64(200) {
		a, err := CheckSeed(seed, scenario.Options{})
		if err != nil {
			t.Fatal(err)
		}
		b, err := CheckSeed(seed, scenario.Options{})
		if err != nil {
			t.Fatal(err)
		}
		if a.Fingerprint != b.Fingerprint || a.World.String() != b.World.String() {
			t.Fatalf("seed %d: %s and %s", seed, a.Fingerprint, b.Fingerprint)
		}
	}
}

// BenchmarkWorlds is one random small world, on one core.
func BenchmarkWorlds(b *testing.B) {
	for n := range b.N {
		if _, err := CheckSeed(uint64(n)+1, scenario.Options{}); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "worlds/s")
}
