package learning

// State is the state of a destination, of a next hop or of a request. The zero value is
// no state: in filters it means any.
type State uint8

// States. Only requests and results can be StateCancelled.
const (
	StateAny       State = iota
	StateResolving       // not decided yet
	StateCompleted       // confirmed; of a request: all destinations are
	StateTimedOut        // failed, with a reason; of a request: at least one destination is
	StateCancelled

	numStates
)

var stateWords = [numStates]string{"", "resolving", "completed", "timed_out", "cancelled"}

// String returns the word used in the API.
func (s State) String() string {
	if s < numStates {
		return stateWords[s]
	}
	return "unknown"
}

// ParseState is the inverse of String, and refuses the empty word.
func ParseState(word string) (State, bool) {
	for s := StateResolving; s < numStates; s++ {
		if stateWords[s] == word {
			return s, true
		}
	}
	return StateAny, false
}

// event is what can happen to a next hop that is being learned.
type event uint8

const (
	evReply            event = iota // confirmed by a reply to a solicitation
	evCached                        // REACHABLE in the cache when learning began
	evRefused                       // a reason that waiting does not change: no route, own address ...
	evDeadline                      // the request's deadline has passed
	evCancel                        // the request was cancelled
	evInterfaceDeleted              // its interface was deleted
	evGeneratorDeleted              // the last generator that wanted it was deleted

	numEvents
)

// action is what the caller does at a transition.
type action uint8

const (
	actNone    action = 0
	actConfirm action = 1 << iota // store MAC, attempts, round trip
	actFail                       // store the reason
	actRelease                    // leave the pending next hop, if there is one
)

type transition struct {
	next   State
	action action
}

// transitions is the state machine of one next hop. A decided next hop never changes
// again: a result records what was found, and the neighbor cache has the present state.
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

// step returns the next state of a next hop and the action.
func step(s State, e event) (State, action) {
	t := transitions[s][e]
	return t.next, t.action
}

// reason returns the reason of a next hop that the event ended without a MAC. Refusals
// and deadlines have the reason that the resolver gave.
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

// finalState returns the state of a request without resolving destinations.
func finalState(timedOut int, cancelled bool) State {
	switch {
	case cancelled:
		return StateCancelled
	case timedOut > 0:
		return StateTimedOut
	}
	return StateCompleted
}
