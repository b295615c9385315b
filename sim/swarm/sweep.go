package swarm

import (
	"cmp"
	"fmt"
	"hash/fnv"
	"runtime"
	"slices"
	"sync"
	"time"

	"glean/sim/scenario"
)

// Sweep is the result of checking many seeds.
type Sweep struct {
	Worlds   uint64     // checked
	Failures []*Outcome // by seed

	// Fingerprint is a hash of the worlds' fingerprints. It does not depend on their
	// order. Two builds with the same fingerprint delivered the same frames at the same
	// times in every world.
	Fingerprint uint64
}

const (
	// maxFailures ends a sweep early, because more failures rarely help.
	maxFailures = 5
	// worldTimeout is how long a world may take. A world takes milliseconds; one that
	// takes longer than this does not end and has failed.
	worldTimeout = time.Minute
)

// Check checks the worlds of count seeds from a first one on, on all cores. Worlds are
// independent, so their order does not matter. done is called from time to time with the
// number of worlds checked; it may be nil. A world that does not end is a failure, and
// runs until the process ends.
func Check(first, count uint64, done func(worlds uint64)) (*Sweep, error) {
	if done == nil {
		done = func(uint64) {}
	}
	s := sweeper{check: checkOne, timeout: worldTimeout, next: first, end: first + count, count: count, done: done,
		underWay: make(map[uint64]time.Time), ended: make(chan struct{})}
	return s.run(runtime.GOMAXPROCS(0))
}

// sweeper is a sweep in progress.
type sweeper struct {
	check   func(seed uint64) (*Outcome, error)
	timeout time.Duration
	count   uint64
	done    func(worlds uint64)
	ended   chan struct{} // closed when the last worker has ended

	mu        sync.Mutex // guards the fields below
	next, end uint64     // seeds
	underWay  map[uint64]time.Time
	workers   int
	sweep     Sweep
	broken    error
}

func (s *sweeper) run(workers int) (*Sweep, error) {
	s.workers = workers
	for range workers {
		go s.work()
	}
	tick := time.NewTicker(s.timeout / 4)
	defer tick.Stop()
	for over := false; !over; {
		select {
		case <-s.ended:
			over = true
		case now := <-tick.C:
			over = s.anyStuck(now)
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.end = s.next // so that workers that still run take no other seed
	slices.SortFunc(s.sweep.Failures, func(a, b *Outcome) int { return cmp.Compare(a.World.Seed, b.World.Seed) })
	sweep := s.sweep
	return &sweep, s.broken
}

// work checks one world after another.
func (s *sweeper) work() {
	for {
		seed, more := s.nextSeed()
		if !more {
			return
		}
		o, err := s.check(seed)
		s.record(seed, o, err)
	}
}

// nextSeed returns the next seed. The last worker that receives none ends the sweep.
func (s *sweeper) nextSeed() (seed uint64, more bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.next == s.end || s.broken != nil || len(s.sweep.Failures) >= maxFailures {
		if s.workers--; s.workers == 0 {
			close(s.ended)
		}
		return 0, false
	}
	seed = s.next
	s.next++
	s.underWay[seed] = time.Now()
	return seed, true
}

// record adds the outcome of a seed.
func (s *sweeper) record(seed uint64, o *Outcome, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, still := s.underWay[seed]; !still {
		return // it has already failed by its timeout
	}
	delete(s.underWay, seed)
	if err != nil && s.broken == nil {
		s.broken = err
	}
	if err == nil && !o.OK() {
		s.sweep.Failures = append(s.sweep.Failures, o)
	}
	if err == nil {
		s.sweep.Fingerprint += o.hash()
	}
	s.sweep.Worlds++
	if n := s.sweep.Worlds; n%1024 == 0 || n == s.count {
		s.done(n)
	}
}

// hash returns a hash of the seed and the fingerprint of its world.
func (o *Outcome) hash() uint64 {
	h := fnv.New64a()
	fmt.Fprintln(h, o.World.Seed, o.Fingerprint)
	return h.Sum64()
}

// anyStuck records worlds that do not end as failures, and reports whether there is one.
func (s *sweeper) anyStuck(now time.Time) (stuck bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for seed, began := range s.underWay {
		if now.Sub(began) < s.timeout {
			continue
		}
		stuck = true
		delete(s.underWay, seed)
		s.sweep.Worlds++
		s.sweep.Failures = append(s.sweep.Failures, failed(seed, "the world does not end: it has run for %v", s.timeout))
	}
	return stuck
}

func failed(seed uint64, format string, args ...any) *Outcome {
	return &Outcome{World: Draw(seed), Violations: []scenario.Violation{{Rule: scenario.RuleInvariants, Text: fmt.Sprintf(format, args...)}}}
}

// checkOne checks one seed. A panic of the code under test counts as a violation.
func checkOne(seed uint64) (o *Outcome, err error) {
	defer func() {
		if p := recover(); p != nil {
			o, err = failed(seed, "panic: %v", p), nil
		}
	}()
	return CheckSeed(seed, scenario.Options{})
}
