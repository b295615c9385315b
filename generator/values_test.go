package generator

import (
	"fmt"
	"math/big"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// slowSequence makes a sequence as the API describes it: candidates, permuted
// or not, without the skipped ones, the first count of them.
func slowSequence(s *sequence) (all []wide, ok bool) {
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
		return slices.ContainsFunc(s.skip, func(w wide) bool { return w.big().Cmp(v) == 0 })
	})
	if len(list) < int(s.count) {
		return nil, false
	}
	for _, v := range list[:s.count] {
		if v.Sign() < 0 || v.Cmp(limit) >= 0 {
			return nil, false
		}
		all = append(all, wideFromBig(v))
	}
	return all, true
}

func TestSequenceEqualsSlowOne(t *testing.T) {
	refused := 0
	rapid.Check(t, func(t *rapid.T) {
		width := rapid.SampledFrom([]uint{8, 12, 16, 32, 48, 128}).Draw(t, "width")
		s := sequence{count: rapid.Uint64Range(1, 60).Draw(t, "count"), width: width, permute: rapid.Bool().Draw(t, "permute")}
		number := func(name string) wide {
			w := wide{lo: rapid.Uint64().Draw(t, name)}
			if width == 128 {
				w.hi = rapid.Uint64().Draw(t, name)
			} else {
				w.lo &= 1<<width - 1
			}
			return w
		}
		if s.start = number("start"); rapid.Bool().Draw(t, "near") {
			s.start = wide{lo: rapid.Uint64Range(0, 100).Draw(t, "start")}
		}
		if rapid.Bool().Draw(t, "has stop") {
			stop := number("stop")
			if rapid.Bool().Draw(t, "near") {
				stop = s.start.plus(wide{lo: rapid.Uint64Range(0, 500).Draw(t, "stop")})
			}
			s.stop = &stop
		}
		for range rapid.IntRange(0, 8).Draw(t, "skips") {
			s.skip = append(s.skip, s.start.plus(wide{lo: rapid.Uint64Range(0, 80).Draw(t, "skip")}))
		}
		s.skip = slices.DeleteFunc(s.skip, func(w wide) bool { return w.big().BitLen() > int(width) })
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
			refused++
			return
		}
		o := op{values: &v, stride: 1, every: 1, count: v.count, span: 16}
		g := newDigit(&o)
		for i, w := range want {
			if v.at(uint64(i)) != w || g.value != w {
				t.Fatalf("%+v: value %d is %v and %v, not %v", s, i, v.at(uint64(i)), g.value, w)
			}
			g.advance(&o, 1)
		}
	})
	if refused == 0 {
		t.Error("no sequence was refused")
	}
}

func TestSequenceSteps(t *testing.T) {
	number := func(n uint64) *wide { return &wide{lo: n} }
	for _, c := range []struct {
		s    sequence
		want []uint64
	}{
		{sequence{count: 10, stop: number(10), width: 16}, []uint64{0, 1, 2, 3, 4, 5, 6, 7, 8, 9}},
		{sequence{count: 3, start: wide{lo: 5}, width: 16}, []uint64{5, 6, 7}},
		{sequence{count: 4, start: wide{lo: 10}, stop: number(50), width: 16}, []uint64{10, 20, 30, 40}},
		{sequence{count: 3, start: wide{lo: 10}, stop: number(21), width: 16}, []uint64{10, 13, 16}},
		{sequence{count: 5, start: wide{lo: 50}, stop: number(0), width: 16}, []uint64{50, 40, 30, 20, 10}},
		{sequence{count: 4, skip: []wide{{lo: 1}, {lo: 3}}, width: 16}, []uint64{0, 2, 4, 5}},
		{sequence{count: 3, skip: []wide{{lo: 0}, {lo: 9}}, width: 16}, []uint64{1, 2, 3}},
		{sequence{count: 2, start: wide{lo: 8}, stop: number(24), scale: 8, width: 13}, []uint64{1, 2}},
	} {
		v, _, problem := c.s.compile()
		if problem != "" || v.count != uint64(len(c.want)) {
			t.Errorf("%+v: %s", c.s, problem)
			continue
		}
		for i, want := range c.want {
			if got := v.at(uint64(i)); got != (wide{lo: want}) {
				t.Errorf("%+v: value %d is %d, not %d", c.s, i, got.lo, want)
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

// TestTakeEqualsNext: a column of values is what one by one gives.
func TestTakeEqualsNext(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		v := values{count: rapid.Uint64Range(1, 9).Draw(t, "count"), start: wide{1, 1<<64 - 3}, step: wide{lo: 2}}
		switch rapid.IntRange(0, 3).Draw(t, "kind") {
		case 0:
			for i := range v.count {
				v.list = append(v.list, wide{i, 100 - i})
			}
		case 1:
			v.order = permuted(v.count, nil, v.count)
		case 2:
			v.skips = []uint64{1, 3}
		}
		o := op{values: &v, stride: rapid.Uint64Range(1, 4).Draw(t, "stride"), span: rapid.SampledFrom([]uint8{4, 8, 16}).Draw(t, "span")}
		o.every, o.count = o.stride, v.count
		if o.span == 4 {
			o.shift = uint8(rapid.IntRange(0, 3).Draw(t, "shift"))
			o.xor.lo = uint64(rapid.IntRange(0, 1).Draw(t, "xor"))
		}
		tabled := o
		tabled.tabulate(maxTables, true)
		one, many, cut := newDigit(&o), newDigit(&o), newDigit(&tabled)
		by := rapid.Uint64Range(1, 12).Draw(t, "by")
		for range 20 {
			var lo, hi, same [40]uint64
			n := rapid.IntRange(0, 40).Draw(t, "n")
			cut.take(&tabled, same[:n], hi[:n], by)
			many.take(&o, lo[:n], hi[:n], by)
			for i := range n {
				if lo[i] != one.value.lo || o.span == 16 && hi[i] != one.value.hi {
					t.Fatalf("value %d is %x %x, not %v", i, hi[i], lo[i], one.value)
				}
				if o.span < 16 && same[i] != lo[i] {
					t.Fatalf("value %d is %x in the table, not %x", i, same[i], lo[i])
				}
				one.advance(&o, by)
			}
			if many != one || o.span < 16 && cut.index != one.index*o.stride+o.stride-one.left {
				t.Fatalf("at %+v and %d, not %+v", many, cut.index, one)
			}
			frames := rapid.Uint64Range(0, 100).Draw(t, "back")
			one.back(&o, frames)
			if one.advance(&o, frames); one != many {
				t.Fatalf("at %+v after going back and forth, not %+v", one, many)
			}
		}
	})
}

func TestWide(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		draw := func() wide { return wide{rapid.Uint64().Draw(t, "hi"), rapid.Uint64().Draw(t, "lo")} }
		a, b, n := draw(), draw(), rapid.Uint64().Draw(t, "n")
		big128 := func(x *big.Int) wide { return wideFromBig(x) }
		if got := a.plus(b); got != big128(new(big.Int).Add(a.big(), b.big())) {
			t.Fatal("plus", got)
		}
		if got := a.times(n); got != big128(new(big.Int).Mul(a.big(), new(big.Int).SetUint64(n))) {
			t.Fatal("times", got)
		}
		if got := wideFromBytes(a.bytes()); got != a {
			t.Fatal("bytes", got)
		}
		want := new(big.Int).Mod(a.big(), big.NewInt(65535)).Uint64()
		if got := a.sum() % 65535; got != want || a.sum() > 1<<17 {
			t.Fatalf("sum %x", a.sum())
		}
	})
}
