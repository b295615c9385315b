package transmit

import (
	"fmt"
	"testing"

	"pgregory.net/rapid"

	"glean/generator/program"
	"glean/generator/traffic"
	"glean/stack/link"
	"glean/stack/loop"
)

// stubborn is a device in fake time that takes nothing, for one reason or
// another, or all.
type stubborn struct {
	f    *fakeTime
	cost loop.Duration // of a call
	err  error
}

func (q *stubborn) Send(frames [][]byte) (int, error) {
	q.f.now += loop.Time(q.cost)
	if q.err != nil {
		return 0, q.err
	}
	return len(frames), nil
}

func (q *stubborn) Close() error { return nil }

// Wherever a transmitter is when it is told to stop, and whatever its device
// does, it ends within a few milliseconds; 100 are allowed. Time is that of the
// transmitter's own waits, since what a busy machine adds is not its fault.
func TestStopIsSoon(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		f := drawTime(t)
		rate := rapid.OneOf(rapid.IntRange(1, 100), rapid.IntRange(100, 100_000), rapid.Just(100_000_000)).Draw(t, "rate")
		period := rapid.SampledFrom([]string{"second", "minute", "hour"}).Draw(t, "period")
		c, faults := traffic.ParseConfig(fmt.Appendf(nil, `{"duration":%s,"load":{"rate":{"value":%d,"period":%q},"units":"frames"},
			"traffic":[{"length":{"fixed":64},"packet":{"protocols":[{"ethernet":{}}]}}]}`,
			rapid.SampledFrom([]string{continuous, `{"time":{"value":1,"units":"hours"}}`}).Draw(t, "duration"), rate, period))
		if len(faults) > 0 {
			t.Fatal(faults)
		}
		p, faults := program.Compile(c, program.Binding{})
		if len(faults) > 0 {
			t.Fatal(faults)
		}
		q := &stubborn{f: f, cost: loop.Duration(rapid.IntRange(0, 200_000).Draw(t, "cost"))}
		q.err = rapid.SampledFrom([]error{nil, link.ErrFull, link.ErrDown}).Draw(t, "device")
		run := program.NewRun(p, program.RunOptions{DropOverruns: rapid.Bool().Draw(t, "drop")})
		after, readings, stoppedAt := rapid.IntRange(1, 500).Draw(t, "after"), 0, loop.Never
		pace := f.pacer()
		clock := pace.clock
		pace.clock = func() loop.Time { // the run is stopped between any two of its readings
			if readings++; readings == after {
				run.Stop()
				stoppedAt, f.stopped = f.now, true
			}
			return clock()
		}
		pace.wait = func(d loop.Duration) bool { // it ends at once when it has been rung
			if f.stopped {
				return true
			}
			now := f.now.Add(d / 2)
			if rapid.Bool().Draw(t, "stopped while waiting") {
				f.now = now
				run.Stop()
				stoppedAt, f.stopped = f.now, true
				return true
			}
			f.now = now.Add(d - d/2 + f.timerLate())
			return false
		}
		drive(run, q, pace)
		if took, most := f.now.Sub(stoppedAt), timerMargin+2*q.cost+loop.Millisecond; took > most || most > 100*loop.Millisecond {
			t.Errorf("it took %d us to stop, want %d at most", took/loop.Microsecond, most/loop.Microsecond)
		}
	})
}

// While its device takes nothing, and while no flow has a MAC, a transmitter
// sleeps most of the time.
func TestFullDeviceIsNotSpunFor(t *testing.T) {
	f := &fakeTime{read: 40, sleepLate: func() loop.Duration { return 0 }, timerLate: func() loop.Duration { return 0 }}
	run := program.NewRun(programAt(t, fullRate, `{"time":{"value":1,"units":"seconds"}}`), program.RunOptions{})
	drive(run, &stubborn{f: f, cost: 2 * loop.Microsecond, err: link.ErrFull}, f.pacer())
	if part := float64(f.slept) / float64(f.now); part < .85 || f.now < loop.Time(loop.Second) {
		t.Errorf("%.2f of the time was slept in %d ns", part, f.now)
	}
}
