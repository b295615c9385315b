package server

import (
	"net/http"

	"glean/generator"
	"glean/server/engine"
)

func (s *Server) bulkCreateGenerators(w *responseWriter, r *request) error {
	specs, err := body(r, w, engine.ParseGenerators)
	if err != nil {
		return err
	}
	views, err := call(r.Context(), s, func() ([]engine.GeneratorView, error) { return s.Engine.CreateGenerators(specs) })
	if err != nil {
		return err
	}
	return reply(w, http.StatusOK, itemsJSON[generatorJSON]{newGeneratorsJSON(views)})
}

// bulkDeleteGenerators deletes what is there and not active.
func (s *Server) bulkDeleteGenerators(w *responseWriter, r *request) error {
	ids, err := body(r, w, engine.ParseIDs)
	if err != nil {
		return err
	}
	err = s.Do(r.Context(), func() {
		for _, id := range ids {
			s.Engine.DeleteGenerator(id, false, func() {})
		}
	})
	if err != nil {
		return err
	}
	return noContent(w)
}

func (s *Server) bulkStopGenerators(w *responseWriter, r *request) error {
	ids, err := body(r, w, engine.ParseIDs)
	if err != nil {
		return err
	}
	return s.stopAll(w, r, ids)
}

// bulkStartGenerators starts all or none. When one can't start, those that did
// are stopped and their results deleted before the answer is sent.
func (s *Server) bulkStartGenerators(w *responseWriter, r *request) error {
	ids, err := body(r, w, engine.ParseIDs)
	if err != nil {
		return err
	}
	type outcome struct {
		list []resultJSON
		err  error
	}
	ended := make(chan outcome, 1)
	started := func(results []*generator.Result) {
		list := make([]resultJSON, len(results))
		for i, result := range results {
			list[i] = s.resultJSON(result)
		}
		ended <- outcome{list: list}
	}
	err = s.Do(r.Context(), func() {
		s.Engine.StartGenerators(ids, started, func(err error) { ended <- outcome{err: err} })
	})
	if err != nil {
		return err
	}
	select {
	case o := <-ended:
		if o.err != nil {
			return o.err
		}
		return reply(w, http.StatusOK, itemsJSON[resultJSON]{o.list})
	case <-s.Loop.Done():
		return errStopped
	case <-r.Context().Done():
		return r.Context().Err()
	}
}
