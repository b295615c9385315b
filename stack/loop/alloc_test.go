package loop

import "testing"

func TestNothingIsAllocated(t *testing.T) {
	v, r := NewVirtual(), NewReal()
	timers := make([]Timer, 64)
	for i := range timers {
		timers[i].Init(func() {})
	}
	f := func() {}
	for name, step := range map[string]func(){
		"virtual: arm, move, disarm": func() {
			for i := range timers {
				v.Arm(&timers[i], v.Now().Add(Duration(i)))
				v.Arm(&timers[i], v.Now().Add(Duration(64-i)))
			}
			for i := range timers {
				v.Disarm(&timers[i])
			}
		},
		"virtual: arm and run": func() {
			for i := range timers {
				v.Arm(&timers[i], v.Now().Add(Duration(i*7%64)))
			}
			v.RunFor(64)
		},
		"virtual: post and run": func() { v.Post(f); v.Post(f); v.RunFor(1) },
		"real: arm, post and run": func() {
			for i := range timers {
				r.Arm(&timers[i], 0)
			}
			r.Post(f)
			r.turn()
		},
	} {
		if n := testing.AllocsPerRun(200, step); n != 0 {
			t.Errorf("%s: %v allocations", name, n)
		}
	}
}

func BenchmarkArmDisarm(b *testing.B) {
	for _, bench := range []struct {
		name  string
		armed int
	}{{"10 armed", 10}, {"10k armed", 10_000}, {"1M armed", 1_000_000}} {
		b.Run(bench.name, func(b *testing.B) {
			v := NewVirtual()
			timers := make([]Timer, bench.armed)
			for i := range timers {
				timers[i].Init(func() {})
				v.Arm(&timers[i], Time(i*7919%bench.armed))
			}
			b.ReportAllocs()
			i := 0
			for b.Loop() {
				t := &timers[i*7919%bench.armed]
				v.Disarm(t)
				v.Arm(t, Time(i%bench.armed))
				i++
			}
		})
	}
}

// BenchmarkVirtualEvent is one timer run and armed again among a thousand.
func BenchmarkVirtualEvent(b *testing.B) {
	v := NewVirtual()
	timers := make([]Timer, 1000)
	for i := range timers {
		t := &timers[i]
		t.Init(func() { v.Arm(t, v.Now().Add(Duration(1000+i))) })
		v.Arm(t, Time(i))
	}
	b.ReportAllocs()
	for b.Loop() {
		v.Step()
	}
}

func BenchmarkVirtualPost(b *testing.B) {
	v, f := NewVirtual(), func() {}
	b.ReportAllocs()
	for b.Loop() {
		v.Post(f)
		v.Step()
	}
}

// BenchmarkRealPost is a function posted to a busy loop by another goroutine.
func BenchmarkRealPost(b *testing.B) {
	r := NewReal()
	go r.Run()
	ran := 0
	f := func() { ran++ }
	b.ReportAllocs()
	for b.Loop() {
		r.Post(f)
	}
	r.Post(r.Stop)
	<-r.Done()
	if ran == 0 {
		b.Fatal("nothing ran")
	}
}

// BenchmarkRealRoundTrip is a function posted to a sleeping loop, until its
// effect is seen.
func BenchmarkRealRoundTrip(b *testing.B) {
	r := NewReal()
	go r.Run()
	back := make(chan struct{})
	f := func() { back <- struct{}{} }
	for b.Loop() {
		r.Post(f)
		<-back
	}
	r.Stop()
	<-r.Done()
}
