package server

import (
	"net/http"

	"glean/generator"
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
	views, err := call(r.Context(), s, func() ([]engine.GeneratorView, error) { return s.Engine.CreateGenerators(specs) })
	if err != nil {
		return err
	}
	return reply(w, http.StatusOK, itemsJSON[generatorJSON]{newGeneratorsJSON(views)})
}

// bulkDeleteGenerators deletes what is there and not active.
func (s *Server) bulkDeleteGenerators(w *responseWriter, r *request) error {
	ids, err := body(r, w, s.dialect().IDs)
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
	ids, err := body(r, w, s.dialect().IDs)
	if err != nil {
		return err
	}
	return s.stopAll(w, r, ids)
}

// bulkStartGenerators starts all or none. When one can't start, those that did
// are stopped and their results deleted before the answer is sent.
func (s *Server) bulkStartGenerators(w *responseWriter, r *request) error {
	ids, err := body(r, w, s.dialect().IDs)
	if err != nil {
		return err
	}
	ended := make(chan started, 1)
	begun := func(results []*generator.Result) {
		var o started
		for _, result := range results {
			o.views = append(o.views, s.resultView(result))
		}
		ended <- o
	}
	err = s.Do(r.Context(), func() {
		s.Engine.StartGenerators(ids, begun, func(err error) { ended <- started{err: err} })
	})
	if err != nil {
		return err
	}
	views, err := s.await(r, ended)
	if err != nil {
		return err
	}
	return reply(w, http.StatusOK, itemsJSON[resultJSON]{s.resultsJSON(views)})
}

// toggleGenerators starts a generator in the place of an active one.
func (s *Server) toggleGenerators(w *responseWriter, r *request) error {
	toggle, err := body(r, w, s.dialect().Toggle)
	if err != nil {
		return err
	}
	ended := make(chan started, 1)
	err = s.do(r, func() error {
		return s.Engine.ToggleGenerator(toggle, func(result *generator.Result, err error) {
			if err != nil {
				ended <- started{err: err}
				return
			}
			ended <- started{views: []resultView{s.resultView(result)}}
		})
	})
	if err != nil {
		return err
	}
	views, err := s.await(r, ended)
	if err != nil {
		return err
	}
	w.Header().Set("Location", r.prefix+"/generator-results/"+views[0].ID)
	return reply(w, http.StatusCreated, s.resultJSON(views[0]))
}

// started is the outcome of starts that may have to wait for stops.
type started struct {
	views []resultView
	err   error
}

func (s *Server) await(r *request, ended <-chan started) ([]resultView, error) {
	select {
	case o := <-ended:
		return o.views, o.err
	case <-s.Loop.Done():
		return nil, errStopped
	case <-r.Context().Done():
		return nil, r.Context().Err()
	}
}
