// Package learning finds out the MACs of next hops: it owns the window, the
// deadline and the verdict, and never builds a frame.
//
//	Start(Spec) -> rows (destinations) -> answers (one per next hop of the request)
//	                                         |
//	                              targets (one per interface and next hop,
//	                                         |     shared between requests)
//	  first questions, repeats -> lanes (one per interface: pace)
//	                                         |
//	                              path (one per port: window) --> Resolver.Solicit
//
//	Resolver --SolicitDue--> the target queues for a repeat
//	         --Confirmed---> target -> answers -> Observer.Learned, request finished
//
// A [Request] is one run for some generators or addresses, a [Result] is what it
// found and may outlive it. The [Resolver] (the stack, or a fake) asks, validates
// and caches, and says when a question may be repeated; the [Manager] decides
// when the network can bear it: a window bounds the questions in flight, and a rate
// those in a second if the peer polices them (package [glean/learning/congestion]).
// Everything is driven by events: the verdict is out when the reply is in. All calls
// happen on one loop.
package learning
