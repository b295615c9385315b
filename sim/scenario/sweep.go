package scenario

import (
	"fmt"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
)

// Sweep is what came of checking many seeds.
type Sweep struct {
	Worlds   uint64     // checked
	Failures []*Outcome // by seed
}

// maxFailures ends a sweep early: more of the same tell nothing new.
const maxFailures = 5

// Check checks the worlds of count seeds from a first one on, on all cores.
// Each world is its own, so the order in which they run changes nothing. done
// is called now and then with the number of worlds checked; it may be nil.
func Check(first, count uint64, done func(worlds uint64)) (*Sweep, error) {
	var next, checked atomic.Uint64
	var mu sync.Mutex // of what follows
	var failures []*Outcome
	var broken error
	var wait sync.WaitGroup
	for range runtime.GOMAXPROCS(0) {
		wait.Go(func() {
			for {
				n := next.Add(1) - 1
				if n >= count {
					return
				}
				o, err := checkOne(first + n)
				mu.Lock()
				if err != nil && broken == nil {
					broken = err
				}
				if err == nil && !o.OK() {
					failures = append(failures, o)
				}
				stop := broken != nil || len(failures) >= maxFailures
				if c := checked.Add(1); done != nil && (c%1024 == 0 || c == count) {
					done(c)
				}
				mu.Unlock()
				if stop {
					return
				}
			}
		})
	}
	wait.Wait()
	slices.SortFunc(failures, func(a, b *Outcome) int {
		if a.Drawn.Seed < b.Drawn.Seed {
			return -1
		}
		return 1
	})
	return &Sweep{Worlds: checked.Load(), Failures: failures}, broken
}

// checkOne checks one seed; a panic of the code under test is a violation like
// any other.
func checkOne(seed uint64) (o *Outcome, err error) {
	defer func() {
		if p := recover(); p != nil {
			o, err = &Outcome{Drawn: Draw(seed), Violations: []Violation{{Rule: RuleInvariants, Text: fmt.Sprintf("panic: %v", p)}}}, nil
		}
	}()
	return CheckSeed(seed, Options{})
}
