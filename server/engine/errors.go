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
	Invalid  Kind = iota + 1 // the request is wrong; Faults say where
	NotFound                 // there is no such resource
	Conflict                 // right, but not in the present state
	TooMany                  // a limit is reached
	TooLarge                 // more than one request may hold
)

// Fault is one thing wrong with a request: the JSON path of the member and what
// is wrong with it.
type Fault = document.Fault

// Warnings are about members of a body that were ignored.
type Warnings = document.Warnings

// Error is what the engine's methods return.
type Error struct {
	Kind   Kind
	Detail string
	Faults []Fault
	// LearningID names the learning request that stands in the way, if any.
	LearningID string
	// Counts of the generator's next hops, where learning stands in the way.
	Resolving, Completed, TimedOut int
	Memory                         *MemoryShortage // where the memory budget stands in the way
}

// Error returns the detail, followed by the first fault unless the detail has it
// already.
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

// Refuse returns the error about faults, of which there is at least one.
func Refuse(kind Kind, faults []Fault) *Error {
	return &Error{Kind: kind, Detail: faults[0].String(), Faults: faults}
}

func notFound(what, id string) *Error {
	return &Error{Kind: NotFound, Detail: fmt.Sprintf("there is no %s %q", what, id)}
}

func conflict(format string, args ...any) *Error {
	return &Error{Kind: Conflict, Detail: fmt.Sprintf(format, args...)}
}
