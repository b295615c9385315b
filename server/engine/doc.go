// Package engine is the product without HTTP: ports, interfaces, generators,
// learning requests and the events they raise, joined together.
//
//	generator.Manager --Learner--> engine --Spec--> learning.Manager
//	       ^                         |                    |
//	       | SetMAC, LearningDone    | Resolver           | SolicitDue, Confirmed
//	       +-------- engine <--------+---> stack.Stack <--+
//
// It is passive: every method is called on the loop, links and transmitters are
// handed to it, and it opens no device, owns no goroutine and reads no clock.
// The same engine therefore runs behind the REST server and inside a simulation.
package engine
