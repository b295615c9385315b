package engine

import (
	"fmt"

	"glean/stack"
	"glean/stack/link"
)

// portObserver implements stack.Observer for a port's stack.
type portObserver struct {
	*Engine
	port *port
}

var _ stack.Observer = portObserver{}

// NeighborChanged implements stack.Observer. It emits events for a MAC that changes, a
// tracked neighbor that is lost or back, and suspect answers. Ageing makes no event;
// learning has its own events.
func (o portObserver) NeighborChanged(n stack.NeighborEvent) {
	i := o.handles[n.Interface.Handle()]
	if what := eventOf(&n); what != "" {
		o.emitOfPeer(o.port, func() Event {
			return Event{Type: "neighbor", ID: i.spec.ID, What: what, Detail: detailOf(what, &n), Fields: fieldsOf(what, &n)}
		})
	}
	if n.Suspect {
		o.learning.Contested(i.handle, n.Addr, n.MAC, n.OtherMAC)
	}
	o.followNeighbor(i, &n)
}

// eventOf returns the word for a change of a neighbor, "" if it makes no event.
func eventOf(n *stack.NeighborEvent) string {
	switch {
	case n.Suspect:
		return "suspect"
	case !n.OldMAC.IsZero() && !n.MAC.IsZero() && n.OldMAC != n.MAC:
		return "moved"
	case n.RouterLost:
		return "router_lost"
	case n.Lost && !n.OldMAC.IsZero(): // without a MAC before, learning has an event
		return "lost"
	case n.Back && !n.OldMAC.IsZero():
		return "back"
	}
	return ""
}

func detailOf(what string, n *stack.NeighborEvent) string {
	switch what {
	case "suspect":
		return fmt.Sprintf("%v: %v and %v within a second", n.Addr, n.MAC, n.OtherMAC)
	case "moved":
		return fmt.Sprintf("%v: from %v to %v (%v)", n.Addr, n.OldMAC, n.MAC, n.Cause)
	case "lost":
		return fmt.Sprintf("%v does not answer; its MAC was %v", n.Addr, n.OldMAC)
	case "back":
		return fmt.Sprintf("%v: %v (%v)", n.Addr, n.MAC, n.Cause)
	}
	return n.Addr.String()
}

func fieldsOf(what string, n *stack.NeighborEvent) []Field {
	address := Field{"address", n.Addr.String()}
	switch what {
	case "suspect":
		return []Field{address, {"mac", n.MAC.String()}, {"other_mac", n.OtherMAC.String()}}
	case "moved":
		return []Field{address, {"old_mac", n.OldMAC.String()}, {"new_mac", n.MAC.String()}, {"cause", n.Cause.String()}}
	case "lost":
		return []Field{address, {"mac", n.OldMAC.String()}, {"cause", n.Cause.String()}}
	case "back":
		return []Field{address, {"mac", n.MAC.String()}, {"cause", n.Cause.String()}}
	}
	return []Field{address}
}

// InterfaceEvent implements stack.Observer.
func (o portObserver) InterfaceEvent(s stack.InterfaceEvent) {
	i := o.handles[s.Interface.Handle()]
	if i == nil || s.Kind != stack.EventConflict {
		return
	}
	o.emit(i.event("conflict", fmt.Sprintf("%v is claimed by %v", s.Addr, s.MAC),
		Field{"address", s.Addr.String()}, Field{"mac", s.MAC.String()}))
}

// linkChanged is called after the stack has handled the change. A transmitter on a deleted
// device ends with the error of its queue.
func (o portObserver) linkChanged(s link.State) {
	if o.port.gone && s.Reason != link.ReasonDeleted {
		o.emit(o.port.event("reattached", o.port.spec.attachment()))
	}
	o.port.gone = s.Reason == link.ReasonDeleted
	if s.Up {
		o.emit(o.port.event("up", ""))
		o.relearn(o.port)
		return
	}
	o.unconfirm(o.port)
	o.emit(o.port.event("down", s.Reason.String(), Field{"reason", s.Reason.String()}))
}
