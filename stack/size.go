package stack

import "unsafe"

// Octets of memory of a neighbor: its entry with timer and index, see neighbor, and its
// solicitation record with one subscription.
const (
	NeighborSize     = int64(unsafe.Sizeof(neighbor{})) + 13 + 8
	SolicitationSize = int64(unsafe.Sizeof(solicitation{})+unsafe.Sizeof(subscription{})) + 13
)

// Size returns the memory in octets of the stack's neighbors.
func (s *Stack) Size() int64 {
	return int64(s.neighbors.used)*NeighborSize + int64(s.neighbors.addresses.Live())*int64(unsafe.Sizeof(ip{})) +
		int64(s.solicitations.Live())*SolicitationSize
}
