// Package netlab gives tests network namespaces of the real kernel, and moves
// devices into them. Only tests import it.
//
//	the test's own namespace          a Namespace
//	  glean's side of a TAP  ======== the kernel's side of it: addresses,
//	                                  forwarding, ping, tcpdump, ...
//
// A namespace has no name in the file system. It lives as long as a descriptor
// is open on it, so nothing is left behind however the test process ends.
// Names of devices come from Name, so that tests of several packages can run at
// once on one machine. VLANs work on kernels without VLAN devices, too.
//
// Without root, without /dev/net/tun or without a program that a test runs, New
// and Require skip the test and say what is missing; a test never fails
// because of it.
package netlab
