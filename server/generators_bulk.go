package server

import (
	"net/http"

	"glean/generator"
	"glean/server/api"
	"glean/server/engine"
)

func (s *Server) bulkCreateGenerators(w *responseWriter, r *request) error {
	specs, err := body(r, w, s.dialect().Generators)
	if err != nil {
		return err
	}
	defer s.unbind(specs)
	if err := s.compile(r, specs, true); err != nil {
		return err
	}
	ended := newOutcome[[]engine.GeneratorView]()
	if err := s.Do(r.Context(), func() { s.Engine.CreateGenerators(specs, ended.set) }); err != nil {
		return err
	}
	views, err := ended.await(r)
	if err != nil {
		return err
	}
	return reply(w, http.StatusOK, api.Items[echoedGenerator]{Items: newGenerators(views)})
}

// bulkDeleteGenerators deletes the generators that exist and are not active.
func (s *Server) bulkDeleteGenerators(w *responseWriter, r *request) error {
	ids, err := body(r, w, s.dialect().IDs)
	if err != nil {
		return err
	}
	return s.whenDone(w, r, func(done func()) { s.Engine.DeleteGeneratorsByID(ids, done) })
}

func (s *Server) bulkStopGenerators(w *responseWriter, r *request) error {
	ids, err := body(r, w, s.dialect().IDs)
	if err != nil {
		return err
	}
	return s.stopAll(w, r, ids)
}

// bulkStartGenerators starts all generators or none. If one cannot start, it stops the
// others and deletes their results before it replies.
func (s *Server) bulkStartGenerators(w *responseWriter, r *request) error {
	ids, err := body(r, w, s.dialect().IDs)
	if err != nil {
		return err
	}
	if err := s.learnedFirst(w, r, ids...); err != nil {
		return err
	}
	ended := newOutcome[[]resultView]()
	begun := func(results []*generator.Result) {
		views := make([]resultView, len(results))
		for n, result := range results {
			views[n] = s.resultView(result)
		}
		ended.set(views, nil)
	}
	err = s.Do(r.Context(), func() {
		s.Engine.StartGenerators(ids, begun, func(err error) { ended.set(nil, err) })
	})
	if err != nil {
		return err
	}
	views, err := ended.await(r)
	if err != nil {
		return err
	}
	return reply(w, http.StatusOK, api.Items[api.GeneratorResult]{Items: s.newResults(views)})
}

// toggleGenerators starts a generator in the place of an active one.
func (s *Server) toggleGenerators(w *responseWriter, r *request) error {
	toggle, err := body(r, w, s.dialect().Toggle)
	if err != nil {
		return err
	}
	if err := s.learnedFirst(w, r, toggle.With); err != nil {
		return err
	}
	ended := newOutcome[resultView]()
	err = s.do(r, func() error {
		return s.Engine.ToggleGenerator(toggle, func(result *generator.Result, err error) {
			if err != nil {
				ended.set(resultView{}, err)
				return
			}
			ended.set(s.resultView(result), nil)
		})
	})
	if err != nil {
		return err
	}
	v, err := ended.await(r)
	if err != nil {
		return err
	}
	w.Header().Set("Location", r.prefix+"/generator-results/"+v.ID)
	return reply(w, http.StatusCreated, s.newResult(v))
}
