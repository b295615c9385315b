// Package afpacket is a link over an Ethernet device that exists already (a
// NIC, a veth, a bridge, a TAP of somebody): packet sockets (packet(7)) send to
// it and receive what comes in.
//
//	loop:        Link.Send  --> a transmit ring (PACKET_TX_RING)
//	        Link.SendBulk --> two of them, shared with the reader (link.Tandem)
//	transmitter: Queue.Send --> the same, a ring for each queue, past the
//	        queueing discipline
//	        both: sendmmsg(2) where the kernel gives no ring or the MTU is too
//	        large for its slots
//	reader (one goroutine): recvmmsg(2), after a burst again when it has slept
//	        for a moment --> restore what the kernel took off
//	        --> Classify --> control frames: link.Inbox --> loop --> Handler
//	        --> traffic: counted
//	watcher (one goroutine): netlink --> state --> loop --> Handler.HandleState
//
// The device belongs to others: it is never made, configured or brought up
// here, only made promiscuous as long as the link is open. The host's own
// network stack sees what is received too, but the link does not see what the
// host sends.
//
// What the socket gives is not quite what was on the wire. The outermost VLAN
// tag comes apart from the frame and is put back. A frame from this host's own
// stack, as over veth, may have a checksum that a device was to calculate; it
// is finished. Large segments that the kernel merged, or has not yet cut, count
// as one frame; they are TCP or UDP and never for the stack.
//
// A socket bound to a device loses it when the device is deleted and when it
// moves to another network namespace, and says the same of both. Netlink tells
// them apart: the message of a move names the new namespace. Either way the
// link is attached again when a device of its name appears.
//
// A frame that is sent may have as many octets as the device's MTU and one
// 802.1Q tag allow; for an 802.1ad or a second tag a larger MTU is needed. It
// counts as sent when the kernel took it: what a device does with it later
// is not known here.
// Programs that capture on the same device do not see what queues send.
package afpacket
