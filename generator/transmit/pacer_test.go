package transmit

import (
	"fmt"
	"math/big"
	"testing"

	"pgregory.net/rapid"

	"glean/generator/program"
	"glean/generator/traffic"
	"glean/stack/loop"
)

// fakeTime is a clock that moves when it is read, and when someone sleeps.
// Sleeps and timers are late by up to what is given.
type fakeTime struct {
	now                  loop.Time
	read                 loop.Duration // what one reading costs
	sleepLate, timerLate func() loop.Duration
	slept                loop.Duration
	stopped              bool
}

func (f *fakeTime) pacer() *pacer {
	return &pacer{
		clock: func() loop.Time { f.now += loop.Time(f.read); return f.now },
		sleep: func(d loop.Duration) {
			if d <= 0 {
				panic("a sleep of no time")
			}
			f.now += loop.Time(d + f.sleepLate())
			f.slept += d
		},
		wait: func(d loop.Duration) bool {
			f.now += loop.Time(d + f.timerLate())
			f.slept += d
			return f.stopped
		},
	}
}

func drawTime(t *rapid.T) *fakeTime {
	return &fakeTime{
		now:  loop.Time(rapid.Int64Range(0, 1e15).Draw(t, "now")),
		read: loop.Duration(rapid.Int64Range(40, 200).Draw(t, "read")),
		sleepLate: func() loop.Duration {
			return loop.Duration(rapid.Int64Range(0, int64(sleepMargin-loop.Microsecond)).Draw(t, "sleep late"))
		},
		timerLate: func() loop.Duration {
			return loop.Duration(rapid.Int64Range(0, int64(timerMargin-sleepMargin)).Draw(t, "timer late"))
		},
	}
}

// However late sleeps are within their margins, a pause ends in time, to one
// reading of the clock.
func TestPauseEndsInTime(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		f := drawTime(t)
		pause := loop.Duration(rapid.OneOf(rapid.Int64Range(-1000, 1e6), rapid.Int64Range(0, 1e11)).Draw(t, "pause"))
		until := f.now.Add(pause)
		f.pacer().until(until)
		if late := f.now.Sub(until); pause > 0 && (late < 0 || late > f.read) || pause <= 0 && f.slept > 0 {
			t.Errorf("%d ns late, readings cost %d ns; slept for %d ns", late, f.read, f.slept)
		}
	})
}

// A stop ends a long pause.
func TestStopEndsAPause(t *testing.T) {
	f := &fakeTime{read: 30, stopped: true, timerLate: func() loop.Duration { return -1800 * loop.Second }}
	f.pacer().until(loop.Time(3600 * loop.Second))
	if f.now > loop.Time(1860*loop.Second) {
		t.Errorf("the pause went on until %d", f.now)
	}
}

// At low rates the processor sleeps nearly all the time; from ten thousand
// frames a second on it does not sleep, since gaps must be exact.
func TestSleepByRate(t *testing.T) {
	for _, test := range []struct {
		rate        int
		least, most float64 // part of the time that is slept
	}{{1, .999, 1}, {100, .98, 1}, {1000, .89, .95}, {5000, .49, .55}, {10_000, 0, 0}, {500_000, 0, 0}} {
		f := &fakeTime{read: 40, sleepLate: func() loop.Duration { return 0 }, timerLate: func() loop.Duration { return 0 }}
		p := programAt(t, fmt.Sprintf(`{"value":%d,"period":"second"}`, test.rate), `{"frames":1000}`)
		drive(program.NewRun(p, program.RunOptions{}), new(device), f.pacer())
		if part := float64(f.slept) / float64(f.now); part < test.least || part > test.most {
			t.Errorf("%d frames a second: %.3f of the time was slept, want %.3f to %.3f", test.rate, part, test.least, test.most)
		}
	}
}

// paced is a queue that holds each frame to its due time: frame n of a rate of
// num frames in den nanoseconds is due at n*den/num.
type paced struct {
	t        *rapid.T
	f        *fakeTime
	num, den int64
	begin    loop.Time
	sent     int64
	cost     loop.Duration // of a frame
	latest   loop.Duration // that a frame was after its time
}

func (q *paced) Send(frames [][]byte) (int, error) {
	if q.sent == 0 {
		q.begin = q.f.now
	}
	for range frames {
		at := q.f.now.Sub(q.begin)
		due := new(big.Int).Mul(big.NewInt(q.sent), big.NewInt(q.den)) // in nanoseconds, times num
		is := new(big.Int).Mul(big.NewInt(int64(at)), big.NewInt(q.num))
		if is.Cmp(due) < 0 {
			q.t.Fatalf("frame %d left at %d, before its time %v/%d", q.sent, at, due, q.num)
		}
		q.latest = max(q.latest, at-loop.Duration(q.sent*q.den/q.num))
		q.sent++
		q.f.now += loop.Time(q.cost)
	}
	return len(frames), nil
}

func (q *paced) Close() error { return nil }

// No frame leaves before its time, and none long after it, from the first to
// the last: nothing adds up.
func TestPacingIsExactOverTime(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		f := drawTime(t)
		rate := rapid.Int64Range(1, 200_000).Draw(t, "rate")
		period := rapid.SampledFrom([]string{"second", "minute"}).Draw(t, "period")
		q := &paced{t: t, f: f, num: rate, den: int64(loop.Second), cost: 1000}
		if period == "minute" {
			q.den *= 60
		}
		const frames = 200
		c, faults := traffic.ParseConfig(fmt.Appendf(nil, `{"duration":{"frames":%d},"load":{"rate":{"value":%d,"period":%q},"units":"frames"},
			"traffic":[{"length":{"fixed":64},"packet":{"protocols":[{"ethernet":{}}]}}]}`, frames, rate, period))
		if len(faults) > 0 {
			t.Fatal(faults)
		}
		p, faults := program.Compile(c, program.Binding{})
		if len(faults) > 0 {
			t.Fatal(faults)
		}
		drive(program.NewRun(p, program.RunOptions{}), q, f.pacer())
		// A pause ends one reading late; the next step reads once more.
		if allowed := 3 * f.read; q.sent != frames || q.latest > allowed {
			t.Errorf("%d frames, the latest %d ns after its time; readings cost %d ns", q.sent, q.latest, f.read)
		}
	})
}

// What a busy machine delays is made up for, so the rate stays exact.
func TestDelayIsMadeUpFor(t *testing.T) {
	f := &fakeTime{read: 40, sleepLate: func() loop.Duration { return 0 }, timerLate: func() loop.Duration { return 0 }}
	p := programAt(t, `{"value":100000,"period":"second"}`, `{"time":{"value":1,"units":"seconds"}}`)
	q := &delayed{f: f}
	run := program.NewRun(p, program.RunOptions{})
	drive(run, q, f.pacer())
	if c := run.Counters(); c.PacketsActual != 100_000 || c.PacketsIntended != 100_000 {
		t.Errorf("%d of %d frames in a second at 100000 a second", c.PacketsActual, c.PacketsIntended)
	}
}

// delayed is a queue that takes 3 ms for every 500th batch.
type delayed struct {
	f     *fakeTime
	calls int
}

func (q *delayed) Send(frames [][]byte) (int, error) {
	q.f.now += loop.Time(len(frames)) * 300
	if q.calls++; q.calls%500 == 0 {
		q.f.now += loop.Time(3 * loop.Millisecond)
	}
	return len(frames), nil
}

func (q *delayed) Close() error { return nil }
