// Package uring writes batches of frames to a device with one system call, by
// Linux's io_uring. It is pure Go over the three system calls of io_uring(7).
//
//	Write(frames) --> submission queue: one entry a frame, its place never changes
//	                    | io_uring_enter: the kernel writes them in order
//	results      <-- completion queue: octets written or an errno, one a frame
//
// Both queues are memory shared with the kernel. The writer of an entry stores it
// before the queue's tail (a release), the reader loads the tail before the entry
// (an acquire); sync/atomic provides both. The file is registered, so that the
// kernel need not look it up for each frame. Frames are not copied into
// registered buffers: for long frames that costs more than it saves. Nor are
// entries linked: a chain that stops at an error costs all that the ring gains.
//
// Other options for writes to a TAP (a single issuer, deferred task work, a
// registered ring and buffers, no completions for successes, no array of
// indexes) change less than 2 % in a bare loop: most of the cost of a frame is the
// device's.
package uring
