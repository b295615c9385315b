package stack

import (
	"strings"
	"testing"
)

// machine is the whole table, written down a second time from the RFCs. A cell
// is the next state and what is done:
//
//	N none  I incomplete  R reachable  S stale  D delay  P probe  U unreachable  T static
//	m record the MAC   c confirmed: new ReachableTime   a answered: tell subscribers
//	f send held packets   q begin to solicit   x forget the MAC   d lose held packets
//
// and "." where nothing changes. Adverts are S (solicited) O (override) and
// the link-layer address: none, same, other.
const machine = `
event          N    I      R     S     D     P     U     T
ask            Iq   .      .     .     .     .     .     .
send           Iq   .      .     D     .     .     .     .
timer          .    .      S     .     Pq    .     .     .
unanswered     .    .      Ix    Ix    Ix    Ix    Ix    .
exhausted      .    Nd     .     .     .     Nx    Nx    .
unreachable    .    Nd     .     .     .     Uq    .     .
heard-same     .    Smf    .     .     .     .     .     .
heard-other    Sm   Smf    Sm    Sm    Sm    Sm    Sm    .
flush          .    Nd     Nx    Nx    Nx    Nx    Nx    .
restart        .    .      Ix    Ix    Ix    Ix    Ix    .
doubt          .    Id     S     .     S     S     S     .
track          .    .      .     .     .     .     .     .
--/none        .    .      .     .     .     .     .     .
--/same        .    Smf    .     .     .     .     .     .
--/other       .    Smf    S     .     .     .     .     .
-O/none        .    .      .     .     .     .     .     .
-O/same        .    Smf    .     .     .     .     .     .
-O/other       .    Smf    Sm    Sm    Sm    Sm    Sm    .
S-/none        .    .      Rca   Rca   Rca   Rca   Rca   .
S-/same        .    Rmcaf  Rca   Rca   Rca   Rca   Rca   .
S-/other       .    Rmcaf  S     .     .     .     Rmca  .
SO/none        .    .      Rca   Rca   Rca   Rca   Rca   .
SO/same        .    Rmcaf  Rca   Rca   Rca   Rca   Rca   .
SO/other       .    Rmcaf  Rmca  Rmca  Rmca  Rmca  Rmca  .
`

// trackedMachine is the table of a tracked neighbor, which is in one of three states.
// Where it would become STALE it is probed, and where it would be deleted it stays
// INCOMPLETE.
const trackedMachine = `
event          I      R     P
ask            .      .     .
send           .      .     .
timer          .      Pq    .
unanswered     .      Ix    Ix
exhausted      Iqd    .     Iqx
unreachable    Iqd    .     Iqx
heard-same     Pmfq   .     .
heard-other    Pmfq   Pmq   Pmq
flush          Iqd    Iqx   Iqx
restart        .      Ix    Ix
doubt          Id     Iqx   Iqx
track          .      .     .
--/none        .      .     .
--/same        Pmfq   .     .
--/other       Pmfq   Pq    .
-O/none        .      .     .
-O/same        Pmfq   .     .
-O/other       Pmfq   Pmq   Pmq
S-/none        .      Rca   Rca
S-/same        Rmcaf  Rca   Rca
S-/other       Rmcaf  Pq    .
SO/none        .      Rca   Rca
SO/same        Rmcaf  Rca   Rca
SO/other       Rmcaf  Rmca  Rmca
`

// eventNames returns the events by the names of the rows of machine.
func eventNames() map[string]event {
	names := map[string]event{
		"ask": evSubscribe, "send": evSend, "timer": evTimer, "unanswered": evUnanswered, "exhausted": evExhausted,
		"unreachable": evUnreachable, "heard-same": evHeardSame, "heard-other": evHeardOther,
		"flush": evFlush, "restart": evRestart, "doubt": evLinkDown, "track": evTrack,
	}
	for lla, word := range []string{"/none", "/same", "/other"} {
		names["--"+word] = advert(false, false, event(lla))
		names["-O"+word] = advert(false, true, event(lla))
		names["S-"+word] = advert(true, false, event(lla))
		names["SO"+word] = advert(true, true, event(lla))
	}
	return names
}

const stateLetters = "NIRSDPUT"

var actionLetters = map[action]string{
	doRecord: "m", doConfirm: "c", doAnswer: "a", doFlush: "f", doSolicit: "q", doForget: "x", doDrop: "d",
}

func cellOf(s, next State, do action) string {
	if s == next && do == 0 {
		return "."
	}
	cell := stateLetters[next : next+1]
	for _, bit := range []action{doRecord, doConfirm, doAnswer, doFlush, doSolicit, doForget, doDrop} {
		if do&bit != 0 {
			cell += actionLetters[bit]
		}
	}
	return cell
}

func TestMachineExhaustive(t *testing.T) {
	checkMachine(t, machine, false, stateLetters)
	checkMachine(t, trackedMachine, true, "IRP")
	for s, want := range map[State]string{
		StateNone: "Iq", StateStale: "Pq", StateDelay: "Pq", StateUnreachable: "Iqx", StateStatic: ".",
	} {
		next, do := step(s, evTrack, true)
		if got := cellOf(s, next, do); got != want {
			t.Errorf("tracked from %v on: got %s, want %s", s, got, want)
		}
	}
}

// checkMachine compares a table whose columns are the given states.
func checkMachine(t *testing.T, table string, tracked bool, columns string) {
	names := eventNames()
	if len(names) != int(numEvents) {
		t.Fatalf("%d events have names, there are %d", len(names), numEvents)
	}
	seen := make(map[event]bool)
	lines := strings.Split(strings.TrimSpace(table), "\n")
	for _, line := range lines[1:] {
		cells := strings.Fields(line)
		e, ok := names[cells[0]]
		if !ok || seen[e] || len(cells) != len(columns)+1 {
			t.Fatalf("bad row %q", line)
		}
		seen[e] = true
		for k, letter := range columns {
			s := State(strings.IndexRune(stateLetters, letter))
			next, do := step(s, e, tracked)
			if got := cellOf(s, next, do); got != cells[k+1] {
				t.Errorf("%v, %s, tracked %v: got %s, want %s", s, cells[0], tracked, got, cells[k+1])
			}
		}
	}
	if len(seen) != int(numEvents) {
		t.Errorf("%d events of %d have a row", len(seen), numEvents)
	}
}

// TestMachineKeepsInvariants checks the rules that every transition must keep.
func TestMachineKeepsInvariants(t *testing.T) {
	for s := State(0); s < numStates; s++ {
		for e := event(0); e < numEvents; e++ {
			checkLaws(t, s, e, false)
		}
	}
	for _, s := range [...]State{StateIncomplete, StateReachable, StateProbe} {
		for e := event(0); e < numEvents; e++ {
			checkLaws(t, s, e, true)
			if next, _ := step(s, e, true); next != StateIncomplete && next != StateReachable && next != StateProbe {
				t.Errorf("%v, event %d: a tracked neighbor gets to %v", s, e, next)
			}
			if next, do := step(s, e, true); next != s && next != StateReachable && do&(doSolicit|doRecord|doForget) == 0 {
				t.Errorf("%v, event %d: a tracked neighbor gets to %v and is not asked", s, e, next)
			}
		}
	}
}

func checkLaws(t *testing.T, s State, e event, tracked bool) {
	next, do := step(s, e, tracked)
	if do&doConfirm != 0 != (next == StateReachable && (s != StateReachable || do != 0)) {
		t.Errorf("%v, event %d: a neighbor is REACHABLE by confirmation and by nothing else", s, e)
	}
	if do&doAnswer != 0 && e < evAdvert {
		t.Errorf("%v, event %d: subscribers are notified, but this is no answer", s, e)
	}
	if !s.HasMAC() && next.HasMAC() && do&doRecord == 0 {
		t.Errorf("%v, event %d: gets to %v without a MAC", s, e, next)
	}
	if s.HasMAC() && !next.HasMAC() && do&doForget == 0 {
		t.Errorf("%v, event %d: keeps its MAC in %v", s, e, next)
	}
	if s == StateIncomplete && next != s && do&(doFlush|doDrop) == 0 {
		t.Errorf("%v, event %d: what becomes of held packets?", s, e)
	}
	if e >= evAdvert && s == StateNone && next != s {
		t.Errorf("event %d: an advert makes an entry", e)
	}
	if e >= evAdvert && s.HasMAC() && do&(doRecord|doConfirm) != 0 {
		if parts := e - evAdvert; !s.accepts(parts >= solicitBit, parts%solicitBit >= overrideBit, parts%overrideBit) {
			t.Errorf("%v, event %d: an advert that is not accepted changes more than the state", s, e)
		}
	}
}
