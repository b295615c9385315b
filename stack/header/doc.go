// Package header reads and writes protocol headers.
//
//	bytes --> ParseX --> XRepr (a meaning that is valid) --> Emit --> bytes
//	   \                                                      /
//	    +------- X, a view: getters and setters on bytes ----+
//
// There are two levels. A view ([Ethernet], [ARP], [IPv4], ...) is the bytes
// themselves with names for the fields; it judges nothing and panics like any
// slice when the bytes are too few. A repr ([EthernetRepr], [ARPRepr],
// [NeighborSolicitation], ...) is the meaning of a header; its Parse function
// checks the rules of the RFCs, and every way to break one is an [Error] of its
// own, so that drops can be counted by reason.
//
// Nothing here allocates. Emit writes into the caller's buffer, returns how
// many octets it wrote, and panics when the buffer is shorter than Size. Slices
// that Parse returns are parts of its argument. Multi-octet integers are in
// host order everywhere but in the bytes.
//
// Open ethernet.go first; arp.go and neighbor.go have the headers that the stack
// depends on, checksum.go the arithmetic of all.
package header
