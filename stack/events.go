package stack

import (
	"net/netip"

	"glean/stack/header"
	"glean/stack/loop"
)

// Subscriber is who holds neighbors: the learning module. Its methods are never
// called from inside a method of the stack that the waiter called, but from the
// loop's turn that received a frame or ran a timer; they may call the stack.
type Subscriber interface {
	// SolicitDue says that a held neighbor may be asked now. It comes once; what
	// comes of it is up to the waiter, who calls Solicit when its window permits.
	SolicitDue(target uint32)
	// Confirmed gives the MAC that a held neighbor was confirmed to have, the
	// time from the last question to now (0 if there was none), and how many
	// questions were sent. The hold ends with it.
	Confirmed(target uint32, mac header.MAC, rtt loop.Duration, attempts uint32)
}

// Observer is told what happens. It must not call the stack from there, except
// methods that only read.
type Observer interface {
	NeighborChanged(NeighborEvent)
	InterfaceEvent(InterfaceEvent)
}

// Cause is what made a neighbor change.
type Cause uint8

// Causes.
const (
	CauseAsked     Cause = iota // we began to ask
	CauseAnswer                 // an ARP reply or a solicited advert to a question of ours
	CauseHeard                  // a peer's request, solicitation, or unasked reply
	CauseAnnounced              // gratuitous ARP or unsolicited advert
	CauseTimer                  // ageing
	CauseNoReply                // questions without answer
	CauseSent                   // a packet was sent to it
	CauseHint                   // an upper layer had an answer
	CauseFlushed                // flushed, reclaimed, or its interface went away
	CauseLinkDown

	numCauses
)

var causeWords = [numCauses]string{
	"asked", "answer", "heard", "announced", "timer", "no_reply", "sent", "hint", "flushed", "link_down",
}

// String gives the word used in the API.
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
	OldMAC, MAC header.MAC // zero where there is none; after INCOMPLETE OldMAC is what was known before
	Cause       Cause
	// Suspect: another MAC was told within a second of the last change, which a
	// spoofer or a duplicate address would do. It may come without any change of
	// state and MAC; OtherMAC is the MAC that was told.
	Suspect  bool
	OtherMAC header.MAC
	// RouterLost: the neighbor said that it is not a router any more (RFC 4861
	// section 7.2.5).
	RouterLost bool
	// Tracked: Track is in force for it. Every MAC that it gets or changes to comes
	// in such an event, in the turn in which the stack learns it.
	Tracked bool
	// Lost: a tracked neighbor has not answered MulticastSolicits questions. It
	// comes once, without any change of state; the asking goes on, and an event with
	// a MAC says that it is there again.
	Lost bool
	// Back: Lost was told before, and the neighbor has a MAC again. OldMAC is the
	// one that it had, if any.
	Back bool
}

// InterfaceEventKind is what happened to an interface.
type InterfaceEventKind uint8

// Kinds of interface events.
const (
	// EventConflict: another station has one of our addresses. It comes with
	// every defence, that is every 10 s at most, and for a MAC that was not the
	// last one seen, every second at most, for each address.
	EventConflict InterfaceEventKind = iota
	// EventAnnounced: the last announcement of an address was sent.
	EventAnnounced
)

// InterfaceEvent is something that happened to an address of an interface.
type InterfaceEvent struct {
	Kind      InterfaceEventKind
	Interface *Interface
	Addr      netip.Addr
	MAC       header.MAC // EventConflict: of the other station
	Defended  bool       // EventConflict: we announced that the address is ours
}
