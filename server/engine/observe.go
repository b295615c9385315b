package engine

import (
	"fmt"

	"glean/stack"
	"glean/stack/link"
)

// portObserver is the engine as a port's stack tells it of changes.
type portObserver struct {
	*Engine
	port *port
}

var _ stack.Observer = portObserver{}

// NeighborChanged implements stack.Observer. Ageing is not worth an event, and
// what is learned is in the learning events; a MAC that changes, a tracked neighbor
// that is lost and signs of a lie are.
func (o portObserver) NeighborChanged(n stack.NeighborEvent) {
	i := o.handles[n.Interface.Handle()]
	tell := func(what string, detail func() string) { o.emitOfPeer(o.port, "neighbor", i.spec.ID, what, detail) }
	switch {
	case n.Suspect:
		tell("suspect", func() string { return fmt.Sprintf("%v: %v and %v within a second", n.Addr, n.MAC, n.OtherMAC) })
	case !n.OldMAC.IsZero() && !n.MAC.IsZero() && n.OldMAC != n.MAC:
		tell("moved", func() string { return fmt.Sprintf("%v: from %v to %v (%v)", n.Addr, n.OldMAC, n.MAC, n.Cause) })
	case n.RouterLost:
		tell("router_lost", n.Addr.String)
	case n.Lost && !n.OldMAC.IsZero(): // who never had a MAC is learning's to tell
		tell("lost", func() string { return fmt.Sprintf("%v: nobody answers; it was %v", n.Addr, n.OldMAC) })
	}
	o.followNeighbor(i, &n)
}

// InterfaceEvent implements stack.Observer.
func (o portObserver) InterfaceEvent(s stack.InterfaceEvent) {
	i := o.handles[s.Interface.Handle()]
	if i == nil || s.Kind != stack.EventConflict {
		return
	}
	o.emit("interface", i.spec.ID, "conflict", fmt.Sprintf("%v is claimed by %v", s.Addr, s.MAC))
}

// linkChanged is called after the stack was told. What transmits on a deleted
// device ends by itself, with the error of its queue.
func (o portObserver) linkChanged(s link.State) {
	if o.port.gone && s.Reason != link.ReasonDeleted {
		o.emit("port", o.port.spec.ID, "reattached", o.port.spec.attachment())
	}
	o.port.gone = s.Reason == link.ReasonDeleted
	what := "up"
	if !s.Up {
		what = "down"
	}
	o.emit("port", o.port.spec.ID, what, s.Reason.String())
}
