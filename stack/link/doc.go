// Package link is the interface under a port: send frames, receive frames.
//
//	device -> reader goroutine -> Classify -> Inbox -> loop -> Handler
//	loop -> Link.Send -> device        transmitter -> Queue.Send -> device
//
// Implementations are in packages below this one (tap, afpacket) and in sim
// (the in-process wire); package linktest is one suite that runs on them all.
package link
