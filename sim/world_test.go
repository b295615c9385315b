package sim

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"glean/stack/loop"
)

// noisy runs two wires with every kind of chance on them.
func noisy(w *World) {
	for _, name := range []string{"x", "y"} {
		a, b := w.Wire(name, WireConfig{
			Delay: loop.Microsecond,
			AB:    []Rule{Loss(10 * Percent), Jitter(loop.Microsecond), Corrupt(Percent, 2)},
			BA:    []Rule{Duplicate(30*Percent, 10), Reorder(Percent, 99)},
		})
		a.Attach(&echoer{end: a, left: 500})
		b.Attach(&echoer{end: b, left: 500})
		for i := range 20 {
			a.Send([][]byte{testFrame(i, 60+i)})
		}
	}
	w.Virtual().RunFor(loop.Second)
}

func TestSameSeedSameFingerprint(t *testing.T) {
	seen := map[uint64]uint64{}
	for seed := range uint64(20) {
		print, err := RunTwice(seed, noisy)
		if err != nil {
			t.Fatal(err)
		}
		if other, taken := seen[print]; taken {
			t.Errorf("seeds %d and %d have the same fingerprint", seed, other)
		}
		seen[print] = seed
	}
}

// The fingerprint is part of what a bug report says: it may not change from one
// machine or release to the next without a word in the changelog.
func TestFingerprintIsStable(t *testing.T) {
	w := NewWorld(42)
	noisy(w)
	const want = 0x7f746ed3ce2c66d
	if got := w.Fingerprint(); got != want {
		t.Errorf("fingerprint %#x, want %#x", got, uint64(want))
	}
}

func TestFingerprintSeesEverything(t *testing.T) {
	run := func(change func(w *World, a, b *End) []byte) uint64 {
		w := NewWorld(1)
		a, b := w.Wire("w", WireConfig{})
		a.Attach(&counter{})
		b.Attach(&counter{})
		f := change(w, a, b)
		a.Send([][]byte{f})
		settle(w)
		return w.Fingerprint()
	}
	seen := map[uint64]string{}
	for name, change := range map[string]func(w *World, a, b *End) []byte{
		"plain":     func(w *World, a, b *End) []byte { return testFrame(1, 60) },
		"octet":     func(w *World, a, b *End) []byte { return testFrame(2, 60) },
		"length":    func(w *World, a, b *End) []byte { return testFrame(1, 61) },
		"time":      func(w *World, a, b *End) []byte { w.Virtual().RunFor(1); return testFrame(1, 60) },
		"direction": func(w *World, a, b *End) []byte { b.Send([][]byte{testFrame(1, 60)}); settle(w); return nil },
		"twice":     func(w *World, a, b *End) []byte { a.Send([][]byte{testFrame(1, 60)}); return testFrame(1, 60) },
		"order": func(w *World, a, b *End) []byte {
			a.Send([][]byte{testFrame(2, 60)})
			return testFrame(1, 60)
		},
		"other order": func(w *World, a, b *End) []byte {
			a.Send([][]byte{testFrame(1, 60)})
			return testFrame(2, 60)
		},
	} {
		print := run(change)
		if other, taken := seen[print]; taken {
			t.Errorf("%q and %q have the same fingerprint", name, other)
		}
		seen[print] = name
	}
}

func TestHashDependsOnEveryOctet(t *testing.T) {
	seen := map[uint64]bool{}
	b := make([]byte, 100)
	for n := range b {
		for _, o := range []byte{0, 1} {
			b[max(0, n-1)] = o
			h := hashOctets(7, b[:n])
			if seen[h] && n > 0 {
				t.Errorf("length %d, last octet %d: seen before", n, o)
			}
			seen[h] = true
		}
		b[max(0, n-1)] = 0
	}
}

// A stream depends on seed and name alone, and different names draw different
// numbers.
func TestNameDeterminesStream(t *testing.T) {
	w := NewWorld(5)
	alone := w.Rand("host 1").Uint64()
	other := NewWorld(5)
	other.Rand("host 2").Uint64()
	if got := other.Rand("host 1").Uint64(); got != alone {
		t.Error("another stream changed this one")
	}
	first := map[uint64]string{}
	for i := range 1000 {
		for seed := range uint64(3) {
			name := fmt.Sprintf("host %d of %d", i, seed)
			n := NewWorld(seed).Rand(fmt.Sprint("host ", i)).Uint64()
			if first[n] != "" {
				t.Errorf("%q and %q begin alike", name, first[n])
			}
			first[n] = name
		}
	}
}

// What happens on a wire does not depend on which other wires there are.
func TestMoreWiresChangeNothing(t *testing.T) {
	run := func(more int) (uint64, uint64) {
		w := NewWorld(3)
		for i := range more {
			a, b := w.Wire(fmt.Sprint("more ", i), WireConfig{AB: []Rule{Loss(50 * Percent)}})
			a.Attach(&echoer{end: a, left: 50})
			b.Attach(&echoer{end: b, left: 50})
			a.Send([][]byte{testFrame(i, 70)})
		}
		noisy(w)
		a, b := w.FindWire("x").Ends()
		return a.Fingerprint(), b.Fingerprint()
	}
	a0, b0 := run(0)
	a9, b9 := run(9)
	if a0 != a9 || b0 != b9 {
		t.Error("nine more wires changed what passed the first")
	}
}

func TestRunTwiceShowsTheFirstDifference(t *testing.T) {
	calls := 0
	_, err := RunTwice(1, func(w *World) {
		calls++
		a, b := w.Wire("w", WireConfig{})
		b.Attach(&counter{})
		for i := range 5 {
			n := i
			if i == 3 {
				n = 100 + calls
			}
			a.Send([][]byte{testFrame(n, 60)})
		}
		w.Virtual().RunFor(loop.Second)
	})
	if err == nil {
		t.Fatal("no difference found")
	}
	lines := strings.Split(err.Error(), "\n")
	if len(lines) != 7 || !strings.HasPrefix(lines[1], "  both:") ||
		!strings.HasPrefix(lines[4], "  first:  0.000000000s w a->b") || lines[4][10:] == lines[5][10:] ||
		lines[6] != "  (event 4)" {
		t.Errorf("the difference reads\n%s", err)
	}
}

func TestRunTwiceShowsAnEarlyEnd(t *testing.T) {
	calls := 0
	_, err := RunTwice(1, func(w *World) {
		calls++
		a, b := w.Wire("w", WireConfig{})
		b.Attach(&counter{})
		for i := range calls {
			a.Send([][]byte{testFrame(i, 60)})
		}
		w.Virtual().RunFor(loop.Second)
	})
	if err == nil || !strings.Contains(err.Error(), "(ended)") {
		t.Errorf("the difference reads\n%v", err)
	}
}

// A frame queue returns frames in the order (at, seq), as a slow search does.
func TestFramesArriveInOrderOfTimeAndSequence(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var q frameQueue
		var slow []*frame
		for seq := uint64(1); seq <= 200; seq++ {
			if rapid.Bool().Draw(t, "push") {
				f := &frame{at: loop.Time(rapid.IntRange(0, 20).Draw(t, "at")), seq: seq}
				q.push(f)
				slow = append(slow, f)
			} else if len(slow) > 0 {
				least := 0
				for i := range slow {
					if earlier(slow[i], slow[least]) {
						least = i
					}
				}
				f := q.first()
				if f != slow[least] {
					t.Fatalf("first is (%d, %d), want (%d, %d)", f.at, f.seq, slow[least].at, slow[least].seq)
				}
				q.pop(f)
				slow = append(slow[:least], slow[least+1:]...)
			}
			if int(q.count) != len(slow) {
				t.Fatalf("count %d, want %d", q.count, len(slow))
			}
		}
	})
}

// A chance draws one number whatever it is, and is as likely as it says.
func TestChanceMeetsItsProbability(t *testing.T) {
	a, b := rand.New(rand.NewPCG(1, 2)), rand.New(rand.NewPCG(1, 2))
	for range 100 {
		Chance(0).Draw(a)
		Always.Draw(b)
	}
	if a.Uint64() != b.Uint64() {
		t.Error("chances 0 and 100% draw differently")
	}
	for _, c := range []Chance{0, Percent, 50 * Percent, Always} {
		hits := 0
		for range 100_000 {
			if c.Draw(a) {
				hits++
			}
		}
		if want := int(c / 10); hits < want-600 || hits > want+600 {
			t.Errorf("chance %s: %d of 100000", c, hits)
		}
	}
}

func TestObserverSeesDropsAndNotes(t *testing.T) {
	w, a, b, _, _ := pair(t, WireConfig{AB: []Rule{DropFirst(1, "all", Any)}})
	log := NewLog(w)
	send(t, a, testFrame(1, 60), testFrame(2, 60))
	settle(w)
	w.Note("host %d boots", 7)
	b.Detach()
	want := []string{
		"0.000000000s w a->b: dropped (script): 02:00:00:00:00:01 > 02:00:00:00:00:02",
		"0.000000000s w a->b: 02:00:00:00:00:01 > 02:00:00:00:00:02 0x0800",
		"1000.000000000s -- host 7 boots",
	}
	for i, l := range log.Lines {
		if i >= len(want) || !strings.HasPrefix(l, want[i]) {
			t.Errorf("line %d: %s", i, l)
		}
	}
	if len(log.Lines) != len(want) {
		t.Errorf("%d lines", len(log.Lines))
	}
}
