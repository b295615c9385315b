package learning

// State is the state of a row, of an answer or of a request. The zero value
// is no state: it stands for "any" in filters.
type State uint8

// States. Only requests and results can be StateCancelled.
const (
	StateAny       State = iota
	StateResolving       // not decided yet
	StateCompleted       // confirmed; of a request: every address is
	StateTimedOut        // given up, with a reason; of a request: at least one address is
	StateCancelled

	numStates
)

var stateWords = [numStates]string{"", "resolving", "completed", "timed_out", "cancelled"}

// String gives the word used in the API.
func (s State) String() string {
	if s < numStates {
		return stateWords[s]
	}
	return "unknown"
}

// ParseState is the inverse of String; it refuses the empty word.
func ParseState(word string) (State, bool) {
	for s := StateResolving; s < numStates; s++ {
		if stateWords[s] == word {
			return s, true
		}
	}
	return StateAny, false
}

// event is what can happen to an address that is being learned.
type event uint8

const (
	evReply            event = iota // confirmed by an answer to a question
	evCached                        // REACHABLE in the cache when learning began
	evRefused                       // a reason that waiting does not change: no route, own address ...
	evDeadline                      // the request's time is up
	evCancel                        // the request was cancelled
	evInterfaceDeleted              // its interface went away
	evGeneratorDeleted              // the last generator that wanted it went away

	numEvents
)

// action is what a transition makes the caller do.
type action uint8

const (
	actNone    action = 0
	actConfirm action = 1 << iota // store MAC, attempts, round trip
	actFail                       // store the reason
	actRelease                    // leave the target, if one is held
)

type transition struct {
	next   State
	action action
}

// fates is the machine of one address. A decided address never changes again:
// a result is a snapshot, the neighbor cache is the living truth.
var transitions = func() (t [numStates][numEvents]transition) {
	for s := range t {
		for e := range t[s] {
			t[s][e] = transition{State(s), actNone}
		}
	}
	t[StateResolving] = [numEvents]transition{
		evReply:            {StateCompleted, actConfirm | actRelease},
		evCached:           {StateCompleted, actConfirm},
		evRefused:          {StateTimedOut, actFail},
		evDeadline:         {StateTimedOut, actFail | actRelease},
		evCancel:           {StateTimedOut, actFail | actRelease},
		evInterfaceDeleted: {StateTimedOut, actFail | actRelease},
		evGeneratorDeleted: {StateTimedOut, actFail | actRelease},
	}
	return t
}()

// step gives the next state of an address and what is to be done.
func step(s State, e event) (State, action) {
	t := transitions[s][e]
	return t.next, t.action
}

// reason is what a row says when the event ended it without a MAC. Refusals
// and deadlines carry their own, given by the resolver.
func (e event) reason(given Reason) Reason {
	switch e {
	case evCancel:
		return Cancelled
	case evInterfaceDeleted:
		return InterfaceDeleted
	case evGeneratorDeleted:
		return GeneratorDeleted
	}
	if given == ReasonNone {
		return NoReply
	}
	return given
}

// verdict is the state of a request none of whose rows is resolving.
func finalState(timedOut int, cancelled bool) State {
	switch {
	case cancelled:
		return StateCancelled
	case timedOut > 0:
		return StateTimedOut
	}
	return StateCompleted
}
