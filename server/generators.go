package server

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"

	"glean/generator"
	"glean/server/api"
	"glean/server/engine"
)

// echoedGenerator is a generator whose configuration is sent as it was posted.
type echoedGenerator = api.GeneratorOf[json.RawMessage]

func newGenerator(v engine.GeneratorView) echoedGenerator {
	return echoedGenerator{
		ID:         v.ID,
		TargetID:   v.TargetID,
		Active:     v.Active,
		Learning:   v.Learning,
		LearningID: v.LearningID,
		Config:     withFlowCount(v.Config, v.FlowCount),
		Ignored:    newIgnored(v.Warnings),
	}
}

// withFlowCount adds flow_count to a configuration. The configuration has other
// members, and the reader has removed this one.
func withFlowCount(config json.RawMessage, n uint64) json.RawMessage {
	return fmt.Appendf(nil, `%s,"flow_count":%d}`, config[:len(config)-1], n)
}

func newGenerators(views []engine.GeneratorView) []echoedGenerator {
	list := make([]echoedGenerator, len(views))
	for i, v := range views {
		list[i] = newGenerator(v)
	}
	return list
}

func (s *Server) listGenerators(w *responseWriter, r *request) error {
	views, err := call(r.Context(), s, func() ([]engine.GeneratorView, error) { return s.Engine.Generators(), nil })
	if err != nil {
		return err
	}
	target, filtered := r.filter("target_id")
	views = slices.DeleteFunc(views, func(v engine.GeneratorView) bool { return filtered && v.TargetID != target })
	return replyList(w, views, newGenerator)
}

func (s *Server) getGenerator(w *responseWriter, r *request) error {
	v, err := s.generator(r.Context(), r.id())
	if err != nil {
		return err
	}
	return reply(w, http.StatusOK, newGenerator(v))
}

func (s *Server) generator(ctx context.Context, id string) (engine.GeneratorView, error) {
	return call(ctx, s, func() (engine.GeneratorView, error) { return s.Engine.Generator(id) })
}

// createGenerator replies 202 if next hops are not resolved yet, else 201.
func (s *Server) createGenerator(w *responseWriter, r *request) error {
	spec, err := body(r, w, s.dialect().Generator)
	if err != nil {
		return err
	}
	one := []engine.GeneratorSpec{spec}
	defer s.unbind(one)
	if err := s.compile(r, one, false); err != nil {
		return err
	}
	v, err := call(r.Context(), s, func() (engine.GeneratorView, error) { return s.Engine.CreateGenerator(one[0]) })
	if err != nil {
		return err
	}
	if v, err = s.afterLearning(w, r, v); err != nil {
		return err
	}
	status := http.StatusAccepted
	if s.OpenPerf || v.Learning == "resolved" || v.Learning == "unsupported" {
		status = http.StatusCreated
	}
	w.Header().Set("Location", s.generatorURL(r, v.ID))
	return reply(w, status, newGenerator(v))
}

// compile compiles the programs of generators. A program may take a second and
// 100 MB, so the number of requests that compile at a time is limited.
func (s *Server) compile(r *request, specs []engine.GeneratorSpec, bulk bool) error {
	for next := 0; next < len(specs); {
		// A bound generator must be unbound, so the call does not end with the client.
		err := s.doAnyway(func() (err error) { next, err = s.Engine.BindGenerators(specs, next, bulk); return err })
		if err != nil {
			return err
		}
	}
	return s.compiled(r, func() error { return engine.CompileGenerators(specs, bulk) })
}

// unbind releases the memory that compile has reserved for generators, unless making
// them has released it.
func (s *Server) unbind(specs []engine.GeneratorSpec) {
	s.Loop.Post(func() { s.Engine.UnbindGenerators(specs) })
}

// compiled runs f off the loop, when one of the places for compilation is free.
func (s *Server) compiled(r *request, f func() error) error {
	select {
	case s.compiling <- struct{}{}:
	case <-r.Context().Done():
		return r.Context().Err()
	}
	defer func() { <-s.compiling }()
	return f()
}

// generatorURL returns a path, or a whole URL for OpenPerf's clients.
func (s *Server) generatorURL(r *request, id string) string {
	if s.OpenPerf {
		return "http://" + r.Host + "/packet/generators/" + id
	}
	return r.prefix + "/generators/" + id
}

// afterLearning waits for the end of a new generator's learning, as long as the client
// wants, and returns the generator's state then. If the generator was deleted meanwhile,
// it returns v.
func (s *Server) afterLearning(w *responseWriter, r *request, v engine.GeneratorView) (engine.GeneratorView, error) {
	p := s.waiting(w, r)
	defer p.cancel()
	if err := p.learned(v.ID); err != nil || !p.waits() {
		return v, err
	}
	now, err := s.generator(r.Context(), v.ID)
	if isNotFound(err) {
		return v, nil
	}
	return now, err
}

// deleteGenerator refuses an active generator, unless force=true stops it first.
// OpenPerf replies 204 for an active generator and keeps it.
func (s *Server) deleteGenerator(w *responseWriter, r *request) error {
	force, given := r.filter("force")
	if given && force != "true" && force != "false" {
		return badParameter("force", `%q is not one of "true", "false"`, force)
	}
	deleted := newCountdown()
	active := false
	err := s.Do(r.Context(), func() { active = s.Engine.DeleteGenerator(r.id(), force == "true", deleted.release) })
	if err != nil {
		return err
	}
	if active && !s.OpenPerf {
		return problemf(http.StatusConflict, "generator %q is active; stop it first, or delete it with ?force=true", r.id())
	}
	if err := deleted.wait(r.Context(), s); err != nil {
		return err
	}
	return noContent(w)
}

func (s *Server) deleteGenerators(w *responseWriter, r *request) error {
	return s.whenDone(w, r, s.Engine.DeleteGenerators)
}

func (s *Server) startGenerator(w *responseWriter, r *request) error {
	if err := s.learnedFirst(w, r, r.id()); err != nil {
		return err
	}
	o := newOutcome[resultView]()
	err := s.Do(r.Context(), func() {
		s.Engine.StartWhenConfirmed(r.id(), func(result *generator.Result, err error) {
			v := resultView{}
			if err == nil {
				v = s.resultView(result)
			}
			o.set(v, err)
		})
	})
	if err != nil {
		return err
	}
	v, err := o.await(r)
	if err != nil {
		return err
	}
	w.Header().Set("Location", r.prefix+"/generator-results/"+v.ID)
	return reply(w, http.StatusCreated, s.newResult(v))
}

// learnedFirst waits until the generators have no learning in progress, as long as the
// client wants.
func (s *Server) learnedFirst(w *responseWriter, r *request, ids ...string) error {
	p := s.waiting(w, r)
	defer p.cancel()
	return p.learned(ids...)
}

// stopGenerator replies when the generator has stopped sending.
func (s *Server) stopGenerator(w *responseWriter, r *request) error {
	return s.stopAll(w, r, []string{r.id()})
}

func (s *Server) stopAll(w *responseWriter, r *request, ids []string) error {
	stopped := newCountdown()
	err := s.do(r, func() error {
		for _, id := range ids {
			stopped.add()
			if err := s.stop(id, stopped); err != nil {
				return err
			}
		}
		stopped.release()
		return nil
	})
	if err != nil {
		return err
	}
	if err := stopped.wait(r.Context(), s); err != nil {
		return err
	}
	return noContent(w)
}

// stop stops a generator and releases the countdown when it has stopped. An unknown
// generator counts as stopped.
func (s *Server) stop(id string, stopped *countdown) error {
	err := s.Engine.StopGenerator(id, stopped.release)
	if isNotFound(err) {
		stopped.release()
		return nil
	}
	return err
}
