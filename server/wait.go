package server

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"glean/generator"
)

// waitMax is the longest "Prefer: wait=N" that is honoured; N beyond it counts
// as this.
const waitMax = time.Minute

// preferredWait reads "Prefer: wait=N" (RFC 7240): how long the client wants to
// wait for an outcome. N beyond the limit is the limit.
func (r *request) preferredWait(limit time.Duration) (time.Duration, bool) {
	for _, line := range r.Header.Values("Prefer") {
		for preference := range strings.SplitSeq(line, ",") {
			name, value, _ := strings.Cut(strings.SplitN(preference, ";", 2)[0], "=")
			if !strings.EqualFold(strings.TrimSpace(name), "wait") {
				continue
			}
			n, err := strconv.ParseUint(strings.Trim(strings.TrimSpace(value), `"`), 10, 31)
			if err != nil {
				return 0, false // RFC 7240: what is not understood is ignored
			}
			return min(time.Duration(n)*time.Second, limit), true
		}
	}
	return 0, false
}

// patience is what is left of the time that a client wants to wait. The zero value
// does not wait.
type patience struct {
	server *Server
	client context.Context // ends when the client goes
	left   context.Context // ends also when the time is over; nil if the client does not wait
	cancel context.CancelFunc
}

// patience reads the preference of a request and confirms it in the reply.
func (s *Server) patience(w *responseWriter, r *request) patience {
	limit, waits := r.preferredWait(waitMax)
	if !waits {
		return patience{cancel: func() {}}
	}
	w.Header().Set("Preference-Applied", fmt.Sprintf("wait=%d", limit/time.Second))
	p := patience{server: s, client: r.Context()}
	p.left, p.cancel = context.WithTimeout(r.Context(), limit)
	return p
}

// waits reports whether the client wants to wait.
func (p patience) waits() bool { return p.left != nil }

// until waits for done. register is called on the loop; it returns what takes done
// out again, or nil if there is nothing to wait for. until reports whether it has
// waited and time is left. It fails if register does, or if the client has gone.
func (p patience) until(register func(done func()) (forget func(), err error)) (bool, error) {
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

// learned waits until none of the generators is being learned. One that does not
// exist is not.
func (p patience) learned(ids ...string) error {
	for _, id := range ids {
		request := ""
		for again := true; again; { // learning may begin anew meanwhile
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

// finished waits for the end of the learning request that find returns the id of.
func (p patience) finished(find func() (requestID string, err error)) error {
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
func (p patience) runEnded(id string) error {
	_, err := p.until(func(done func()) (func(), error) {
		r, err := p.server.Engine.Result(id)
		if err != nil {
			return nil, err
		}
		return p.server.Engine.WhenEnded(r, done), nil
	})
	return err
}
