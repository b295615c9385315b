package congestion

import "glean/stack/loop"

// Pacer keeps a gap between solicitations.
type Pacer struct {
	Gap    loop.Duration // between two solicitations; 0: no limit
	NextAt loop.Time     // earliest time of the next solicitation
}

// maxCatchUp is how far a pacer may lag behind and still make up for it, so that
// the coarse timers of a real clock do not lower the rate.
const maxCatchUp = 2 * loop.Millisecond

// Pace records a solicitation that is sent now.
func (p *Pacer) Pace(now loop.Time) {
	if p.Gap == 0 {
		return
	}
	if now.Sub(p.NextAt) > maxCatchUp {
		p.NextAt = now
	}
	p.NextAt = p.NextAt.Add(p.Gap)
}
