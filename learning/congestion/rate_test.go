package congestion

import (
	"testing"

	"glean/stack/loop"
)

// spanOf returns the fate of first solicitations, sent a gap apart.
func spanOf(sent, answered int, gap loop.Duration) span {
	t := tally{sent, answered}
	return span{attempts: tallies{t}, all: t, took: loop.Duration(sent) * gap}
}

// TestSearchEndsIfLowerRateDoesNotHelp: a lower rate of which no larger fraction is
// answered means dead addresses or loss by chance. The rate becomes unbounded, and no
// other search begins.
func TestSearchEndsIfLowerRateDoesNotHelp(t *testing.T) {
	const fast, slow = loop.Millisecond, 4 * loop.Millisecond
	for _, c := range []struct {
		name     string
		earlier  span
		answered int
		phase    phase
	}{
		{"the same fraction", spanOf(32, 4, fast), 4, unbounded},
		{"as many a second", spanOf(32, 4, fast), 16, searching},
		{"nearly all", spanOf(32, 8, fast), 31, rising},
		{"none", spanOf(32, 4, fast), 0, unbounded},
		{"nothing to compare with", span{}, 4, searching},
	} {
		r := rate{phase: searching, Pacer: Pacer{Gap: slow}, earlier: c.earlier, present: spanOf(32, c.answered, slow)}
		if r.search(loop.Second, 0); r.phase != c.phase || r.useless != (c.phase == unbounded) {
			t.Errorf("%s: phase %d, useless %t", c.name, r.phase, r.useless)
		}
	}
}

// TestProbeNeedsWork: a higher rate is tried once a RetransTimer, and only with more
// than four RetransTimers of work.
func TestProbeNeedsWork(t *testing.T) {
	const gap = 9 * loop.Millisecond
	work := worthProbe * int(loop.Second/gap)
	for _, c := range []struct {
		name     string
		backlog  int
		now      loop.Duration
		measured loop.Duration
		present  span
		gap      loop.Duration
	}{
		{"much work", work + 1, loop.Second, 0, spanOf(100, 100, gap), gap * 8 / 9},
		{"little work", work - 1, loop.Second, 0, spanOf(100, 100, gap), gap},
		{"too early", work + 1, loop.Second - 1, 0, spanOf(100, 100, gap), gap},
		{"little work, in a probe", work - 1, loop.Second, gap * 9 / 8, spanOf(100, 100, gap), gap * 9 / 8},
		{"no evidence", work + 1, loop.Second, 0, span{all: tally{100, 80}, took: 100 * gap}, gap},
	} {
		r := rate{phase: steady, Pacer: Pacer{Gap: gap}, measured: c.measured, present: c.present, step: firstStep, alive: tallies{{100, 100}}}
		w := Window{backlog: c.backlog, retrans: loop.Second}
		if r.probe(&w, loop.Time(c.now)); r.Gap != c.gap || r.phase != steady {
			t.Errorf("%s: gap %v in phase %d, want %v", c.name, r.Gap, r.phase, c.gap)
		}
	}
	r := rate{phase: steady, Pacer: Pacer{Gap: 270 * loop.Millisecond}, step: firstStep}
	for _, want := range []loop.Duration{240, 192, 128, 64, 32} {
		if r.raise(0); r.Gap/loop.Millisecond != want {
			t.Errorf("gap %v, want %d ms", r.Gap, want)
		}
	}
}

// TestRateEndsIfRepeatsAreSilent: a RetransTimer after the search began,
// half of the repeats must be answered.
func TestRateEndsIfRepeatsAreSilent(t *testing.T) {
	for _, c := range []struct {
		answered int
		now      loop.Duration
		phase    phase
	}{{proofRepeats / 2, loop.Second, steady}, {proofRepeats/2 - 1, loop.Second, unbounded}, {0, loop.Second - 1, steady}} {
		r := rate{phase: steady, Pacer: Pacer{Gap: loop.Millisecond}}
		f := round{sent: proofRepeats + 100, answered: c.answered + 90, attempts: tallies{{100, 90}, {proofRepeats, c.answered}}}
		if r.prove(&f, loop.Second, loop.Time(c.now)); r.phase != c.phase || r.useless != (c.phase == unbounded) {
			t.Errorf("%d of %d repeats answered after %v: phase %d, useless %t", c.answered, proofRepeats, c.now, r.phase, r.useless)
		}
	}
}
