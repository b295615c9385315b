package wheel

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"syscall"
	"testing"

	"glean/stack/loop"

	"pgregory.net/rapid"
)

// TestWheelAgainstMap compares the wheel with a map that is searched.
func TestWheelAgainstMap(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		type timer struct {
			tick  uint64
			order int
		}
		var w Wheel
		slow := make(map[uint32]timer)
		lists := [2]uint32{w.NewList(), w.NewList()}
		listed := [2][]uint32{}
		now, order := loop.Time(rapid.Int64Range(0, 1<<50).Draw(t, "start")), 0
		unlist := func(id uint32) {
			for k := range listed {
				listed[k] = slices.DeleteFunc(listed[k], func(other uint32) bool { return other == id })
			}
		}
		gap := rapid.OneOf(rapid.Int64Range(-1e9, 5e6), rapid.Int64Range(0, 1e9), rapid.Int64Range(0, 3600e9), rapid.Int64Range(0, 1<<49))
		id := rapid.Uint32Range(1, 12)
		t.Repeat(map[string]func(*rapid.T){
			"set": func(t *rapid.T) {
				k, at := id.Draw(t, "id"), now+loop.Time(gap.Draw(t, "in"))
				w.Set(k, at, now)
				unlist(k)
				tick := ticksUp(at)
				if at <= now {
					tick = uint64(now) >> TickBits
				}
				slow[k] = timer{max(tick, w.now), order}
				order++
			},
			"remove": func(t *rapid.T) {
				k := id.Draw(t, "id")
				w.Remove(k)
				unlist(k)
				delete(slow, k)
			},
			"enlist": func(t *rapid.T) {
				k, l := id.Draw(t, "id"), rapid.IntRange(0, 1).Draw(t, "list")
				w.Enlist(lists[l], k)
				unlist(k)
				delete(slow, k)
				listed[l] = append(listed[l], k)
			},
			"pass": func(t *rapid.T) {
				now += loop.Time(max(0, gap.Draw(t, "by")))
				for {
					got := w.Expire(now)
					want, best := uint32(0), timer{tick: uint64(now)>>TickBits + 1}
					for k, s := range slow {
						if s.tick < best.tick {
							want, best = k, s
						}
					}
					if want == 0 && got == 0 {
						return
					}
					if got == 0 || slow[got].tick != best.tick {
						t.Fatalf("at %v expired %d, due first is %d", now, got, want)
					}
					delete(slow, got)
				}
			},
			"": func(t *rapid.T) {
				earliest := loop.Never
				for k, s := range slow {
					earliest = min(earliest, tickTime(s.tick))
					if w.Deadline(k) != tickTime(s.tick) || !w.IsArmed(k) {
						t.Fatalf("timer %d is due at %v, want %v", k, w.Deadline(k), tickTime(s.tick))
					}
				}
				if next := w.Next(); next > earliest || (next == loop.Never) != (len(slow) == 0) {
					t.Fatalf("next is %v, the first deadline %v", next, earliest)
				}
				if w.armed != len(slow) {
					t.Fatalf("%d armed, want %d", w.armed, len(slow))
				}
				for l, ids := range listed {
					oldest := uint32(0)
					if len(ids) > 0 {
						oldest = ids[0]
					}
					if got := w.Oldest(lists[l]); got != oldest {
						t.Fatalf("oldest of list %d is %d, want %d", l, got, oldest)
					}
				}
			},
		})
	})
}

// TestTimersOfOneTickExpireInOrder checks that timers of one tick that were set at
// the same time expire in the order in which they were set.
func TestTimersOfOneTickExpireInOrder(t *testing.T) {
	var w Wheel
	for id := uint32(1); id <= 1000; id++ {
		w.Set(id, 7*loop.Time(loop.Second), 0)
	}
	for id := uint32(1); id <= 1000; id++ {
		if got := w.Expire(8 * loop.Time(loop.Second)); got != id {
			t.Fatalf("expired %d, want %d", got, id)
		}
	}
}

func TestTimerIsNeverEarly(t *testing.T) {
	var w Wheel
	at := loop.Time(3*loop.Second) + 1
	w.Set(1, at, 0)
	for w.Expire(w.Next()) == 0 {
		if w.Next() == loop.Never {
			t.Fatal("the timer is lost")
		}
	}
	if w.now<<TickBits < uint64(at) || w.now<<TickBits > uint64(at)+1<<TickBits {
		t.Errorf("expired at %v, deadline was %v", tickTime(w.now), at)
	}
}

func BenchmarkWheel(b *testing.B) {
	for _, n := range []int{1000, 1_000_000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			var w Wheel
			rng := rand.New(rand.NewPCG(1, 2))
			delays := make([]loop.Time, n)
			for k := range delays {
				delays[k] = loop.Time(15e9 + rng.Int64N(30e9)) // ReachableTime
			}
			w.words.reserve(uint32(n))
			now := loop.Time(0)
			b.ResetTimer()
			b.ReportAllocs()
			used := processorTime()
			defer func() { b.ReportMetric(float64(processorTime()-used)/float64(max(b.N, n)), "cpu-ns/op") }()
			for done := 0; done < b.N; {
				for k, d := range delays {
					w.Set(uint32(k+1), now+d+loop.Time(k)*1000, now+loop.Time(k)*1000)
				}
				for w.armed > 0 {
					now = max(now, w.Next())
					for w.Expire(now) != 0 {
						done++
					}
				}
			}
		})
	}
}

// processorTime returns what the process has used so far, in nanoseconds. On a
// shared machine it varies less than the time that passed.
func processorTime() int64 {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return 0
	}
	return u.Utime.Nano() + u.Stime.Nano()
}

// TestStaleEntriesAreRemoved moves timers and list members often and bounds the
// stale entries and blocks that stay.
func TestStaleEntriesAreRemoved(t *testing.T) {
	const ids, moves = 100, 200_000
	var w Wheel
	list := w.NewList()
	rng := rand.New(rand.NewPCG(1, 2))
	for k := range uint32(moves) {
		id := k%ids + 1
		w.Set(id, loop.Time(rng.Int64N(40e9)), 0)
		if k%3 == 0 {
			w.Enlist(list, id)
		}
	}
	w.Set(ids+1, 50e9, 0)
	if most := ids + ids/4 + slackEntries + 1; w.entries > most || w.lists.entries > most+1 {
		t.Errorf("%d and %d entries for %d ids", w.entries, w.lists.entries, ids)
	}
	if most := uint32(2*(ids+slackEntries)/blockEntries + 3*wheelSlots); w.queues.blocks.length > most {
		t.Errorf("%d blocks, want at most %d", w.queues.blocks.length, most)
	}
	due, last := 0, loop.Time(0)
	for w.armed > 0 {
		last = max(last, w.Next())
		for id := w.Expire(last); id != 0; id = w.Expire(last) {
			due++
		}
	}
	listed := 0
	for id := w.Oldest(list); id != 0; id = w.Oldest(list) {
		w.Remove(id)
		listed++
	}
	if due+listed != ids+1 || last < 50e9 {
		t.Errorf("%d expired until %v, %d were listed, want %d", due, last, listed, ids+1)
	}
}
