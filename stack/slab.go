package stack

// A slab holds records that are named by small numbers, from 1 on, and never
// move once there are more than a few: no pointers, no garbage. A pointer
// given by at is good until the next alloc or reserve.
type slab[T any] struct {
	chunks [][]T
	free   []uint32 // ids to use again, the last freed first
	length uint32   // the largest id ever given
}

const (
	chunkBits = 10
	chunkSize = 1 << chunkBits
)

// at gives the record of an id.
func (s *slab[T]) at(id uint32) *T {
	return &s.chunks[(id-1)>>chunkBits][(id-1)&(chunkSize-1)]
}

// alloc gives the id of a zero record.
func (s *slab[T]) alloc() uint32 {
	if last := len(s.free) - 1; last >= 0 {
		id := s.free[last]
		s.free = s.free[:last]
		return id
	}
	s.reserve(s.length + 1)
	return s.length
}

// reserve makes ids up to id usable.
func (s *slab[T]) reserve(id uint32) {
	for s.length < id {
		last := len(s.chunks) - 1
		if last < 0 || len(s.chunks[last]) == chunkSize {
			first := 0
			if last >= 0 {
				first = chunkSize // the first chunk grows, so that idle hosts stay small
			}
			s.chunks = append(s.chunks, make([]T, 0, first))
			last++
		}
		var zero T
		s.chunks[last] = append(s.chunks[last], zero)
		s.length++
	}
}

// release clears the record and gives its id back.
func (s *slab[T]) release(id uint32) {
	var zero T
	*s.at(id) = zero
	s.free = append(s.free, id)
}

// live is how many records are in use.
func (s *slab[T]) live() int { return int(s.length) - len(s.free) }
