package link

import (
	"bytes"
	"encoding/binary"
	"strings"
	"sync"
	"testing"

	"pgregory.net/rapid"

	"glean/stack/loop"
)

func TestInboxDeliversCopiesInOrder(t *testing.T) {
	v := loop.NewVirtual()
	var got []string
	i := NewInbox(v, 4, 8, func(f []byte) { got = append(got, string(f)) })
	f := []byte("one")
	if n := i.Put(f, []byte("two")); n != 2 {
		t.Errorf("took %d frames, want 2", n)
	}
	copy(f, "xxx") // the inbox must have its own copy
	v.RunFor(0)
	i.Put([]byte("three"))
	v.RunFor(0)
	if len(got) != 3 || got[0] != "one" || got[1] != "two" || got[2] != "three" {
		t.Errorf("got %q", got)
	}
}

func TestInboxDropsWhatItCannotHold(t *testing.T) {
	v := loop.NewVirtual()
	delivered := 0
	i := NewInbox(v, 2, 4, func([]byte) { delivered++ })
	if n := i.Put([]byte("12345"), []byte("1234"), nil, []byte("1")); n != 2 {
		t.Errorf("took %d, want 2: one is too long and one finds no slot", n)
	}
	if i.Dropped() != 2 || i.Room() != 2 {
		t.Errorf("dropped %d, room %d; want 2 and 2", i.Dropped(), i.Room())
	}
	v.RunFor(0)
	if n := i.Put([]byte("a"), []byte("b")); n != 2 || delivered != 2 {
		t.Errorf("after the drain: took %d, delivered %d; want 2 and 2", n, delivered)
	}
}

// TestInboxGrows checks that longer frames fit in the loop's next turn, and those that
// wait, around the end of the ring too, stay what they are.
func TestInboxGrows(t *testing.T) {
	v := loop.NewVirtual()
	var got []string
	i := NewInbox(v, 3, 4, func(f []byte) { got = append(got, string(f)) })
	i.Grow(2) // never smaller
	i.Put([]byte("1"), []byte("2222"))
	v.RunFor(0)
	i.head = 2 // as after other frames
	i.Grow(6)
	i.Put([]byte("3333"), []byte("4"))
	if i.Put([]byte("55555")) != 0 {
		t.Error("a frame that is too long was taken before the turn")
	}
	v.RunFor(0)
	if i.Put([]byte("666666"), []byte("7777777")) != 1 {
		t.Error("slots of 6 octets do not take one frame of 6 and one of 7")
	}
	v.RunFor(0)
	if want := "1 2222 3333 4 666666"; strings.Join(got, " ") != want {
		t.Errorf("got %q, want %q", got, want)
	}
	i.Close()
	i.Grow(100)
	v.RunFor(0)
	if i.slot != 6 {
		t.Error("a closed inbox has grown")
	}
}

// TestInboxCloseInsideDelivery checks that a frame that closes the inbox is the last
// one, though others wait.
func TestInboxCloseInsideDelivery(t *testing.T) {
	v := loop.NewVirtual()
	var i *Inbox
	delivered := 0
	i = NewInbox(v, 4, 4, func([]byte) { delivered++; i.Close() })
	i.Put([]byte("a"), []byte("b"))
	v.RunFor(0)
	if i.Put([]byte("c")) != 0 {
		t.Error("a closed inbox took a frame")
	}
	v.RunFor(0)
	if delivered != 1 || i.Dropped() != 0 {
		t.Errorf("delivered %d, dropped %d; want 1 and 0", delivered, i.Dropped())
	}
}

func TestInboxCloseBeforeDelivery(t *testing.T) {
	v := loop.NewVirtual()
	i := NewInbox(v, 4, 4, func([]byte) { t.Error("delivered after Close") })
	i.Put([]byte("a"))
	i.Close()
	v.RunFor(0)
}

// TestInboxYieldsBetweenBatches checks that between batches of a full inbox the loop's
// other callbacks have their turn.
func TestInboxYieldsBetweenBatches(t *testing.T) {
	v := loop.NewVirtual()
	delivered, seen := 0, -1
	i := NewInbox(v, 4*drainBatch, 4, func([]byte) { delivered++ })
	for range 4 * drainBatch {
		i.Put([]byte("a"))
	}
	v.Post(func() { seen = delivered })
	v.RunFor(0)
	if seen != drainBatch || delivered != 4*drainBatch {
		t.Errorf("a function posted behind the first batch saw %d frames (want %d) of %d", seen, drainBatch, delivered)
	}
}

// TestInboxModel compares the inbox with a plain queue: puts of any size, drained at any
// moment.
func TestInboxModel(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		slots := rapid.IntRange(1, 9).Draw(t, "slots")
		v := loop.NewVirtual()
		var want [][]byte
		var next byte
		i := NewInbox(v, slots, 5, func(f []byte) {
			if len(want) == 0 || !bytes.Equal(f, want[0]) {
				t.Fatalf("delivered %v, waiting were %v", f, want)
			}
			want = want[1:]
		})
		var dropped uint64
		t.Repeat(map[string]func(*rapid.T){
			"put": func(t *rapid.T) {
				var frames [][]byte
				for _, n := range rapid.SliceOfN(rapid.IntRange(0, 6), 0, 12).Draw(t, "sizes") {
					next++
					f := bytes.Repeat([]byte{next}, n)
					frames = append(frames, f)
					if n <= 5 && len(want) < slots {
						want = append(want, f)
					} else {
						dropped++
					}
				}
				i.Put(frames...)
			},
			"drain": func(t *rapid.T) {
				v.RunFor(0)
				if len(want) != 0 {
					t.Fatalf("%d frames were not delivered", len(want))
				}
			},
			"": func(t *rapid.T) {
				if i.Dropped() != dropped {
					t.Fatalf("dropped %d, want %d", i.Dropped(), dropped)
				}
			},
		})
	})
}

// TestInboxFromManyGoroutines has several readers put at once while the loop drains:
// nothing is lost, and each reader's frames stay in order.
func TestInboxFromManyGoroutines(t *testing.T) {
	const readers, each = 4, 5000
	r := loop.NewReal()
	var next [readers]uint32
	total := 0
	i := NewInbox(r, readers*each, 8, func(f []byte) {
		reader, n := f[0], binary.BigEndian.Uint32(f[1:])
		if next[reader] != n {
			t.Errorf("reader %d: frame %d when %d was next", reader, n, next[reader])
		}
		next[reader]++
		if total++; total == readers*each {
			r.Stop()
		}
	})
	var wg sync.WaitGroup
	for g := range readers {
		wg.Go(func() {
			a, b := make([]byte, 5), make([]byte, 5)
			for n := 0; n < each; n += 2 {
				for at, f := range [][]byte{a, b} {
					f[0] = byte(g)
					binary.BigEndian.PutUint32(f[1:], uint32(n+at))
				}
				i.Put(a, b)
			}
		})
	}
	r.Run()
	wg.Wait()
	if i.Dropped() != 0 {
		t.Errorf("dropped %d", i.Dropped())
	}
}

func TestInboxAllocatesNothing(t *testing.T) {
	v := loop.NewVirtual()
	i := NewInbox(v, 128, 128, func([]byte) {})
	batch := make([][]byte, 64)
	for n := range batch {
		batch[n] = make([]byte, 60)
	}
	if n := testing.AllocsPerRun(100, func() { i.Put(batch...); v.RunFor(0) }); n != 0 {
		t.Errorf("%v allocations for 64 frames", n)
	}
}

func BenchmarkInbox(b *testing.B) {
	for _, size := range []int{1, 64} {
		b.Run(map[int]string{1: "one at a time", 64: "batches of 64"}[size], func(b *testing.B) {
			v := loop.NewVirtual()
			i := NewInbox(v, 4096, 1522, func([]byte) {})
			batch := make([][]byte, size)
			for n := range batch {
				batch[n] = make([]byte, 60)
			}
			b.ReportAllocs()
			for b.Loop() {
				i.Put(batch...)
				v.Step()
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*size), "ns/frame")
		})
	}
}
