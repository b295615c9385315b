package learning

import (
	"testing"

	"glean/stack/loop"
)

// spanOf is the fate of first questions, asked a gap apart.
func spanOf(asked, answered int, gap loop.Duration) span {
	t := tally{asked, answered}
	return span{attempts: tallies{t}, all: t, took: loop.Duration(asked) * gap}
}

// TestSearchEndsIfSlowerIsNoBetter: a lower rate of which no larger part is answered
// means dead addresses or chance; the path is unbounded, and not searched again.
func TestSearchEndsIfSlowerIsNoBetter(t *testing.T) {
	const fast, slow = loop.Millisecond, 4 * loop.Millisecond
	for _, c := range []struct {
		name     string
		earlier  span
		answered int
		phase    phase
	}{
		{"the same part", spanOf(32, 4, fast), 4, unbounded},
		{"as many a second", spanOf(32, 4, fast), 16, searching},
		{"nearly all", spanOf(32, 8, fast), 31, rising},
		{"none", spanOf(32, 4, fast), 0, unbounded},
		{"nothing to compare with", span{}, 4, searching},
	} {
		r := rate{phase: searching, pacer: pacer{gap: slow}, earlier: c.earlier, present: spanOf(32, c.answered, slow)}
		if r.search(loop.Second, 0); r.phase != c.phase || r.useless != (c.phase == unbounded) {
			t.Errorf("%s: phase %d, useless %t", c.name, r.phase, r.useless)
		}
	}
}

// TestProbeIsWorthItsCost: a higher rate is tried once a RetransTimer, and only with
// more than four RetransTimers of work.
func TestProbeIsWorthItsCost(t *testing.T) {
	const gap = 9 * loop.Millisecond
	work := worthProbe * int(loop.Second/gap)
	for _, c := range []struct {
		name    string
		waiting int
		now     loop.Duration
		good    loop.Duration
		present span
		gap     loop.Duration
	}{
		{"much work", work + 1, loop.Second, 0, spanOf(100, 100, gap), gap * 8 / 9},
		{"little work", work - 1, loop.Second, 0, spanOf(100, 100, gap), gap},
		{"too early", work + 1, loop.Second - 1, 0, spanOf(100, 100, gap), gap},
		{"little work, in a probe", work - 1, loop.Second, gap * 9 / 8, spanOf(100, 100, gap), gap * 9 / 8},
		{"nothing to judge by", work + 1, loop.Second, 0, span{all: tally{100, 80}, took: 100 * gap}, gap},
	} {
		r := rate{phase: steady, pacer: pacer{gap: gap}, good: c.good, present: c.present, step: firstStep, alive: tallies{{100, 100}}}
		w := window{waiting: c.waiting, retrans: loop.Second}
		if r.probe(&w, loop.Time(c.now)); r.gap != c.gap || r.phase != steady {
			t.Errorf("%s: gap %v in phase %d, want %v", c.name, r.gap, r.phase, c.gap)
		}
	}
	r := rate{phase: steady, pacer: pacer{gap: 270 * loop.Millisecond}, step: firstStep}
	for _, want := range []loop.Duration{240, 192, 128, 64, 32} {
		if r.raise(0); r.gap/loop.Millisecond != want {
			t.Errorf("gap %v, want %d ms", r.gap, want)
		}
	}
}

// TestRateIsGivenUpIfRepeatsAreSilent: a RetransTimer after the search began,
// half of the repeats must be answered.
func TestRateIsGivenUpIfRepeatsAreSilent(t *testing.T) {
	for _, c := range []struct {
		answered int
		now      loop.Duration
		phase    phase
	}{{proof / 2, loop.Second, steady}, {proof/2 - 1, loop.Second, unbounded}, {0, loop.Second - 1, steady}} {
		r := rate{phase: steady, pacer: pacer{gap: loop.Millisecond}}
		f := windowful{asked: proof + 100, answered: c.answered + 90, attempts: tallies{{100, 90}, {proof, c.answered}}}
		if r.prove(&f, loop.Second, loop.Time(c.now)); r.phase != c.phase || r.useless != (c.phase == unbounded) {
			t.Errorf("%d of %d repeats answered after %v: phase %d, useless %t", c.answered, proof, c.now, r.phase, r.useless)
		}
	}
}
