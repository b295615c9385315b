// Package burst makes readers of devices sleep between bursts of frames.
//
// The sender of a frame wakes a reader that waits for it. If the sender is a thread of
// this machine (the far end of a veth, or the kernel behind a TAP that answers from
// within our own write), that costs the sender about as much as the frame does. The
// answers to a window of solicitations come in bursts, so a reader that has just read
// some frames sleeps on its own timer and then finds many at once. Meanwhile it has
// time for other work: half of the next solicitations (link.Tandem).
package burst
