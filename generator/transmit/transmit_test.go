package transmit

import (
	"errors"
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"glean/generator/program"
	"glean/generator/traffic"
	"glean/stack/link"
	"glean/stack/loop"
)

func compile(t testing.TB, config string, b program.Binding) *program.Program {
	t.Helper()
	c, faults := traffic.ParseConfig([]byte(config))
	if len(faults) > 0 {
		t.Fatal(faults)
	}
	p, faults := program.Compile(c, b)
	if len(faults) > 0 {
		t.Fatal(faults)
	}
	return p
}

func programAt(t testing.TB, rate, duration string) *program.Program {
	t.Helper()
	return compile(t, fmt.Sprintf(`{"duration":%s,"load":{"rate":%s,"units":"frames"},
		"traffic":[{"length":{"fixed":64},"packet":{"protocols":[{"ethernet":{}}]}}]}`, duration, rate), program.Binding{})
}

// device counts frames; it fails with err after room of them.
type device struct {
	frames, closed atomic.Int64
	room           int64 // 0 for any number
	err            error
	first          chan struct{}
}

func (d *device) Send(frames [][]byte) (int, error) {
	for i := range frames {
		if d.room > 0 && d.frames.Load() == d.room {
			return i, d.err
		}
		if d.frames.Add(1) == 1 && d.first != nil {
			close(d.first)
		}
	}
	return len(frames), nil
}

func (d *device) Close() error { d.closed.Add(1); return nil }

func clock() func() loop.Time {
	epoch := time.Now()
	return func() loop.Time { return loop.Time(time.Since(epoch)) }
}

func TestRunEndsByItself(t *testing.T) {
	d := new(device)
	run := program.NewRun(programAt(t, `{"value":20000,"period":"second"}`, `{"frames":1000}`), program.RunOptions{})
	done := make(chan error)
	Start(run, d, clock(), func(reason error) { done <- reason })
	if reason := <-done; reason != nil || d.frames.Load() != 1000 || d.closed.Load() != 1 {
		t.Errorf("%v after %d frames, closed %d times", reason, d.frames.Load(), d.closed.Load())
	}
	if c := run.Counters(); c.PacketsActual != 1000 || c.Last.Sub(c.First) < 999*50*loop.Microsecond {
		t.Errorf("%+v: sooner than the rate allows", c)
	}
}

func TestStopOfARareSender(t *testing.T) {
	d := &device{first: make(chan struct{})}
	run := program.NewRun(programAt(t, `{"value":1,"period":"hour"}`, `{"continuous":true}`), program.RunOptions{})
	done := make(chan error, 1)
	transmitter := Start(run, d, clock(), func(reason error) { done <- reason })
	<-d.first
	transmitter.Stop()
	transmitter.Stop()
	if reason := <-done; reason != nil || d.frames.Load() != 1 { // else this waits for an hour
		t.Error(reason, d.frames.Load())
	}
}

func TestReasonOfTheDevice(t *testing.T) {
	d := &device{room: 10, err: fmt.Errorf("tap0: %w", link.ErrDeleted)}
	run := program.NewRun(programAt(t, `{"value":100000,"period":"second"}`, `{"continuous":true}`), program.RunOptions{})
	done := make(chan error)
	Start(run, d, clock(), func(reason error) { done <- reason })
	if reason := <-done; !errors.Is(reason, link.ErrDeleted) {
		t.Error(reason)
	}
}

// TestFullDevice: a device that takes nothing does not hold up a stop.
func TestFullDevice(t *testing.T) {
	d := &device{room: 10, err: link.ErrFull, first: make(chan struct{})}
	run := program.NewRun(programAt(t, `{"value":1000000,"period":"second"}`, `{"continuous":true}`), program.RunOptions{})
	done := make(chan error)
	transmitter := Start(run, d, clock(), func(reason error) { done <- reason })
	<-d.first
	transmitter.Stop()
	if reason := <-done; reason != nil {
		t.Error(reason)
	}
}

// TestCountersWhileTransmitting reads what the transmitter writes; the race
// detector is the judge, and counters never go back.
func TestCountersWhileTransmitting(t *testing.T) {
	d := new(device)
	run := program.NewRun(programAt(t, `{"value":1000000,"period":"second"}`, `{"frames":50000}`), program.RunOptions{})
	done := make(chan error, 1)
	Start(run, d, clock(), func(reason error) { done <- reason })
	var last program.Counters
	for {
		c := run.Counters()
		if c.PacketsActual < last.PacketsActual || c.PacketsActual > c.PacketsIntended || c.OctetsActual != 64*c.PacketsActual {
			t.Fatalf("%+v after %+v", c, last)
		}
		last = c
		run.Flow(0)
		select {
		case <-done:
			if got := run.Counters().PacketsActual; got != 50000 {
				t.Error(got)
			}
			return
		default:
		}
	}
}
