package generator

import (
	"fmt"
	"strings"

	"glean/internal/document"
)

// Fault is one thing that is wrong with a configuration.
type Fault = document.Fault

// Warnings are about members of a configuration that were ignored.
type Warnings = document.Warnings

// maxFaults bounds the answer to a configuration that is wrong everywhere.
const maxFaults = 256

// Faults is a list of faults; as an error it is their text.
type Faults []Fault

// Error implements error.
func (fs Faults) Error() string {
	var b strings.Builder
	for i, f := range fs {
		if i > 0 {
			b.WriteString("; ")
		}
		b.WriteString(f.String())
	}
	return b.String()
}

// add appends a fault. What exceeds maxFaults is dropped, and the last one
// says so.
func (fs *Faults) add(path, format string, args ...any) {
	switch {
	case len(*fs) < maxFaults:
		*fs = append(*fs, Fault{Path: path, Detail: fmt.Sprintf(format, args...)})
	case len(*fs) == maxFaults:
		*fs = append(*fs, Fault{Path: "config", Detail: fmt.Sprintf("more than %d faults; the rest is not listed", maxFaults)})
	}
}

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
	Faults Faults // of a configuration, else empty

	// What a start waits for; set on a conflict about learning.
	Learning   string // the generator's state of learning
	LearningID string
	Counts     Counts
}

// Counts tells how far the next hops of a generator are resolved.
type Counts struct {
	Total, Resolved, Failed int
	Unconfirmed             int // of those resolved: their MAC is known but not confirmed
}

// Unresolved is the number of next hops without a MAC, failed ones included.
func (c Counts) Unresolved() int { return c.Total - c.Resolved }

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
