package program

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"glean/generator/traffic"
	"glean/generator/traffic/traffictest"
	"glean/stack/header"
	"glean/stack/link"
	"glean/stack/loop"
)

// steps runs a run on a clock that jumps to where Step asks for, until a time.
// It gives the times at which frames left.
func steps(t testing.TB, r *Run, q *recorder, from, until loop.Time) (at []loop.Time, running bool) {
	t.Helper()
	now := from
	for range 10_000_000 {
		before := len(q.frames)
		next, running := r.Step(now, q)
		for range len(q.frames) - before {
			at = append(at, now)
		}
		if !running || next > until {
			return at, running
		}
		if next < now {
			t.Fatalf("next %v is before %v", next, now)
		}
		now = next
	}
	t.Fatal("no end of steps")
	return nil, false
}

// TestScheduleIsExact: frame n leaves at n/rate after the start, rounded up to a
// nanosecond, however long the run has been on.
func TestScheduleIsExact(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		value := rapid.Uint64Range(1, 3_000_000).Draw(t, "value")
		burst := rapid.Uint64Range(1, 70).Draw(t, "burst")
		p := mustCompileRapid(t, traffictest.OneFlow(fmt.Sprintf(`{"rate":{"value":%d,"period":"minute"},"units":"frames","burst_size":%d}`, value, burst), `{"continuous":true}`, ""))
		resolveAll(p)
		q := &recorder{room: -1}
		at, _ := stepsRapid(t, NewRun(p, RunOptions{}), q, 5, 5+loop.Time(60*loop.Second*100/loop.Duration(value))*loop.Time(burst))
		for n, got := range at {
			// ceil(n/burst * burst * 60e9 / value)
			k := uint64(n) / burst * burst
			want := loop.Time((k*uint64(60*loop.Second) + value - 1) / value)
			if got.Sub(5) != loop.Duration(want) {
				t.Fatalf("frame %d left after %v, not %v", n, got.Sub(5), loop.Duration(want))
			}
		}
		if len(at) < 2 {
			t.Fatalf("%d frames", len(at))
		}
	})
}

func mustCompileRapid(t *rapid.T, config string) *Program {
	c, faults := traffic.ParseConfig([]byte(config))
	if len(faults) > 0 {
		t.Fatal(faults)
	}
	p, faults := Compile(c, onLink())
	if len(faults) > 0 {
		t.Fatal(faults)
	}
	return p
}

func stepsRapid(t *rapid.T, r *Run, q *recorder, from, until loop.Time) (at []loop.Time, running bool) {
	now := from
	for len(at) < 5000 {
		before := len(q.frames)
		next, running := r.Step(now, q)
		for range len(q.frames) - before {
			at = append(at, now)
		}
		if !running || next > until {
			return at, running
		}
		now = next
	}
	return at, true
}

// TestNoDrift looks at a schedule after ten years.
func TestNoDrift(t *testing.T) {
	p := mustCompile(t, traffictest.OneFlow(`{"rate":{"value":3,"period":"seconds"},"units":"frames"}`, `{"continuous":true}`, ""), onLink())
	const years = 10 * 365 * 86400
	if got, want := p.pace.when(3*years), loop.Duration(years)*loop.Second; got != want {
		t.Errorf("frame %d is due after %v, not %v", 3*years, got, want)
	}
	if got := p.pace.due(years * loop.Second); got != 3*years+1 {
		t.Errorf("%d frames are due after ten years", got)
	}
}

func TestOctetRate(t *testing.T) {
	// 600 octets a second in frames of 100 and 200: four frames a second.
	p := mustCompile(t, `{"duration":{"continuous":true},"load":{"rate":{"value":600,"period":"second"},"units":"octets"},
		"traffic":[{"length":{"list":[100,200]},"packet":{"protocols":[{"ethernet":{}}]}}]}`, Binding{})
	if got := p.pace.when(4); got != loop.Second {
		t.Errorf("4 frames take %v", got)
	}
	if got := p.pace.octetsOf(10); got != 1500 {
		t.Errorf("10 frames have %d octets", got)
	}
}

func TestDurations(t *testing.T) {
	for _, c := range []struct {
		load, duration string
		frames         int
		end            loop.Duration
	}{
		{`{"rate":{"value":10,"period":"second"},"units":"frames"}`, `{"frames":25}`, 25, 2400 * loop.Millisecond},
		{`{"rate":{"value":10,"period":"second"},"units":"frames","burst_size":7}`, `{"frames":25}`, 25, 2100 * loop.Millisecond},
		{`{"rate":{"value":1,"period":"hours"},"units":"frames"}`, `{"frames":1}`, 1, 0},
		{`{"rate":{"value":10,"period":"second"},"units":"frames"}`, `{"time":{"value":3,"units":"seconds"}}`, 30, 3 * loop.Second},
		{`{"rate":{"value":10,"period":"second"},"units":"frames","burst_size":7}`, `{"time":{"value":1,"units":"seconds"}}`, 10, loop.Second},
		{`{"rate":{"value":7,"period":"minute"},"units":"frames"}`, `{"time":{"value":30,"units":"seconds"}}`, 4, 30 * loop.Second},
		{`{"rate":{"value":1,"period":"hour"},"units":"frames"}`, `{"time":{"value":500,"units":"milliseconds"}}`, 1, 500 * loop.Millisecond},
	} {
		p := mustCompile(t, traffictest.OneFlow(c.load, c.duration, ""), onLink())
		resolveAll(p)
		r := NewRun(p, RunOptions{})
		q := &recorder{room: -1}
		now := loop.Time(1000)
		for {
			next, running := r.Step(now, q)
			if !running {
				break
			}
			now = next
		}
		got := r.Counters()
		if len(q.frames) != c.frames || got.PacketsActual != uint64(c.frames) || got.PacketsIntended != uint64(c.frames) ||
			got.OctetsIntended != uint64(100*c.frames) || now.Sub(1000) != c.end || r.Err() != nil {
			t.Errorf("%s %s: %d frames, end after %v, %+v, %v", c.load, c.duration, len(q.frames), now.Sub(1000), got, r.Err())
		}
	}
}

// TestTimedRunOfSlowDevice is pitfall 11: a sender that cannot keep the rate
// stops in time all the same.
func TestTimedRunOfSlowDevice(t *testing.T) {
	p := mustCompile(t, traffictest.OneFlow(`{"rate":{"value":1000,"period":"second"},"units":"frames"}`, `{"time":{"value":1,"units":"second"}}`, ""), onLink())
	resolveAll(p)
	for _, dropping := range []bool{false, true} {
		r := NewRun(p, RunOptions{DropOverruns: dropping})
		q := &recorder{err: link.ErrFull}
		now := loop.Time(0)
		for {
			q.room = min(q.room+1, 1) // one frame at each step
			next, running := r.Step(now, q)
			if !running {
				break
			}
			now = max(next, now.Add(10*loop.Millisecond))
		}
		c := r.Counters()
		if now > loop.Time(loop.Second+10*loop.Millisecond) || c.PacketsIntended != 1000 || c.PacketsActual != 100 || c.PacketsActual != uint64(len(q.frames)) {
			t.Errorf("dropping %v: ended at %v with %+v", dropping, now, c)
		}
		if dropping && (c.PacketsDropped < 850 || c.PacketsDropped+c.PacketsActual > 1000 || c.OctetsDropped != 100*c.PacketsDropped) {
			t.Errorf("dropped %d of %+v", c.PacketsDropped, c)
		}
	}
}

// TestNoUnresolvedFrameLeaves: under refuse and skip, frames leave for next
// hops that have a MAC at that moment, and for no others.
func TestNoUnresolvedFrameLeaves(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		policy := rapid.SampledFrom([]string{"refuse", "skip"}).Draw(t, "policy")
		flows := rapid.IntRange(1, 200).Draw(t, "flows")
		p := mustCompileRapid(t, traffictest.FlowsTo(flows, traffictest.PerMillisecond, `{"continuous":true}`, `{"on_unresolved":"`+policy+`"}`))
		r := NewRun(p, RunOptions{})
		resolved := map[header.MAC]bool{}
		q := &checkingQueue{t: t, allowed: resolved}
		now := loop.Time(0)
		for range 60 {
			adj := rapid.Uint32Range(0, uint32(flows-1)).Draw(t, "adj")
			delete(resolved, macAt(p, adj))
			switch rapid.IntRange(0, 3).Draw(t, "change") {
			case 0:
				p.SetFailed(adj)
			case 1:
				p.Set(adj, header.MAC{}, AdjacencyUnresolved, 0)
			default:
				p.SetMAC(adj, macOf(adj+uint32(rapid.IntRange(0, 1).Draw(t, "moved"))<<20))
				resolved[macAt(p, adj)] = true
			}
			q.room = rapid.IntRange(0, 30).Draw(t, "room")
			next, _ := r.Step(now, q)
			now = max(next, now.Add(loop.Duration(rapid.IntRange(0, 20).Draw(t, "later"))*loop.Millisecond))
		}
		c := r.Counters()
		if c.PacketsActual != uint64(q.sent) || c.PacketsActual > c.PacketsIntended {
			t.Fatalf("%d sent, %+v", q.sent, c)
		}
	})
}

func macAt(p *Program, adj uint32) header.MAC {
	mac, _ := p.Adjacency(adj)
	return mac
}

// checkingQueue fails the test when a frame goes to a MAC that is not allowed.
type checkingQueue struct {
	t       *rapid.T
	allowed map[header.MAC]bool
	room    int
	sent    int
}

func (q *checkingQueue) Send(frames [][]byte) (int, error) {
	for i, f := range frames {
		if i == q.room {
			return i, link.ErrFull
		}
		if dst := header.Ethernet(f).Dst(); !q.allowed[dst] {
			q.t.Fatalf("a frame left for %v", dst)
		}
		q.sent++
	}
	return len(frames), nil
}

func (q *checkingQueue) Close() error { return nil }

func TestSkipKeepsTheRate(t *testing.T) {
	p := mustCompile(t, traffictest.FlowsTo(10, traffictest.PerMillisecond, `{"continuous":true}`, `{"on_unresolved":"skip"}`), onLink())
	r := NewRun(p, RunOptions{})
	q := &recorder{room: -1}
	steps(t, r, q, 0, loop.Time(loop.Second))
	if c := r.Counters(); len(q.frames) != 0 || c.PacketsIntended != 0 {
		t.Fatalf("%d frames with no MAC at all, %+v", len(q.frames), c)
	}
	p.SetMAC(3, macOf(3))
	at, _ := steps(t, r, q, loop.Time(loop.Second), loop.Time(2*loop.Second))
	c := r.Counters()
	if len(at) < 999 || len(at) > 1001 || c.PacketsIntended != uint64(len(at)) || c.PacketsActual != uint64(len(at)) {
		t.Errorf("%d frames in the second after one flow of ten was resolved, %+v", len(at), c)
	}
	if c.PacketsSkipped < 9*uint64(len(at)-1) {
		t.Errorf("%d skipped", c.PacketsSkipped)
	}
	for _, f := range q.frames {
		if header.Ethernet(f).Dst() != macOf(3) {
			t.Fatalf("% x", f[:14])
		}
	}
}

func TestFallback(t *testing.T) {
	for _, c := range []struct{ learning, eth, want string }{
		{`{"on_unresolved":"fallback","fallback_mac":"02:00:00:00:00:77"}`, `{}`, "02:00:00:00:00:77"},
		{`{"on_unresolved":"fallback"}`, `{"destination":"02:00:00:00:00:88"}`, "02:00:00:00:00:88"},
	} {
		raw := fmt.Sprintf(`{"duration":{"frames":2},"load":%s,"learning":%s,"traffic":[{"length":{"fixed":100},"packet":{"protocols":[{"ethernet":%s},{"ipv4":{"destination":"198.18.0.9"}}]}}]}`,
			traffictest.PerMillisecond, c.learning, c.eth)
		p := mustCompile(t, raw, onLink())
		r := NewRun(p, RunOptions{})
		q := &recorder{room: -1}
		next, _ := r.Step(0, q)
		p.SetMAC(0, peerMAC)
		r.Step(next, q)
		if len(q.frames) != 2 || header.Ethernet(q.frames[0]).Dst().String() != c.want || header.Ethernet(q.frames[1]).Dst() != peerMAC {
			t.Errorf("%s: % x", c.learning, q.frames)
		}
	}
}

func TestConfiguredMACWins(t *testing.T) {
	for eth, destinations := range map[string]int{`{"destination":"02:00:00:00:00:88"}`: 0, `{}`: 1} {
		p := mustCompile(t, fmt.Sprintf(`{"duration":{"frames":1},"load":%s,"learning":{"destination_mac":"configured"},"traffic":[{"length":{"fixed":100},
			"packet":{"protocols":[{"ethernet":%s},{"ipv4":{"destination":"198.18.0.9"}}]}}]}`, traffictest.PerMillisecond, eth), onLink())
		if got := len(p.Destinations()); got != destinations {
			t.Errorf("%s: %d destinations", eth, got)
		}
		resolveAll(p)
		f := send(t, NewRun(p, RunOptions{}), 1)[0]
		want := "02:00:00:00:00:88"
		if destinations > 0 {
			want = macOf(0).String()
		}
		if got := header.Ethernet(f).Dst().String(); got != want {
			t.Errorf("%s: sent to %s", eth, got)
		}
	}
}

func TestErrors(t *testing.T) {
	p := mustCompile(t, traffictest.OneFlow(traffictest.PerMillisecond, `{"continuous":true}`, ""), onLink())
	resolveAll(p)
	r := NewRun(p, RunOptions{})
	q := &recorder{room: 1, err: fmt.Errorf("tap0: %w", link.ErrDown)}
	if _, running := r.Step(0, q); !running {
		t.Fatal("ended")
	}
	if _, running := r.Step(loop.Time(10*loop.Millisecond), q); !running {
		t.Fatal("a link that is down ends nothing")
	}
	if c := r.Counters(); c.PacketsActual != 1 || c.Errors != 10 || c.PacketsIntended != 11 || c.OctetsIntended != 1100 {
		t.Errorf("%+v", c)
	}
	q.err = errors.New("one bad frame")
	q.room = 0
	r.Step(loop.Time(12*loop.Millisecond), q)
	if c := r.Counters(); c.Errors != 12 {
		t.Errorf("%+v", c)
	}
	q.err = link.ErrDeleted
	if _, running := r.Step(loop.Time(20*loop.Millisecond), q); running || !errors.Is(r.Err(), link.ErrDeleted) {
		t.Errorf("running %v, %v", running, r.Err())
	}
	if next, running := r.Step(loop.Time(30*loop.Millisecond), q); running || next != loop.Never {
		t.Error("an ended run went on")
	}
}

func TestPartialSends(t *testing.T) {
	p := mustCompile(t, traffictest.FlowsTo(7, traffictest.PerMillisecond, `{"frames":100}`, ""), onLink())
	resolveAll(p)
	want := send(t, NewRun(p, RunOptions{}), 100)
	rapid.Check(t, func(t *rapid.T) {
		r := NewRun(p, RunOptions{})
		q := &recorder{err: link.ErrFull}
		now := loop.Time(0)
		for range 10_000 {
			q.room = rapid.IntRange(0, 9).Draw(t, "room")
			next, running := r.Step(now, q)
			if !running {
				break
			}
			now = next
		}
		if fmt.Sprintf("%x", q.frames) != fmt.Sprintf("%x", want) {
			t.Fatalf("%d frames, not the same ones in the same order", len(q.frames))
		}
		if c := r.Counters(); c.PacketsActual != 100 || c.Errors+c.PacketsDropped != 0 {
			t.Fatalf("%+v", c)
		}
	})
}

func TestStaleFramesAreCounted(t *testing.T) {
	p := mustCompile(t, traffictest.OneFlow(traffictest.PerMillisecond, `{"continuous":true}`, ""), onLink())
	p.SetMAC(0, peerMAC)
	r := NewRun(p, RunOptions{})
	q := &recorder{room: -1}
	steps(t, r, q, 0, loop.Time(10*loop.Millisecond))
	p.Set(0, peerMAC, AdjacencyStale, 0)
	steps(t, r, q, loop.Time(11*loop.Millisecond), loop.Time(15*loop.Millisecond))
	p.SetMAC(0, macOf(9))
	steps(t, r, q, loop.Time(16*loop.Millisecond), loop.Time(20*loop.Millisecond))
	if c := r.Counters(); c.PacketsToStale != 5 || c.PacketsActual != 21 {
		t.Errorf("%+v", c)
	}
}

// TestWaitingFramesFollow: frames that the device did not take yet get the new
// MAC.
func TestWaitingFramesFollow(t *testing.T) {
	p := mustCompile(t, traffictest.OneFlow(traffictest.PerMillisecond, `{"continuous":true}`, ""), onLink())
	p.SetMAC(0, peerMAC)
	r := NewRun(p, RunOptions{})
	q := &recorder{room: 4, err: link.ErrFull}
	r.Step(0, q)
	next, _ := r.Step(loop.Time(9*loop.Millisecond), q)
	p.SetMAC(0, macOf(9))
	q.room = -1
	r.Step(next, q)
	if len(q.frames) != 10 {
		t.Fatalf("%d frames", len(q.frames))
	}
	for i, f := range q.frames {
		want := peerMAC
		if i >= 4 {
			want = macOf(9)
		}
		if header.Ethernet(f).Dst() != want {
			t.Errorf("frame %d went to %v", i, header.Ethernet(f).Dst())
		}
	}
	if c := r.Counters(); c.PacketsToStale != 0 {
		t.Errorf("%+v", c)
	}
}

func TestStepDoesNotAllocate(t *testing.T) {
	for _, s := range modifierSets {
		binding := onLink()
		if strings.Contains(s.traffic, "ipv6") {
			binding = Binding{}
		}
		p := mustCompile(t, traffictest.Config(fastest, s.traffic), binding)
		resolveAll(p)
		r := NewRun(p, RunOptions{})
		q := new(countingQueue)
		now := loop.Time(0)
		if n := testing.AllocsPerRun(100, func() { now++; r.Step(now, q) }); n != 0 {
			t.Errorf("%s: %v allocations for each batch", s.name, n)
		}
		if q.frames < 90*Batch { // a batch begins with the slot that fits
			t.Errorf("%s: %d frames", s.name, q.frames)
		}
	}
}
