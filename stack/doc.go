// Package stack is a small network stack: interfaces, next hops, ARP and IPv6
// Neighbor Discovery with one neighbor cache, and a responder for our own
// addresses.
//
//	link --HandleFrame--> Ethernet, tags -> vlan.go -> arp.go  --+--> neighbor cache
//	                                                -> ndp.go  --+      |  step(state, event)
//	                                                -> icmp.go (ping)   |  timers
//	                                                -> Deliver, Forward v
//	link <----Send------- solicitations, answers, announcements, held packets
//
//	subscriber (learning) --Subscribe, Solicit, Release--> resolution.go --SolicitDue, Confirmed--> subscriber
//	owner of transmitters --Track, Untrack---------------> track.go ------NeighborChanged---------> observer
//
// The stack decides when a neighbor may be solicited again; the subscriber, which owns
// the congestion window, decides when it is solicited. Solicitations for held packets,
// for tracked neighbors and for reachability probes need no subscriber. Everything
// happens on one loop: frames and time come in, frames and callbacks go out.
//
// Open stack.go first: it receives frames and runs timers. Then, from coarse to fine:
//
//   - interface.go, interface_config.go: what an interface is; vlan.go and
//     vlan_index.go find the interface of a frame, filter.go its filters
//   - arp.go, ndp.go, icmp.go, mld.go: received messages; answer.go, announce.go and
//     proxy.go: what we send in our own name
//   - resolution.go: subscriptions; retransmit.go: when to solicit; track.go: next hops
//     of transmitters; nexthop.go: which address to resolve; packetqueue.go: packets
//     that wait for a MAC
//   - neighbor.go applies events to an entry, neighbor_fsm.go is the state table,
//     neighbor_table.go the memory of a million entries, neighbor_list.go the way to
//     read them
//   - fastpath.go and binding_index.go make frequent frames cheap; check.go has the
//     invariants of all of these
package stack
