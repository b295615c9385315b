package server

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"glean/generator"
)

// waitMax is the longest time that a request waits. A larger N of "Prefer: wait=N"
// means waitMax.
const waitMax = time.Minute

// preferredWait returns N of "Prefer: wait=N" (RFC 7240), the time that the client wants
// to wait for an outcome, or limit if N is larger.
func (r *request) preferredWait(limit time.Duration) (time.Duration, bool) {
	for _, line := range r.Header.Values("Prefer") {
		for preference := range strings.SplitSeq(line, ",") {
			name, value, _ := strings.Cut(strings.SplitN(preference, ";", 2)[0], "=")
			if !strings.EqualFold(strings.TrimSpace(name), "wait") {
				continue
			}
			n, err := strconv.ParseUint(strings.Trim(strings.TrimSpace(value), `"`), 10, 31)
			if err != nil {
				return 0, false // RFC 7240 section 2: ignore a preference that is not understood
			}
			return min(time.Duration(n)*time.Second, limit), true
		}
	}
	return 0, false
}

// waiting is the time that a client wants to wait for an outcome. The zero value does
// not wait.
type waiting struct {
	server *Server
	client context.Context // ends with the client's connection
	left   context.Context // ends with the connection or the time; nil if the client does not wait
	cancel context.CancelFunc
}

// waiting reads the preference of a request and confirms it in the reply.
func (s *Server) waiting(w *responseWriter, r *request) waiting {
	limit, waits := r.preferredWait(waitMax)
	if !waits {
		return waiting{cancel: func() {}}
	}
	w.Header().Set("Preference-Applied", fmt.Sprintf("wait=%d", limit/time.Second))
	p := waiting{server: s, client: r.Context()}
	p.left, p.cancel = context.WithTimeout(r.Context(), limit)
	return p
}

// waits reports whether the client wants to wait.
func (p waiting) waits() bool { return p.left != nil }

// until waits until done is called. It calls register on the loop, which returns a
// function that unregisters done, or nil if there is nothing to wait for. until reports
// whether done was called in time. It fails if register fails or the client has gone.
func (p waiting) until(register func(done func()) (forget func(), err error)) (bool, error) {
	if !p.waits() {
		return false, nil
	}
	done := make(chan struct{})
	forget, err := call(p.client, p.server, func() (func(), error) { return register(func() { close(done) }) })
	if err != nil || forget == nil {
		return false, err
	}
	select {
	case <-done:
		return true, nil
	case <-p.left.Done():
	case <-p.server.closed:
	case <-p.server.Loop.Done():
	}
	p.server.Loop.Post(forget)
	return false, p.client.Err()
}

// learned waits until none of the generators has learning in progress. It ignores
// generators that do not exist.
func (p waiting) learned(ids ...string) error {
	for _, id := range ids {
		request := ""
		for again := true; again; { // learning may have begun again
			var err error
			again, err = p.until(func(done func()) (func(), error) {
				v, err := p.server.Engine.Generator(id)
				if err != nil || v.Learning != generator.LearningResolving.String() || v.LearningID == request {
					return nil, nil
				}
				request = v.LearningID
				return p.server.Engine.WhenLearned(request, done), nil
			})
			if err != nil {
				return err
			}
		}
	}
	return nil
}

// finished waits for the end of the learning request whose id find returns.
func (p waiting) finished(find func() (requestID string, err error)) error {
	_, err := p.until(func(done func()) (func(), error) {
		id, err := find()
		if err != nil {
			return nil, err
		}
		return p.server.Engine.WhenLearned(id, done), nil
	})
	return err
}

// runEnded waits for the end of a result's run.
func (p waiting) runEnded(id string) error {
	_, err := p.until(func(done func()) (func(), error) {
		r, err := p.server.Engine.Result(id)
		if err != nil {
			return nil, err
		}
		return p.server.Engine.WhenEnded(r, done), nil
	})
	return err
}
