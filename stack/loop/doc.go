// Package loop is the single-threaded event loop that owns every stack, and
// the clock they live by.
//
//	timers  --+                       +--> callbacks, one at a time,
//	Post    --+--> total order (at, seq) --> in order, on one goroutine
//	work    --+                       +
//
// Two loops run the same code: [Virtual] jumps from deadline to deadline and
// is used by simulation, [Real] sleeps between them and is used by the daemon.
// Code that runs on a loop ("loop-affine" code) owns no goroutine, lock or
// channel and never reads another clock. Therefore a simulated run is exact and a
// production run has no races.
//
// Open loop.go first: it has the interface. timer.go has the heap of both loops,
// virtual.go and real.go the loops; wall.go converts loop times to the wall clock.
package loop
