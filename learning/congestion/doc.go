// Package congestion decides how many solicitations (ARP requests, neighbor
// solicitations) a port may have in flight, and how many it may send a second.
// docs/learning-congestion.md has the reasons and the measurements at length.
//
// Three kinds of network lose solicitations that are sent too fast or not:
//
//	a receive queue drops what does not fit    -> fewer in flight: the window
//	a policer replies to R a second            -> fewer a second: the rate
//	a lossy network drops a part by chance     -> nothing but a repeat helps
//
// Dead addresses look like each of them at first: a solicitation to a dead
// address is as silent as a lost one. Slowing down for dead addresses only delays
// the live ones, so silence by itself is no sign of loss. The signs that count:
//
//   - The port's own drop counter rises: RFC 5681's loss event, ssthresh is half
//     the window.
//   - A repeat is answered. The solicitation before it was lost, a RetransTimer
//     (usually 1 s) ago. If this holds for more than a quarter of an epoch (the
//     solicitations of one RetransTimer), the window was too large then. A smaller
//     part is loss by chance.
//   - A larger round (about a window's worth of consecutive solicitations) gets no
//     more replies than a smaller one before it: a plateau. It shows within one
//     round trip, long before the second sign.
//   - The replied fraction falls by half, but not to nothing, at any window: a
//     policer. Only a lower rate helps.
//
// What follows from them:
//
//   - Window: slow start, then congestion avoidance (RFC 5681 section 3.1), counted
//     in solicitations. Only a full window grows. After a loss it grows by at most an
//     eighth in an epoch, because news of loss is an epoch old.
//   - RTO: RFC 6298 section 2 in integers. Samples of repeats do not count (Karn).
//   - Rate: search the rate at which a larger fraction is answered, measure it with an
//     empty bucket, stay a little below, and probe higher ones while much work is
//     left. If repeats at that rate remain silent, the addresses are dead, and the
//     rate is given up.
//   - Spread: repeats leave evenly over a RetransTimer while a policer with a small
//     bucket explains the replies.
//
// The caller reports what happens to each solicitation: [Window.Sent], then
// [Window.Left] once it is answered or counts as silent, and [Window.Answered] or
// [Window.Lost] for the epoch that it was sent in. It asks [Window.Limit],
// [Window.InFlight] and [Window.NextAt] what it may send.
//
// Open window.go first; then rtt.go and pacer.go, which are small; then rate.go, with
// evidence.go (what a rate is judged by), repeats.go and spread.go. A Window is plain
// memory without pointers: it owns no timer, calls nothing, and allocates nothing.
package congestion
