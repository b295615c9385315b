package loop

import (
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// giveUp is how long a test waits for what must happen; it never passes in a
// run without a fault.
const giveUp = time.Minute

// A driver runs one kind of loop. play runs start on the loop, then the loop,
// until finish is called.
type driver struct {
	name string
	play func(t *testing.T, start func(l Loop, finish func()))
}

var drivers = []driver{{"virtual", playVirtual}, {"real", playReal}}

func playVirtual(t *testing.T, start func(Loop, func())) {
	v := NewVirtual()
	var finished atomic.Bool
	v.Post(func() { start(v, func() { finished.Store(true) }) })
	deadline := time.Now().Add(giveUp)
	for !finished.Load() {
		if !v.Step() && time.Now().After(deadline) {
			t.Fatal("nothing left to run and not finished")
		}
	}
}

func playReal(t *testing.T, start func(Loop, func())) {
	r := NewReal()
	r.Post(func() { start(r, r.Stop) })
	go r.Run()
	select {
	case <-r.Done():
	case <-time.After(giveUp):
		t.Fatal("not finished")
	}
}

// onBoth runs a test on both loops.
func onBoth(t *testing.T, test func(t *testing.T, d driver)) {
	for _, d := range drivers {
		t.Run(d.name, func(t *testing.T) { test(t, d) })
	}
}

func TestEqualDeadlinesRunInOrderOfArming(t *testing.T) {
	onBoth(t, func(t *testing.T, d driver) {
		var got []int
		d.play(t, func(l Loop, finish func()) {
			timers := make([]*Timer, 20)
			for i := range timers {
				timers[i] = NewTimer(func() { got = append(got, i) })
			}
			at := l.Now().Add(Millisecond)
			for _, tm := range timers {
				l.Arm(tm, at)
			}
			for i := 0; i < len(timers); i += 2 { // moving to the same time is arming again
				l.Arm(timers[i], at)
			}
			l.Arm(NewTimer(finish), at)
		})
		want := []int{1, 3, 5, 7, 9, 11, 13, 15, 17, 19, 0, 2, 4, 6, 8, 10, 12, 14, 16, 18}
		if !slices.Equal(got, want) {
			t.Errorf("order %v, want %v", got, want)
		}
	})
}

func TestEarlierDeadlinesRunFirst(t *testing.T) {
	onBoth(t, func(t *testing.T, d driver) {
		var got []int
		d.play(t, func(l Loop, finish func()) {
			begin := l.Now()
			for _, i := range []int{5, 1, 4, 9, 2, 8, 3, 7, 6, 0} {
				at := begin.Add(Duration(i) * 200 * Microsecond)
				l.Arm(NewTimer(func() {
					got = append(got, i)
					if l.Now() < at {
						t.Errorf("timer of %v ran at %v", at, l.Now())
					}
				}), at)
			}
			l.Arm(NewTimer(finish), begin.Add(2*Millisecond))
		})
		if want := []int{0, 1, 2, 3, 4, 5, 6, 7, 8, 9}; !slices.Equal(got, want) {
			t.Errorf("order %v, want %v", got, want)
		}
	})
}

func TestDisarmIsFinal(t *testing.T) {
	onBoth(t, func(t *testing.T, d driver) {
		ran := 0
		d.play(t, func(l Loop, finish func()) {
			victims := []*Timer{NewTimer(func() { ran++ }), NewTimer(func() { ran++ }), NewTimer(func() { ran++ })}
			at := l.Now().Add(Millisecond)
			l.Arm(NewTimer(func() { // all are due together: their functions must not run even so
				for _, v := range victims {
					l.Disarm(v)
					if v.Armed() || v.At() != Never {
						t.Error("a disarmed timer says that it is armed")
					}
				}
			}), at)
			for _, v := range victims {
				l.Arm(v, at)
			}
			l.Disarm(NewTimer(func() {})) // of a timer that is not armed: nothing
			l.Arm(NewTimer(func() { l.Post(finish) }), at)
		})
		if ran != 0 {
			t.Errorf("%d disarmed timers ran", ran)
		}
	})
}

func TestArmMovesAndRunsOnce(t *testing.T) {
	onBoth(t, func(t *testing.T, d driver) {
		var ran []Time
		var at Time
		d.play(t, func(l Loop, finish func()) {
			tm := NewTimer(func() { ran = append(ran, l.Now()) })
			l.Arm(tm, l.Now().Add(Millisecond))
			at = l.Now().Add(3 * Millisecond)
			l.Arm(tm, at)
			if tm.At() != at {
				t.Errorf("At is %v, want %v", tm.At(), at)
			}
			later := NewTimer(func() { t.Error("a timer that was disarmed and not armed again ran") })
			l.Arm(later, at)
			l.Disarm(later)
			l.Arm(NewTimer(finish), at.Add(Millisecond))
		})
		if len(ran) != 1 || ran[0] < at {
			t.Errorf("ran at %v, want once at %v", ran, at)
		}
	})
}

func TestTheTimeThatPassedIsNow(t *testing.T) {
	onBoth(t, func(t *testing.T, d driver) {
		var got []string
		d.play(t, func(l Loop, finish func()) {
			l.Arm(NewTimer(func() {
				now := l.Now()
				l.Arm(NewTimer(func() { got = append(got, "now") }), now)
				l.Arm(NewTimer(func() { got = append(got, "past") }), now.Add(-Second))
				l.Arm(NewTimer(func() { got = append(got, "long past"); finish() }), -1)
			}), l.Now().Add(Millisecond))
		})
		if want := []string{"now", "past", "long past"}; !slices.Equal(got, want) {
			t.Errorf("order %v, want %v", got, want)
		}
	})
}

// TestNoStarvation checks that a timer that arms itself for now again and again leaves
// both other timers and posted functions their turn.
func TestNoStarvation(t *testing.T) {
	onBoth(t, func(t *testing.T, d driver) {
		d.play(t, func(l Loop, finish func()) {
			var greedy Timer
			greedy.Init(func() { l.Arm(&greedy, 0) })
			l.Arm(&greedy, 0)
			l.Arm(NewTimer(func() { l.Post(finish) }), l.Now())
		})
	})
}

func TestNeverIsNever(t *testing.T) {
	onBoth(t, func(t *testing.T, d driver) {
		d.play(t, func(l Loop, finish func()) {
			l.Arm(NewTimer(func() { t.Error("a timer of Never ran") }), Never)
			l.Arm(NewTimer(finish), l.Now().Add(Millisecond))
		})
	})
	v := NewVirtual()
	v.Arm(NewTimer(func() { t.Error("a timer of Never ran") }), Never)
	v.RunUntil(Never)
	if v.Step() || v.Now() != 0 {
		t.Errorf("the clock is at %v after running what is left: nothing", v.Now())
	}
}

func TestNowStandsStillInACallback(t *testing.T) {
	onBoth(t, func(t *testing.T, d driver) {
		d.play(t, func(l Loop, finish func()) {
			last := l.Now()
			steps := 0
			check := func() {
				now := l.Now()
				if now < last {
					t.Errorf("time went from %v back to %v", last, now)
				}
				last = now
				if r, ok := l.(*Real); ok {
					for began := r.Clock(); r.Clock() == began; { // until the machine's clock has moved
					}
				}
				if l.Now() != now {
					t.Errorf("time went from %v to %v in a callback", now, l.Now())
				}
			}
			var tm Timer
			tm.Init(func() {
				check()
				if steps++; steps == 50 {
					finish()
					return
				}
				l.Post(check)
				l.Arm(&tm, l.Now().Add(Duration(steps)*Microsecond))
			})
			l.Arm(&tm, l.Now())
		})
	})
}

// TestPostFromManyGoroutines checks that each goroutine's functions run in the order
// in which it posted them, one at a time: the counter has no lock, which the race
// detector checks.
func TestPostFromManyGoroutines(t *testing.T) {
	const goroutines, each = 8, 500
	onBoth(t, func(t *testing.T, d driver) {
		var next [goroutines]int
		total := 0
		var wg sync.WaitGroup
		d.play(t, func(l Loop, finish func()) {
			for g := range goroutines {
				wg.Go(func() {
					for i := range each {
						l.Post(func() {
							if next[g] != i {
								t.Errorf("goroutine %d: function %d ran when %d was next", g, i, next[g])
							}
							next[g]++
							if total++; total == goroutines*each {
								finish()
							}
						})
					}
				})
			}
		})
		wg.Wait()
	})
}

// TestNoWakeUpIsLost has a goroutine post and wait for the function to run, again and
// again, so the loop goes to sleep in between: one lost wake-up ends the test.
func TestNoWakeUpIsLost(t *testing.T) {
	onBoth(t, func(t *testing.T, d driver) {
		d.play(t, func(l Loop, finish func()) {
			go func() {
				for range 2000 {
					ran := make(chan struct{})
					l.Post(func() { close(ran) })
					<-ran
				}
				l.Post(finish)
			}()
		})
	})
}

func TestArmWithoutFunctionPanics(t *testing.T) {
	defer func() {
		if recover() == nil {
			t.Error("no panic")
		}
	}()
	NewVirtual().Arm(new(Timer), 0)
}
