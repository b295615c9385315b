// Package linktest is one suite of tests that every link.Link must pass.
//
//	open --> Rig{A, B, Driver} --> Run: each law in a subtest with a new Rig
//
//	frames of the suite:  A.Send --> (device, wire, kernel) --> B's handler
//	                      A's handler <-- ... <-- B.Send
//
// An implementation's test passes Run a function that opens two links whose
// frames reach each other. The suite sends frames of type ARP, since those are
// control frames on every link; they are no valid ARP, so a kernel in between
// ignores them. Each carries its number in the source address, and frames of
// other senders (the kernel) are ignored.
package linktest
