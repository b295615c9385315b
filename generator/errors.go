package generator

import (
	"fmt"

	"glean/generator/program"
	"glean/generator/traffic"
)

// Kind tells what an Error means, so that a server can map it to a code.
type Kind uint8

// Kinds of errors.
const (
	KindNotFound Kind = iota + 1 // no such object
	KindExists                   // the id is taken
	KindInvalid                  // the request is wrong; Faults may list why
	KindConflict                 // not in this state
)

// Error is what the manager answers when it refuses.
type Error struct {
	Kind   Kind
	Detail string
	Faults traffic.Faults // of a configuration, else empty

	// What a start waits for; set on a conflict about learning.
	Learning   string // the generator's state of learning
	LearningID string
	Counts     program.Counts
}

// Error implements error.
func (e *Error) Error() string {
	if len(e.Faults) > 0 {
		return e.Detail + ": " + e.Faults.Error()
	}
	return e.Detail
}

func failure(kind Kind, format string, args ...any) *Error {
	return &Error{Kind: kind, Detail: fmt.Sprintf(format, args...)}
}
