package sim

import (
	"errors"
	"sync/atomic"

	"glean/stack/link"
	"glean/stack/loop"
)

// End is one end of a wire. It is the link.Link that a stack, a device or a port is
// attached to. It also holds the direction that begins here: its rules, the frames in
// flight and the counters.
//
// A handler may overwrite the octets of a frame that it receives, because no other
// handler receives the same frame.
type End struct {
	wire    *Wire
	handler link.Handler
	extras  *extras // nil until they are needed

	own    link.State    // as set here, apart from the peer's
	shared atomic.Uint32 // the state of both, for queues used by other goroutines
	closed bool
	cut    bool // the direction from here is partitioned
	busy   bool // arrive is running
	used   bool // the timer has its function

	inFlight frameQueue
	timer    loop.Timer
	hash     uint64 // of the frames delivered in the direction from here

	sent, sentOctets           uint64
	delivered, deliveredOctets uint64
}

// extras is the part of an end that most ends of ten thousand idle hosts do not need:
// rules and the counters of faults.
type extras struct {
	rules    []Rule
	crossing Crossing
	verdict  Verdict

	dropped      [numDrops]uint64
	duplicated   uint64
	reflipped    uint64
	refused      uint64 // Send took no more
	unreadOctets uint64 // of frames dropped because nothing was attached
}

// needExtras returns the extras of an end, and makes them first if necessary.
func (e *End) needExtras() *extras {
	if e.extras == nil {
		e.extras = &extras{}
	}
	return e.extras
}

var _ link.Link = (*End)(nil)

func (e *End) init(w *Wire) {
	e.wire = w
	e.own.Up = true
	e.hash = hashOctets(w.world.seed, []byte(e.Direction()))
}

// Wire returns the wire of the end.
func (e *End) Wire() *Wire { return e.wire }

// Peer returns the other end of the wire.
func (e *End) Peer() *End {
	if e == &e.wire.a {
		return &e.wire.b
	}
	return &e.wire.a
}

// Direction returns the name of the direction that begins here, as "uplink a->b".
func (e *End) Direction() string {
	if e == &e.wire.a {
		return e.wire.name + " a->b"
	}
	return e.wire.name + " b->a"
}

// Fingerprint is World.Fingerprint of the frames of the direction that begins here. It
// does not depend on the rest of the world.
func (e *End) Fingerprint() uint64 { return combine(e.hash, e.delivered) }

// Attach implements link.Link.
func (e *End) Attach(h link.Handler) {
	if e.handler != nil {
		panic("sim: " + e.wire.name + ": something is attached there")
	}
	e.handler = h
}

// Detach undoes Attach. Frames that arrive later are dropped.
func (e *End) Detach() { e.handler = nil }

// MTU implements link.Link.
func (e *End) MTU() int { return int(e.wire.mtu) }

// Room implements link.Link.
func (e *End) Room() int { return int(e.wire.room) }

// State implements link.Link: up if both ends are.
func (e *End) State() link.State {
	if !e.own.Up {
		return e.own
	}
	if !e.Peer().own.Up {
		return link.State{Reason: link.ReasonDown}
	}
	return e.own
}

// SetState takes the link up or down at this end. The other end loses its carrier with
// it, frames in flight are dropped, and both handlers are called at once.
func (e *End) SetState(s link.State) {
	if e.closed {
		return
	}
	peer := e.Peer()
	here, there := e.State(), peer.State()
	e.own = s
	if !s.Up {
		e.dropInFlight(DropDown)
		peer.dropInFlight(DropDown)
	}
	e.share()
	peer.share()
	e.wire.world.Note("%s: link %t %s", e.Direction(), s.Up, s.Reason)
	e.notify(here)
	peer.notify(there)
}

// notify calls the handler if the state has changed.
func (e *End) notify(was link.State) {
	if s := e.State(); s != was && e.handler != nil {
		e.handler.HandleState(s)
	}
}

// share publishes the error that Send would return to queues of other goroutines.
func (e *End) share() {
	code := uint32(0)
	for i, err := range sendErrors {
		if errors.Is(e.sendError(), err) {
			code = uint32(i)
		}
	}
	e.shared.Store(code)
}

// sendErrors are the states of an end as Send sees them.
var sendErrors = [...]error{nil, link.ErrDown, link.ErrDeleted, link.ErrClosed}

// sendError returns why no frame can be sent from here, or nil.
func (e *End) sendError() error {
	if e.closed {
		return link.ErrClosed
	}
	if s := e.State(); !s.Up {
		if s.Reason == link.ReasonDeleted {
			return link.ErrDeleted
		}
		return link.ErrDown
	}
	return nil
}

// Close implements link.Link. The other end loses its carrier.
func (e *End) Close() error {
	if e.closed {
		return nil
	}
	e.handler = nil
	e.SetState(link.State{Reason: link.ReasonDown})
	e.closed = true
	e.share()
	return nil
}

// Stats implements link.Link. Frames that arrive while no handler is attached count as
// received and dropped.
func (e *End) Stats() link.Stats {
	from := e.Peer()
	s := link.Stats{
		RxFrames: from.delivered, RxBytes: from.deliveredOctets,
		TxFrames: e.sent, TxBytes: e.sentOctets,
	}
	if e.extras != nil {
		s.TxErrors = e.extras.refused
	}
	if from.extras != nil {
		s.RxDropped = from.extras.dropped[DropUnattached]
		s.RxFrames += s.RxDropped
		s.RxBytes += from.extras.unreadOctets
	}
	return s
}
