package scenario

import (
	"encoding/json"
	"errors"

	"glean/server/engine"
)

// Origin is the place in a file that something came from; the zero Origin is no
// file.
type Origin struct{ v *value }

func (v value) origin() Origin { return Origin{&v} }

// wrap makes an error say where the thing is that it is about. Faults of a body
// are looked up by their paths.
func (o Origin) wrap(err error) error {
	if err == nil || o.v == nil {
		return err
	}
	r := &reader{file: o.v.r.file, budget: maxNodes}
	top := value{o.v.node, o.v.path, r}
	var e *engine.Error
	if !errors.As(err, &e) || len(e.Faults) == 0 {
		top.wrong("%v", err)
		return &FileError{r.problems}
	}
	for _, f := range e.Faults {
		at := top.find(f.Path)
		at.path = top.path + "." + f.Path
		at.wrong("%s", f.Detail)
	}
	return &FileError{r.problems}
}

// Body is the body of a REST call, and where it came from.
type Body struct {
	Raw json.RawMessage
	Origin
}

// bodyOf is a body that came from no file.
func bodyOf(text string) Body { return Body{Raw: json.RawMessage(text)} }

// body reads a body and has it checked by a parser of the API, so that a file
// is refused before anything runs.
func bodyReader[T any](parse func([]byte) (T, error)) func(value) Body {
	return func(v value) Body {
		b := Body{v.json(), v.origin()}
		if _, err := parse(b.Raw); err != nil {
			var f *FileError
			if errors.As(b.wrap(err), &f) {
				v.r.problems = append(v.r.problems, f.Problems...)
			} else {
				v.wrong("%v", err)
			}
		}
		return b
	}
}

var (
	readInterface = bodyReader(engine.ParseInterface)
	readGenerator = bodyReader(engine.ParseGenerator)
	readLearning  = bodyReader(engine.ParseLearning)
)
