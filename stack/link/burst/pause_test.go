package burst

import "testing"

func TestPauseIsForBursts(t *testing.T) {
	for _, c := range []struct {
		name  string
		reads []int
		want  bool
	}{
		{"nothing was read", nil, false},
		{"one frame", []int{1}, false},
		{"nearly a burst", []int{worthwhile - 1}, false},
		{"a burst", []int{worthwhile}, true},
		{"a burst in parts", []int{worthwhile / 2, 0, worthwhile - worthwhile/2}, true},
		{"much more", []int{1 << 20}, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			var p Pause
			for _, n := range c.reads {
				p.Read(n)
			}
			if got := p.Take(); got != c.want {
				t.Errorf("pause taken: %v, want %v", got, c.want)
			}
			if p.Take() {
				t.Error("a second pause, though nothing was read since the first")
			}
		})
	}
}

func TestPauseAllocatesNothing(t *testing.T) {
	var p Pause
	if n := testing.AllocsPerRun(10, func() { p.Read(worthwhile); p.Take() }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}
