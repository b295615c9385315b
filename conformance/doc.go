// Package conformance holds the protocol checklist, judges test runs by it,
// and tries glean against the Linux kernel and its tools.
//
//	checklist.md --Checklist--> items --+
//	                                    +--Judge--> verdict per ID --> table
//	go test -json --ReadTests--> tests -+
//
// The tests of this package run glean's engine on TAP devices whose other side
// is the kernel in network namespaces. gate is the program behind `make
// conformance`; TestResolve, told to, is `make bench-resolve`.
package conformance
