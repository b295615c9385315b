package filter

import (
	"fmt"
	"slices"

	"golang.org/x/net/bpf"
)

// Program is a compiled expression. It does not change, and may be used by
// several goroutines.
type Program struct {
	text string
	code []bpf.Instruction
	vm   *bpf.VM
}

// Error is the position and the reason why an expression is invalid.
type Error struct {
	Column int    // of the octet, the first is 1
	Detail string // the fault, or the expected words
}

func (e *Error) Error() string { return fmt.Sprintf("column %d: %s", e.Column, e.Detail) }

func fail(column int, format string, args ...any) *Error {
	return &Error{column, fmt.Sprintf(format, args...)}
}

const (
	maxText = 1 << 15 // octets of an expression
	maxCode = 4096    // instructions: the limit of kernels
)

// Compile translates an expression. An empty one matches every frame. The
// error is an *Error.
func Compile(text string) (*Program, error) {
	if len(text) > maxText {
		return nil, fail(maxText+1, "the expression has %d octets, at most %d are possible", len(text), maxText)
	}
	tree, err := parse(text)
	if err != nil {
		return nil, err
	}
	code, err := generate(lower(tree))
	if err != nil {
		return nil, err
	}
	vm, vmErr := bpf.NewVM(code)
	if vmErr != nil {
		return nil, fail(1, "the expression can't be compiled: %v", vmErr)
	}
	return &Program{text, code, vm}, nil
}

// Match reports whether a frame, from its destination MAC on and without FCS,
// passes the filter.
func (p *Program) Match(frame []byte) bool {
	n, err := p.vm.Run(frame)
	return err == nil && n != 0
}

// Instructions returns a copy of the program's instructions.
func (p *Program) Instructions() []bpf.Instruction { return slices.Clone(p.code) }

// String returns the expression as it was given; it is empty for a nil program.
func (p *Program) String() string {
	if p == nil {
		return ""
	}
	return p.text
}
