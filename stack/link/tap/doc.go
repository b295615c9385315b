// Package tap is a link over a Linux TAP device: the kernel receives the frames that
// the link sends, and the link receives the frames that the kernel sends.
//
//	loop:        Link.Send  --> write(2) on queue 0
//	        Link.SendBulk --> the same, shared with the reader (link.Tandem)
//	transmitter: Queue.Send --> io_uring, else write(2), on its own queue if
//	        there are several
//	reader (one goroutine a queue): read(2) until empty, after a burst again
//	        when it has slept for a moment --> Classify
//	        --> control frames: link.Inbox --> loop --> Handler.HandleFrame
//	        --> traffic: counted
//	watcher (one goroutine a link): netlink, errors and a slow tick --> look
//	        --> loop --> Handler.HandleState; attaches again after deletion
//
// One poll(2) on the device's descriptor returns its state in any network namespace:
// writable means up, neither writable nor in error means down (or moved away, which
// takes it down), in error means deleted. Netlink only triggers a look, because a
// move and a deletion have the same message.
//
// A TAP that existed is never created again, nor is its persistence cleared.
//
// Open link.go first, then receive.go and send.go; ring.go writes by io_uring,
// attach.go opens the device, watch.go follows it.
package tap
