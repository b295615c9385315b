// Package netlab makes network namespaces of the real kernel for tests, and moves devices
// into them. Only tests import it. Read netlab.go first; vlan.go and bpf.go make VLANs.
//
//	the test's own namespace          a Namespace
//	  glean's side of a TAP  ======== the kernel's side of it: addresses,
//	                                  forwarding, ping, tcpdump, ...
//
// A namespace has no name in the file system. It exists as long as a descriptor is open
// on it, so nothing is left behind, however the test process ends. Name returns the
// names of devices, so that tests of several packages can run in parallel on one
// machine. VLANs also work on kernels without VLAN devices.
//
// Without root, without /dev/net/tun or without a program that a test runs, New and
// Require skip the test and name what is missing. On CI the test fails instead.
package netlab
