package loop

import (
	"slices"
	"testing"
)

func TestVirtualJumps(t *testing.T) {
	v := NewVirtual()
	var ran []Time
	note := func() { ran = append(ran, v.Now()) }
	for _, s := range []Duration{3600, 1, 24 * 3600} {
		v.Arm(NewTimer(note), Time(s*Second))
	}
	if v.Next() != Time(Second) {
		t.Errorf("next is at %v, want 1 s", v.Next())
	}
	v.RunUntil(Time(Second))
	v.RunFor(3599 * Second)
	if want := []Time{Time(Second), Time(3600 * Second)}; !slices.Equal(ran, want) {
		t.Errorf("ran at %v, want %v", ran, want)
	}
	v.RunFor(Second)
	if v.Now() != Time(3601*Second) || v.Events() != 2 {
		t.Errorf("now %v after %d events", v.Now(), v.Events())
	}
	v.RunUntil(Never)
	if v.Now() != Time(24*3600*Second) || v.Next() != Never {
		t.Errorf("at the end: now %v, next %v", v.Now(), v.Next())
	}
}

// TestVirtualOrderOfPosts checks that a posted function comes after timers that were
// armed for now before it was seen, and before those armed after.
func TestVirtualOrderOfPosts(t *testing.T) {
	v := NewVirtual()
	var got []string
	note := func(s string) func() { return func() { got = append(got, s) } }
	v.Arm(NewTimer(func() {
		v.Arm(NewTimer(note("timer 1")), v.Now())
		v.Post(note("post 1"))
		v.Post(func() {
			note("post 2")()
			v.Arm(NewTimer(note("timer 2")), v.Now())
			v.Post(note("post 3"))
		})
	}), 5)
	v.RunUntil(5)
	if want := []string{"timer 1", "post 1", "post 2", "timer 2", "post 3"}; !slices.Equal(got, want) {
		t.Errorf("order %v, want %v", got, want)
	}
}

func TestVirtualRunWhile(t *testing.T) {
	v := NewVirtual()
	n := 0
	var tm Timer
	tm.Init(func() { n++; v.Arm(&tm, v.Now().Add(Second)) })
	v.Arm(&tm, 0)
	if !v.RunWhile(func() bool { return n < 5 }, Time(60*Second)) || v.Now() != Time(4*Second) {
		t.Errorf("n %d at %v, want 5 at 4 s", n, v.Now())
	}
	if v.RunWhile(func() bool { return n < 50 }, Time(9500*Millisecond)) || n != 10 || v.Now() != Time(9500*Millisecond) {
		t.Errorf("n %d at %v, want 10 at 9.5 s", n, v.Now())
	}
}

// TestVirtualPostsStayBounded checks that functions that post themselves for ever take
// turns in bounded memory.
func TestVirtualPostsStayBounded(t *testing.T) {
	v := NewVirtual()
	var counts [3]int
	for i := range counts {
		var f func()
		f = func() { counts[i]++; v.Post(f) }
		v.Post(f)
	}
	for range 30000 {
		v.Step()
	}
	if counts != [3]int{10000, 10000, 10000} {
		t.Errorf("turns %v, want 10000 each", counts)
	}
	if cap(v.posted) > 64 {
		t.Errorf("three posts wait in a queue of capacity %d", cap(v.posted))
	}
}

func TestTimesArePrinted(t *testing.T) {
	for want, got := range map[string]string{
		"0.000000345s":  Time(345).String(),
		"12.000000345s": (12*Second + 345).String(),
		"-1.500000000s": (-1500 * Millisecond).String(),
		"never":         Never.String(),
	} {
		if got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
	if Time(5).Add(Duration(Never)) != Never || Time(5).Add(-7) != -2 || Time(7).Sub(5) != 2 {
		t.Error("arithmetic of Time is wrong")
	}
}
