// Package generator turns a traffic configuration into frames.
//
//	JSON --ParseConfig--> Config --Compile(Binding)--> Program     (immutable)
//	                                                     |  adjacencies: one atomic
//	learned MACs --SetMAC------------------------------->|  word for each next hop
//	                                                     v
//	clock --> Run.Step(now, queue) --> frames --> device
//	             |
//	             +--> counters, read as atomic snapshots
//
// A traffic definition expands to flows: a template of headers and, for each
// modifier, a list of values. Nothing is stored per flow. The value of each
// modifier follows from the flow's index, so a million flows cost what a
// thousand cost, and the next frame is made by writing the modified fields into
// a buffer that already holds the rest. Checksums are sums, so each is the sum
// of a constant and of one term for each modified field (see sums.go).
//
// For a port with several queues, Run.Split makes a run of parts, by flow; each is
// stepped by a transmitter of its own and has its frames' places in the schedule
// of the whole (see part.go).
//
// The manager holds generators and results, learns destination MACs through a
// Learner and transmits through a Starter; it owns no goroutine and no clock.
package generator
