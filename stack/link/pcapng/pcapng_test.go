package pcapng

import (
	"bytes"
	"errors"
	"io"
	"testing"
	"time"

	"github.com/google/gopacket/layers"
	"github.com/google/gopacket/pcapgo"

	"glean/stack/link"
	"glean/stack/link/linktest"
	"glean/stack/loop"
)

var epoch = time.Unix(1_700_000_000, 123)

// pipe is a link whose frames arrive at its peer 1 ms later.
type pipe struct {
	loop    *loop.Virtual
	inbox   *link.Inbox
	peer    *pipe
	handler link.Handler
	stats   link.Stats
	early   uint64
	closed  bool
}

func newPipes(v *loop.Virtual) (a, b *pipe) {
	a, b = &pipe{loop: v}, &pipe{loop: v}
	a.peer, b.peer = b, a
	for _, p := range []*pipe{a, b} {
		p.inbox = link.NewInbox(v, 64, 1522, func(f []byte) {
			if p.handler == nil {
				p.early++
				return
			}
			p.handler.HandleFrame(f)
		})
	}
	return a, b
}

func (p *pipe) Send(frames [][]byte) (taken int, err error) {
	if p.closed {
		return 0, link.ErrClosed
	}
	for _, f := range frames {
		if len(f) < 14 || len(f) > 1522 {
			return taken, link.ErrSize
		}
		f = bytes.Clone(f)
		p.loop.Arm(loop.NewTimer(func() {
			p.peer.stats.RxFrames++
			p.peer.stats.RxBytes += uint64(len(f))
			p.peer.inbox.Put(f)
		}), p.loop.Now().Add(loop.Millisecond))
		taken++
		p.stats.TxFrames++
		p.stats.TxBytes += uint64(len(f))
	}
	return taken, nil
}

func (p *pipe) Attach(h link.Handler) { p.handler = h }
func (p *pipe) State() link.State     { return link.State{Up: true} }
func (p *pipe) MTU() int              { return 1500 }
func (p *pipe) Room() int             { return p.inbox.Room() }

func (p *pipe) Stats() link.Stats {
	s := p.stats
	s.RxDropped = p.early + p.inbox.Dropped()
	return s
}

func (p *pipe) Close() error { p.closed = true; p.inbox.Close(); return nil }

func (p *pipe) OpenQueue() (link.Queue, error) {
	if p.closed {
		return nil, link.ErrClosed
	}
	return &pipeQueue{pipe: p}, nil
}

type pipeQueue struct {
	*pipe
	ended bool
}

func (q *pipeQueue) Send(frames [][]byte) (int, error) {
	if q.ended {
		return 0, link.ErrClosed
	}
	return q.pipe.Send(frames)
}

func (q *pipeQueue) Close() error { q.ended = true; return nil }

// TestTracedLinkSuite checks that a traced link is a link like any other.
func TestTracedLinkSuite(t *testing.T) {
	linktest.Run(t, func(t *testing.T) linktest.Rig {
		v := loop.NewVirtual()
		a, b := newPipes(v)
		w := NewWriter(io.Discard, epoch)
		tracedA, errA := w.Trace("a", a, v.Now)
		tracedB, errB := w.Trace("b", b, v.Now)
		if errA != nil || errB != nil {
			t.Fatal(errA, errB)
		}
		return linktest.Rig{Driver: linktest.Virtual(v), A: tracedA, B: tracedB}
	})
}

// sink is a handler that overwrites what it gets.
type sink struct{ frames int }

func (s *sink) HandleFrame(f []byte)   { s.frames++; clear(f) }
func (s *sink) HandleState(link.State) {}

func someFrame(n byte, size int) []byte { return bytes.Repeat([]byte{n}, size) }

func TestTraceIsReadBack(t *testing.T) {
	v := loop.NewVirtual()
	a, b := newPipes(v)
	var out bytes.Buffer
	w := NewWriter(&out, epoch)
	ta, errA := w.Trace("port 0", a, v.Now)
	tb, errB := w.Trace("port 1", b, v.Now)
	if errA != nil || errB != nil {
		t.Fatal(errA, errB)
	}
	var got sink
	ta.Attach(&got)
	tb.Attach(&got)
	v.RunUntil(loop.Time(5 * loop.Second))
	if n, err := ta.Send([][]byte{someFrame(1, 60), someFrame(2, 1514), someFrame(3, 13)}); n != 2 || !errors.Is(err, link.ErrSize) {
		t.Fatalf("took %d, error %v", n, err) // the third is not sent, so it is not traced
	}
	v.RunFor(loop.Second)
	q, err := tb.OpenQueue()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := q.Send([][]byte{someFrame(4, 61)}); err != nil {
		t.Fatal(err)
	}
	v.RunFor(loop.Second)
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}

	type packet struct {
		port int
		at   loop.Time
		n    byte
		size int
	}
	sent, arrived := loop.Time(5*loop.Second), loop.Time(5*loop.Second+loop.Millisecond)
	want := []packet{
		{0, sent, 1, 60}, {0, sent, 2, 1514}, {1, arrived, 1, 60}, {1, arrived, 2, 1514},
		{1, sent.Add(loop.Second), 4, 61}, {0, arrived.Add(loop.Second), 4, 61},
	}
	r, err := pcapgo.NewNgReader(&out, pcapgo.NgReaderOptions{WantMixedLinkType: true})
	if err != nil {
		t.Fatal(err)
	}
	for i, p := range want {
		data, info, err := r.ReadPacketData()
		if err != nil {
			t.Fatalf("packet %d: %v", i, err)
		}
		if info.InterfaceIndex != p.port || !info.Timestamp.Equal(epoch.Add(time.Duration(p.at))) || !bytes.Equal(data, someFrame(p.n, p.size)) {
			t.Errorf("packet %d: interface %d, time %v, %d octets of %d; want %+v", i, info.InterfaceIndex, info.Timestamp, len(data), data[0], p)
		}
	}
	if _, _, err := r.ReadPacketData(); err != io.EOF {
		t.Errorf("after the last packet: %v, want the end", err)
	}
	for i, name := range []string{"port 0", "port 1"} {
		if in, err := r.Interface(i); err != nil || in.Name != name || in.LinkType != layers.LinkTypeEthernet {
			t.Errorf("interface %d is %+v, error %v; want %q", i, in, err, name)
		}
	}
	if packets, missed, _ := w.Stats(); packets != 6 || missed != 0 || got.frames != 3 {
		t.Errorf("%d packets, %d missed, %d handled", packets, missed, got.frames)
	}
}

// broken fails after some octets, as a full disk does.
type broken struct{ room int }

var errFull = errors.New("disk is full")

func (b *broken) Write(p []byte) (int, error) {
	if b.room -= len(p); b.room < 0 {
		return 0, errFull
	}
	return len(p), nil
}

// TestTraceNeverHarms checks that no trace, a closed one and one whose file fails
// leave frames as they are.
func TestTraceNeverHarms(t *testing.T) {
	none := (*Writer)(nil)
	ended := NewWriter(new(bytes.Buffer), epoch)
	full := NewWriter(&broken{5000}, epoch)
	for name, w := range map[string]*Writer{"none": none, "ended": ended, "full": full} {
		v := loop.NewVirtual()
		a, b := newPipes(v)
		l, err := w.Trace(name, a, v.Now)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if w == none && l != link.Link(a) {
			t.Error("a link without a trace is wrapped")
		}
		if w == ended {
			if err := w.Close(); err != nil {
				t.Errorf("Close: %v", err)
			}
		}
		var got sink
		l.Attach(&got)
		b.Attach(&got)
		for range 20 {
			if n, err := l.Send([][]byte{someFrame(1, 1000)}); n != 1 || err != nil {
				t.Errorf("%s: took %d, error %v", name, n, err)
			}
		}
		v.RunFor(loop.Second)
		if got.frames != 20 {
			t.Errorf("%s: %d of 20 frames arrived", name, got.frames)
		}
	}
	if err := none.Close(); err != nil || none.Flush() != nil {
		t.Errorf("closing no trace: %v", err)
	}
	if _, err := ended.Trace("late", nil, nil); !errors.Is(err, ErrClosed) {
		t.Errorf("a trace that is closed was added to: %v", err)
	}
	if _, missed, err := full.Stats(); missed == 0 || !errors.Is(err, errFull) || !errors.Is(full.Close(), errFull) {
		t.Errorf("full disk: %d missed, error %v", missed, err)
	}
}

func TestTracingAllocatesNothing(t *testing.T) {
	v := loop.NewVirtual()
	w := NewWriter(io.Discard, epoch)
	l, err := w.Trace("a", nullLink{}, v.Now)
	if err != nil {
		t.Fatal(err)
	}
	frames := [][]byte{someFrame(1, 60), someFrame(2, 60)}
	h := &tracedHandler{Handler: &sink{}, tap: l.(*traced).tap}
	if n := testing.AllocsPerRun(100, func() { _, _ = l.Send(frames); h.HandleFrame(frames[0]) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

// nullLink takes every frame.
type nullLink struct{ link.Link }

func (nullLink) Send(frames [][]byte) (int, error) { return len(frames), nil }
