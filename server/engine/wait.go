package engine

import (
	"slices"

	"glean/generator"
	"glean/learning"
)

// ending identifies an end that callers wait for: of a learning request, or of a
// generator's run.
type ending struct{ kind, id string }

func endOfLearning(requestID string) ending { return ending{"learning", requestID} }
func endOfRun(generatorID string) ending    { return ending{"generator", generatorID} }

// waiters holds the functions to call once at each end.
type waiters map[ending][]*func()

// add adds f and returns a function that removes it.
func (w waiters) add(what ending, f func()) (forget func()) {
	waiter := &f
	w[what] = append(w[what], waiter)
	return func() {
		w[what] = slices.DeleteFunc(w[what], func(other *func()) bool { return other == waiter })
		if len(w[what]) == 0 {
			delete(w, what)
		}
	}
}

func (w waiters) ended(what ending) {
	list := w[what]
	delete(w, what)
	for _, f := range list {
		(*f)()
	}
}

// WhenLearned calls f when the request has ended, at once if it has or does not exist.
// forget cancels the call.
func (e *Engine) WhenLearned(requestID string, f func()) (forget func()) {
	if r := e.learning.Request(requestID); r == nil || r.State() != learning.StateResolving {
		f()
		return func() {}
	}
	return e.waiting.add(endOfLearning(requestID), f)
}

// WhenEnded calls f when the run of a result has ended, at once if it has. forget cancels
// the call.
func (e *Engine) WhenEnded(r *generator.Result, f func()) (forget func()) {
	if !r.Active() {
		f()
		return func() {}
	}
	return e.waiting.add(endOfRun(r.Generator.ID), f)
}

// Waiting returns the number of functions that wait for an end.
func (e *Engine) Waiting() (n int) {
	for _, list := range e.waiting {
		n += len(list)
	}
	return n
}
