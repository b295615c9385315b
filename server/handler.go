package server

import (
	"log/slog"
	"net/http"
	"runtime/debug"
	"time"

	"glean/server/engine"
)

// Handler returns the handler of all requests of the API. It needs the server's loop to
// run.
func (s *Server) Handler() http.Handler { return s.router }

// serve runs the handler of a route, and turns errors and panics into problem
// documents.
func (s *Server) serve(raw http.ResponseWriter, r *http.Request, f found) {
	began := time.Now()
	w := &responseWriter{ResponseWriter: raw, timeout: s.Limits.SendTimeout}
	protect(w.Header())
	if r.ContentLength != 0 {
		// Operations without a body need the deadline, too: net/http reads an announced
		// body before it sends the reply.
		w.readBy(began.Add(s.Limits.BodyTimeout))
	}
	defer func() {
		if p := recover(); p != nil {
			s.crashed(w, r, p)
		}
		took := time.Since(began)
		s.meters.observe(r.Method, f, w.status, took)
		s.Logger.Debug("request", "method", r.Method, "path", r.URL.Path, "status", w.status, "took", took)
	}()
	err := s.answer(w, r, f)
	if err == nil {
		return
	}
	p := asProblem(err)
	switch {
	case p == nil: // the client is gone
	case w.status != 0:
		// The reply has begun, so it can only be broken off.
		panic(http.ErrAbortHandler)
	default:
		s.refuse(w, r, p)
	}
}

func (s *Server) answer(w *responseWriter, r *http.Request, f found) error {
	if err := s.guard.check(r); err != nil {
		return err
	}
	switch {
	case f.candidate == nil:
		return problemf(http.StatusNotFound, "there is no resource at %s; /docs lists the paths", r.URL.Path)
	case f.route == nil:
		w.Header().Set("Allow", f.candidate.allow())
		return problemf(http.StatusMethodNotAllowed, "%s is not a method of %s; methods are %s", r.Method, f.candidate.pattern, f.candidate.allow())
	}
	if id, given := f.parameters["id"]; given && !engine.ValidID(id) {
		return problemf(http.StatusNotFound, "%.40q is not an id: %s", id, engine.IDRule)
	}
	wanted := &request{Request: r, server: s, prefix: f.candidate.prefix, parameters: f.parameters}
	if err := wanted.checkQuery(f.route.query); err != nil {
		return err
	}
	return f.route.handle(s, w, wanted)
}

// crashed replies 500 after a panic. The daemon goes on. The log has the stack, with
// the incident that the reply names.
func (s *Server) crashed(w *responseWriter, r *http.Request, p any) {
	if p == http.ErrAbortHandler { //nolint:errorlint // net/http panics with exactly this value
		panic(p)
	}
	stack := debug.Stack()
	if lp, ok := p.(loopPanic); ok {
		p, stack = lp.value, lp.stack
	}
	incident := newIncident()
	s.Logger.LogAttrs(r.Context(), slog.LevelError, "panic in a handler",
		slog.String("incident", incident), slog.String("method", r.Method), slog.String("path", r.URL.Path),
		slog.Any("panic", p), slog.String("stack", string(stack)))
	if w.status != 0 {
		panic(http.ErrAbortHandler)
	}
	reply := problemf(http.StatusInternalServerError, "internal error; the daemon's log has the cause under incident %s", incident)
	reply.Incident = incident
	reply.write(w)
}

// responseWriter records the status, and sets a deadline for each write: a client that
// does not read must not block its handler for ever.
type responseWriter struct {
	http.ResponseWriter
	status  int
	timeout time.Duration
	renewed time.Time
	cut     bool // reading the request's body has failed
}

// Unwrap returns the inner writer for http.ResponseController.
func (w *responseWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// WriteHeader implements http.ResponseWriter.
func (w *responseWriter) WriteHeader(status int) {
	if w.status == 0 {
		w.status = status
	}
	w.renew()
	w.ResponseWriter.WriteHeader(status)
}

// Write implements http.ResponseWriter.
func (w *responseWriter) Write(b []byte) (int, error) {
	if w.status == 0 {
		w.status = http.StatusOK
	}
	w.renew()
	return w.ResponseWriter.Write(b)
}

// readBy sets the deadline for the request's body. The zero time means none.
func (w *responseWriter) readBy(deadline time.Time) {
	// httptest's recorder has no deadlines and returns an error.
	_ = http.NewResponseController(w.ResponseWriter).SetReadDeadline(deadline)
}

// renew moves the deadline for sending, at most 16 times in a timeout: each move is a
// system call.
func (w *responseWriter) renew() {
	now := time.Now()
	if now.Sub(w.renewed) < w.timeout/16 {
		return
	}
	w.renewed = now
	_ = http.NewResponseController(w.ResponseWriter).SetWriteDeadline(now.Add(w.timeout))
}
