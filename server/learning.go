package server

import (
	"net/http"
	"slices"

	"glean/learning"
	"glean/server/engine"
	"glean/stack/loop"
)

type learningJSON struct {
	ID           string       `json:"id"`
	State        string       `json:"state"`
	Mode         string       `json:"mode"`
	GeneratorIDs []string     `json:"generator_ids"`
	InterfaceIDs []string     `json:"interface_ids"`
	TimeoutMS    int64        `json:"timeout_ms"`
	CreatedAt    string       `json:"created_at"`
	FinishedAt   *string      `json:"finished_at"`
	Progress     progressJSON `json:"progress"`
	ResultID     string       `json:"result_id"`
}

// progressJSON counts rows, one per unique interface and destination.
type progressJSON struct {
	Total     int `json:"total"`
	Resolving int `json:"resolving"`
	Completed int `json:"completed"`
	TimedOut  int `json:"timed_out"`
}

func (s *Server) learningJSON(r *learning.Request) learningJSON {
	p := r.Progress()
	j := learningJSON{
		ID:           r.ID(),
		State:        r.State().String(),
		Mode:         r.Mode().String(),
		GeneratorIDs: orEmpty(r.GeneratorIDs()),
		InterfaceIDs: orEmpty(r.InterfaceIDs()),
		TimeoutMS:    int64(r.Timeout() / loop.Millisecond),
		CreatedAt:    s.timestamp(r.CreatedAt()),
		Progress:     progressJSON{p.Total, p.Resolving, p.Completed, p.TimedOut},
		ResultID:     r.ResultID(),
	}
	if t, finished := r.FinishedAt(); finished {
		text := s.timestamp(t)
		j.FinishedAt = &text
	}
	return j
}

// startLearning answers POST /learning.
func (s *Server) startLearning(w *responseWriter, r *request) error {
	spec, err := body(r, w, engine.ParseLearning)
	if err != nil {
		return err
	}
	j, err := call(r.Context(), s, func() (learningJSON, error) {
		request, err := s.Engine.StartLearning(spec)
		if err != nil {
			return learningJSON{}, err
		}
		return s.learningJSON(request), nil
	})
	if err != nil {
		return err
	}
	w.Header().Set("Location", r.prefix+"/learning/"+j.ID)
	return reply(w, http.StatusAccepted, j)
}

// listLearning answers GET /learning. The filters are joined by and.
func (s *Server) listLearning(w *responseWriter, r *request) error {
	generator, byGenerator := r.filter("generator_id")
	state, byState := r.filter("state")
	list, err := call(r.Context(), s, func() ([]learningJSON, error) {
		list := []learningJSON{}
		for _, request := range s.Engine.LearningRequests() {
			if byState && request.State().String() != state ||
				byGenerator && !slices.Contains(request.GeneratorIDs(), generator) {
				continue
			}
			list = append(list, s.learningJSON(request))
		}
		return list, nil
	})
	if err != nil {
		return err
	}
	return reply(w, http.StatusOK, list)
}

func (s *Server) getLearning(w *responseWriter, r *request) error {
	j, err := call(r.Context(), s, func() (learningJSON, error) {
		request, err := s.Engine.LearningRequest(r.id())
		if err != nil {
			return learningJSON{}, err
		}
		return s.learningJSON(request), nil
	})
	if err != nil {
		return err
	}
	return reply(w, http.StatusOK, j)
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
