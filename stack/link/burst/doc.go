// Package burst lets readers of devices sleep between bursts of frames.
//
// A reader that waits for the next frame is woken by whoever sends it, and
// where the sender is a thread of this machine (the far end of a veth, or the
// kernel behind a TAP that answers from within our own write) that costs the
// sender about as much as the frame does. The answers to a window of questions
// come in bursts, so a reader that has just had some frames sleeps on its own
// timer and then finds many at once. Meanwhile it has time for other work: half of
// the next questions (link.Tandem).
package burst
