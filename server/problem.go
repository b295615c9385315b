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
	"glean/server/engine"
)

// problem is a problem document (RFC 9457) with the members of OpenPerf's
// errors, code and message, for clients that look for these.
type problem struct {
	Type    string         `json:"type"`
	Title   string         `json:"title"`
	Status  int            `json:"status"`
	Detail  string         `json:"detail"`
	Code    int            `json:"code"`
	Message string         `json:"message"`
	Errors  []engine.Fault `json:"errors,omitempty"`

	// Of a 409 that learning stands in the way of.
	LearningID string    `json:"learning_id,omitempty"`
	NextHops   *hopCount `json:"next_hops,omitempty"`
	// Of a 429 that the memory budget stands in the way of.
	Memory *memoryJSON `json:"memory,omitempty"`
	// Of a 500: what to look for in the log.
	Incident string `json:"incident,omitempty"`
}

// hopCount counts a generator's next hops by state.
type hopCount struct {
	Resolving int `json:"resolving"`
	Completed int `json:"completed"`
	TimedOut  int `json:"timed_out"`
}

// memoryJSON says what holds the memory, in octets.
type memoryJSON struct {
	Budget   int64            `json:"budget"`
	Needed   int64            `json:"needed"`
	Reserved int64            `json:"reserved"`
	Kept     []memoryPartJSON `json:"kept"`
	Largest  []memoryItemJSON `json:"largest"`
}

type memoryPartJSON struct {
	What   string `json:"what"`
	Count  int    `json:"count"`
	Octets int64  `json:"octets"`
}

// memoryItemJSON is what DELETE of a path frees.
type memoryItemJSON struct {
	Path   string `json:"path"`
	Octets int64  `json:"octets"`
}

func newMemoryJSON(s *engine.MemoryShortage) *memoryJSON {
	j := &memoryJSON{
		Budget: s.Budget, Needed: s.Needed, Reserved: s.Reserved,
		Kept: make([]memoryPartJSON, len(s.Kept)), Largest: make([]memoryItemJSON, len(s.Largest)),
	}
	for i, p := range s.Kept {
		j.Kept[i] = memoryPartJSON(p)
	}
	for i, item := range s.Largest {
		j.Largest[i] = memoryItemJSON(item)
	}
	return j
}

// Error makes a problem an error that handlers can return.
func (p *problem) Error() string { return p.Detail }

func problemf(status int, format string, args ...any) *problem {
	return (&problem{Status: status, Detail: fmt.Sprintf(format, args...)}).complete()
}

// complete fills in the members that follow from others. The type is
// about:blank, so the title is that of the status.
func (p *problem) complete() *problem {
	p.Type, p.Title = "about:blank", http.StatusText(p.Status)
	p.Code, p.Message = p.Status, p.Detail
	return p
}

// unknownParameter is a query parameter that the operation does not have.
func unknownParameter(name string, known []string) *problem {
	if len(known) == 0 {
		return badParameter(name, "unknown query parameter; this operation has none")
	}
	near := document.Nearest(name, known)
	if near != "" {
		near = fmt.Sprintf(" did you mean %q?", near)
	}
	return badParameter(name, "unknown query parameter;%s there are %s", near, strings.Join(known, ", "))
}

// badParameter is a fault of a query parameter.
func badParameter(name, format string, args ...any) *problem {
	fault := engine.Fault{Path: "?" + name, Detail: fmt.Sprintf(format, args...)}
	p := problemf(http.StatusBadRequest, "%s: %s", fault.Path, fault.Detail)
	p.Errors = []engine.Fault{fault}
	return p
}

var statusOfKind = map[engine.Kind]int{
	engine.Invalid:  http.StatusBadRequest,
	engine.NotFound: http.StatusNotFound,
	engine.Conflict: http.StatusConflict,
	engine.TooMany:  http.StatusTooManyRequests,
	engine.TooLarge: http.StatusRequestEntityTooLarge,
}

// asProblem says what an error of a handler means to the client; nil when the
// client has gone.
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
	p.Errors, p.LearningID = e.Faults, e.LearningID
	if e.Resolving+e.Completed+e.TimedOut > 0 {
		p.NextHops = &hopCount{e.Resolving, e.Completed, e.TimedOut}
	}
	if e.Memory != nil {
		p.Memory = newMemoryJSON(e.Memory)
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
	_, _ = w.Write(b.Bytes()) // a client that has gone needs no answer
}

// newIncident names a failure in the log and in the reply.
func newIncident() string { return rand.Text() }

// isNotFound tells that an error is about a resource that does not exist.
func isNotFound(err error) bool {
	var e *engine.Error
	return errors.As(err, &e) && e.Kind == engine.NotFound
}
