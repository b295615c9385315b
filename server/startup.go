package server

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"

	"glean/server/api"
	"glean/server/engine"
)

// OpenPort opens a port as POST /ports does. It is for ports that the daemon starts
// with.
func (s *Server) OpenPort(ctx context.Context, spec engine.PortSpec) error {
	if s.Openers[spec.Kind] == nil {
		return fmt.Errorf("ports of kind %q can't be opened", spec.Kind)
	}
	_, err := s.openPort(ctx, spec)
	return err
}

// Apply creates a resource of a configuration file. path is "/collection/id"; body is
// the body of a POST to the collection, with or without the id.
func (s *Server) Apply(ctx context.Context, path string, body []byte) error {
	slash := strings.LastIndexByte(path, '/')
	if slash <= 0 || slash == len(path)-1 {
		return fmt.Errorf("%q is not \"/collection/id\"", path)
	}
	body, err := withID(body, path[slash+1:])
	if err != nil {
		return err
	}
	return s.Create(ctx, path[:slash], body)
}

// withID adds an id to a body. It keeps the rest of the text, so that the reader finds
// the faults in it.
func withID(body []byte, id string) ([]byte, error) {
	body = bytes.TrimSpace(body)
	var members map[string]json.RawMessage
	if err := json.Unmarshal(body, &members); err != nil {
		return nil, fmt.Errorf("the body must be a map: %w", err)
	}
	name, err := json.Marshal(id)
	if err != nil {
		return nil, err
	}
	switch given, has := members["id"]; {
	case has && string(given) == string(name):
		return body, nil
	case has:
		return nil, fmt.Errorf("id: is %s, but the path says %s", given, name)
	case len(members) == 0: // null as well
		return fmt.Appendf(nil, `{"id":%s}`, name), nil
	}
	return fmt.Appendf(nil, `{"id":%s,%s`, name, body[1:]), nil
}

// Create makes a POST request without a connection. The error is a *Refusal with the
// status and the detail of the reply.
func (s *Server) Create(ctx context.Context, collection string, body []byte) error {
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, collection, bytes.NewReader(body))
	if err != nil {
		return err
	}
	r.Header.Set("Content-Type", "application/json")
	w := &keptReply{header: make(http.Header), status: http.StatusOK}
	s.Handler().ServeHTTP(w, r)
	if w.status < 300 {
		return nil
	}
	var p api.Problem
	if json.Unmarshal(w.body.Bytes(), &p) != nil || p.Detail == "" {
		p.Detail = w.body.String()
	}
	refused := engine.Error{Kind: engine.Invalid, Detail: p.Detail}
	for _, f := range p.Errors {
		refused.Faults = append(refused.Faults, engine.Fault(f))
	}
	return &Refusal{w.status, refused}
}

// Refusal is a reply of the API that is no success.
type Refusal struct {
	Status int
	what   engine.Error
}

// Error returns the status and the detail.
func (r *Refusal) Error() string { return fmt.Sprintf("%d: %s", r.Status, r.what.Detail) }

// Unwrap returns the *engine.Error with the faults of the body.
func (r *Refusal) Unwrap() error { return &r.what }

// keptReply keeps a reply in memory.
type keptReply struct {
	header http.Header
	status int
	body   bytes.Buffer
}

// Header implements http.ResponseWriter.
func (w *keptReply) Header() http.Header { return w.header }

// WriteHeader implements http.ResponseWriter.
func (w *keptReply) WriteHeader(status int) { w.status = status }

// Write implements http.ResponseWriter.
func (w *keptReply) Write(b []byte) (int, error) { return w.body.Write(b) }
