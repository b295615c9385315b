package engine_test

import (
	"errors"
	"fmt"
	"testing"

	"glean/generator"
	"glean/generator/program"
	"glean/generator/signature"
	"glean/server/engine"
	"glean/sim"
	"glean/stack/link"
	"glean/stack/loop"
)

// manyQueues is a port with several queues. It records the streams of each queue.
type manyQueues struct {
	link.Link
	queues  int
	opened  int
	closed  int
	refuse  int // the queue that can't be opened
	broken  int // the queue that breaks at its 10th frame
	streams map[uint32]int
	next    map[uint32]uint32
	t       *testing.T
}

func (m *manyQueues) Queues() int { return m.queues }

func (m *manyQueues) OpenQueue() (link.Queue, error) {
	if m.opened++; m.opened == m.refuse {
		return nil, errors.New("no more queues")
	}
	return &oneQueue{m: m, number: m.opened}, nil
}

type oneQueue struct {
	m            *manyQueues
	number, sent int
}

func (q *oneQueue) Send(frames [][]byte) (int, error) {
	for n, f := range frames {
		if q.sent++; q.number == q.m.broken && q.sent == 10 {
			return n, link.ErrDeleted
		}
		s, ok := signature.Read(f)
		if by, known := q.m.streams[s.Stream]; !ok || known && by != q.number {
			q.m.t.Errorf("stream %x left by queue %d and by %d", s.Stream, by, q.number)
		}
		q.m.streams[s.Stream] = q.number
		if s.Sequence != q.m.next[s.Stream] {
			q.m.t.Errorf("stream %x: frame %d, want %d", s.Stream, s.Sequence, q.m.next[s.Stream])
		}
		q.m.next[s.Stream]++
	}
	return len(frames), nil
}

func (q *oneQueue) Close() error { q.m.closed++; return nil }

// newManyQueues returns an engine on a machine of four processors with a port of several
// queues and two generators of ten flows at 1,000 frames a second.
func newManyQueues(t *testing.T, queues int) (*engine.Engine, *manyQueues, *sim.World) {
	w := sim.NewWorld(1)
	e := engine.New(engine.Config{
		Loop: w.Loop(), Rand: w.Rand("engine"), Processors: 4,
		Transmit: func(r *program.Run, q link.Queue, done func(error)) generator.Transmitter {
			return program.StartOnLoop(w.Loop(), r, q, done)
		},
	})
	near, _ := w.Wire("w", sim.WireConfig{})
	m := &manyQueues{Link: near, queues: queues, streams: make(map[uint32]int), next: make(map[uint32]uint32), t: t}
	if err := e.ReservePort(engine.PortSpec{ID: "0", Kind: engine.KindWire, Name: "w"}); err != nil {
		t.Fatal(err)
	}
	e.AttachPort("0", m)
	for _, id := range []string{"a", "b"} {
		_, err := e.CreateGenerator(parsedGenerator(t, fmt.Appendf(nil, `{"id":%q,"target_id":"0","config":{"duration":{"continuous":true},
			"load":{"rate":{"value":1000,"period":"second"},"units":"frames"},"traffic":[{"length":{"fixed":128},
			"signature":{"stream_id":1,"latency":"start_of_frame"},"packet":{"protocols":[{"ethernet":{},"modifiers":{"items":[
			{"name":"source","permute":false,"mac":{"sequence":{"count":10,"start":"02:00:00:00:00:01"}}}]}},{"ipv4":{}}]}}]}}`, id)))
		if err != nil {
			t.Fatal(err)
		}
	}
	return e, m, w
}

// TestFlowsSpreadOverQueues: the flows of one generator are spread over the queues of its
// port, and a toggle loses no sequence number of a flow.
func TestFlowsSpreadOverQueues(t *testing.T) {
	for _, test := range []struct{ queues, want int }{{1, 1}, {2, 2}, {4, 4}, {64, 4}} {
		e, m, w := newManyQueues(t, test.queues)
		r, err := e.StartGenerator("a")
		if err != nil {
			t.Fatal(err)
		}
		w.Virtual().RunFor(100 * loop.Millisecond)
		used := make(map[int]bool)
		for _, queue := range m.streams {
			used[queue] = true
		}
		if c := r.Run().Counters(); len(m.streams) != 10 || len(used) != test.want || m.opened != test.want || c.PacketsActual != 101 || c.PacketsIntended != 101 {
			t.Errorf("%d queues: %d flows on %d of %d opened, counters %+v", test.queues, len(m.streams), len(used), m.opened, c)
		}
		clear(m.streams) // a flow may use another queue then
		if err := e.ToggleGenerator(engine.Toggle{Replace: "a", With: "b"}, func(*generator.Result, error) {}); err != nil {
			t.Fatal(err)
		}
		w.Virtual().RunFor(100 * loop.Millisecond)
		if at, reason := r.Ended(); r.Active() || reason != nil || m.closed != test.want || len(m.streams) != 10 {
			t.Errorf("ended at %v, %v; %d of %d queues closed", at, reason, m.closed, test.want)
		}
	}
}

// TestBrokenQueueEndsGenerator: a queue that cannot be opened or fails ends the generator
// with all its queues.
func TestBrokenQueueEndsGenerator(t *testing.T) {
	e, m, w := newManyQueues(t, 4)
	m.refuse = 3
	if _, err := e.StartGenerator("a"); err == nil || m.closed != 2 {
		t.Errorf("%v; %d queues were closed", err, m.closed)
	}
	m.opened, m.closed, m.refuse, m.broken = 0, 0, 0, 2
	r, err := e.StartGenerator("a")
	if err != nil {
		t.Fatal(err)
	}
	w.Virtual().RunFor(loop.Second)
	if _, reason := r.Ended(); r.Active() || !errors.Is(reason, link.ErrDeleted) || m.closed != 4 {
		t.Errorf("ended with %v; %d queues were closed", reason, m.closed)
	}
}
