package server

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
)

// errStopped is the error of a call after the loop has ended.
var errStopped = errors.New("the daemon is stopping")

// loopPanic carries a panic from the loop to the handler that caused it.
type loopPanic struct {
	value any
	stack []byte
}

func (p loopPanic) String() string { return fmt.Sprintf("%v\n%s", p.value, p.stack) }

// Do runs f on the loop and waits until it has returned. If ctx ends first, Do returns
// its error and f may still run: the caller must not read after an error what f
// writes.
func (s *Server) Do(ctx context.Context, f func()) error {
	_, err := call(ctx, s, func() (struct{}, error) {
		f()
		return struct{}{}, nil
	})
	return err
}

// call is Do for a function that returns a value and an error.
func call[T any](ctx context.Context, s *Server, f func() (T, error)) (T, error) {
	type outcome struct {
		value T
		err   error
		panic *loopPanic
	}
	done := make(chan outcome, 1) // buffered: the loop must not block
	accepted := s.Loop.PostWork(func() {
		var o outcome
		defer func() {
			if p := recover(); p != nil {
				o.panic = &loopPanic{p, debug.Stack()}
			}
			done <- o
		}()
		if o.err = ctx.Err(); o.err == nil { // else the caller has gone
			o.value, o.err = f()
		}
	})
	var none T
	if !accepted {
		return none, errStopped
	}
	select {
	case o := <-done:
		if o.panic != nil {
			panic(*o.panic)
		}
		return o.value, o.err
	case <-ctx.Done():
		return none, ctx.Err()
	case <-s.Loop.Done():
		return none, errStopped
	}
}

// do is Do for a function that returns an error.
func (s *Server) do(r *request, f func() error) error {
	_, err := call(r.Context(), s, func() (struct{}, error) { return struct{}{}, f() })
	return err
}

// doAnyway is do for a function that must run even if the client has gone.
func (s *Server) doAnyway(f func() error) error {
	_, err := call(context.Background(), s, func() (struct{}, error) { return struct{}{}, f() })
	return err
}

// outcome is the result of work that takes several turns of the loop.
type outcome[T any] struct {
	value T
	err   error
	done  chan struct{}
}

func newOutcome[T any]() *outcome[T] { return &outcome[T]{done: make(chan struct{})} }

// set stores the result. It is called once, on the loop.
func (o *outcome[T]) set(value T, err error) {
	o.value, o.err = value, err
	close(o.done)
}

// await waits for the result, for the end of the loop, or for that of the request.
func (o *outcome[T]) await(r *request) (value T, err error) {
	select {
	case <-o.done:
		return o.value, o.err
	case <-r.server.Loop.Done():
		return value, errStopped
	case <-r.Context().Done():
		return value, r.Context().Err()
	}
}

// whenDone starts work on the loop, and replies 204 when work has called done.
func (s *Server) whenDone(w *responseWriter, r *request, work func(done func())) error {
	c := newCountdown()
	if err := s.Do(r.Context(), func() { work(c.release) }); err != nil {
		return err
	}
	if err := c.wait(r.Context(), s); err != nil {
		return err
	}
	return noContent(w)
}

// countdown lets a handler wait for several things that end on the loop. add and
// release are called on the loop. A new countdown has one thing to release.
type countdown struct {
	left int
	done chan struct{}
}

func newCountdown() *countdown { return &countdown{left: 1, done: make(chan struct{})} }

func (c *countdown) add() { c.left++ }

func (c *countdown) release() {
	if c.left--; c.left == 0 {
		close(c.done)
	}
}

func (c *countdown) wait(ctx context.Context, s *Server) error {
	select {
	case <-c.done:
		return nil
	case <-s.Loop.Done():
		return errStopped
	case <-ctx.Done():
		return ctx.Err()
	}
}
