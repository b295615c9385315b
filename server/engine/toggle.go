package engine

import (
	"fmt"

	"glean/generator"
)

// Toggle names a generator to stop and one to start in its place.
type Toggle struct{ Replace, With string }

// ToggleGenerator stops the generator t.Replace and starts t.With in its place. It returns
// an error if it refuses. Otherwise it calls done on the loop with the new result, or with
// the error of the start.
func (e *Engine) ToggleGenerator(t Toggle, done func(*generator.Result, error)) error {
	if e.generators.ResultCount() >= e.limits.Results {
		return &Error{Kind: TooMany, Detail: fmt.Sprintf("there are %d generator results and at most %d are kept; delete some, or set limits.generator_results higher", e.generators.ResultCount(), e.limits.Results)}
	}
	var refused error
	returned := false
	e.confirm([]string{t.With}, func() {
		err := e.generators.Toggle(t.Replace, t.With, func(r *generator.Result, err error) {
			done(r, e.startError(t.With, err))
		})
		if refused = e.startError(t.With, err); returned && refused != nil {
			done(nil, refused)
		}
	})
	returned = true
	return refused
}
