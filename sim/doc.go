// Package sim simulates networks in memory: wires with deliberate faults, switches,
// routers, and hosts that run the same stack as glean itself.
//
//	            Send                             handler
//	stack, port ---> rules -> in flight (at, seq) -------> stack, device
//	     end a       |   \ copies, delay, flipped bits       end b
//	                 +-> dropped, with a reason
//
// A [World] has one loop and one seed. Under a loop.Virtual time jumps from
// event to event and all randomness comes from named streams, so a run can be repeated
// octet by octet ([RunTwice] proves it); under a loop.Real the same wires carry `wire:`
// ports in real time.
//
// Read world.go and wire.go first, then end.go and deliver.go, which follow a frame
// across a wire. rule.go and faults.go hold the faults. host.go, farm.go, switch.go and
// router.go hold the devices.
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
// ([Host.Claim], [Host.SolicitAs], and RespondFor of its interfaces).
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
// A host of a [Farm] answers ARP requests, solicitations (duplicate address detection
// included) and pings octet by octet as a full stack does; a test compares the two. The
// differences are:
//
//   - It has no neighbor cache. An answer goes to the MAC in the solicitation or, if
//     there is none, to the source MAC of the frame; a full stack would first solicit
//     the sender. Nothing is routed: a ping from another network is answered to the
//     MAC that it came from, with or without a gateway.
//   - It solicits, probes and ages nothing, and so sends nothing unasked, except when
//     a caller uses [Farm.Announce].
//   - It does not defend its addresses and detects no conflicts.
//   - Its hosts do not receive each other's frames, and only the target of a broadcast
//     handles it.
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
