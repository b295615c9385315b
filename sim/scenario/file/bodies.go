package file

import (
	"errors"
	"fmt"

	"glean/internal/document/yaml"
	"glean/server/bodies"
	"glean/server/engine"
	"glean/sim/scenario"
	"glean/sim/topology"
)

// origin returns the place of the value in its file, for errors that are found later.
func (v value) origin() topology.Origin { return v.locate }

// locate adds the place of the value to an error. The faults of a body are located by
// their paths.
func (v value) locate(err error) error {
	r := &reader{file: v.r.file, budget: maxNodes}
	top := value{v.node, v.path, r}
	var e *engine.Error
	if !errors.As(err, &e) || len(e.Faults) == 0 {
		top.wrong("%v", err)
		return &Error{r.problems}
	}
	for _, f := range e.Faults {
		at := top.find(f.Path)
		at.path = top.path + "." + f.Path
		at.wrong("%s", f.Detail)
	}
	return &Error{r.problems}
}

// bodyReader makes a reader of bodies of the API. It checks each body with the API's
// parser, so that a file with a fault is rejected before anything runs. names records
// the names that the body defines and refers to.
func bodyReader[T any](parse func([]byte) (T, error), names func(value)) func(value) scenario.Body {
	return func(v value) scenario.Body {
		names(v)
		text, ok := v.json()
		b := scenario.Body{Raw: text, Origin: v.origin()}
		if !ok {
			return b
		}
		if _, err := parse(b.Raw); err != nil {
			var f *Error
			if errors.As(b.Wrap(err), &f) {
				v.r.problems = append(v.r.problems, f.Problems...)
			} else {
				v.wrong("%v", err)
			}
		}
		return b
	}
}

// words calls do with the word that is a member of a body, or with each word of the
// member's list.
func (v value) words(name string, do func(value, string)) {
	m := v.member(name)
	if m == nil {
		return
	}
	at := v.child(m, v.path+"."+name)
	if at.node.Kind == yaml.Scalar && at.node.ShortTag() != "!!null" && at.node.Value != "" {
		do(at, at.node.Value)
	}
	if at.node.Kind == yaml.List {
		for i, n := range at.node.Content {
			if item := at.child(n, fmt.Sprintf("%s[%d]", at.path, i)); item.node.Kind == yaml.Scalar {
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
