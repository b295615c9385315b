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
// channel and never reads another clock: that is what makes a simulated run
// exact and a production run free of races.
package loop
