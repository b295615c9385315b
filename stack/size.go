package stack

import "unsafe"

// Octets of memory that a neighbor takes: its entry with timer and index, see
// neighbor, and what else one takes while it is asked for by a waiter.
const (
	NeighborSize     = int64(unsafe.Sizeof(neighbor{})) + 13 + 8
	SolicitationSize = int64(unsafe.Sizeof(solicitation{})+unsafe.Sizeof(subscription{})) + 13
)

// Size is the memory in octets of the neighbors that the stack has.
func (s *Stack) Size() int64 {
	return int64(s.neighbors.used)*NeighborSize + int64(s.neighbors.addresses.Live())*int64(unsafe.Sizeof(ip{})) +
		int64(s.solicitations.Live())*SolicitationSize
}
