package engine

import (
	"fmt"
	"strings"

	"glean/internal/document"
)

// Kind classifies an error by what the caller can do about it.
type Kind uint8

// Kinds of errors.
const (
	Invalid  Kind = iota + 1 // the request is wrong; Faults name the members
	NotFound                 // the resource does not exist
	Conflict                 // the request is right, but not possible in the present state
	TooMany                  // a limit is reached
	TooLarge                 // the request holds more than one request may
)

// Fault is a mistake in a request: the JSON path of a member and the rule that it breaks.
type Fault = document.Fault

// Warnings are about members of a body that were ignored.
type Warnings = document.Warnings

// Error is the error of the engine's methods.
type Error struct {
	Kind   Kind
	Detail string
	Faults []Fault
	// LearningID names the learning request that is the reason, if there is one.
	LearningID string
	// Counts of the generator's next hops, if learning is the reason.
	Resolving, Completed, TimedOut int
	Memory                         *MemoryShortage // if the memory budget is the reason
}

// Error returns the detail, followed by the first fault unless the detail contains it.
func (e *Error) Error() string {
	if len(e.Faults) == 0 || strings.Contains(e.Detail, e.Faults[0].Detail) {
		return e.Detail
	}
	if e.Detail == "" {
		return e.Faults[0].Path + ": " + e.Faults[0].Detail
	}
	return e.Detail + ": " + e.Faults[0].Path + ": " + e.Faults[0].Detail
}

func invalid(path, format string, args ...any) *Error {
	detail := fmt.Sprintf(format, args...)
	return &Error{Kind: Invalid, Detail: path + ": " + detail, Faults: []Fault{{Path: path, Detail: detail}}}
}

// Refuse returns the error about at least one fault.
func Refuse(kind Kind, faults []Fault) *Error {
	return &Error{Kind: kind, Detail: faults[0].String(), Faults: faults}
}

func notFound(what, id string) *Error {
	return &Error{Kind: NotFound, Detail: fmt.Sprintf("there is no %s %q", what, id)}
}

func conflict(format string, args ...any) *Error {
	return &Error{Kind: Conflict, Detail: fmt.Sprintf(format, args...)}
}
