// Package conformance holds the protocol checklist, judges test runs by it, and tests
// glean against the Linux kernel and its tools.
//
//	checklist.md --Checklist--> items --+
//	                                    +--Judge--> verdict per ID --> table
//	go test -json --ReadTests--> tests -+
//
// Read checklist.md first, then checklist.go and judge.go. Package gate is the program
// of `make conformance`.
//
// The tests run glean's engine on TAP devices whose peer is the kernel in a network
// namespace; glean_test.go has their harness. TestResolve (resolve_test.go and
// arena_test.go) is `make bench-resolve`.
package conformance
