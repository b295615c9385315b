// Package program makes frames: it compiles a traffic configuration for a target and
// runs it against a device's queue.
//
//	traffic.Config --Compile(Binding)--> Program       (immutable)
//	                                        |  adjacencies: one atomic
//	learned MACs --SetMAC------------------>|  word for each next hop
//	                                        v
//	clock --> Run.Step(now, queue) --> frames --> device
//	             |
//	             +--> counters, read as atomic snapshots
//
// The next frame is made by writing the modified fields into a buffer that already
// holds the rest. Checksums are sums, so each is the sum of a constant and of one term
// for each modified field (see sums.go). For a port with several queues, Run.Split
// makes a run of parts, by flow; each is stepped by a transmitter of its own and has
// its frames' places in the schedule of the whole (see part.go).
//
// Open program.go first: a program and its adjacencies. Reading order after it:
//
//	compile       compile.go, tags.go, modifiers.go, units.go, checksums.go,
//	              lengths.go, counterclass.go, nexthop_index.go, pace.go, memory.go
//	run           run.go: Step, send, account; counters.go and stale.go: what is counted
//	which frame   parts.go (parts of a run), interleave.go (turns of definitions),
//	              cursor.go (a definition), valuecursor.go (a modifier)
//	build frames  batch.go, slots.go, destination.go, columns.go, payload.go
//	simulation    onloop.go
package program
