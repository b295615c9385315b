package stack

// State is the state of a neighbor (RFC 4861 section 7.3.2). The same machine
// serves ARP: what RFC 1122 section 2.3.2.1 asks for, to flush what is out of date
// and not to flood, is part of it.
type State uint8

// States of a neighbor.
const (
	StateNone        State = iota // no entry
	StateIncomplete               // asked, no MAC yet
	StateReachable                // confirmed within ReachableTime
	StateStale                    // has a MAC that nobody has confirmed lately
	StateDelay                    // a packet went to a stale MAC; wait for a hint before probing
	StateProbe                    // being asked by unicast
	StateUnreachable              // RFC 7048: probes failed, the MAC is kept and asking goes on
	StateStatic                   // configured; never asked, never changed

	numStates
)

var stateWords = [numStates]string{
	"none", "incomplete", "reachable", "stale", "delay", "probe", "unreachable", "static",
}

// String gives the word used in the API.
func (s State) String() string {
	if s < numStates {
		return stateWords[s]
	}
	return "unknown"
}

// HasMAC tells whether packets can be sent in this state.
func (s State) HasMAC() bool { return s > StateIncomplete }

// event is what can happen to a neighbor. Adverts have names by their flags.
type event uint8

const (
	evSubscribe   event = iota // a waiter wants it
	evSend                     // a packet is sent to it
	evTimer                    // ReachableTime or DelayFirstProbeTime is over
	evUnanswered               // the last question to its MAC has no answer, and a waiter still holds it
	evExhausted                // the last question has no answer, and nobody waits
	evUnreachable              // as evExhausted, where RFC 7048 is in force
	evHint                     // an upper layer had an answer (RFC 4861 section 7.3.1)
	evHeardSame                // a peer's message shows the MAC that is known
	evHeardOther               // a peer's message shows another MAC, or the first
	evFlush                    // the cache is emptied
	evRestart                  // the cache is emptied, and a waiter still holds it
	evLinkDown                 // the link went down: nothing is confirmed any more
	evTrack                    // it is to be kept verified from now on

	evAdvert   // + solicitedBit | overrideBit | link-layer address
	lastAdvert = evAdvert + 11
	numEvents  = lastAdvert + 1
)

// The parts of an advertisement's event. An advert without a link-layer
// address counts as one, one with the MAC that is known as another. An ARP reply
// to an outstanding question is solicited and overrides.
const (
	advertNone  event = 0
	advertSame  event = 1
	advertOther event = 2
	overrideBit event = 3
	solicitBit  event = 6
)

func advert(solicited, override bool, lla event) event {
	e := evAdvert + lla
	if override {
		e += overrideBit
	}
	if solicited {
		e += solicitBit
	}
	return e
}

// accepts tells whether an advertisement updates a neighbor's entry, IsRouter
// included (RFC 4861 section 7.2.5).
func (s State) accepts(solicited, override bool, lla event) bool {
	switch {
	case s == StateIncomplete:
		return lla != advertNone
	case s == StateUnreachable && solicited:
		return true // see buildTransitions
	}
	return override || lla != advertOther
}

// action is what the caller of step has to do, as a set.
type action uint8

const (
	doRecord  action = 1 << iota // store the MAC that came
	doConfirm                    // reachability is confirmed: draw a new ReachableTime
	doAnswer                     // it is confirmed by an answer to a question: tell waiters
	doFlush                      // send the packets that were held
	doSolicit                    // begin to ask
	doForget                     // the MAC is not valid any more
	doDrop                       // held packets are lost

	// doResolve is all that an answer to a search demands.
	doResolve = doRecord | doFlush | doConfirm | doAnswer
)

type transition struct {
	next State
	do   action
}

// step gives the next state of a neighbor and what is to be done. It is pure.
func step(s State, e event, tracked bool) (State, action) {
	t := &transitions[s][e]
	if tracked {
		t = &trackedTransitions[s][e]
	}
	return t.next, t.do
}

// transitions is RFC 4861 sections 7.2.3, 7.2.5 and 7.3.3. Where appendix C
// says otherwise than section 7.2.5 (adverts without S that differ in a
// REACHABLE entry, adverts with S and without an address), 7.2.5 holds.
var transitions = buildTransitions()

// trackedTransitions is the same for tracked neighbors: they are INCOMPLETE,
// REACHABLE or in PROBE, and nothing but Untrack ends the asking.
var trackedTransitions = buildTracked(transitions)

func buildTransitions() (t [numStates][numEvents]transition) {
	for s := range t {
		for e := range t[s] {
			t[s][e] = transition{State(s), 0} // what is not named below changes nothing
		}
	}
	t[StateNone][evSubscribe] = transition{StateIncomplete, doSolicit}
	t[StateNone][evSend] = transition{StateIncomplete, doSolicit}
	// The caller decides whether a message may create an entry.
	t[StateNone][evHeardOther] = transition{StateStale, doRecord}

	inc := &t[StateIncomplete]
	inc[evUnanswered] = transition{StateIncomplete, 0}
	inc[evExhausted] = transition{StateNone, doDrop}
	inc[evUnreachable] = inc[evExhausted] // nothing was ever known: nothing to keep
	inc[evFlush] = transition{StateNone, doDrop}
	inc[evLinkDown] = transition{StateIncomplete, doDrop}
	inc[evHeardOther] = transition{StateStale, doRecord | doFlush}
	inc[evHeardSame] = inc[evHeardOther]
	for _, override := range [2]event{0, overrideBit} { // O is ignored
		for _, lla := range [2]event{advertSame, advertOther} {
			inc[evAdvert+override+lla] = transition{StateStale, doRecord | doFlush}
			inc[evAdvert+solicitBit+override+lla] = transition{StateReachable, doResolve}
		}
	}

	for s := StateReachable; s <= StateUnreachable; s++ {
		known(&t[s])
	}
	for _, s := range [...]State{StateReachable, StateDelay, StateProbe, StateUnreachable} {
		t[s][evLinkDown] = transition{StateStale, 0}
	}
	t[StateReachable][evTimer] = transition{StateStale, 0}
	t[StateReachable][advert(false, false, advertOther)] = transition{StateStale, 0}
	t[StateReachable][advert(true, false, advertOther)] = transition{StateStale, 0}
	t[StateStale][evSend] = transition{StateDelay, 0}
	t[StateDelay][evTimer] = transition{StateProbe, doSolicit}
	t[StateProbe][evExhausted] = transition{StateNone, doForget}
	t[StateProbe][evUnreachable] = transition{StateUnreachable, doSolicit}
	t[StateUnreachable][evExhausted] = transition{StateNone, doForget}
	// Everybody is asked in UNREACHABLE, so that a neighbor that has another MAC
	// now is found. Its answer is taken even if it does not override, as that of a
	// proxy: without RFC 7048 the entry would be gone, and the answer would
	// complete a new one. What was not solicited stays under section 7.2.5.
	t[StateUnreachable][advert(true, false, advertOther)] = t[StateUnreachable][advert(true, true, advertOther)]
	return t
}

// known fills in what all states with a learned MAC have in common.
func known(row *[numEvents]transition) {
	row[evFlush] = transition{StateNone, doForget}
	row[evRestart] = transition{StateIncomplete, doForget}
	// As after failed probes: what does not answer at its MAC is looked for
	// anew, and whoever answers then has it. With the MAC kept, section 7.2.5
	// would refuse a proxy's answer, which does not override.
	row[evUnanswered] = transition{StateIncomplete, doForget}
	row[evHint] = transition{StateReachable, doConfirm}
	row[evHeardOther] = transition{StateStale, doRecord}
	row[advert(false, true, advertOther)] = transition{StateStale, doRecord}
	row[advert(true, true, advertOther)] = transition{StateReachable, doRecord | doConfirm | doAnswer}
	for _, override := range [2]bool{false, true} {
		row[advert(true, override, advertNone)] = transition{StateReachable, doConfirm | doAnswer}
		row[advert(true, override, advertSame)] = transition{StateReachable, doConfirm | doAnswer}
	}
}

// buildTracked changes the table: where a MAC is not verified any more it is
// verified now, and where the search would end it goes on.
func buildTracked(t [numStates][numEvents]transition) [numStates][numEvents]transition {
	for _, s := range [...]State{StateIncomplete, StateReachable, StateProbe} {
		for e := range t[s] {
			switch c := &t[s][e]; c.next {
			case StateStale:
				*c = transition{StateProbe, c.do | doSolicit}
			case StateUnreachable:
				*c = transition{StateIncomplete, doForget | doSolicit}
			case StateNone:
				*c = transition{StateIncomplete, c.do | doSolicit}
			}
		}
	}
	// Another station may have the address when the link is up again, so the next
	// question goes to all stations and not to the cached MAC.
	for _, s := range [...]State{StateReachable, StateProbe} {
		t[s][evLinkDown] = transition{StateIncomplete, doForget | doSolicit}
	}
	// It comes from any state.
	t[StateNone][evTrack] = transition{StateIncomplete, doSolicit}
	t[StateStale][evTrack] = transition{StateProbe, doSolicit}
	t[StateDelay][evTrack] = transition{StateProbe, doSolicit}
	t[StateUnreachable][evTrack] = transition{StateIncomplete, doForget | doSolicit}
	return t
}
