package engine

import (
	"fmt"

	"glean/stack/loop"
)

// Peers may cause peerEventBurst events of a port at once, for example when a router fails
// over, and one event each peerEventGap in the long run. Without a limit a station that
// sends a new MAC in each frame would push all other events out of the ring.
const (
	peerEventBurst = 1024
	peerEventGap   = loop.Second / 64
	// peerEventRest is the time after which an event reports how many were left out.
	peerEventRest = loop.Second
)

// peerEvents is a port's budget of events caused by peers.
type peerEvents struct {
	loop.Limiter
	missed int
	timer  loop.Timer
}

func (b *peerEvents) init(reportMissed func()) {
	b.Limiter = loop.Limiter{Burst: peerEventBurst, Gap: peerEventGap}
	b.timer.Init(reportMissed)
}

// allow reports whether an event may be made now, and counts it if not.
func (b *peerEvents) allow(l loop.Loop) bool {
	if b.Allow(l.Now()) {
		return true
	}
	if b.missed++; b.missed == 1 {
		l.Arm(&b.timer, l.Now().Add(peerEventRest))
	}
	return false
}

// emitOfPeer emits an event that a peer on the port has caused, within the budget.
func (e *Engine) emitOfPeer(p *port, event func() Event) {
	if p.peerEvents.allow(e.loop) {
		made := event()
		made.PortID = p.spec.ID
		e.emit(made)
	}
}

// reportMissed emits an event with the number of events that were left out.
func (e *Engine) reportMissed(p *port) {
	if n := p.peerEvents.missed; n > 0 {
		p.peerEvents.missed = 0
		e.emit(p.event("events_left_out", fmt.Sprintf("%d events of neighbors were left out: peers caused too many", n), Field{"events", n}))
	}
}
