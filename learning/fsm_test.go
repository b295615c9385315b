package learning

import "testing"

// TestFSM walks every state and event.
func TestFSM(t *testing.T) {
	from := map[event]transition{ // of a resolving address
		evReply:            {StateCompleted, actConfirm | actRelease},
		evCached:           {StateCompleted, actConfirm},
		evRefused:          {StateTimedOut, actFail},
		evDeadline:         {StateTimedOut, actFail | actRelease},
		evCancel:           {StateTimedOut, actFail | actRelease},
		evInterfaceDeleted: {StateTimedOut, actFail | actRelease},
		evGeneratorDeleted: {StateTimedOut, actFail | actRelease},
	}
	if len(from) != int(numEvents) {
		t.Fatalf("%d events are covered, there are %d", len(from), numEvents)
	}
	for s := StateAny; s < numStates; s++ {
		for e := event(0); e < numEvents; e++ {
			want := transition{s, actNone}
			if s == StateResolving {
				want = from[e]
			}
			if next, act := step(s, e); next != want.next || act != want.action {
				t.Errorf("step(%v, %d) = %v, %b; want %v, %b", s, e, next, act, want.next, want.action)
			}
		}
	}
}

func TestEventReason(t *testing.T) {
	for _, c := range []struct {
		e           event
		given, want Reason
	}{
		{evDeadline, ReasonNone, NoReply},
		{evDeadline, LinkDown, LinkDown},
		{evDeadline, AddressTentative, AddressTentative},
		{evRefused, NoRoute, NoRoute},
		{evRefused, TableFull, TableFull},
		{evCancel, LinkDown, Cancelled},
		{evInterfaceDeleted, ReasonNone, InterfaceDeleted},
		{evGeneratorDeleted, ReasonNone, GeneratorDeleted},
	} {
		if got := c.e.reason(c.given); got != c.want {
			t.Errorf("event %d with %v: %v, want %v", c.e, c.given, got, c.want)
		}
	}
}

func TestFinalState(t *testing.T) {
	for _, c := range []struct {
		timedOut  int
		cancelled bool
		want      State
	}{
		{0, false, StateCompleted}, {1, false, StateTimedOut},
		{0, true, StateCancelled}, {1, true, StateCancelled},
	} {
		if got := finalState(c.timedOut, c.cancelled); got != c.want {
			t.Errorf("verdict(%d, %v) = %v, want %v", c.timedOut, c.cancelled, got, c.want)
		}
	}
}

func TestWords(t *testing.T) {
	for s, word := range map[State]string{StateResolving: "resolving", StateCompleted: "completed",
		StateTimedOut: "timed_out", StateCancelled: "cancelled"} {
		if got, ok := ParseState(word); s.String() != word || !ok || got != s {
			t.Errorf("%q: %q, %v %v", word, s, got, ok)
		}
	}
	if _, ok := ParseState(""); ok {
		t.Error("the empty word is a state")
	}
	for m, word := range map[Mode]string{ModeAll: "all", ModeUnresolved: "unresolved", ModeCached: "cached"} {
		if m.String() != word {
			t.Errorf("%q: %q", word, m)
		}
	}
	words := map[string]bool{}
	for r := NoReply; r < numReasons; r++ {
		if w := r.String(); w == "" || words[w] {
			t.Errorf("reason %d: %q is empty or used twice", r, w)
		} else {
			words[w] = true
		}
	}
	if State(99).String() != "unknown" || Mode(99).String() != "unknown" || Reason(99).String() != "unknown" {
		t.Error("values out of range")
	}
}
