package link

import (
	"testing"

	"glean/stack/loop"
)

// listener is a handler that records its calls.
type listener struct {
	frames int
	states []State
}

func (l *listener) HandleFrame([]byte)  { l.frames++ }
func (l *listener) HandleState(s State) { l.states = append(l.states, s) }

func TestBaseCounts(t *testing.T) {
	v, b, h := loop.NewVirtual(), new(Base), new(listener)
	b.Init(v, 2, 60, State{Up: true})
	control := [][]byte{make([]byte, 60), make([]byte, 60), make([]byte, 60)}
	b.Receive(Received{Frames: 1, Bytes: 60, Control: control[:1]}) // before there is a handler
	v.RunFor(0)
	b.Attach(h)
	b.Receive(Received{Frames: 9, Bytes: 360, Traffic: 2, Errors: 1, Lost: 3, Control: control}) // one more than there is room for
	v.RunFor(0)
	b.Sent(0, 0)
	b.Sent(2, 100)
	b.Refused()
	want := Stats{RxFrames: 10, RxBytes: 420, RxTraffic: 2, RxDropped: 5, RxErrors: 1, TxFrames: 2, TxBytes: 100, TxErrors: 1}
	if got := b.Stats(); got != want {
		t.Errorf("counters %+v, want %+v", got, want)
	}
	if h.frames != 2 || b.Room() != 2 {
		t.Errorf("%d frames were handled and the room is %d, want 2 and 2", h.frames, b.Room())
	}
}

// TestBaseEnds checks that the handler receives no state and no frame after End, also
// none reported or received before.
func TestBaseEnds(t *testing.T) {
	v, b, h := loop.NewVirtual(), new(Base), new(listener)
	b.Init(v, 2, 60, State{Reason: ReasonDown})
	b.Report(State{Up: true}) // without a handler
	v.RunFor(0)
	if s := b.State(); s != (State{Up: true}) {
		t.Errorf("the state is %+v, want up", s)
	}
	b.Attach(h)
	b.Report(State{Reason: ReasonDeleted})
	v.RunFor(0)
	b.Report(State{Up: true})
	b.Receive(Received{Frames: 1, Control: [][]byte{make([]byte, 60)}})
	if b.Ended() || !b.End() || b.End() || !b.Ended() {
		t.Error("only the first call of End is the first")
	}
	v.RunFor(0)
	if len(h.states) != 1 || h.states[0] != (State{Reason: ReasonDeleted}) || h.frames != 0 {
		t.Errorf("the handler was told of states %+v and %d frames, want one state and no frame", h.states, h.frames)
	}
}
