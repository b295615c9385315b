package traffic

import (
	"math"
	"slices"

	"glean/internal/arith"
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

func (p *parser) lengths(n node) (l Lengths) {
	kinds := []string{"fixed", "list", "sequence", "imix", "random"}
	found := slices.DeleteFunc(kinds, func(k string) bool { return n.member(k).value == nil && (k != "fixed" || !n.has(k)) })
	if len(found) != 1 {
		n.fault("needs exactly one of fixed, list, sequence, imix, random; it has %d", len(found))
		return l
	}
	switch m := n.member(found[0]); found[0] {
	case "fixed":
		v, _ := m.integer(MinFrame, MaxFrame)
		l.List = []uint16{uint16(v)}
	case "list":
		if a, ok := m.value.([]any); ok && len(a) > maxLengths {
			m.fault("%d lengths are more than %d", len(a), maxLengths)
			return l
		}
		for i, item := range m.items() {
			v, _ := item.at(i).integer(MinFrame, MaxFrame)
			l.List = append(l.List, uint16(v))
		}
		p.store(m, uint64(len(l.List)))
	case "sequence":
		if m.isObject() {
			l.List = p.lengthSequence(m)
		}
	case "imix":
		l.List = p.imix(m)
	case "random":
		if m.isObject() {
			l.parseRandom(m)
		}
	}
	return l
}

// lengthSequence reads a sequence, which steps as those of modifiers do.
func (p *parser) lengthSequence(n node) []uint16 {
	s := sequence{width: 16}
	for _, name := range []string{"count", "start"} {
		if !n.has(name) {
			n.member(name).fault("is required")
			return nil
		}
	}
	count, okCount := n.member("count").integer(1, maxLengths)
	start, okStart := n.member("start").integer(MinFrame, MaxFrame)
	if !okCount || !okStart || !p.store(n, count) {
		return nil
	}
	s.count, s.start = count, Uint128{Lo: start}
	if n.has("stop") {
		stop, ok := n.member("stop").integer(MinFrame, MaxFrame)
		if !ok {
			return nil
		}
		s.stop = &Uint128{Lo: stop}
	}
	if skip := n.member("skip"); skip.value != nil {
		var ok bool
		if s.skip, ok = p.skips(skip, KindInteger, MaxFrame, true); !ok {
			return nil
		}
	}
	v, member, problem := s.compile()
	if problem != "" {
		n.member(member).fault("%s", problem)
		return nil
	}
	if last := v.At(count - 1).Lo; last < MinFrame || last > MaxFrame {
		n.member("count").fault("leads to a last length of %d; it must be within %d to %d", last, MinFrame, MaxFrame)
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
func (p *parser) imix(n node) []uint16 {
	var lengths []uint16
	var weights []int
	sum := 0
	if a, ok := n.value.([]any); ok && len(a) > MaxFrame {
		n.fault("%d lengths are more than %d", len(a), MaxFrame)
		return nil
	}
	for i, item := range n.items() {
		if item = item.at(i); !item.isObject() {
			continue
		}
		length, _ := item.member("length").integer(MinFrame, MaxFrame)
		weight, _ := item.member("weight").integer(1, maxLengths)
		lengths, weights = append(lengths, uint16(length)), append(weights, int(weight))
		sum += int(weight)
	}
	if sum > maxLengths {
		n.fault("weights add up to %d; that is more than %d", sum, maxLengths)
		return nil
	}
	if p.steps += sum * len(lengths); p.steps > maxSteps {
		n.fault("is too much to spread, with those before it")
		return nil
	}
	if !p.store(n, uint64(sum)) {
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

func (l *Lengths) parseRandom(n node) {
	low, okLow := n.member("min").integer(MinFrame, MaxFrame)
	high, okHigh := n.member("max").integer(MinFrame, MaxFrame)
	if okLow && okHigh && low > high {
		n.member("min").fault("%d is more than max, %d", low, high)
	}
	l.Random, l.low, l.high, l.seed = true, uint16(low), uint16(high), 1
	if n.has("seed") {
		l.seed, _ = n.member("seed").integer(0, math.MaxUint64)
	}
	l.seed = arith.Mix(l.seed) // else near seeds would draw shifted copies of one stream
}
