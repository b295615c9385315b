package wheel

// A Slab holds records that are named by small ids, from 1 on: no pointers, no
// garbage. A pointer that At returned is valid until the next Alloc.
type Slab[T any] struct {
	chunks [][]T
	free   []uint32 // ids to use again, the last freed first
	length uint32   // the largest id ever given
}

const (
	chunkBits = 10
	chunkSize = 1 << chunkBits
)

// At returns the record of an id.
func (s *Slab[T]) At(id uint32) *T {
	return &s.chunks[(id-1)>>chunkBits][(id-1)&(chunkSize-1)]
}

// Alloc returns the id of a record: a zero one, unless Free freed it.
func (s *Slab[T]) Alloc() uint32 {
	if last := len(s.free) - 1; last >= 0 {
		id := s.free[last]
		s.free = s.free[:last]
		return id
	}
	s.reserve(s.length + 1)
	return s.length
}

// reserve allocates all ids up to id.
func (s *Slab[T]) reserve(id uint32) {
	for s.length < id {
		last := len(s.chunks) - 1
		if last < 0 || len(s.chunks[last]) == chunkSize {
			first := 0
			if last >= 0 {
				first = chunkSize // only the first chunk grows, so that idle hosts stay small
			}
			s.chunks = append(s.chunks, make([]T, 0, first))
			last++
		}
		var zero T
		s.chunks[last] = append(s.chunks[last], zero)
		s.length++
	}
}

// Release clears a record and frees its id.
func (s *Slab[T]) Release(id uint32) {
	var zero T
	*s.At(id) = zero
	s.Free(id)
}

// Free frees an id and keeps what is in its record.
func (s *Slab[T]) Free(id uint32) { s.free = append(s.free, id) }

// Len returns the largest id ever given.
func (s *Slab[T]) Len() uint32 { return s.length }

// Live returns how many records are in use.
func (s *Slab[T]) Live() int { return int(s.length) - len(s.free) }
