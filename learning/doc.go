// Package learning finds the MACs of next hops for generators and addresses. It owns
// the congestion window, the deadline and the result, and never builds a frame.
//
//	Start(Spec) -> destinations -> next-hop results (one per next hop of the request)
//	                                      |
//	                       pending next hops (one per interface and next hop,
//	                                      |   shared by requests)
//	first solicitations, repeats -> interface queues (one per interface: pace)
//	                                      |
//	                       port scheduler (one per port: window) -> Resolver.Solicit
//
//	Resolver -SolicitDue-> the pending next hop queues for a repeat
//	         -Confirmed--> pending next hop -> results -> Observer.Learned, request ends
//
// A [Request] is one run for some generators or addresses. A [Result] is what it
// found, and may outlive it. The [Resolver] (the stack, or a fake) sends, validates and
// caches, and reports when a repeat is allowed. The [Manager] decides when the network
// can take it: a window bounds the solicitations in flight, and a rate those a second
// if the peer polices them (package [glean/learning/congestion]). Events drive
// everything: the result is complete in the turn of the loop in which the last reply
// arrives. All calls happen on one loop.
//
// Open spec.go and resolver.go first: what is asked for, and what is needed below. Then
// manager.go; transitions.go with its table in fsm.go, the life of a next hop;
// pending.go; scheduler.go with queue.go and outstanding.go, which decide what is sent
// next. prepared.go and tables.go make a request's tables; result.go, conflict.go,
// retention.go and size.go are about what is kept; restart.go and deletion.go change
// requests in progress.
package learning
