package stack

// State is the state of a neighbor (RFC 4861 section 7.3.2). The same machine serves ARP
// and includes what RFC 1122 section 2.3.2.1 requires: flushing out-of-date entries and
// preventing floods.
type State uint8

// States of a neighbor.
const (
	StateNone        State = iota // no entry
	StateIncomplete               // being solicited, no MAC yet
	StateReachable                // confirmed within ReachableTime
	StateStale                    // has a MAC that was not confirmed within ReachableTime
	StateDelay                    // a packet was sent to a stale MAC; DelayFirstProbe before probing
	StateProbe                    // being solicited by unicast
	StateUnreachable              // RFC 7048: probes are unanswered, the MAC is kept and solicitations go on
	StateStatic                   // configured; never solicited, never changed

	numStates
)

var stateWords = [numStates]string{
	"none", "incomplete", "reachable", "stale", "delay", "probe", "unreachable", "static",
}

// String returns the word used in the API.
func (s State) String() string {
	if s < numStates {
		return stateWords[s]
	}
	return "unknown"
}

// HasMAC reports whether packets can be sent in this state.
func (s State) HasMAC() bool { return s > StateIncomplete }

// An event is an input of the state machine of a neighbor. Events of adverts are named
// by their flags.
type event uint8

const (
	evSubscribe   event = iota // a subscription begins
	evSend                     // a packet is sent to it
	evTimer                    // ReachableTime or DelayFirstProbeTime is over
	evUnanswered               // the last solicitation to its MAC is unanswered, and it has a subscription
	evExhausted                // the last solicitation is unanswered, and it has no subscription
	evUnreachable              // as evExhausted, where RFC 7048 is in force
	evHeardSame                // a peer's message shows the MAC that is known
	evHeardOther               // a peer's message shows another MAC, or the first
	evFlush                    // the cache is emptied
	evRestart                  // the cache is emptied, and it has a subscription
	evLinkDown                 // the link went down: no entry stays confirmed
	evTrack                    // Track begins

	evAdvert   // + solicitedBit | overrideBit | link-layer address
	lastAdvert = evAdvert + 11
	numEvents  = lastAdvert + 1
)

// Parts of an advertisement's event: an advert without a link-layer address, with the
// known MAC, or with another one. An ARP reply to an outstanding request is solicited
// and overrides.
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

// accepts reports whether an advertisement updates a neighbor's entry, IsRouter included
// (RFC 4861 section 7.2.5).
func (s State) accepts(solicited, override bool, lla event) bool {
	switch {
	case s == StateIncomplete:
		return lla != advertNone
	case s == StateUnreachable && solicited:
		return true // see buildTransitions
	}
	return override || lla != advertOther
}

// An action is a set of things that the caller of step must do.
type action uint8

const (
	doRecord  action = 1 << iota // store the MAC that came
	doConfirm                    // reachability is confirmed: draw a new ReachableTime
	doAnswer                     // an answer to a solicitation confirms it: notify subscribers
	doFlush                      // send the held packets
	doSolicit                    // begin to solicit
	doForget                     // delete the MAC
	doDrop                       // drop the held packets

	// doResolve is all that an answer to a search demands.
	doResolve = doRecord | doFlush | doConfirm | doAnswer
)

type transition struct {
	next State
	do   action
}

// step returns the next state of a neighbor and the actions. It is pure.
func step(s State, e event, tracked bool) (State, action) {
	t := &transitions[s][e]
	if tracked {
		t = &trackedTransitions[s][e]
	}
	return t.next, t.do
}

// transitions is the state table of RFC 4861 sections 7.2.3, 7.2.5 and 7.3.3. Where
// appendix C differs from section 7.2.5 (adverts without S and with another address in
// REACHABLE, adverts with S and without an address), 7.2.5 applies.
var transitions = buildTransitions()

// trackedTransitions is the state table of tracked neighbors: they are INCOMPLETE,
// REACHABLE or in PROBE, and only Untrack ends their solicitation.
var trackedTransitions = buildTracked(transitions)

func buildTransitions() (t [numStates][numEvents]transition) {
	for s := range t {
		for e := range t[s] {
			t[s][e] = transition{State(s), 0} // an event that is not named below changes nothing
		}
	}
	t[StateNone][evSubscribe] = transition{StateIncomplete, doSolicit}
	t[StateNone][evSend] = transition{StateIncomplete, doSolicit}
	// The caller decides whether a message may create an entry.
	t[StateNone][evHeardOther] = transition{StateStale, doRecord}

	inc := &t[StateIncomplete]
	inc[evUnanswered] = transition{StateIncomplete, 0}
	inc[evExhausted] = transition{StateNone, doDrop}
	inc[evUnreachable] = inc[evExhausted] // no MAC to keep
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
	// Solicitations in UNREACHABLE are multicast, to find a neighbor that has another
	// MAC now. Its answer is accepted even if it does not override, as a proxy's:
	// without RFC 7048 the entry would be gone, and the answer would complete a new
	// one. Unsolicited adverts follow section 7.2.5.
	t[StateUnreachable][advert(true, false, advertOther)] = t[StateUnreachable][advert(true, true, advertOther)]
	return t
}

// known fills in the transitions that all states with a learned MAC have in common.
func known(row *[numEvents]transition) {
	row[evFlush] = transition{StateNone, doForget}
	row[evRestart] = transition{StateIncomplete, doForget}
	// As after unanswered probes: the address is resolved anew, and any station may
	// answer. With the MAC kept, section 7.2.5 would refuse a proxy's answer, which
	// does not override.
	row[evUnanswered] = transition{StateIncomplete, doForget}
	row[evHeardOther] = transition{StateStale, doRecord}
	row[advert(false, true, advertOther)] = transition{StateStale, doRecord}
	row[advert(true, true, advertOther)] = transition{StateReachable, doRecord | doConfirm | doAnswer}
	for _, override := range [2]bool{false, true} {
		row[advert(true, override, advertNone)] = transition{StateReachable, doConfirm | doAnswer}
		row[advert(true, override, advertSame)] = transition{StateReachable, doConfirm | doAnswer}
	}
}

// buildTracked changes the table: a MAC that would become unverified is verified now,
// and a search that would end goes on.
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
	// solicitation goes to all stations and not to the cached MAC.
	for _, s := range [...]State{StateReachable, StateProbe} {
		t[s][evLinkDown] = transition{StateIncomplete, doForget | doSolicit}
	}
	// Track may begin in any state.
	t[StateNone][evTrack] = transition{StateIncomplete, doSolicit}
	t[StateStale][evTrack] = transition{StateProbe, doSolicit}
	t[StateDelay][evTrack] = transition{StateProbe, doSolicit}
	t[StateUnreachable][evTrack] = transition{StateIncomplete, doForget | doSolicit}
	return t
}
