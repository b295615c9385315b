package sim

import (
	"errors"
	"fmt"
	"testing"

	"pgregory.net/rapid"

	"glean/stack/link"
	"glean/stack/loop"
)

func TestWireDelivers(t *testing.T) {
	w, a, b, ra, rb := pair(t, WireConfig{Delay: 3 * loop.Microsecond})
	f := testFrame(7, 60)
	send(t, a, f, testFrame(8, 1514))
	f[20] = 0xee // the wire has its own copy
	send(t, b, testFrame(9, 14+9000-9000+46))
	if len(rb.frames) != 0 {
		t.Fatal("delivered before Send returned")
	}
	settle(w)
	if got := fmt.Sprint(rb.numbers(), rb.times); got != "[7 8] [0.000003000s 0.000003000s]" {
		t.Errorf("b received %s", got)
	}
	if rb.frames[0][20] != 0 {
		t.Error("the frame was not copied at the wire")
	}
	if got := fmt.Sprint(ra.numbers()); got != "[9]" {
		t.Errorf("a received %s", got)
	}
	want := link.Stats{TxFrames: 2, TxBytes: 1574, RxFrames: 1, RxBytes: 60}
	if a.Stats() != want {
		t.Errorf("stats of a %+v, want %+v", a.Stats(), want)
	}
}

func TestWireRefuses(t *testing.T) {
	w, a, b, _, rb := pair(t, WireConfig{MTU: 1500})
	for _, c := range []struct {
		name  string
		do    func()
		frame []byte
		want  error
	}{
		{"fits with two tags", func() {}, make([]byte, 1522), nil},
		{"too long", func() {}, make([]byte, 1523), link.ErrSize},
		{"too short", func() {}, make([]byte, 13), link.ErrSize},
		{"peer down", func() { b.SetState(link.State{Reason: link.ReasonDown}) }, testFrame(1, 60), link.ErrDown},
		{"up again", func() { b.SetState(link.State{Up: true}) }, testFrame(1, 60), nil},
		{"deleted", func() { a.SetState(link.State{Reason: link.ReasonDeleted}) }, testFrame(1, 60), link.ErrDeleted},
		{"back", func() { a.SetState(link.State{Up: true}) }, testFrame(1, 60), nil},
		{"closed", func() { a.Close() }, testFrame(1, 60), link.ErrClosed},
		{"closed is for good", func() { a.SetState(link.State{Up: true}); a.Close() }, testFrame(1, 60), link.ErrClosed},
	} {
		c.do()
		if _, err := a.Send([][]byte{c.frame}); !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", c.name, err, c.want)
		}
		w.Virtual().RunFor(loop.Second)
	}
	if len(rb.frames) != 3 || a.Stats().TxErrors != 6 || a.Stats().TxFrames != 3 {
		t.Errorf("%d frames arrived, stats %+v", len(rb.frames), a.Stats())
	}
	down, up := link.State{Reason: link.ReasonDown}, link.State{Up: true}
	want := []link.State{down, up, down, up, down}
	if fmt.Sprint(rb.states) != fmt.Sprint(want) {
		t.Errorf("b was told %v, want %v", rb.states, want)
	}
	if b.State() != down || b.Stats().TxErrors != 0 {
		t.Errorf("b after a closed: %v", b.State())
	}
}

func TestSendTakesUntilTheFirstBadFrame(t *testing.T) {
	w, a, _, _, rb := pair(t, WireConfig{})
	n, err := a.Send([][]byte{testFrame(1, 60), make([]byte, 3), testFrame(2, 60)})
	settle(w)
	if n != 1 || err != link.ErrSize || len(rb.frames) != 1 || a.Stats().TxErrors != 2 {
		t.Errorf("taken %d, %v, arrived %d, errors %d", n, err, len(rb.frames), a.Stats().TxErrors)
	}
}

func TestDownDropsFramesInFlight(t *testing.T) {
	w, a, b, _, rb := pair(t, WireConfig{Delay: loop.Millisecond})
	send(t, a, testFrame(1, 60), testFrame(2, 60))
	w.Virtual().RunFor(loop.Microsecond)
	b.SetState(link.State{Reason: link.ReasonDown})
	b.SetState(link.State{Up: true})
	settle(w)
	if len(rb.frames) != 0 || a.Traffic().Dropped[DropDown] != 2 {
		t.Errorf("%d frames survived, %+v", len(rb.frames), a.Traffic())
	}
}

func TestFramesToAnUnattachedEndAreDropped(t *testing.T) {
	w := NewWorld(1)
	a, b := w.Wire("w", WireConfig{})
	r := &receiver{loop: w.Loop()}
	send(t, a, testFrame(1, 60))
	settle(w)
	b.Attach(r)
	send(t, a, testFrame(2, 60))
	settle(w)
	b.Detach()
	send(t, a, testFrame(3, 60))
	settle(w)
	if fmt.Sprint(r.numbers()) != "[2]" || a.Traffic().Dropped[DropUnattached] != 2 {
		t.Errorf("received %v, %+v", r.numbers(), a.Traffic())
	}
}

// A handler that answers at once on a wire without delay must not keep the
// other wires from their turn.
func TestNoDelayDoesNotStarve(t *testing.T) {
	w, a, b, _, _ := pair(t, WireConfig{})
	echo := func(e *End, left int) *echoer { return &echoer{end: e, left: left} }
	a.Detach()
	b.Detach()
	a.Attach(echo(a, 1000))
	b.Attach(echo(b, 1000))
	c, d := w.Wire("other", WireConfig{})
	r := &receiver{loop: w.Loop()}
	d.Attach(r)
	send(t, a, testFrame(1, 60))
	send(t, c, testFrame(2, 60))
	for range 4 {
		w.Virtual().Step()
	}
	if len(r.frames) != 1 {
		t.Error("the other wire waited for an endless exchange")
	}
	settle(w)
	if n := a.Traffic().Delivered + b.Traffic().Delivered; n != 2001 {
		t.Errorf("%d frames went back and forth, want 2001", n)
	}
}

func TestTwoWiresOfOneName(t *testing.T) {
	w := NewWorld(1)
	w.Wire("x", WireConfig{})
	defer func() {
		if recover() == nil {
			t.Error("no panic")
		}
	}()
	w.Wire("x", WireConfig{})
}

// Conservation: whatever the faults and however states change, every frame is
// delivered, dropped for a reason, or still under way, and what the receiver has
// is what the wire says.
func TestWiresConserveFrames(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := NewWorld(rapid.Uint64().Draw(t, "seed"))
		a, b := w.Wire("w", WireConfig{Delay: drawDelay(t, "delay")})
		r := &receiver{loop: w.Loop()}
		b.Attach(r)
		a.SetRules(drawRules(t)...)
		var taken uint64
		for i := range rapid.IntRange(1, 40).Draw(t, "steps") {
			switch rapid.IntRange(0, 9).Draw(t, "step") {
			case 0:
				b.SetState(link.State{Up: rapid.Bool().Draw(t, "up"), Reason: link.ReasonDown})
			case 1:
				a.Wire().Partition(rapid.Bool().Draw(t, "cut"), false)
			case 2:
				a.SetRules(drawRules(t)...)
			case 3:
				w.Virtual().RunFor(drawDelay(t, "wait"))
			default:
				n, _ := a.Send([][]byte{testFrame(i, rapid.IntRange(18, 1514).Draw(t, "size"))})
				taken += uint64(n)
			}
			if err := w.Check(); err != nil {
				t.Fatal(err)
			}
		}
		settle(w)
		c := a.Traffic()
		if err := w.Check(); err != nil || c.InFlight != 0 || c.Sent != taken {
			t.Fatalf("%v, %d taken, %+v", err, taken, c)
		}
		if uint64(len(r.frames)) != c.Delivered {
			t.Fatalf("the receiver has %d frames, the wire delivered %d", len(r.frames), c.Delivered)
		}
	})
}

func drawDelay(t *rapid.T, name string) loop.Duration {
	return loop.Duration(rapid.IntRange(0, 1_000_000).Draw(t, name))
}

func drawChance(t *rapid.T) Chance { return Chance(rapid.Uint32Range(0, 1_000_000).Draw(t, "chance")) }

func drawRules(t *rapid.T) []Rule {
	kinds := []func() Rule{
		func() Rule { return Loss(drawChance(t)) },
		func() Rule { return &Burst{drawChance(t), drawChance(t), drawChance(t), drawChance(t), false} },
		func() Rule { return Duplicate(drawChance(t), drawDelay(t, "after")) },
		func() Rule { return Reorder(drawChance(t), drawDelay(t, "by")) },
		func() Rule { return Corrupt(drawChance(t), rapid.IntRange(0, 8).Draw(t, "bits")) },
		func() Rule { return Delay(drawDelay(t, "delay")) },
		func() Rule { return Jitter(drawDelay(t, "jitter")) },
		func() Rule { return Rate(rapid.Uint64Range(1e6, 1e11).Draw(t, "rate"), 5000) },
		func() Rule { return LimitMTU(rapid.IntRange(40, 1500).Draw(t, "mtu")) },
	}
	var rules []Rule
	for range rapid.IntRange(0, 4).Draw(t, "rules") {
		rules = append(rules, kinds[rapid.IntRange(0, len(kinds)-1).Draw(t, "kind")]())
	}
	return rules
}

func TestCrossingAllocatesNothing(t *testing.T) {
	w, a, b, _, _ := pair(t, WireConfig{
		Delay: loop.Microsecond,
		AB:    []Rule{Loss(10 * Percent), Duplicate(10*Percent, 5), Corrupt(Percent, 1), Jitter(100)},
	})
	b.Detach()
	b.Attach(&counter{})
	frames := [][]byte{testFrame(1, 60), testFrame(2, 60), testFrame(3, 1514)}
	round := func() {
		for range 10 {
			a.Send(frames)
		}
		w.Virtual().RunFor(loop.Millisecond)
	}
	for range 100 {
		round()
	}
	if n := testing.AllocsPerRun(100, round); n != 0 {
		t.Errorf("%v allocations for 30 frames", n)
	}
}
