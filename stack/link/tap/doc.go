// Package tap is a link over a Linux TAP device: what is sent comes out of the
// device for the kernel to receive, what the kernel sends is received.
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
// One poll(2) on the device's descriptor tells its state in whatever network
// namespace it is: writable means up, neither writable nor in error means down
// (or moved away, which takes it down), in error means deleted. Netlink only
// says when to look, since a move and a deletion look the same there.
//
// A TAP that existed is never created again, nor is its persistence cleared.
package tap
