// Package link is the interface under a port: send frames, receive frames.
//
//	device -> reader goroutine -> Classify -> Inbox -> loop -> Handler
//	loop -> Link.Send -> device        transmitter -> Queue.Send -> device
//
// Implementations are in packages below this one (tap, afpacket) and in sim
// (the in-process wire); package linktest is one suite that runs on them all.
//
// Open link.go first: it has the interfaces. base.go is the common part of links
// over devices, inbox.go its way onto the loop, classify.go the choice between
// stack and test traffic, tandem.go the second sending thread.
package link
