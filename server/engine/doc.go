// Package engine is the product without HTTP: ports, interfaces, generators,
// learning requests and the events they raise, joined together.
//
//	generator.Manager --Learner--> engine --Spec--> learning.Manager
//	       ^                         |                    |
//	       | SetMAC, LearningDone    | Resolver           | SolicitDue, Confirmed
//	       +-------- engine <--------+---> stack.Stack <--+
//
// The engine is passive: its callers call every method on the loop and pass in links and
// transmitters. It opens no device, owns no goroutine and reads no clock. The same
// engine therefore runs behind the REST server and inside a simulation.
//
// Read engine.go first, then a file for each kind of resource: ports.go, interfaces.go,
// generators.go, learning.go and neighbors.go. events.go and memory.go are about what all
// of them share; turns.go divides long work into turns of the loop. resolver.go, track.go
// and relearn.go join stack, learning and generators.
package engine
