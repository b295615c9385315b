package swarm

import (
	"slices"
	"testing"
	"time"
)

// TestSweepEndsAWorldThatDoesNotEnd: such a world has failed, and the sweep ends with the
// other results.
func TestSweepEndsAWorldThatDoesNotEnd(t *testing.T) {
	never := make(chan struct{})
	defer close(never)
	others := make(chan struct{})
	s := sweeper{timeout: time.Millisecond, next: 1, end: 9, count: 8, done: func(uint64) {}, underWay: make(map[uint64]time.Time), ended: make(chan struct{})}
	s.check = func(seed uint64) (*Outcome, error) {
		switch seed {
		case 3:
			<-others // so that seed 4 was checked
			<-never
		case 4:
			close(others)
			return failed(seed, "on purpose"), nil
		}
		return &Outcome{World: Draw(seed)}, nil
	}
	sweep, err := s.run(2)
	if err != nil {
		t.Fatal(err)
	}
	var seeds []uint64
	for _, o := range sweep.Failures {
		seeds = append(seeds, o.World.Seed)
	}
	if !slices.Contains(seeds, 3) {
		t.Errorf("failures of seeds %v, want 3 among them", seeds)
	}
}

// TestFingerprintOfSweepDependsOnWorldsAlone: not on their order, nor on the number
// of workers; another seed has another one.
func TestFingerprintOfSweepDependsOnWorldsAlone(t *testing.T) {
	const seeds = 40
	sweep := func(from uint64, workers int) uint64 {
		s := sweeper{check: checkOne, timeout: time.Minute, next: from, end: from + seeds, count: seeds, done: func(uint64) {},
			underWay: make(map[uint64]time.Time), ended: make(chan struct{})}
		sweep, err := s.run(workers)
		if err != nil || len(sweep.Failures) > 0 {
			t.Fatal(err, sweep.Failures)
		}
		return sweep.Fingerprint
	}
	one := sweep(1, 1)
	if four := sweep(1, 4); four != one {
		t.Errorf("fingerprint %016x with four workers, %016x with one", four, one)
	}
	if other := sweep(2, 1); other == one {
		t.Errorf("seeds 2 to %d have the fingerprint of seeds 1 to %d", seeds+1, seeds)
	}
}
