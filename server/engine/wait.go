package engine

import (
	"slices"

	"glean/generator"
	"glean/learning"
)

// ending is what callers wait for the end of: a learning request, or the run of a
// generator.
type ending struct{ kind, id string }

func endOfLearning(requestID string) ending { return ending{"learning", requestID} }
func endOfRun(generatorID string) ending    { return ending{"generator", generatorID} }

// waiters are functions to run once when something ends.
type waiters map[ending][]*func()

// add returns what takes f out again, for a caller that waits no longer.
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

// WhenLearned runs f when the request has ended, now if it has or does not exist.
// forget keeps f from running.
func (e *Engine) WhenLearned(requestID string, f func()) (forget func()) {
	if r := e.learning.Request(requestID); r == nil || r.State() != learning.StateResolving {
		f()
		return func() {}
	}
	return e.waiting.add(endOfLearning(requestID), f)
}

// WhenEnded runs f when the run of a result has ended, now if it has. forget keeps
// f from running.
func (e *Engine) WhenEnded(r *generator.Result, f func()) (forget func()) {
	if !r.Active() {
		f()
		return func() {}
	}
	return e.waiting.add(endOfRun(r.Generator.ID), f)
}

// Waiting returns how many functions wait for something to end.
func (e *Engine) Waiting() (n int) {
	for _, list := range e.waiting {
		n += len(list)
	}
	return n
}
