package learning

import (
	"net/netip"

	"glean/stack/header"
	"glean/stack/loop"
)

// Ref is the resolver's name for a subscription. It means nothing here.
type Ref uint64

// Resolver is what learning needs of the stacks below it. It must not call the Manager's
// SolicitDue or Confirmed from inside one of these methods.
type Resolver interface {
	// NextHop returns the address that is solicited to reach dst from an interface, or the
	// reason why there is none.
	NextHop(iface uint32, dst netip.Addr) (hop netip.Addr, reason Reason)
	// Subscribe begins to resolve hop until deadline, for the pending next hop of that
	// number. With fresh a REACHABLE entry does not count and the neighbor is solicited
	// anew, unless it replied so recently that it may not be solicited again before the
	// deadline.
	Subscribe(iface uint32, hop netip.Addr, pending uint32, fresh bool, deadline loop.Time) SubscribeResult
	// Solicit sends one solicitation. It returns false if none was sent, because none is
	// allowed now or the link is down; SolicitDue comes when one is.
	Solicit(ref Ref) bool
	// Known returns the MAC of a neighbor if Subscribe would not solicit it. The neighbor
	// may have a subscription already.
	Known(iface uint32, hop netip.Addr, fresh bool, deadline loop.Time) (mac header.MAC, known bool)
	// AddDeadline adds the deadline of another request to a subscription, and
	// RemoveDeadline removes that of one of several. The resolver needs all deadlines:
	// each request is due a solicitation that leaves time for a reply.
	AddDeadline(ref Ref, deadline loop.Time)
	RemoveDeadline(ref Ref, deadline loop.Time)
	// Release ends a subscription. Manager.Confirmed and Manager.InterfaceDeleted end it,
	// too.
	Release(ref Ref)
	// FailureReason returns why the neighbor of a subscription has no MAC. It is called at
	// the deadline.
	FailureReason(ref Ref) Reason
	// Budget returns what an interface and its port can take.
	Budget(iface uint32) Budget
}

// SubscribeState is the outcome of Subscribe.
type SubscribeState uint8

// Outcomes of Subscribe.
const (
	SubscribeDue     SubscribeState = iota // subscribed; the first solicitation is allowed now
	SubscribeWait                          // subscribed; SolicitDue comes when one is allowed, if ever
	SubscribeKnown                         // the MAC is known: no subscription
	SubscribeRefused                       // Reason says why: no subscription
)

// SubscribeResult is the result of Resolver.Subscribe.
type SubscribeResult struct {
	State  SubscribeState
	Ref    Ref        // HeldAsk, HeldWait
	MAC    header.MAC // HeldKnown
	Reason Reason     // HeldRefused
}

// Budget is what an interface and its port can take. Window, Room, RatePPS and
// RetransTimer are read when a request begins to use the interface, Drops before
// solicitations are sent.
type Budget struct {
	Port         uint32 // a number of the port; interfaces of one port share a window
	Window       int    // replies expected at a time, at most; less than 1 counts as 1
	Room         int    // solicitations in flight where part of the addresses is dead; at least Window
	RatePPS      int    // solicitations per second of this interface; 0: no limit
	RetransTimer loop.Duration
	Drops        uint64 // frames lost at the inbox or the device's ring so far
}

// Reason is why an address has no MAC.
type Reason uint8

// Reasons, in the words of the API.
const (
	ReasonNone Reason = iota
	NoReply
	NoRoute
	LinkDown
	OwnAddress
	NoSourceAddress
	AddressTentative
	AddressConflict
	TableFull
	Unconfirmed // the neighbor claimed a MAC, but not by a reply that confirms it
	InterfaceDeleted
	GeneratorDeleted
	Cancelled

	numReasons
)

var reasonWords = [numReasons]string{
	NoReply:          "no_reply",
	NoRoute:          "no_route",
	LinkDown:         "link_down",
	OwnAddress:       "own_address",
	NoSourceAddress:  "no_source_address",
	AddressTentative: "address_tentative",
	AddressConflict:  "address_conflict",
	TableFull:        "table_full",
	Unconfirmed:      "unconfirmed",
	InterfaceDeleted: "interface_deleted",
	GeneratorDeleted: "generator_deleted",
	Cancelled:        "cancelled",
}

// String returns the word used in the API, "" for ReasonNone.
func (r Reason) String() string {
	if r < numReasons {
		return reasonWords[r]
	}
	return "unknown"
}
