package program

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"glean/generator/signature"
	"glean/generator/traffic"
	"glean/generator/traffic/traffictest"
	"glean/internal/arith"
	"glean/stack/link"
	"glean/stack/loop"
)

// timed is a queue that keeps frames with the time at which they left.
type timed struct {
	now    loop.Time
	at     []loop.Time
	frames [][]byte
}

func (q *timed) Send(frames [][]byte) (int, error) {
	for _, f := range frames {
		q.at, q.frames = append(q.at, q.now), append(q.frames, bytes.Clone(f))
	}
	return len(frames), nil
}

func (q *timed) Close() error { return nil }

// exactly steps a run at the times that it asks for, until it ends.
func exactly(r *Run) *timed {
	q := &timed{now: 1}
	for {
		next, running := r.Step(q.now, q)
		if !running {
			return q
		}
		q.now = max(q.now, next)
	}
}

// owners are the parts that the first n frames of a program belong to, found by
// writing the sequence down.
func owners(c *traffic.Config, p *Program, parts uint64, n int) (of []uint64) {
	sent := make([]uint64, len(p.defs))
	for {
		for i := range p.defs {
			d, t := &p.defs[i], &c.Traffic[i]
			block := t.Weight
			if c.Order == traffic.OrderSequential {
				cycle, _ := arith.LCM(t.Flows, t.Lengths.Cycle())
				block *= cycle
			}
			for range block {
				if len(of) == n {
					return of
				}
				of = append(of, (d.first+sent[i]%d.flows)%parts)
				sent[i]++
			}
		}
	}
}

// TestPartsAreTheWhole: the frames of the parts are those of the run that is
// not split, each at the same time, and so are all counters.
func TestPartsAreTheWhole(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		onPort := rapid.Bool().Draw(t, "port")
		binding := Binding{}
		if !onPort {
			binding = onLink()
		}
		raw := drawConfig(t, onPort)
		c, faults := traffic.ParseConfig(raw)
		if len(faults) > 0 {
			t.Fatalf("%v\n%s", faults, raw)
		}
		limit := rapid.Uint64Range(1, 700).Draw(t, "frames")
		c.Learning.Policy, c.Duration = traffic.PolicyFallback, traffic.Duration{Frames: limit}
		p, faults := Compile(c, binding)
		if len(faults) > 0 {
			return // no room for a signature
		}
		resolveAll(p)
		options := RunOptions{StartAt: loop.Time(rapid.IntRange(0, 1).Draw(t, "start"))}
		whole, split := NewRun(p, options), NewRun(p, options)
		want := exactly(whole)
		parts := split.Split(rapid.IntRange(1, 9).Draw(t, "queues"))
		of := owners(c, p, uint64(len(parts)), len(want.frames))
		for n, part := range parts {
			got, k := exactly(part), 0
			for i := range want.frames {
				if of[i] != uint64(n) {
					continue
				}
				if k == len(got.frames) {
					t.Fatalf("part %d of %d has %d frames only\n%s", n, len(parts), k, raw)
				}
				if want.at[i] != got.at[k] || !bytes.Equal(want.frames[i], got.frames[k]) {
					t.Fatalf("frame %d, which is frame %d of part %d of %d\nat %d % x\nat %d % x\n%s", i, k, n, len(parts), got.at[k], got.frames[k], want.at[i], want.frames[i], raw)
				}
				k++
			}
			if k < len(got.frames) {
				t.Fatalf("part %d of %d has %d frames, want %d\n%s", n, len(parts), len(got.frames), k, raw)
			}
		}
		equalCounters(t, split, whole)
	})
}

func equalCounters(t *rapid.T, got, want *Run) {
	g, w := got.Counters(), want.Counters()
	g.OctetsIntended, w.OctetsIntended = 0, 0 // of all made frames, these are OctetsActual
	if g != w || got.Remaining(0) != want.Remaining(0) || got.CountedFlows() != want.CountedFlows() {
		t.Fatalf("counters %+v, %v, want %+v, %v", g, got.Remaining(0), w, want.Remaining(0))
	}
	for i := range want.CountedFlows() {
		if got.Flow(i) != want.Flow(i) {
			t.Fatalf("flow %d: %+v, want %+v", i, got.Flow(i), want.Flow(i))
		}
	}
	if g, w := fmt.Sprint(got.ProtocolCounters()), fmt.Sprint(want.ProtocolCounters()); g != w {
		t.Fatalf("protocol counters %v, want %v", g, w)
	}
}

// moody is a queue that takes as many frames as it likes, and checks that the
// sequence numbers of each stream come one after the other.
type moody struct {
	t     *rapid.T
	next  map[uint32]uint32 // by stream
	sent  uint64
	moods *rapid.Generator[int]
}

func (q *moody) Send(frames [][]byte) (int, error) {
	n := min(len(frames), q.moods.Draw(q.t, "room"))
	for _, f := range frames[:n] {
		s, ok := signature.Read(f)
		if !ok || s.Sequence != q.next[s.Stream] {
			q.t.Fatalf("stream %d: frame %d after %d", s.Stream, s.Sequence, q.next[s.Stream])
		}
		q.next[s.Stream]++
	}
	q.sent += uint64(n)
	return n, link.ErrFull
}

func (q *moody) Close() error { return nil }

// TestPartsKeepCount: whatever next hops are lost and found, and however little
// devices take, the frames of all parts are exactly those that were ordered,
// and no stream loses or repeats a sequence number, not over a toggle either.
func TestPartsKeepCount(t *testing.T) {
	outer := t
	rapid.Check(t, func(t *rapid.T) {
		flows := rapid.IntRange(1, 40).Draw(t, "flows")
		limit := rapid.Uint64Range(1, 2000).Draw(t, "frames")
		var traffic []string
		for i := range rapid.IntRange(1, 3).Draw(t, "definitions") {
			traffic = append(traffic, fmt.Sprintf(`{"length":{"fixed":128},"weight":%d,"signature":{"stream_id":%d,"latency":"start_of_frame"},"packet":{"protocols":[{"ethernet":{}},
			{"ipv4":{},"modifiers":{"items":[{"name":"destination","permute":false,"ipv4":{"sequence":{"count":%d,"start":"198.18.1.1"}}}]}},{"udp":{}}]}}`,
				rapid.IntRange(1, 9).Draw(t, "weight"), 7+i, flows))
		}
		p := mustCompile(outer, fmt.Sprintf(`{"duration":{"frames":%d},"load":{"rate":{"value":1000000,"period":"second"},"units":"frames"},"order":"round-robin","traffic":[%s]}`,
			limit, strings.Join(traffic, ",")), onLink())
		resolveAll(p)
		q := &moody{t: t, next: make(map[uint32]uint32), moods: rapid.SampledFrom([]int{0, 1, 7, Batch, Batch, Batch})}
		var before *Run
		now := loop.Time(1)
		for range rapid.IntRange(1, 3).Draw(t, "runs") {
			run := NewRun(p, RunOptions{Continue: before})
			parts := run.Split(rapid.IntRange(1, 5).Draw(t, "queues"))
			q.sent = 0
			stopped := rapid.IntRange(0, 2).Draw(t, "stopped") == 0
			for active := slices.Clone(parts); len(active) > 0; {
				i := rapid.IntRange(0, len(active)-1).Draw(t, "part")
				next, running := active[i].Step(now, q)
				if !running {
					active = slices.Delete(active, i, i+1)
				} else if rapid.Bool().Draw(t, "wait") {
					now = max(now, next)
				}
				if hop := uint32(rapid.IntRange(0, 4*flows).Draw(t, "hop")); hop < uint32(flows) {
					if rapid.Bool().Draw(t, "lost") {
						p.SetFailed(hop)
					} else {
						p.SetMAC(hop, macOf(hop))
					}
				} else if hop > uint32(3*flows) {
					resolveAll(p) // so that it ends
				}
				if stopped && q.sent > limit/2 {
					run.Stop()
				}
			}
			c := run.Counters()
			if c.PacketsActual != q.sent || !stopped && q.sent != limit || q.sent > limit {
				t.Fatalf("%d frames left %d parts, %d are counted, %d were ordered", q.sent, len(parts), c.PacketsActual, limit)
			}
			before = run
			resolveAll(p)
		}
	})
}

// Each part has a flow that can be sent at the start.
func TestPartsCanSend(t *testing.T) {
	p := mustCompile(t, traffictest.Config(traffictest.PerMillisecond, traffictest.Definition(`{"ethernet":{}},{"ipv4":{},"modifiers":{"items":[
		{"name":"destination","permute":false,"ipv4":{"sequence":{"count":8,"start":"198.18.1.1"}}}]}}`, "", "")), onLink())
	for _, test := range []struct {
		resolved []uint32
		queues   int
		want     int
	}{{nil, 4, 1}, {[]uint32{0, 1, 2, 3}, 4, 4}, {[]uint32{4, 7}, 4, 2}, {[]uint32{0, 2, 4, 6}, 4, 3}, {[]uint32{0, 2, 4, 6}, 2, 1},
		{[]uint32{0, 1, 2, 3, 4, 5, 6, 7}, 100, 8}, {[]uint32{5}, 4, 1}, {[]uint32{0, 1, 2, 3, 4, 5, 6, 7}, 0, 1}} {
		for hop := range uint32(8) {
			p.SetFailed(hop)
		}
		for _, hop := range test.resolved {
			p.SetMAC(hop, macOf(hop))
		}
		r := NewRun(p, RunOptions{})
		if parts := r.Split(test.queues); len(parts) != test.want || r.Queues() != test.want {
			t.Errorf("%v of 8 flows can be sent, %d queues: %d parts, want %d", test.resolved, test.queues, len(parts), test.want)
		}
	}
}

// A part that begins later than another one makes up for it: all have one
// schedule.
func TestPartsBeginTogether(t *testing.T) {
	p := mustCompile(t, traffictest.Config(traffictest.PerMillisecond, traffictest.Definition(`{"ethernet":{},"modifiers":{"items":[
		{"name":"source","permute":false,"mac":{"sequence":{"count":2,"start":"02:00:00:00:00:01"}}}]}}`, "", "")), Binding{})
	parts := NewRun(p, RunOptions{}).Split(2)
	first, second := new(countingQueue), new(countingQueue)
	parts[0].Step(1000, first)
	at := loop.Time(1000).Add(5 * loop.Millisecond)
	if next, _ := parts[1].Step(at, second); second.frames != 3 || next != at.Add(2*loop.Millisecond) {
		t.Errorf("%d frames at %d, then at %d", second.frames, at, next)
	}
}
