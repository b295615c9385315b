package server

import (
	"net/http"
	"slices"

	"glean/learning"
	"glean/server/api"
	"glean/server/bodies"
	"glean/server/engine"
	"glean/stack/loop"
)

// learningView is a copy of a request, made on the loop.
type learningView struct {
	id, resultID             string
	state                    learning.State
	mode                     learning.Mode
	generatorIDs, interfaces []string
	timeout                  loop.Duration
	createdAt, finishedAt    loop.Time
	finished                 bool
	progress                 learning.Progress
}

func newLearningView(r *learning.Request) learningView {
	v := learningView{
		id: r.ID(), resultID: r.ResultID(), state: r.State(), mode: r.Mode(),
		generatorIDs: r.GeneratorIDs(), interfaces: r.InterfaceIDs(),
		timeout: r.Timeout(), createdAt: r.CreatedAt(), progress: r.Progress(),
	}
	v.finishedAt, v.finished = r.FinishedAt()
	return v
}

func (s *Server) newLearningRequest(v learningView) api.LearningRequest {
	p := v.progress
	request := api.LearningRequest{
		ID:           v.id,
		State:        v.state.String(),
		Mode:         v.mode.String(),
		GeneratorIDs: orEmpty(v.generatorIDs),
		InterfaceIDs: orEmpty(v.interfaces),
		TimeoutMS:    int(v.timeout / loop.Millisecond),
		CreatedAt:    s.timestamp(v.createdAt),
		Progress:     api.Progress{Total: p.Total, Resolving: p.Resolving, Completed: p.Completed, TimedOut: p.TimedOut},
		ResultID:     v.resultID,
	}
	if v.finished {
		request.FinishedAt = new(s.timestamp(v.finishedAt))
	}
	return request
}

// startLearning answers POST /learning.
func (s *Server) startLearning(w *responseWriter, r *request) error {
	spec, err := body(r, w, bodies.Learning)
	if err != nil {
		return err
	}
	defer s.unbindLearning(&spec)
	if err := s.prepareLearning(r, &spec); err != nil {
		return err
	}
	v, err := s.learningView(r, func() (*learning.Request, error) { return s.Engine.StartLearning(spec) })
	if err != nil {
		return err
	}
	if v, err = s.afterRequest(w, r, v); err != nil {
		return err
	}
	w.Header().Set("Location", r.prefix+"/learning/"+v.id)
	return reply(w, http.StatusAccepted, s.newLearningRequest(v))
}

// afterRequest waits for the end of a new request, as long as the client wants, and
// returns its state then. If the request was removed meanwhile, it returns v.
func (s *Server) afterRequest(w *responseWriter, r *request, v learningView) (learningView, error) {
	p := s.waiting(w, r)
	defer p.cancel()
	if err := p.finished(func() (string, error) { return v.id, nil }); err != nil || !p.waits() {
		return v, err
	}
	now, err := s.learningView(r, func() (*learning.Request, error) { return s.Engine.LearningRequest(v.id) })
	if isNotFound(err) {
		return v, nil
	}
	return now, err
}

// prepareLearning makes the tables of a large learning request off the loop.
func (s *Server) prepareLearning(r *request, spec *engine.LearningSpec) error {
	err := s.doAnyway(func() error { return s.Engine.BindLearning(spec) })
	if err != nil || !spec.IsLarge() {
		return err
	}
	return s.compiled(r, func() error { return engine.PrepareLearning(spec) })
}

// unbindLearning releases the memory that prepareLearning has reserved, unless the start of
// learning has released it.
func (s *Server) unbindLearning(spec *engine.LearningSpec) {
	s.Loop.Post(func() { s.Engine.UnbindLearning(spec) })
}

// learningView copies the request that get returns on the loop.
func (s *Server) learningView(r *request, get func() (*learning.Request, error)) (learningView, error) {
	return call(r.Context(), s, func() (v learningView, err error) {
		request, err := get()
		if err == nil {
			v = newLearningView(request)
		}
		return v, err
	})
}

// listLearning answers GET /learning. A request must match all filters.
func (s *Server) listLearning(w *responseWriter, r *request) error {
	generator, byGenerator := r.filter("generator_id")
	state, byState, err := r.word("state", "resolving", "completed", "timed_out", "cancelled")
	if err != nil {
		return err
	}
	views, err := call(r.Context(), s, func() (views []learningView, err error) {
		for _, request := range s.Engine.LearningRequests() {
			if byState && request.State().String() != state ||
				byGenerator && !slices.Contains(request.GeneratorIDs(), generator) {
				continue
			}
			views = append(views, newLearningView(request))
		}
		return views, nil
	})
	if err != nil {
		return err
	}
	return replyList(w, views, s.newLearningRequest)
}

func (s *Server) getLearning(w *responseWriter, r *request) error {
	p := s.waiting(w, r)
	defer p.cancel()
	err := p.finished(func() (string, error) {
		_, err := s.Engine.LearningRequest(r.id())
		return r.id(), err
	})
	if err != nil {
		return err
	}
	v, err := s.learningView(r, func() (*learning.Request, error) { return s.Engine.LearningRequest(r.id()) })
	if err != nil {
		return err
	}
	return reply(w, http.StatusOK, s.newLearningRequest(v))
}

func (s *Server) deleteLearning(w *responseWriter, r *request) error {
	if err := s.Do(r.Context(), func() { s.Engine.DeleteLearning(r.id()) }); err != nil {
		return err
	}
	return noContent(w)
}

func (s *Server) deleteFinishedLearning(w *responseWriter, r *request) error {
	if err := s.Do(r.Context(), s.Engine.DeleteFinishedLearning); err != nil {
		return err
	}
	return noContent(w)
}
