package server

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"glean/internal/document"
	"glean/server/api"
	"glean/server/engine"
)

// problem is a problem document that handlers return as an error.
type problem struct{ api.Problem }

func newMemory(s *engine.MemoryShortage) *api.Memory {
	m := &api.Memory{
		Budget: s.Budget, Needed: s.Needed, Reserved: s.Reserved,
		Kept: make([]api.MemoryPart, len(s.Kept)), Largest: make([]api.MemoryItem, len(s.Largest)),
	}
	for i, p := range s.Kept {
		m.Kept[i] = api.MemoryPart(p)
	}
	for i, item := range s.Largest {
		m.Largest[i] = api.MemoryItem(item)
	}
	return m
}

// Error returns the detail.
func (p *problem) Error() string { return p.Detail }

func problemf(status int, format string, args ...any) *problem {
	return (&problem{api.Problem{Status: status, Detail: fmt.Sprintf(format, args...)}}).complete()
}

// complete sets the members that follow from others. The type is about:blank, so the
// title is the text of the status (RFC 9457 section 4.2.1).
func (p *problem) complete() *problem {
	p.Type, p.Title = "about:blank", http.StatusText(p.Status)
	p.Code, p.Message = p.Status, p.Detail
	return p
}

// unknownParameter returns the problem of a query parameter that the operation does not
// have.
func unknownParameter(name string, known []string) *problem {
	if len(known) == 0 {
		return badParameter(name, "unknown query parameter; this operation has none")
	}
	near := document.Nearest(name, known)
	if near != "" {
		near = fmt.Sprintf(" did you mean %q?", near)
	}
	return badParameter(name, "unknown query parameter;%s parameters are %s", near, strings.Join(known, ", "))
}

// badParameter returns the problem of a query parameter.
func badParameter(name, format string, args ...any) *problem {
	fault := api.Fault{Path: "?" + name, Detail: fmt.Sprintf(format, args...)}
	p := problemf(http.StatusBadRequest, "%s: %s", fault.Path, fault.Detail)
	p.Errors = []api.Fault{fault}
	return p
}

var statusOfKind = map[engine.Kind]int{
	engine.Invalid:  http.StatusBadRequest,
	engine.NotFound: http.StatusNotFound,
	engine.Conflict: http.StatusConflict,
	engine.TooMany:  http.StatusTooManyRequests,
	engine.TooLarge: http.StatusRequestEntityTooLarge,
}

// asProblem returns the problem for an error of a handler, or nil if the client has
// gone.
func asProblem(err error) *problem {
	var p *problem
	var e *engine.Error
	switch {
	case errors.As(err, &p):
		return p
	case errors.As(err, &e):
		return ofEngine(e)
	case errors.Is(err, errStopped):
		return problemf(http.StatusServiceUnavailable, "%v", err)
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return nil
	}
	panic(fmt.Sprintf("an error of no known kind: %v", err))
}

func ofEngine(e *engine.Error) *problem {
	status, known := statusOfKind[e.Kind]
	if !known {
		panic(fmt.Sprintf("an engine error of no known kind: %v", e))
	}
	detail := e.Detail
	if detail == "" {
		detail = e.Error()
	}
	if n := len(e.Faults); n > 1 {
		detail = fmt.Sprintf("%s (and %d more)", detail, n-1)
	}
	p := problemf(status, "%s", detail)
	p.Errors, p.LearningID = newFaults(e.Faults), e.LearningID
	if e.Resolving+e.Completed+e.TimedOut > 0 {
		p.NextHops = &api.HopCount{Resolving: e.Resolving, Completed: e.Completed, TimedOut: e.TimedOut}
	}
	if e.Memory != nil {
		p.Memory = newMemory(e.Memory)
	}
	return p
}

func (p *problem) write(w http.ResponseWriter) {
	var b bytes.Buffer
	encoder := json.NewEncoder(&b)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(p); err != nil {
		panic(err) // it holds strings and numbers only
	}
	w.Header().Set("Content-Type", "application/problem+json")
	w.WriteHeader(p.Status)
	_, _ = w.Write(b.Bytes()) // an error means that the client has gone
}

// newIncident returns a random name for a failure, for the log and the reply.
func newIncident() string { return rand.Text() }

// isNotFound reports whether an error says that a resource does not exist.
func isNotFound(err error) bool {
	var e *engine.Error
	return errors.As(err, &e) && e.Kind == engine.NotFound
}
