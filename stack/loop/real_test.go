package loop

import (
	"testing"
	"time"
)

// running starts a loop and returns a function that waits for its end.
func running(t *testing.T) (r *Real, ended func()) {
	r = NewReal()
	go r.Run()
	return r, func() {
		t.Helper()
		select {
		case <-r.Done():
		case <-time.After(giveUp):
			t.Fatal("Run did not return")
		}
	}
}

func TestStopReturns(t *testing.T) {
	t.Run("asleep", func(t *testing.T) {
		r, ended := running(t)
		r.Stop()
		ended()
	})
	t.Run("from a callback", func(t *testing.T) {
		r, ended := running(t)
		r.Post(func() {
			r.Stop()
			r.Post(func() { t.Error("posted after Stop and ran") })
			if r.PostWork(func() { t.Error("work posted after Stop ran") }) {
				t.Error("work was accepted after Stop")
			}
		})
		r.Post(func() {}) // may or may not run; must not block
		ended()
	})
	t.Run("before Run", func(t *testing.T) {
		r := NewReal()
		r.Post(func() { t.Error("ran after Stop") })
		r.Stop()
		r.Stop()
		r.Run()
		<-r.Done()
	})
	t.Run("busy", func(t *testing.T) {
		r, ended := running(t)
		var again func()
		again = func() { r.Post(again) }
		r.Post(again)
		var tm Timer
		tm.Init(func() { r.Arm(&tm, r.Now()) })
		r.Post(func() { r.Arm(&tm, r.Now()) })
		r.PostWork(func() { r.Stop() })
		ended()
	})
}

// TestNothingRunsAfterStop checks that no function runs behind the callback that stops
// the loop, in whichever queue it is.
func TestNothingRunsAfterStop(t *testing.T) {
	for name, stop := range map[string]func(r *Real){
		"timer": func(r *Real) { r.Arm(NewTimer(r.Stop), 0) },
		"post":  func(r *Real) { r.Post(r.Stop) },
	} {
		t.Run(name, func(t *testing.T) {
			r := NewReal()
			stop(r)
			r.Post(func() { t.Error("a posted function ran after Stop") })
			r.PostWork(func() { t.Error("work ran after Stop") })
			r.Run()
		})
	}
}

// TestWorkHasASlice checks that work that takes longer than its slice is put off after
// each piece: a posted function runs between any two of them.
func TestWorkHasASlice(t *testing.T) {
	const pieces = 5
	r := NewReal()
	var order []string
	for range pieces {
		r.PostWork(func() {
			order = append(order, "work")
			for began := r.Clock(); r.Clock().Sub(began) <= workSlice; {
			}
			r.Post(func() { order = append(order, "post") })
		})
	}
	r.PostWork(r.Stop)
	r.Run()
	for i, what := range order {
		if want := []string{"work", "post"}[i%2]; what != want {
			t.Fatalf("order %v: work ran out of its slice", order)
		}
	}
	if len(order) < 2*pieces-1 {
		t.Errorf("order %v: something did not run", order)
	}
}

func TestWorkKeepsItsOrder(t *testing.T) {
	r := NewReal()
	next := 0
	for i := range 3000 {
		r.PostWork(func() {
			if i != next {
				t.Errorf("work %d ran when %d was next", i, next)
			}
			next++
		})
	}
	r.PostWork(r.Stop)
	r.Run()
	if next != 3000 {
		t.Errorf("%d pieces of work ran", next)
	}
}

// TestNearerDeadlineArmedLater checks that a far deadline does not make the loop sleep
// through a nearer one armed later.
func TestNearerDeadlineArmedLater(t *testing.T) {
	r := NewReal()
	r.Arm(NewTimer(func() { t.Error("the far deadline came first") }), r.Now().Add(3600*Second))
	go r.Run()
	r.Post(func() {}) // so that it has gone to sleep before, more likely than not
	r.Post(func() { r.Arm(NewTimer(r.Stop), r.Now().Add(Millisecond)) })
	select {
	case <-r.Done():
	case <-time.After(giveUp):
		t.Fatal("the loop sleeps on")
	}
}

func TestEpochIsTimeZero(t *testing.T) {
	r := NewReal()
	clock := r.Clock()
	since := Time(time.Since(r.Epoch()))
	if clock < 0 || since < clock {
		t.Errorf("clock %v, then %v since the epoch", clock, since)
	}
}
