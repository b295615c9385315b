package traffic

import (
	"math"
	"slices"

	"glean/internal/arith"
	"glean/internal/document"
)

// maxLengths bounds the cycle of lengths of one definition.
const maxLengths = 65536

// maxSteps bounds the work of spreading all mixes of a configuration.
const maxSteps = 1 << 27

// Lengths is the distribution of frame lengths of a definition in octets, FCS
// included. Frame k of the definition has length List[k mod len(List)], whatever its
// flow, or a random one.
type Lengths struct {
	List   []uint16
	Random bool
	low    uint16 // the shortest random length
	high   uint16
	seed   uint64
}

// At returns the length of frame k. For a list k must be below Cycle.
func (l *Lengths) At(k uint64) int {
	if l.Random {
		return int(l.low) + int(l.Drawn(k))
	}
	return int(l.List[k])
}

// Drawn returns by how many octets frame k, of a random length, is longer than the
// shortest.
func (l *Lengths) Drawn(k uint64) uint32 {
	return uint32(arith.Mix(l.seed+k) >> 32 * uint64(l.high-l.low+1) >> 32)
}

// Cycle returns the number of frames after which lengths repeat, 1 for random ones.
func (l *Lengths) Cycle() uint64 {
	if l.Random {
		return 1
	}
	return uint64(len(l.List))
}

// Distinct returns the lengths that occur, ascending.
func (l *Lengths) Distinct() []uint16 {
	if l.Random {
		all := make([]uint16, 0, l.high-l.low+1)
		for n := int(l.low); n <= int(l.high); n++ {
			all = append(all, uint16(n))
		}
		return all
	}
	all := slices.Clone(l.List)
	slices.Sort(all)
	return slices.Compact(all)
}

// Count returns how many lengths occur.
func (l *Lengths) Count() int {
	if l.Random {
		return int(l.high-l.low) + 1
	}
	return len(l.Distinct())
}

// Mean returns the average length as a fraction.
func (l *Lengths) Mean() (octets, frames uint64) {
	if l.Random {
		return uint64(l.low) + uint64(l.high), 2
	}
	for _, n := range l.List {
		octets += uint64(n)
	}
	return octets, uint64(len(l.List))
}

func (p *parser) lengths(o document.Object) (l Lengths) {
	kinds := []string{"fixed", "list", "sequence", "imix", "random"}
	found := slices.DeleteFunc(kinds, func(k string) bool { return !o.Has(k) && (k != "fixed" || !o.Given(k)) })
	if len(found) != 1 {
		o.Value.Wrong("needs exactly one of fixed, list, sequence, imix, random; it has %d", len(found))
		return l
	}
	switch v, _ := o.Raw(found[0]); found[0] {
	case "fixed":
		n, _ := v.Integer(MinFrame, MaxFrame)
		l.List = []uint16{uint16(n)}
	case "list":
		l.List = p.lengthList(v)
	case "sequence":
		if s, ok := v.Object(); ok {
			l.List = p.lengthSequence(s)
		}
	case "imix":
		l.List = p.imix(v)
	case "random":
		if r, ok := v.Object(); ok {
			l.parseRandom(r)
		}
	}
	return l
}

func (p *parser) lengthList(v document.Value) []uint16 {
	list, _ := v.List(1, math.MaxInt)
	if list.Len > maxLengths {
		v.Wrong("%d lengths are more than %d", list.Len, maxLengths)
		return nil
	}
	lengths := make([]uint16, 0, list.Len)
	for _, item := range list.All() {
		n, _ := item.Integer(MinFrame, MaxFrame)
		lengths = append(lengths, uint16(n))
	}
	p.store(v, uint64(len(lengths)))
	return lengths
}

// lengthSequence reads a sequence, which steps as those of modifiers do.
func (p *parser) lengthSequence(o document.Object) []uint16 {
	s := sequence{width: 16}
	for _, name := range []string{"count", "start"} {
		if !o.Given(name) {
			o.Wrong(name, "is required")
			return nil
		}
	}
	count, okCount := o.RequiredInteger("count", 1, maxLengths)
	start, okStart := o.RequiredInteger("start", MinFrame, MaxFrame)
	if !okCount || !okStart || !p.store(o.Value, count) {
		return nil
	}
	s.count, s.start = count, Uint128{Lo: start}
	if o.Given("stop") {
		stop, ok := o.RequiredInteger("stop", MinFrame, MaxFrame)
		if !ok {
			return nil
		}
		s.stop = &Uint128{Lo: stop}
	}
	if skip, given := o.Get("skip"); given {
		var ok bool
		if s.skip, ok = p.skips(skip, KindInteger, MaxFrame, true); !ok {
			return nil
		}
	}
	v, member, problem := s.compile()
	if problem != "" {
		o.Wrong(member, "%s", problem)
		return nil
	}
	if last := v.At(count - 1).Lo; last < MinFrame || last > MaxFrame {
		o.Wrong("count", "leads to a last length of %d; it must be within %d to %d", last, MinFrame, MaxFrame)
		return nil
	}
	list := make([]uint16, count)
	for i := range list {
		list[i] = uint16(v.At(uint64(i)).Lo)
	}
	return list
}

// imix reads a mix of lengths with weights. A cycle has as many frames as the sum of the
// weights. Each length occurs in it as often as its weight, evenly spread: the length
// that is furthest behind its part is next.
func (p *parser) imix(v document.Value) []uint16 {
	list, _ := v.List(1, math.MaxInt)
	if list.Len > MaxFrame {
		v.Wrong("%d lengths are more than %d", list.Len, MaxFrame)
		return nil
	}
	var lengths []uint16
	var weights []int
	sum := 0
	for _, item := range list.Objects() {
		length, _ := item.RequiredInteger("length", MinFrame, MaxFrame)
		weight, _ := item.RequiredInteger("weight", 1, maxLengths)
		lengths, weights = append(lengths, uint16(length)), append(weights, int(weight))
		sum += int(weight)
	}
	if sum > maxLengths {
		v.Wrong("weights add up to %d; that is more than %d", sum, maxLengths)
		return nil
	}
	if p.steps += sum * len(lengths); p.steps > maxSteps {
		v.Wrong("is too much to spread, with those before it")
		return nil
	}
	if !p.store(v, uint64(sum)) {
		return nil
	}
	return spread(lengths, weights, sum)
}

// spread returns the cycle of a mix.
func spread(lengths []uint16, weights []int, sum int) []uint16 {
	cycle := make([]uint16, 0, sum)
	credit := make([]int, len(weights))
	for range sum {
		best := 0
		for i, w := range weights {
			if credit[i] += w; credit[i] > credit[best] {
				best = i
			}
		}
		credit[best] -= sum
		cycle = append(cycle, lengths[best])
	}
	return cycle
}

func (l *Lengths) parseRandom(o document.Object) {
	low, okLow := o.RequiredInteger("min", MinFrame, MaxFrame)
	high, okHigh := o.RequiredInteger("max", MinFrame, MaxFrame)
	if okLow && okHigh && low > high {
		o.Wrong("min", "%d is more than max, %d", low, high)
	}
	l.Random, l.low, l.high = true, uint16(low), uint16(high)
	l.seed = arith.Mix(o.Integer("seed", 0, math.MaxUint64, 1)) // else near seeds would draw shifted copies of one stream
}
