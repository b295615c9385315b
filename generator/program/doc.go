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
// Open program.go first: a program and its adjacencies. compile.go makes it, with
// tags.go (the interface's VLAN tags), op.go and cell.go (which octets change), sums.go
// (lengths and checksums), class.go (protocol counters), hopindex.go, pace.go and
// size.go (memory). run.go runs it: batch.go plans a batch, turns.go and part.go say
// which definition is next, layout.go and frame.go keep the buffers, resize.go writes
// lengths, destination.go MACs, column.go and digit.go fields; counters.go and stale.go
// count. onloop.go is the transmitter of simulation.
package program
