package traffic

import (
	"math/big"
	"math/bits"
	"slices"

	"glean/internal/arith"
)

// Values is the values of a modified field, by index. A sequence takes the same memory
// whatever its length: only lists, skips and permutations are stored.
type Values struct {
	Count uint64
	List  []Uint128 // the values of a list, permuted already; nil for a sequence

	Start, Step Uint128  // of a sequence: candidate i is Start + Step*i
	Skips       []uint64 // ascending: as many skipped candidates come before index i as entries are at most i
	Order       []uint32 // of a permuted sequence: the candidate at each index
}

// At returns the value at index i, which must be below Count.
func (v *Values) At(i uint64) Uint128 {
	switch {
	case v.List != nil:
		return v.List[i]
	case v.Order != nil:
		i = uint64(v.Order[i])
	case v.Skips != nil:
		i += uint64(upperBound(v.Skips, i))
	}
	return v.Start.Plus(v.Step.Times(i))
}

// IsPlain reports whether each value is the one before plus Step.
func (v *Values) IsPlain() bool { return v.List == nil && v.Order == nil && v.Skips == nil }

// Straight returns for how many values from index i on each is the one before plus
// Step.
func (v *Values) Straight(i uint64) uint64 {
	if v.List != nil || v.Order != nil {
		return 1
	}
	left := v.Count - i
	if k := upperBound(v.Skips, i); k < len(v.Skips) {
		left = min(left, v.Skips[k]-i)
	}
	return left
}

// last returns the last candidate of a sequence that is used. Sequences rise or fall
// steadily and do not wrap, so all values lie between Start and it.
func (v *Values) last() Uint128 {
	i := v.Count - 1 + uint64(upperBound(v.Skips, v.Count-1))
	if v.Order != nil {
		i = uint64(slices.Max(v.Order))
	}
	return v.Start.Plus(v.Step.Times(i))
}

// CommonHalf returns the upper half that all values share; ok is false if they differ.
func (v *Values) CommonHalf() (hi uint64, ok bool) {
	if v.List != nil {
		return v.List[0].Hi, !slices.ContainsFunc(v.List, func(w Uint128) bool { return w.Hi != v.List[0].Hi })
	}
	return v.Start.Hi, v.last().Hi == v.Start.Hi
}

// MayBeZero reports whether a value may be zero.
func (v *Values) MayBeZero() bool {
	if v.List != nil {
		return slices.ContainsFunc(v.List, Uint128.IsZero)
	}
	return v.Start.IsZero() || v.last().IsZero()
}

// upperBound returns how many of the ascending numbers are at most x.
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

// sequence is a sequence as the configuration has it, in the field's own units.
type sequence struct {
	count   uint64
	start   Uint128
	stop    *Uint128
	skip    []Uint128
	permute bool
	width   uint   // of the field
	scale   uint64 // the field holds the value divided by it
}

// compile returns the values of the sequence. With a stop the step is
// (stop-start)/count in whole numbers, so stop itself is not reached; otherwise it is 1.
// There are count + len(skip) candidates; they are permuted, the skipped ones are left
// out, and the first count of the rest are the values. If the sequence is wrong, problem
// says why and member names the place.
func (s *sequence) compile() (v Values, member, problem string) {
	v.Count = s.count
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
		v.Order = permuted(candidates, skipped, s.count)
	} else if len(skipped) > 0 {
		for k := range skipped {
			skipped[k] -= uint64(k)
		}
		v.Skips = skipped
	}
	if problem := s.overflow(start, step, v, candidates); problem != "" {
		return v, "count", problem
	}
	if s.scale > 1 {
		scale := new(big.Int).SetUint64(s.scale)
		start.Quo(start, scale)
		step.Quo(step, scale)
	}
	v.Start, v.Step = uint128FromBig(start), uint128FromBig(step)
	return v, "", ""
}

func divisible(n *big.Int, by uint64) bool {
	return new(big.Int).Rem(n, new(big.Int).SetUint64(by)).Sign() == 0
}

// positions returns the indexes of the candidates to leave out, ascending and each once.
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

// overflow returns what is wrong if a value does not fit the field, else "". Values rise
// or fall steadily, so the first and the last used candidate decide.
func (s *sequence) overflow(start, step *big.Int, v Values, candidates uint64) string {
	last := s.count - 1 + uint64(upperBound(v.Skips, s.count-1))
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

// permuted returns the first count of the permuted candidates that are not skipped.
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

// shuffle permutes s by the algorithm of Fisher and Yates. Its random numbers are not of
// a library, so a permutation never changes.
func shuffle[T any](s []T) {
	for i := len(s) - 1; i > 0; i-- {
		j, _ := bits.Mul64(arith.Mix(shuffleSeed+uint64(i)), uint64(i)+1)
		s[i], s[j] = s[j], s[i]
	}
}
