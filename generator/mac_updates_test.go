package generator

import (
	"encoding/binary"
	"fmt"
	"strings"
	"testing"

	"glean/generator/program"
	"glean/generator/traffic/traffictest"
	"glean/stack/header"
	"glean/stack/link"
	"glean/stack/loop"
)

// running is a room with a generator that runs: a frame each millisecond to each
// of some next hops in turn.
func running(t *testing.T, hops int, learning string) (*room, *Generator, *Result) {
	r := newRoom(t)
	g := r.create("g", traffictest.FlowsTo(hops, traffictest.PerMillisecond, `{"continuous":true}`, learning))
	r.resolve(g)
	result, err := r.m.Start("g")
	if err != nil {
		t.Fatal(err)
	}
	r.loop.RunFor(10*loop.Millisecond - 1)
	r.events = nil
	return r, g, result
}

// changesOf lists changes as "old -> new frames".
func changesOf(r *Result) string {
	kept, left := r.NeighborChanges()
	var b strings.Builder
	for _, c := range kept {
		fmt.Fprintf(&b, "%v %v->%v %s %d; ", c.NextHop, c.Old, c.New, c.Cause, c.FramesToStale)
	}
	return fmt.Sprintf("%s%d left out", b.String(), left)
}

var otherMAC = header.MAC{0x02, 0, 0, 0, 0, 0x77}

func TestFollowAMove(t *testing.T) {
	r, g, result := running(t, 1, "")
	r.m.Follow(g, 0, otherMAC, false, "announced")
	before := len(r.queue.frames)
	r.loop.RunFor(10 * loop.Millisecond)
	for _, f := range r.queue.frames[before:] {
		if header.Ethernet(f).Dst() != otherMAC {
			t.Fatalf("a frame to %v", header.Ethernet(f).Dst())
		}
	}
	hop := g.Program().Hop(0)
	if got, want := changesOf(result), fmt.Sprintf("%v %v->%v announced 0; 0 left out", hop, peerMAC, otherMAC); got != want {
		t.Errorf("%s, want %s", got, want)
	}
	if got, want := fmt.Sprint(r.events), fmt.Sprintf("[g %v: %v -> %v]", hop, peerMAC, otherMAC); got != want {
		t.Errorf("%s, want %s", got, want)
	}
	// The same again is no change.
	r.m.Follow(g, 0, otherMAC, true, "answer")
	if kept, _ := result.NeighborChanges(); len(kept) != 1 || len(r.events) != 1 {
		t.Error(kept, r.events)
	}
}

// TestLostAndFound: frames to a lost next hop are counted for its loss, whatever
// comes after that, and all counts add up.
func TestLostAndFound(t *testing.T) {
	r, g, result := running(t, 2, "")
	hop := g.Program().Hop(1)
	lost := fmt.Sprintf("%v %v->%v no_reply", hop, macOf(1), header.MAC{})
	r.m.Lost(g.Handle, 1, "no_reply")
	r.m.Lost(g.Handle, 1, "no_reply") // one loss
	r.loop.RunFor(10 * loop.Millisecond)
	r.m.Follow(g, 1, macOf(1), true, "answer")
	r.loop.RunFor(10 * loop.Millisecond)
	r.m.Lost(g.Handle, 1, "no_reply")
	r.loop.RunFor(20 * loop.Millisecond)
	r.m.Follow(g, 1, otherMAC, false, "announced")
	r.loop.RunFor(10 * loop.Millisecond)
	want := fmt.Sprintf("%s 5; %s 10; %v %v->%v announced 0; 0 left out", lost, lost, hop, macOf(1), otherMAC)
	if got := changesOf(result); got != want {
		t.Errorf("%s, want %s", got, want)
	}
	if n := result.Run().Counters().PacketsToStale; n != 15 {
		t.Errorf("%d in all", n)
	}
	if len(r.events) != 4 {
		t.Errorf("events: %v", r.events)
	}
}

// TestPausedFlowsGoOn: a paused next hop that comes back elsewhere is a change
// from the MAC that it had.
func TestPausedFlowsGoOn(t *testing.T) {
	for _, policy := range []string{"refuse", "skip", traffictest.FallbackTo} { // the fallback is for what was never resolved
		t.Run(policy, func(t *testing.T) { pausedFlowsGoOn(t, `{"on_lost":"pause","on_unresolved":"`+policy+`"}`) })
	}
}

func pausedFlowsGoOn(t *testing.T, learning string) {
	r, g, result := running(t, 1, learning)
	r.m.Lost(g.Handle, 0, "no_reply")
	r.loop.RunFor(10 * loop.Millisecond)
	r.m.Follow(g, 0, otherMAC, false, "heard") // no answer has confirmed it
	before := len(r.queue.frames)
	r.loop.RunFor(10 * loop.Millisecond)
	if n := len(r.queue.frames); n != before || before != 10 {
		t.Errorf("%d frames while it runs, %d while it pauses", before, n-before)
	}
	r.m.Follow(g, 0, otherMAC, true, "answer")
	r.loop.RunFor(10 * loop.Millisecond)
	if n := len(r.queue.frames); n < before+9 {
		t.Errorf("%d frames after it came back", n-before)
	}
	hop := g.Program().Hop(0)
	want := fmt.Sprintf("%v %v->%v no_reply 0; %v %v->%v answer 0; 0 left out", hop, peerMAC, header.MAC{}, hop, peerMAC, otherMAC)
	if got := changesOf(result); got != want {
		t.Errorf("%s, want %s", got, want)
	}
}

func TestLostStopsWithAReason(t *testing.T) {
	r, g, result := running(t, 2, `{"on_lost":"stop"}`)
	r.m.Lost(g.Handle, 1, "no_reply")
	r.loop.RunFor(0)
	_, reason := result.Ended()
	if state, _ := g.Learning(); g.Active() || reason == nil || !strings.Contains(reason.Error(), g.Program().Hop(1).String()) || state != LearningTimedOut {
		t.Error(g.Active(), reason, state)
	}
}

// TestLostBeforeTheStart: what the run before has left stale is counted for a
// change of the run that sends it.
func TestLostBeforeTheStart(t *testing.T) {
	r, g, first := running(t, 1, "")
	r.m.Lost(g.Handle, 0, "no_reply")
	r.loop.RunFor(10 * loop.Millisecond)
	r.m.Stop("g", func() {})
	r.loop.RunFor(0)
	second, err := r.m.Start("g")
	if err != nil {
		t.Fatal(err)
	}
	r.loop.RunFor(10*loop.Millisecond - 1)
	lost := fmt.Sprintf("%v %v->%v ", g.Program().Hop(0), peerMAC, header.MAC{})
	if got := changesOf(first); got != lost+"no_reply 10; 0 left out" {
		t.Error(got)
	}
	if got := changesOf(second); got != lost+"still_lost 10; 0 left out" {
		t.Error(got)
	}
}

// TestRunThatDoesNotTrack keeps its MACs until its end.
func TestRunThatDoesNotTrack(t *testing.T) {
	r, g, result := running(t, 1, `{"track":false}`)
	r.m.Follow(g, 0, otherMAC, true, "answer")
	r.loop.RunFor(10 * loop.Millisecond)
	for _, f := range r.queue.frames {
		if header.Ethernet(f).Dst() != peerMAC {
			t.Fatalf("a frame to %v", header.Ethernet(f).Dst())
		}
	}
	r.m.Stop("g", func() {})
	r.loop.RunFor(0)
	if mac, _ := g.Program().Adjacency(0); mac != otherMAC {
		t.Errorf("%v after its end", mac)
	}
	if kept, _ := result.NeighborChanges(); len(kept) != 0 {
		t.Error(kept)
	}
	r.m.Follow(g, 0, peerMAC, false, "announced")
	if mac, _ := g.Program().Adjacency(0); mac != peerMAC {
		t.Errorf("%v: an idle generator follows", mac)
	}
}

// TestUnresolvedIsForLearning: without a run, or without an answer, a MAC that
// is told opens no gate.
func TestUnresolvedIsForLearning(t *testing.T) {
	r := newRoom(t)
	g := r.create("g", traffictest.FlowsTo(2, traffictest.PerMillisecond, `{"continuous":true}`, `{"on_unresolved":"skip"}`))
	r.m.Follow(g, 1, otherMAC, true, "answer")
	if n := g.Program().Counts().Resolved; n != 0 {
		t.Errorf("%d resolved before anything was learned", n)
	}
	r.m.Learned(g.Handle, 0, peerMAC)
	r.m.Start("g")
	r.m.Follow(g, 1, otherMAC, false, "announced")
	if n := g.Program().Counts().Resolved; n != 1 {
		t.Errorf("%d resolved after a mere announcement", n)
	}
	r.m.Follow(g, 1, otherMAC, true, "answer")
	r.loop.RunFor(10 * loop.Millisecond)
	to := map[header.MAC]int{}
	for _, f := range r.queue.frames {
		to[header.Ethernet(f).Dst()]++
	}
	if to[peerMAC] < 5 || to[otherMAC] < 5 {
		t.Errorf("frames by MAC: %v", to)
	}
}

// TestOldChangesAreLeftOut: the newest are kept, and what is counted for those
// that are left out is still in the sum.
func TestOldChangesAreLeftOut(t *testing.T) {
	const more = 30
	r, g, result := running(t, 2, "")
	r.m.Lost(g.Handle, 1, "no_reply") // the first to be left out
	r.loop.RunFor(10 * loop.Millisecond)
	for i := range program.MaxChanges + more - 1 {
		mac := otherMAC
		binary.BigEndian.PutUint16(mac[3:], uint16(i))
		r.m.Follow(g, 0, mac, false, "announced")
	}
	kept, left := result.NeighborChanges()
	if len(kept) != program.MaxChanges || left != more || binary.BigEndian.Uint16(kept[0].New[3:]) != more-1 ||
		binary.BigEndian.Uint16(kept[program.MaxChanges-1].New[3:]) != program.MaxChanges+more-2 {
		t.Errorf("%d are kept from %+v to %+v, %d left out", len(kept), kept[0], kept[len(kept)-1], left)
	}
	r.loop.RunFor(10 * loop.Millisecond)
	sum := uint64(0)
	kept, _ = result.NeighborChanges()
	for _, c := range kept {
		sum += c.FramesToStale
	}
	if all := result.Run().Counters().PacketsToStale; sum != 0 || all != 10 {
		t.Errorf("%d counted for those kept, %d in all", sum, all)
	}
}

// movingQueue has a next hop move while it is given frames.
type movingQueue struct {
	recorder
	move func()
}

func (q *movingQueue) Send(frames [][]byte) (int, error) {
	if q.move != nil {
		q.move()
		q.move = nil
	}
	return q.recorder.Send(frames)
}

var _ link.Queue = (*movingQueue)(nil)

// TestChangeWhileABatchIsSent: frames that the device is given while the loop
// stores the new MAC are counted, those to other next hops are not.
func TestChangeWhileABatchIsSent(t *testing.T) {
	for _, lost := range []bool{false, true} {
		r, g, result := running(t, 4, "")
		q := &movingQueue{recorder: recorder{room: -1}, move: func() {
			if lost {
				r.m.Lost(g.Handle, 2, "no_reply")
			} else {
				r.m.Follow(g, 2, otherMAC, false, "announced")
			}
		}}
		now := r.loop.Now().Add(40 * loop.Millisecond)
		result.Run().Step(now, q)
		kept, _ := result.NeighborChanges()
		if c := result.Run().Counters(); len(kept) != 1 || len(q.frames) != 40 || kept[0].FramesToStale != 10 || c.PacketsToStale != 10 {
			t.Errorf("lost %v: %d frames, changes %+v, %d to stale MACs", lost, len(q.frames), kept, c.PacketsToStale)
		}
	}
}
