package traffic

import (
	"fmt"
	"math/big"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// slowSequence makes a sequence as the API describes it: candidates, permuted
// or not, without the skipped ones, the first count of them.
func slowSequence(s *sequence) (all []Uint128, ok bool) {
	start, step := s.start.big(), big.NewInt(1)
	if s.stop != nil {
		step.Sub(s.stop.big(), start)
		step.Quo(step, new(big.Int).SetUint64(s.count))
	}
	limit := new(big.Int).Lsh(big.NewInt(1), s.width)
	candidates := int(s.count) + len(s.skip)
	value := new(big.Int).Set(start)
	var list []*big.Int
	for range candidates {
		list = append(list, new(big.Int).Set(value))
		value.Add(value, step)
	}
	if s.permute {
		shuffle(list)
	}
	list = slices.DeleteFunc(list, func(v *big.Int) bool {
		return slices.ContainsFunc(s.skip, func(w Uint128) bool { return w.big().Cmp(v) == 0 })
	})
	if len(list) < int(s.count) {
		return nil, false
	}
	for _, v := range list[:s.count] {
		if v.Sign() < 0 || v.Cmp(limit) >= 0 {
			return nil, false
		}
		all = append(all, uint128FromBig(v))
	}
	return all, true
}

func TestSequenceEqualsSlowOne(t *testing.T) {
	five := Uint128{Lo: 5}
	none := sequence{count: 1, width: 8, start: five, stop: &five, skip: []Uint128{five}}
	_, ok := slowSequence(&none)
	if _, _, problem := none.compile(); problem == "" || ok {
		t.Errorf("a sequence without a value: fault %q, the slow one says %v", problem, ok)
	}
	rapid.Check(t, func(t *rapid.T) {
		width := rapid.SampledFrom([]uint{8, 12, 16, 32, 48, 128}).Draw(t, "width")
		s := sequence{count: rapid.Uint64Range(1, 60).Draw(t, "count"), width: width, permute: rapid.Bool().Draw(t, "permute")}
		number := func(name string) Uint128 {
			w := Uint128{Lo: rapid.Uint64().Draw(t, name)}
			if width == 128 {
				w.Hi = rapid.Uint64().Draw(t, name)
			} else {
				w.Lo &= 1<<width - 1
			}
			return w
		}
		if s.start = number("start"); rapid.Bool().Draw(t, "near") {
			s.start = Uint128{Lo: rapid.Uint64Range(0, 100).Draw(t, "start")}
		}
		if rapid.Bool().Draw(t, "has stop") {
			stop := number("stop")
			if rapid.Bool().Draw(t, "near") {
				stop = s.start.Plus(Uint128{Lo: rapid.Uint64Range(0, 500).Draw(t, "stop")})
			}
			s.stop = &stop
		}
		for range rapid.IntRange(0, 8).Draw(t, "skips") {
			s.skip = append(s.skip, s.start.Plus(Uint128{Lo: rapid.Uint64Range(0, 80).Draw(t, "skip")}))
		}
		s.skip = slices.DeleteFunc(s.skip, func(w Uint128) bool { return w.big().BitLen() > int(width) })
		if s.stop != nil && s.stop.big().BitLen() > int(width) {
			s.stop = nil
		}
		want, ok := slowSequence(&s)
		v, member, problem := s.compile()
		if (problem == "") != ok {
			// The last candidate decides for a permuted sequence, even if it is skipped.
			if s.permute && problem != "" {
				return
			}
			t.Fatalf("%+v: %s %q, but the slow one says %v", s, member, problem, ok)
		}
		if !ok {
			return
		}
		for i, w := range want {
			if v.At(uint64(i)) != w {
				t.Fatalf("%+v: value %d is %v, not %v", s, i, v.At(uint64(i)), w)
			}
		}
	})
}

func TestSequenceSteps(t *testing.T) {
	number := func(n uint64) *Uint128 { return &Uint128{Lo: n} }
	for _, c := range []struct {
		s    sequence
		want []uint64
	}{
		{sequence{count: 10, stop: number(10), width: 16}, []uint64{0, 1, 2, 3, 4, 5, 6, 7, 8, 9}},
		{sequence{count: 3, start: Uint128{Lo: 5}, width: 16}, []uint64{5, 6, 7}},
		{sequence{count: 4, start: Uint128{Lo: 10}, stop: number(50), width: 16}, []uint64{10, 20, 30, 40}},
		{sequence{count: 3, start: Uint128{Lo: 10}, stop: number(21), width: 16}, []uint64{10, 13, 16}},
		{sequence{count: 5, start: Uint128{Lo: 50}, stop: number(0), width: 16}, []uint64{50, 40, 30, 20, 10}},
		{sequence{count: 4, skip: []Uint128{{Lo: 1}, {Lo: 3}}, width: 16}, []uint64{0, 2, 4, 5}},
		{sequence{count: 3, skip: []Uint128{{Lo: 0}, {Lo: 9}}, width: 16}, []uint64{1, 2, 3}},
		{sequence{count: 2, start: Uint128{Lo: 8}, stop: number(24), scale: 8, width: 13}, []uint64{1, 2}},
	} {
		v, _, problem := c.s.compile()
		if problem != "" || v.Count != uint64(len(c.want)) {
			t.Errorf("%+v: %s", c.s, problem)
			continue
		}
		for i, want := range c.want {
			if got := v.At(uint64(i)); got != (Uint128{Lo: want}) {
				t.Errorf("%+v: value %d is %d, not %d", c.s, i, got.Lo, want)
			}
		}
	}
}

// TestPermutation: it is one, it is not the identity, and it is for ever the
// same.
func TestPermutation(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(1, 2000).Draw(t, "n")
		order := permuted(uint64(n), nil, uint64(n))
		again := permuted(uint64(n), nil, uint64(n))
		if !slices.Equal(order, again) {
			t.Fatal("not repeatable")
		}
		slices.Sort(again)
		for i, v := range again {
			if int(v) != i {
				t.Fatalf("%d is missing", i)
			}
		}
	})
	if got := fmt.Sprint(permuted(10, nil, 10)); got != "[0 2 1 3 6 7 8 5 4 9]" {
		t.Errorf("the permutation of ten has changed: %s", got)
	}
}
