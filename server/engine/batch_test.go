package engine

import (
	"bytes"
	"slices"
	"testing"

	"glean/stack/link"
	"glean/stack/loop"
)

// slowLink accepts room frames and is full then.
type slowLink struct {
	link.Link
	room  int
	err   error
	calls []int // frames of each call
	taken [][]byte
}

func (s *slowLink) Send(frames [][]byte) (int, error) {
	if s.err != nil {
		return 0, s.err
	}
	s.calls = append(s.calls, len(frames))
	for n, f := range frames {
		if s.room == 0 {
			return n, link.ErrFull
		}
		s.room--
		s.taken = append(s.taken, bytes.Clone(f))
	}
	return len(frames), nil
}

// frame returns frame number n of a test.
func frame(n, size int) [][]byte {
	return [][]byte{append([]byte{byte(n >> 8), byte(n)}, make([]byte, size-2)...)}
}

func TestSolicitationsOfATurnAreOneCall(t *testing.T) {
	l := loop.NewVirtual()
	s := &slowLink{room: 1 << 20}
	b := newBatchLink(l, s)
	if n, err := b.Send(frame(0, 60)); n != 1 || err != nil || len(s.calls) != 1 {
		t.Fatalf("outside of a batch: %d, %v, calls %v", n, err, s.calls)
	}
	b.begin()
	for n := 1; n <= 300; n++ {
		if taken, err := b.Send(frame(n, 60)); taken != 1 || err != nil {
			t.Fatal(taken, err)
		}
	}
	if n, err := b.Send(frame(301, 1500)); n != 1 || err != nil { // after the collected frames
		t.Fatal(n, err)
	}
	b.Send(frame(302, 60))
	l.RunFor(0)
	b.Send(frame(303, 60))
	if !slices.Equal(s.calls, []int{1, 256, 44, 1, 1, 1}) {
		t.Errorf("calls of %v frames", s.calls)
	}
	for n, f := range s.taken {
		if f[0] != byte(n>>8) || f[1] != byte(n) {
			t.Fatalf("frame %d is number %d", n, int(f[0])<<8|int(f[1]))
		}
	}
	if len(s.taken) != 304 {
		t.Errorf("%d frames left", len(s.taken))
	}
}

func TestBatchKeepsFramesOfFullDevice(t *testing.T) {
	l := loop.NewVirtual()
	s := &slowLink{room: 100}
	b := newBatchLink(l, s)
	b.begin()
	refused := 0
	for n := range 400 {
		if taken, err := b.Send(frame(n, 60)); taken == 0 && err == link.ErrFull {
			refused++
		}
	}
	// 256 frames fit. Then the device accepts 100 of them, which makes room for as many.
	// Frames are refused while some of the batch are left.
	l.RunFor(10 * loop.Millisecond)
	if len(s.taken) != 100 || refused == 0 || refused == 400 {
		t.Fatalf("%d left, %d refused", len(s.taken), refused)
	}
	s.room = 1 << 20
	l.RunFor(10 * loop.Millisecond)
	if len(s.taken)+refused != 400 {
		t.Errorf("%d left and %d were refused of 400", len(s.taken), refused)
	}
	last := -1
	for _, f := range s.taken {
		n := int(f[0])<<8 | int(f[1])
		if n <= last {
			t.Fatalf("number %d after %d", n, last)
		}
		last = n
	}
	b.Send(frame(1, 60))
	if len(s.calls) == 0 || s.calls[len(s.calls)-1] != 1 {
		t.Error("the batch did not end")
	}
}

func TestBatchDropsFramesOfDeletedDevice(t *testing.T) {
	l := loop.NewVirtual()
	s := &slowLink{err: link.ErrDeleted}
	b := newBatchLink(l, s)
	b.begin()
	b.Send(frame(1, 60))
	l.RunFor(0)
	if b.started || len(b.frames) != 0 {
		t.Error("it waits for a device that is gone")
	}
}

func TestBatchAllocatesNothing(t *testing.T) {
	l := loop.NewVirtual()
	b := newBatchLink(l, countLink{})
	f := frame(1, 60)
	if n := testing.AllocsPerRun(100, func() {
		b.begin()
		for range 300 {
			b.Send(f)
		}
		l.RunFor(0)
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

type countLink struct{ link.Link }

func (countLink) Send(frames [][]byte) (int, error) { return len(frames), nil }
