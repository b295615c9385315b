package engine

import (
	"fmt"

	"glean/stack/loop"
)

// The events that what peers say may cause on a port: so many at once, as for a
// router that fails over, and so many a second for long. A station that tells a new
// MAC in each frame would else push all other events out of the ring in no time.
const (
	peerEventBurst = 1024
	peerEventGap   = loop.Second / 64
	// peerEventRest is how soon it is told how many were left out.
	peerEventRest = loop.Second
)

// peerEvents is a port's budget of them.
type peerEvents struct {
	loop.Limiter
	missed int
	timer  loop.Timer
}

func (b *peerEvents) init(tellMissed func()) {
	b.Limiter = loop.Limiter{Burst: peerEventBurst, Gap: peerEventGap}
	b.timer.Init(tellMissed)
}

// allow tells whether an event may be made now, and counts it if not.
func (b *peerEvents) allow(l loop.Loop) bool {
	if b.Allow(l.Now()) {
		return true
	}
	if b.missed++; b.missed == 1 {
		l.Arm(&b.timer, l.Now().Add(peerEventRest))
	}
	return false
}

// emitOfPeer is emit for what a peer on the port has caused.
func (e *Engine) emitOfPeer(p *port, event func() Event) {
	if p.peerEvents.allow(e.loop) {
		made := event()
		made.PortID = p.spec.ID
		e.emit(made)
	}
}

// tellMissed says how many events were left out.
func (e *Engine) tellMissed(p *port) {
	if n := p.peerEvents.missed; n > 0 {
		p.peerEvents.missed = 0
		e.emit(p.event("events_left_out", fmt.Sprintf("%d events of neighbors, because there were too many", n), Field{"events", n}))
	}
}
