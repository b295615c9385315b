package stack

import (
	"net/netip"

	"glean/stack/header"
	"glean/stack/loop"
)

// Subscriber is the user of subscriptions: the learning module. The stack calls its
// methods from the loop's turn that received a frame or ran a timer, never from inside a
// method that the subscriber called; they may call the stack.
type Subscriber interface {
	// SolicitDue reports that a neighbor with a subscription may be solicited now. It is
	// called once; the subscriber calls Solicit when its window permits.
	SolicitDue(target uint32)
	// Confirmed reports the confirmed MAC of a neighbor, the time since the last
	// solicitation (0 if it was not outstanding) and how many solicitations were sent.
	// It ends the subscription.
	Confirmed(target uint32, mac header.MAC, rtt loop.Duration, attempts uint32)
}

// Observer receives events of neighbors and interfaces. Its methods must not call the
// stack, except methods that only read.
type Observer interface {
	NeighborChanged(NeighborEvent)
	InterfaceEvent(InterfaceEvent)
}

// Cause is what made a neighbor change.
type Cause uint8

// Causes.
const (
	CauseAsked     Cause = iota // solicitation began
	CauseAnswer                 // an ARP reply or a solicited advert to a solicitation of ours
	CauseHeard                  // a peer's request, solicitation, or unasked reply
	CauseAnnounced              // gratuitous ARP or unsolicited advert
	CauseTimer                  // ageing
	CauseNoReply                // unanswered solicitations
	CauseSent                   // a packet was sent to it
	CauseFlushed                // flushed, reclaimed, or its interface went away
	CauseLinkDown

	numCauses
)

var causeWords = [numCauses]string{
	"asked", "answer", "heard", "announced", "timer", "no_reply", "sent", "flushed", "link_down",
}

// String returns the word used in the API.
func (c Cause) String() string {
	if c < numCauses {
		return causeWords[c]
	}
	return "unknown"
}

// NeighborEvent is a change of a neighbor's state or MAC.
type NeighborEvent struct {
	Interface   *Interface
	Addr        netip.Addr
	Old, New    State
	OldMAC, MAC header.MAC // zero for none; after INCOMPLETE OldMAC is the last known MAC
	Cause       Cause
	// Suspect means that a message with another MAC came within a second of the last
	// change, as from a spoofer or a duplicate address. State and MAC may be unchanged;
	// OtherMAC is the MAC of the message.
	Suspect  bool
	OtherMAC header.MAC
	// RouterLost means that the neighbor stopped being a router (RFC 4861 section
	// 7.2.5).
	RouterLost bool
	// Tracked means that Track applies to the neighbor. Each of its MACs is reported in
	// the turn of the loop in which the stack learns it.
	Tracked bool
	// Lost means that a tracked neighbor has not answered MulticastSolicits
	// solicitations. It is reported once, without a change of state. Solicitations go
	// on; an event with a MAC reports that the neighbor answers again.
	Lost bool
	// Back means that the neighbor has a MAC again after Lost. OldMAC is the one that
	// it had, if any.
	Back bool
}

// InterfaceEventKind is what happened to an interface.
type InterfaceEventKind uint8

// Kinds of interface events.
const (
	// EventConflict means that another station has one of our addresses. For each
	// address it is reported with every defence, at most every 10 s, and for a MAC
	// other than the last one seen, at most every second.
	EventConflict InterfaceEventKind = iota
	// EventAnnounced means that the last announcement of an address was sent.
	EventAnnounced
)

// InterfaceEvent is something that happened to an address of an interface.
type InterfaceEvent struct {
	Kind      InterfaceEventKind
	Interface *Interface
	Addr      netip.Addr
	MAC       header.MAC // EventConflict: MAC of the other station
	Defended  bool       // EventConflict: we announced that the address is ours
}
