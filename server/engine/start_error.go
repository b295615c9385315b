package engine

import (
	"errors"
	"fmt"

	"glean/learning"
	"glean/stack/loop"
)

// startError completes the error about a generator that cannot start. If learning is the
// reason, it adds the first next hop without a MAC and the call that helps.
func (e *Engine) startError(id string, err error) error {
	err = generatorError(err)
	var refused *Error
	if !errors.As(err, &refused) || refused.Kind != Conflict || refused.LearningID == "" {
		return err
	}
	r, missing := e.LearningRequest(refused.LearningID)
	if missing != nil {
		refused.Detail += retryCall(id)
		return refused
	}
	state := learning.StateTimedOut
	if r.State() == learning.StateResolving {
		state = learning.StateResolving
	}
	for _, row := range r.Destinations(learning.DestinationFilter{State: state, Limit: 1}) {
		refused.Detail += ": " + explainDestination(row)
		if row.Reason == learning.Unconfirmed {
			refused.Detail += " (it announced a MAC, but no answer confirms it; config.learning.accept_unconfirmed: true accepts the MAC)"
		}
	}
	if state == learning.StateResolving {
		left := max(0, r.Deadline().Sub(e.Now()))
		refused.Detail += fmt.Sprintf("; learning takes at most %d ms more: start it with the header \"Prefer: wait=%d\", or look at /learning/%s",
			left/loop.Millisecond, min(60, (left+loop.Second-1)/loop.Second), r.ID())
	} else {
		refused.Detail += retryCall(id)
	}
	return refused
}

func retryCall(id string) string {
	return fmt.Sprintf("; POST /packet/generators/%s/learning/retry solicits again", id)
}

// explainDestination describes an unresolved address: its next hop, destination, interface and
// reason.
func explainDestination(row learning.Destination) string {
	text := "destination " + row.Address.String()
	if row.NextHop.IsValid() {
		text = fmt.Sprintf("next hop %s of destination %s", row.NextHop, row.Address)
	}
	text += fmt.Sprintf(" on interface %q is ", row.InterfaceID)
	if row.State == learning.StateTimedOut {
		return text + fmt.Sprintf("%s after %d attempts", row.Reason, row.Attempts)
	}
	return text + fmt.Sprintf("%s, %d attempts so far", row.State, row.Attempts)
}
