// Package stack is the small network stack below the generator: interfaces,
// next hops, ARP and IPv6 Neighbor Discovery with one neighbor cache, and a
// responder for our own addresses.
//
//	link --HandleFrame--> ethernet, tags -> segment -> arp.go  --+--> neighbor cache
//	                                               -> ndp.go  --+      |  step(state, event)
//	                                               -> icmp.go (ping)   |  timers
//	                                               -> Deliver, Forward v
//	link <----Send------- questions, answers, announcements, held packets
//
//	subscriber (learning) --Subscribe, Solicit, Release--> resolution.go --SolicitDue, Confirmed--> subscriber
//	owner of transmitters --Track, Untrack------> track.go ---NeighborChanged--------> observer
//
// The stack decides when a neighbor may be asked again; the waiter, which owns
// the window, decides when it sends. Questions for held packets, for tracked
// neighbors and for reachability probes need no waiter. Everything happens on one loop: frames
// and time come in, frames and callbacks go out.
package stack
