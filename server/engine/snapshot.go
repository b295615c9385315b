package engine

// Some results take as long as a second to compute: the program of a million flows,
// the tables of a learning request for a million addresses. The loop would handle
// nothing else meanwhile. So they are made in three steps:
//
//  1. on the loop, a snapshot of the inputs is taken, and the memory of the result is
//     reserved;
//  2. anywhere, the result is computed from the snapshot alone;
//  3. on the loop, the result is committed if the snapshot still holds. If it does not,
//     or without steps 1 and 2, the result is computed there.
//
// The steps of generators are BindGenerators, CompileGenerators and CreateGenerators,
// those of learning BindLearning, PrepareLearning and StartLearning. UnbindGenerators
// and UnbindLearning release the memory if step 3 does not follow. Plan and Learned
// change nothing: they return step 2 as a function, and have no step 3. Opening a port
// has effects outside and cannot be repeated: ReservePort keeps the id and the device
// from other ports instead.

// snapshot holds the inputs of a result, and the result.
type snapshot[Of interface{ isSame(Of) bool }, Result any] struct {
	of       Of
	result   Result
	computed bool
	reserved int64 // octets
}

// reserve reserves the memory of the result. It is called on the loop.
func (s *snapshot[Of, Result]) reserve(e *Engine, octets int64) error {
	err := e.Reserve(octets)
	if err == nil {
		s.reserved = octets
	}
	return err
}

// release releases the memory that reserve reserved. It is called on the loop. A second
// call, and a call without a snapshot, has no effect.
func (s *snapshot[Of, Result]) release(e *Engine) {
	if s != nil {
		e.Release(s.reserved)
		s.reserved = 0
	}
}

// compute computes the result. It may be called anywhere.
func (s *snapshot[Of, Result]) compute(f func(Of) (Result, error)) (err error) {
	s.result, err = f(s.of)
	s.computed = err == nil
	return err
}

// resultFor returns the result if it was computed and the inputs are still the same. It is
// called on the loop with the present inputs; s may be nil.
func (s *snapshot[Of, Result]) resultFor(now Of) (r Result, holds bool) {
	if s == nil || !s.computed || !s.of.isSame(now) {
		return r, false
	}
	return s.result, true
}
