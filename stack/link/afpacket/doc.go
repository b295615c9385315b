// Package afpacket is a link over an Ethernet device that exists already (a
// NIC, a veth, a bridge, a TAP of another process): packet sockets (packet(7)) send
// to it and receive from it.
//
//	loop:        Link.Send  --> a transmit ring (PACKET_TX_RING)
//	        Link.SendBulk --> two of them, shared with the reader (link.Tandem)
//	transmitter: Queue.Send --> the same, a ring for each queue, past the
//	        queueing discipline
//	        both: sendmmsg(2) where the kernel has no ring or the MTU is too
//	        large for its slots
//	reader (one goroutine): recvmmsg(2), after a burst again when it has slept
//	        for a moment --> restore the tag and checksum
//	        --> Classify --> control frames: link.Inbox --> loop --> Handler
//	        --> traffic: counted
//	watcher (one goroutine): netlink --> state --> loop --> Handler.HandleState
//
// The device belongs to its administrator: the link never creates, configures or
// brings it up, and only makes it promiscuous while the link is open. The host's own
// network stack also receives the frames, but the link does not receive the frames
// that the host sends.
//
// A received frame differs from the frame on the wire. The socket passes the
// outermost VLAN tag as control data; the link restores it. A frame from this host's
// own stack, as over veth, may have a checksum that was left to a device; the link
// calculates it. Large segments that the kernel merged, or has not yet cut, count
// as one frame; they are TCP or UDP and never for the stack.
//
// A socket loses its device when the device is deleted and when it moves to another
// network namespace, with the same error. Netlink distinguishes them: the message of
// a move names the new namespace. Either way the link attaches again when a device
// of its name appears.
//
// A frame that is sent may have as many octets as the device's MTU and one
// 802.1Q tag allow; for an 802.1ad or a second tag a larger MTU is needed. It
// counts as sent when the kernel took it; whether the device sends it later is not
// known. Programs that capture on the same device do not see frames of queues.
//
// Open link.go first, then receive.go and send.go; ring.go and messages.go are the two
// ways to send, watch.go and events.go follow the device.
package afpacket
