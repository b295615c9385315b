// Package generator holds generators as resources: named programs that are bound
// to a port or an interface, the policies that decide when one may start, and the
// results of their runs.
//
//	generator/signature  the 20 octets at the end of a test frame
//	generator/traffic    JSON -> Config: definitions, or every fault with its path
//	generator/program    Config + Binding -> Program -> frames
//	generator            create, learn, start, stop, results (this package)
//	generator/transmit   runs a program on a goroutine of its own
//
// The manager learns destination MACs through a Learner and transmits through a
// Starter; it owns no goroutine and no clock. Open manager.go first, then
// mac_updates.go (the MACs of a running generator), changes.go (what a result keeps
// of them), result.go and retain.go, and totals.go.
package generator
