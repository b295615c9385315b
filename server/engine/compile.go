package engine

import (
	"fmt"

	"glean/generator"
	"glean/generator/program"
	"glean/learning"
)

// boundTo is what a program is compiled for: the target of its generator. An interface
// never changes; the MTU of its port may.
type boundTo struct {
	binding program.Binding
	target  target
}

func (b boundTo) isSame(other boundTo) bool { //nolint:unused // snapshot calls it
	return b.target == other.target && b.binding.MTU == other.binding.MTU
}

// compiled is a program, and the request that will learn for it (nil: it learns
// nothing).
type compiled struct {
	program *program.Program
	request *learning.Prepared
}

// BindGenerators looks up the targets of generators that are going to be made, and
// reserves the memory that they take: of a slice of them, beginning with number from.
// It returns the number to go on with, which is len(specs) at the end. It is called
// on the loop. The fault of a bulk request begins with its item, and then nothing is
// reserved. CreateGenerators or UnbindGenerators must follow.
func (e *Engine) BindGenerators(specs []GeneratorSpec, from int, bulk bool) (next int, err error) {
	next = min(len(specs), from+sliceBind)
	for n := from; n < next; n++ {
		if err := e.bindGenerator(&specs[n], n); err != nil {
			e.UnbindGenerators(specs[:n])
			return n, ofItem(err, n, bulk)
		}
	}
	return next, nil
}

// bindGenerator binds a generator before which n others are going to be made.
func (e *Engine) bindGenerator(s *GeneratorSpec, n int) error {
	binding, to, err := e.bind(s.TargetID)
	if err != nil {
		return err
	}
	if err := e.roomForGenerators(n + 1); err != nil {
		return err
	}
	bound := &snapshot[boundTo, compiled]{of: boundTo{binding, to}}
	if err := bound.reserve(e, s.need(binding)); err != nil {
		return err
	}
	s.bound = bound
	return nil
}

// UnbindGenerators gives back what BindGenerators reserved. It is called on the
// loop; more than once has no effect.
func (e *Engine) UnbindGenerators(specs []GeneratorSpec) {
	for n := range specs {
		specs[n].bound.release(e)
	}
}

// CompileGenerators compiles generators whose targets are bound. It may be called
// anywhere: the next hops behind a target follow from what it was made of, which does
// not change.
func CompileGenerators(specs []GeneratorSpec, bulk bool) error {
	for n := range specs {
		if err := specs[n].bound.compute(specs[n].compile); err != nil {
			return ofItem(err, n, bulk)
		}
	}
	return nil
}

// compile compiles a generator, and prepares the request that will learn for it.
func (s *GeneratorSpec) compile(to boundTo) (c compiled, err error) {
	program, faults := program.Compile(s.Config, to.binding)
	if len(faults) > 0 {
		return c, generatorError(generator.Unfit(faults))
	}
	program.Size() // the first call counts, which takes long; so it is made off the loop
	c.program = program
	if i := to.target.iface; i != nil && program.DestinationCount() > 0 {
		c.request, err = prepareFor(program, i)
	}
	return c, err
}

// ofItem adds the item to the path of a fault in a bulk request.
func ofItem(err error, n int, bulk bool) error {
	if !bulk {
		return err
	}
	return prefixed(err, fmt.Sprintf("items[%d].", n))
}
