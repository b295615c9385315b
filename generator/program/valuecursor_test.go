package program

import (
	"testing"

	"pgregory.net/rapid"

	"glean/generator/traffic"
)

// TestTakeEqualsNext: a column of values is what one by one gives.
func TestTakeEqualsNext(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		v := traffic.Values{Count: rapid.Uint64Range(1, 9).Draw(t, "count"), Start: traffic.Uint128{Hi: 1, Lo: 1<<64 - 3}, Step: traffic.Uint128{Lo: 2}}
		switch rapid.IntRange(0, 3).Draw(t, "kind") {
		case 0:
			for i := range v.Count {
				v.List = append(v.List, traffic.Uint128{Hi: i, Lo: 100 - i})
			}
		case 1:
			for i := range v.Count {
				v.Order = append(v.Order, uint32(v.Count-1-i))
			}
		case 2:
			v.Skips = []uint64{1, 3}
		}
		o := fieldModifier{values: &v, stride: rapid.Uint64Range(1, 4).Draw(t, "stride"), span: rapid.SampledFrom([]uint8{4, 8, 16}).Draw(t, "span")}
		o.period, o.count = o.stride, v.Count
		if o.span == 4 {
			o.shift = uint8(rapid.IntRange(0, 3).Draw(t, "shift"))
			o.xor.Lo = uint64(rapid.IntRange(0, 1).Draw(t, "xor"))
		}
		tabled := o
		tabled.tabulate(maxTables, true)
		one, many, cut := newValueCursor(&o), newValueCursor(&o), newValueCursor(&tabled)
		by := rapid.Uint64Range(1, 12).Draw(t, "by")
		for range 20 {
			var lo, hi, same [40]uint64
			n := rapid.IntRange(0, 40).Draw(t, "n")
			cut.next(&tabled, same[:n], hi[:n], by)
			many.next(&o, lo[:n], hi[:n], by)
			for i := range n {
				if want := o.at(one.index); one.value != want {
					t.Fatalf("value %d is %v, not %v", one.index, one.value, want)
				}
				if lo[i] != one.value.Lo || o.span == 16 && hi[i] != one.value.Hi {
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
