package scenario

import (
	"net/netip"

	"glean/stack/loop"
)

// maxCatchUp is how early a solicitation of a paced interface may be, to make up for
// one that was late (see the pacing of package learning).
const maxCatchUp = 2 * loop.Millisecond

// checkLimits compares a solicitation with the limits of its interface, as long as
// only learning solicits.
func (r *Run) checkLimits(e *Endpoint, target netip.Addr) {
	if r.everActive || e.requests == 0 {
		return
	}
	now := r.world.Now()
	if e.Rate > 0 {
		if now < e.nextAt {
			r.AddViolation(RuleLimits, "%s sent a solicitation at %s; at %d per second the next one is due at %s", e.ID, now, e.Rate, e.nextAt)
		}
		e.nextAt = max(e.nextAt, now.Add(-maxCatchUp)).Add(loop.Second / loop.Duration(e.Rate))
	}
	if e.outstanding == nil || e.outstandingAt != now {
		e.outstandingAt, e.outstanding = now, make(map[netip.Addr]bool)
	}
	e.outstanding[target] = true
	// Twice the window: unanswered solicitations leave learning's window early.
	if most := 2 * e.Window; e.Window > 0 && len(e.outstanding) > most {
		r.AddViolation(RuleLimits, "%s has %d solicitations outstanding; its window is %d", e.ID, len(e.outstanding), e.Window)
	}
}

// clearOutstanding forgets the solicitations that a port has sent at this moment. An
// answer that takes no time may have come before other solicitations of the same
// moment, which then have room in the window.
func (r *Run) clearOutstanding(p *watchedPort) {
	for _, e := range r.endpoints { // in any order: each is changed on its own
		if e.PortID == p.id {
			clear(e.outstanding)
		}
	}
}
