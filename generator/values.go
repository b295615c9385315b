package generator

import (
	"math/big"
	"math/bits"
	"slices"
)

// values is what a modifier gives its field, by index. A sequence costs the
// same whatever its length; only lists, skips and permutations are stored.
type values struct {
	count uint64
	list  []wide // of a list, permuted already

	start, step wide     // of a sequence: candidate i is start + step*i
	skips       []uint64 // ascending: skips[k] is the index that the k-th skip comes before or at
	order       []uint32 // of a permuted sequence: the candidate of each index
}

// at is the value of index i, which is below count.
func (v *values) at(i uint64) wide {
	switch {
	case v.list != nil:
		return v.list[i]
	case v.order != nil:
		i = uint64(v.order[i])
	case v.skips != nil:
		i += uint64(upperBound(v.skips, i))
	}
	return v.start.plus(v.step.times(i))
}

// isPlain tells whether each value is the one before plus step.
func (v *values) isPlain() bool { return v.list == nil && v.order == nil && v.skips == nil }

// last is the last candidate of a sequence that is in use. Sequences rise or fall
// steadily and do not wrap, so all values lie between start and it.
func (v *values) last() wide {
	i := v.count - 1 + uint64(upperBound(v.skips, v.count-1))
	if v.order != nil {
		i = uint64(slices.Max(v.order))
	}
	return v.start.plus(v.step.times(i))
}

// commonHalf is the upper half that all values have; ok is false if they differ.
func (v *values) commonHalf() (hi uint64, ok bool) {
	if v.list != nil {
		return v.list[0].hi, !slices.ContainsFunc(v.list, func(w wide) bool { return w.hi != v.list[0].hi })
	}
	return v.start.hi, v.last().hi == v.start.hi
}

// mayBeZero is false if no value is zero.
func (v *values) mayBeZero() bool {
	if v.list != nil {
		return slices.ContainsFunc(v.list, wide.isZero)
	}
	return v.start.isZero() || v.last().isZero()
}

// scope tells whether destinations are link-local; same is false if some are and
// others are not, or if they are too many to look at, which is a fault elsewhere.
func (v *values) scope() (linkLocal, same bool) {
	linkLocal = v.at(0).isLinkLocal()
	if v.count > MaxDestinations {
		return linkLocal, false
	}
	for i := range v.count {
		if v.at(i).isLinkLocal() != linkLocal {
			return linkLocal, false
		}
	}
	return linkLocal, true
}

// upperBound is how many of the ascending s are not above x.
func upperBound(s []uint64, x uint64) int {
	low, high := 0, len(s)
	for low < high {
		middle := int(uint(low+high) >> 1)
		if s[middle] <= x {
			low = middle + 1
		} else {
			high = middle
		}
	}
	return low
}

// sequence is what the API says of a sequence, in the field's own units.
type sequence struct {
	count   uint64
	start   wide
	stop    *wide
	skip    []wide
	permute bool
	width   uint   // of the field
	scale   uint64 // the field holds the value divided by it
}

// compile works the sequence out. With a stop the step is (stop-start)/count
// in whole numbers, so that stop itself is not reached; else it is 1. count +
// len(skip) candidates are made and permuted, the skipped ones left out, and
// the first count are used. problem names what is wrong, if anything is, and
// the member it is in.
func (s *sequence) compile() (v values, member, problem string) {
	v.count = s.count
	candidates, carry := bits.Add64(s.count, uint64(len(s.skip)), 0)
	if carry != 0 {
		return v, "count", "is too large"
	}
	start, step := s.start.big(), big.NewInt(1)
	if s.stop != nil {
		step.Quo(step.Sub(s.stop.big(), start), new(big.Int).SetUint64(s.count))
	}
	if s.scale > 1 && (!divisible(start, s.scale) || candidates > 1 && !divisible(step, s.scale)) {
		return v, "start", "and its step must be multiples of " + new(big.Int).SetUint64(s.scale).String()
	}
	skipped := s.positions(start, step, candidates)
	if step.Sign() == 0 && len(skipped) > 0 {
		return v, "skip", "leaves no value"
	}
	if s.permute {
		v.order = permuted(candidates, skipped, s.count)
	} else if len(skipped) > 0 {
		for k := range skipped {
			skipped[k] -= uint64(k)
		}
		v.skips = skipped
	}
	if problem := s.overflow(start, step, v, candidates); problem != "" {
		return v, "count", problem
	}
	if s.scale > 1 {
		scale := new(big.Int).SetUint64(s.scale)
		start.Quo(start, scale)
		step.Quo(step, scale)
	}
	v.start, v.step = wideFromBig(start), wideFromBig(step)
	return v, "", ""
}

func divisible(n *big.Int, by uint64) bool {
	return new(big.Int).Rem(n, new(big.Int).SetUint64(by)).Sign() == 0
}

// positions are the candidates to leave out, ascending and each once.
func (s *sequence) positions(start, step *big.Int, candidates uint64) []uint64 {
	var at []uint64
	var distance, rest big.Int
	for _, w := range s.skip {
		distance.Sub(w.big(), start)
		if step.Sign() == 0 {
			if distance.Sign() == 0 {
				at = append(at, 0)
			}
			continue
		}
		distance.QuoRem(&distance, step, &rest)
		if rest.Sign() == 0 && distance.IsUint64() && distance.Uint64() < candidates {
			at = append(at, distance.Uint64())
		}
	}
	slices.Sort(at)
	return slices.Compact(at)
}

// overflow tells which value does not fit the field, if one does not. Values
// rise or fall steadily, so the first and the last candidate in use decide.
func (s *sequence) overflow(start, step *big.Int, v values, candidates uint64) string {
	last := s.count - 1 + uint64(upperBound(v.skips, s.count-1))
	if s.permute {
		last = candidates - 1
	}
	end := new(big.Int).SetUint64(last)
	end.Add(end.Mul(end, step), start)
	limit := new(big.Int).Lsh(big.NewInt(1), s.width)
	if s.scale > 1 {
		limit.Mul(limit, new(big.Int).SetUint64(s.scale))
	}
	if end.Sign() < 0 || end.Cmp(limit) >= 0 {
		return "leads to a last value outside of the field"
	}
	return ""
}

// permuted is the first count of the permuted candidates that are not skipped.
func permuted(candidates uint64, skipped []uint64, count uint64) []uint32 {
	order := make([]uint32, candidates)
	for i := range order {
		order[i] = uint32(i)
	}
	shuffle(order)
	if len(skipped) > 0 {
		order = slices.DeleteFunc(order, func(i uint32) bool {
			_, found := slices.BinarySearch(skipped, uint64(i))
			return found
		})
	}
	return order[:count]
}

// shuffleSeed is fixed, so that a permutation is the same in every run.
const shuffleSeed = 0x676c65616e

// shuffle is Fisher and Yates's, on a generator that is written out here so
// that permutations do not change with a library.
func shuffle[T any](s []T) {
	for i := len(s) - 1; i > 0; i-- {
		j, _ := bits.Mul64(mix(shuffleSeed+uint64(i)), uint64(i)+1)
		s[i], s[j] = s[j], s[i]
	}
}

// mix turns a counter into 64 bits that look random (the finalizer of
// Steele, Lea and Flood's SplitMix64).
func mix(x uint64) uint64 {
	x *= 0x9e3779b97f4a7c15
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}

// lcm is the least common multiple; ok is false when it exceeds 64 bits.
func lcm(a, b uint64) (m uint64, ok bool) {
	x, y := a, b
	for y != 0 {
		x, y = y, x%y
	}
	return product(a/x, b)
}

func product(a, b uint64) (p uint64, ok bool) {
	hi, lo := bits.Mul64(a, b)
	return lo, hi == 0
}
