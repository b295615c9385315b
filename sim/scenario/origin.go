package scenario

import (
	"encoding/json"
	"errors"
	"fmt"

	"go.yaml.in/yaml/v3"

	"glean/server/bodies"
	"glean/server/engine"
)

// Origin is the place in a file that something came from; the zero Origin is no
// file.
type Origin struct{ v *value }

func (v value) origin() Origin { return Origin{&v} }

// Wrap makes an error say where the thing is that it is about. Faults of a body
// are looked up by their paths.
func (o Origin) Wrap(err error) error {
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
// is refused before anything runs. names says what the body defines and refers
// to.
func bodyReader[T any](parse func([]byte) (T, error), names func(value)) func(value) Body {
	return func(v value) Body {
		names(v)
		b := Body{v.json(), v.origin()}
		if _, err := parse(b.Raw); err != nil {
			var f *FileError
			if errors.As(b.Wrap(err), &f) {
				v.r.problems = append(v.r.problems, f.Problems...)
			} else {
				v.wrong("%v", err)
			}
		}
		return b
	}
}

// words hands on the word that a member of a body is, or those of its list.
func (v value) words(name string, do func(value, string)) {
	m := v.member(name)
	if m == nil {
		return
	}
	at := v.child(m, v.path+"."+name)
	if at.node.Kind == yaml.ScalarNode && at.node.ShortTag() != "!!null" && at.node.Value != "" {
		do(at, at.node.Value)
	}
	if at.node.Kind == yaml.SequenceNode {
		for i, n := range at.node.Content {
			if item := at.child(n, fmt.Sprintf("%s[%d]", at.path, i)); item.node.Kind == yaml.ScalarNode {
				do(item, item.node.Value)
			}
		}
	}
}

var (
	readInterface = bodyReader(bodies.Strict.Interface, func(v value) {
		v.words("id", func(at value, id string) { at.define(anInterface, id) })
		v.words("port_id", func(at value, id string) { at.refer(id, aPort) })
	})
	readGenerator = bodyReader(bodies.Strict.Generator, func(v value) {
		v.words("id", func(at value, id string) { at.define(aGenerator, id) })
		v.words("target_id", func(at value, id string) { at.refer(id, anInterface, aPort) })
	})
	readLearning = bodyReader(bodies.Learning, func(v value) {
		v.words("id", func(at value, id string) { at.define(aRequest, id) })
		v.words("interface_id", func(at value, id string) { at.refer(id, anInterface) })
		v.words("generator_ids", func(at value, id string) { at.refer(id, aGenerator) })
	})
)
