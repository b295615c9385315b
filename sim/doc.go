// Package sim is networks in memory: wires with faults on purpose, switches,
// routers, and hosts that run the same stack as glean itself.
//
//	            Send                             handler
//	stack, port ---> rules -> in flight (at, seq) -------> stack, device
//	     end a       |   \ copies, delay, flipped bits       end b
//	                 +-> dropped, with a reason
//
// A [World] has one loop and one seed. Under a loop.Virtual time jumps from
// event to event and all chance comes from streams named by what they are for,
// so a run can be had again octet by octet ([RunTwice] proves it); under a
// loop.Real the same wires carry `wire:` ports in real time.
//
// # Devices
//
//	Host          a full stack with one or more interfaces
//	Farm          very many hosts at one end of a wire
//	Switch        a learning bridge with VLANs
//	Router        a stack per port and a forwarding table
//	VirtualRouter an address that moves between routers
//
// A [Host] can boot late ([HostConfig]), be slow (Think), change its MAC
// ([Host.ChangeMAC]), move to another port ([Host.MoveTo]), and spoof
// ([Host.Claim], [Host.Ask], and RespondFor of its interfaces).
//
// # Numbers
//
// Stations have numbers, and MACs and addresses are made of them: station
// 1234 (0x4d2) of kind host has MAC 02:00:00:00:04:d2, address 10.0.4.210 in
// 10.0.0.0/16 and 2001:db8::4d2 in 2001:db8::/64. See [MAC], [Address] and
// [Numbered].
//
// # Where a farm differs from that many hosts
//
// To somebody who asks, a host of a [Farm] is a host: what it says to ARP
// requests, solicitations (duplicate address checks included) and pings is
// octet by octet what a full stack says, and a test holds the two against each
// other. What it does not do:
//
//   - It has no neighbor cache. An answer goes to the MAC that the question
//     names or, if it names none, came from; a full stack would first ask who
//     that is. Nothing is routed: a ping from another network is answered to the
//     MAC that it came from, be there a gateway or not.
//   - It never asks, probes, or ages anything, and so sends nothing of its own
//     accord; [Farm.Announce] and [Farm.ChangeMAC] are the test's doing.
//   - It does not defend its addresses and sees no conflicts.
//   - Its hosts do not hear each other, and a broadcast means something to the
//     host that it asks for only.
//   - It counts packets by host, not by flow ([Farm.OnData] sees each).
//   - All its hosts share one wire, one set of VLAN tags, and one set of faults.
//     Each can be dead ([Farm.SetDead]); none can boot late, be slow, or move
//     alone.
//   - A host has six MACs at most, one after the other; its link-local address
//     is made from the first.
//
// In return a host takes 8 octets of memory, none of them a pointer, and an
// answer some 100 ns.
package sim
