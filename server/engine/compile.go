package engine

import (
	"fmt"

	"glean/generator"
	"glean/learning"
)

// Compiling a generator with a million flows takes as long as a second, in which
// the loop would answer nobody. So it can be done apart: BindGenerators on the
// loop, CompileGenerators anywhere, CreateGenerators on the loop. Without the
// first two, making a generator compiles it.

// bound is what a generator's target was when it was looked up, the program that
// was compiled for it, and the request that will learn for it.
type bound struct {
	binding generator.Binding
	to      target
	program *generator.Program
	draft   *learning.Draft

	reserved int64 // octets, by BindGenerators
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
	need := s.need(binding)
	if err := e.Reserve(need); err != nil {
		return err
	}
	s.bound = &bound{binding: binding, to: to, reserved: need}
	return nil
}

// UnbindGenerators gives back what BindGenerators reserved. It is called on the
// loop; more than once has no effect.
func (e *Engine) UnbindGenerators(specs []GeneratorSpec) {
	for n := range specs {
		specs[n].release(e)
	}
}

func (s *GeneratorSpec) release(e *Engine) {
	if s.bound != nil {
		e.Release(s.bound.reserved)
		s.bound.reserved = 0
	}
}

// CompileGenerators makes the programs of generators whose targets are looked
// up. It may be called anywhere: a target says its next hops by what it was made
// of, which does not change.
func CompileGenerators(specs []GeneratorSpec, bulk bool) error {
	for n := range specs {
		b := specs[n].bound
		program, faults := generator.Compile(specs[n].Config, b.binding)
		if len(faults) > 0 {
			return ofItem(generatorError(generator.Unfit(faults)), n, bulk)
		}
		program.Size() // counted here, as it takes time
		b.program = program
		if i := b.to.iface; i != nil && program.DestinationCount() > 0 {
			draft, err := draftOf(program, i)
			if err != nil {
				return ofItem(err, n, bulk)
			}
			b.draft = draft
		}
	}
	return nil
}

// compiled is the program that was compiled for a target, nil if there is none
// or the target is not any more what it was then.
func (s *GeneratorSpec) compiled(binding generator.Binding, to target) *generator.Program {
	if s.bound == nil || s.bound.to != to || s.bound.binding.MTU != binding.MTU {
		return nil
	}
	return s.bound.program
}

// ofItem says where in a bulk request a fault is.
func ofItem(err error, n int, bulk bool) error {
	if !bulk {
		return err
	}
	return prefixed(err, fmt.Sprintf("items[%d].", n))
}
