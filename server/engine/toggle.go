package engine

import (
	"fmt"

	"glean/generator"
)

// Toggle names the generator that ends and the one that begins in its place.
type Toggle struct{ Replace, With string }

// ToggleGenerator stops the generator t.Replace and starts t.With in its place.
// A refusal is an error; else done runs on the loop with the new result, or with
// what kept it from starting after all.
func (e *Engine) ToggleGenerator(t Toggle, done func(*generator.Result, error)) error {
	if e.generators.ResultCount() >= e.limits.Results {
		return &Error{Kind: TooMany, Detail: fmt.Sprintf("there are %d generator results, and no more are kept", e.generators.ResultCount())}
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
