package server

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"net/http"

	"glean/learning"
	"glean/server/api"
	"glean/stack/loop"
)

// Numbers of addresses of a learning result.
const (
	addressesDefault = 10_000  // in one reply
	addressesMax     = 1 << 20 // in one reply
	addressesPage    = 1024    // in one turn of the loop
)

// learningResultView is a copy of a result without its rows, made on the loop.
type learningResultView struct {
	id, learningID             string
	generatorIDs               []string
	state                      learning.State
	createdAt, finishedAt, now loop.Time
	finished                   bool
	nextHops                   int
	sent, received             uint64
}

func (s *Server) learningResultView(r *learning.Result) learningResultView {
	v := learningResultView{
		id: r.ID(), learningID: r.LearningID(), generatorIDs: r.GeneratorIDs(), state: r.State(),
		createdAt: r.CreatedAt(), now: s.Engine.Now(),
		nextHops: r.NextHops(), sent: r.RequestsSent(), received: r.RepliesReceived(),
	}
	v.finishedAt, v.finished = r.FinishedAt()
	return v
}

// newLearningResult has the duration until now while the request is in progress.
func (s *Server) newLearningResult(v learningResultView) api.LearningResultHead {
	result := api.LearningResultHead{
		ID:              v.id,
		LearningID:      v.learningID,
		GeneratorIDs:    orEmpty(v.generatorIDs),
		State:           v.state.String(),
		CreatedAt:       s.timestamp(v.createdAt),
		DurationNS:      int64(v.now.Sub(v.createdAt)),
		NextHops:        v.nextHops,
		RequestsSent:    v.sent,
		RepliesReceived: v.received,
	}
	if v.finished {
		result.FinishedAt, result.DurationNS = new(s.timestamp(v.finishedAt)), int64(v.finishedAt.Sub(v.createdAt))
	}
	return result
}

func (s *Server) newLearnedAddress(row learning.Destination) api.LearnedAddress {
	a := api.LearnedAddress{
		IPAddress:   row.Address.String(),
		InterfaceID: row.InterfaceID,
		VLANIDs:     orEmpty(row.VLANs),
		State:       row.State.String(),
		Attempts:    row.Attempts,
	}
	if row.NextHop.IsValid() {
		a.NextHopAddress = row.NextHop.String()
	}
	switch row.State {
	case learning.StateCompleted:
		a.MACAddress = row.MAC.String()
		for _, mac := range row.Conflicting {
			a.ConflictingMACs = append(a.ConflictingMACs, mac.String())
		}
		a.FromCache = &row.FromCache
		a.ResolvedAt = s.timestamp(row.DecidedAt)
		if !row.FromCache {
			a.RTTNS = new(int64(row.RTT / loop.Nanosecond))
		}
	case learning.StateTimedOut:
		a.Reason = row.Reason.String()
	}
	return a
}

func (s *Server) listLearningResults(w *responseWriter, r *request) error {
	views, err := call(r.Context(), s, func() (views []learningResultView, err error) {
		for _, result := range s.Engine.LearningResults() {
			views = append(views, s.learningResultView(result))
		}
		return views, nil
	})
	if err != nil {
		return err
	}
	return replyList(w, views, s.newLearningResult)
}

// rowFilter reads ?state=, ?limit= and ?after=.
func rowFilter(r *request) (f learning.DestinationFilter, err error) {
	word, given, err := r.word("state", "resolving", "completed", "timed_out")
	if err != nil {
		return f, err
	}
	if given {
		f.State, _ = learning.ParseState(word) // word is one of the states
	}
	if f.Limit, err = r.integer("limit", 1, addressesMax, addressesDefault); err != nil {
		return f, err
	}
	f.After, err = r.address("after")
	return f, err
}

// resultPage is the part of a result that one turn of the loop copies.
type resultPage struct {
	head learningResultView
	rows []learning.Destination
}

func (s *Server) resultPage(ctx context.Context, id string, f learning.DestinationFilter) (resultPage, error) {
	return call(ctx, s, func() (resultPage, error) {
		result, err := s.Engine.LearningResult(id)
		if err != nil {
			return resultPage{}, err
		}
		return resultPage{s.learningResultView(result), result.Destinations(f)}, nil
	})
}

// getLearningResult sends a result page by page: copying a large one at once would hold
// the loop and fill the memory. Each row is sent as it is when its page is copied.
func (s *Server) getLearningResult(w *responseWriter, r *request) error {
	f, err := rowFilter(r)
	if err != nil {
		return err
	}
	if err := s.resultFinishedFirst(w, r); err != nil {
		return err
	}
	left := f.Limit
	f.Limit = min(left, addressesPage)
	page, err := s.resultPage(r.Context(), r.id(), f)
	if err != nil {
		return err
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(http.StatusOK)
	out := &listStream{w: bufio.NewWriterSize(w, 32<<10)}
	out.write(openList(s.newLearningResult(page.head), "addresses"))
	for {
		for _, row := range page.rows {
			out.item(s.newLearnedAddress(row))
		}
		if out.err != nil {
			return nil // the client has gone
		}
		left -= len(page.rows)
		if len(page.rows) < f.Limit || left <= 0 {
			break
		}
		f.Limit, f.After = min(left, addressesPage), page.rows[len(page.rows)-1].Address
		if page, err = s.resultPage(r.Context(), r.id(), f); err != nil {
			return err // the result was deleted meanwhile, so the reply is broken off
		}
	}
	out.end("]}\n")
	return nil
}

// resultFinishedFirst waits for the end of a result's request, as long as the client
// wants.
func (s *Server) resultFinishedFirst(w *responseWriter, r *request) error {
	p := s.waiting(w, r)
	defer p.cancel()
	return p.finished(func() (string, error) {
		result, err := s.Engine.LearningResult(r.id())
		if err != nil {
			return "", err
		}
		return result.LearningID(), nil
	})
}

// openList returns the JSON text of head with an open list as its last member. The
// caller writes the items and the end.
func openList(head any, name string) []byte {
	b, err := json.Marshal(head)
	if err != nil {
		panic(err) // it holds strings and numbers only
	}
	return fmt.Appendf(b[:len(b)-1], `,%q:[`, name) // without the closing brace
}

func (s *Server) deleteLearningResult(w *responseWriter, r *request) error {
	if err := s.do(r, func() error { return s.Engine.DeleteLearningResult(r.id()) }); err != nil && !isNotFound(err) {
		return err
	}
	return noContent(w)
}

func (s *Server) deleteLearningResults(w *responseWriter, r *request) error {
	if err := s.Do(r.Context(), s.Engine.DeleteFinishedLearningResults); err != nil {
		return err
	}
	return noContent(w)
}
