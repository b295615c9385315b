package learning

import (
	"net/netip"

	"glean/stack/header"
	"glean/stack/loop"
)

// Ref is the resolver's name for a held neighbor. It means nothing here.
type Ref uint64

// Resolver is what learning needs of the stacks below it. It must not call the
// Manager's SolicitDue or Confirmed from inside one of these methods.
type Resolver interface {
	// NextHop is the address that is asked for to reach dst from an interface,
	// or the reason why there is none.
	NextHop(iface uint32, dst netip.Addr) (hop netip.Addr, reason Reason)
	// Hold begins to find out hop's MAC for target, until deadline. With fresh
	// a REACHABLE entry does not count and the neighbor is asked anew, unless it
	// answered so lately that it may not be asked again before the deadline.
	Subscribe(iface uint32, hop netip.Addr, target uint32, fresh bool, deadline loop.Time) SubscribeResult
	// Solicit sends one question. It tells false if none was sent, because none
	// is allowed now or the link is down; SolicitDue comes when one is.
	Solicit(ref Ref) bool
	// Known gives the MAC of a neighbor that Hold would not ask for, of one that is
	// held already, too.
	Known(iface uint32, hop netip.Addr, fresh bool, deadline loop.Time) (mac header.MAC, known bool)
	// Also says that another request, with a deadline of its own, has come to
	// wait for a held target; NoLonger that one of several has left. The resolver
	// thus knows the deadline of each that waits, as every one of them needs a
	// question that leaves time for an answer.
	AddDeadline(ref Ref, deadline loop.Time)
	RemoveDeadline(ref Ref, deadline loop.Time)
	// Release ends what Hold began. The ref and its target end with it, as they do
	// with Manager.Confirmed and Manager.InterfaceDeleted.
	Release(ref Ref)
	// Verdict is why a held neighbor has no MAC, asked at the deadline.
	FailureReason(ref Ref) Reason
	// Budget is what an interface's path can take.
	Budget(iface uint32) Budget
}

// HeldState is how Hold ended.
type SubscribeState uint8

// States of Held.
const (
	SubscribeDue     SubscribeState = iota // held; the first question is allowed now
	SubscribeWait                          // held; SolicitDue says when to ask, if ever
	SubscribeKnown                         // the MAC is known, nothing is held
	SubscribeRefused                       // Reason says why, nothing is held
)

// Held is the answer of Resolver.Hold.
type SubscribeResult struct {
	State  SubscribeState
	Ref    Ref        // HeldAsk, HeldWait
	MAC    header.MAC // HeldKnown
	Reason Reason     // HeldRefused
}

// Budget is what the way out of an interface can take. Window, Room, RatePPS and
// RetransTimer are read when a request begins to use the interface, Drops before
// questions are sent.
type Budget struct {
	Port         uint32 // the port; interfaces of one port share a window
	Window       int    // answers expected at a time, at most; less than 1 counts as 1
	Room         int    // questions in flight where part of the addresses is dead; at least Window
	RatePPS      int    // questions per second of this interface; 0: no limit
	RetransTimer loop.Duration
	Drops        uint64 // frames lost at the inbox or the device's ring so far
}

// Reason says why an address has no MAC.
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
	Unconfirmed // the neighbor told its MAC, but not by an answer that confirms it
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

// String gives the word used in the API, "" for ReasonNone.
func (r Reason) String() string {
	if r < numReasons {
		return reasonWords[r]
	}
	return "unknown"
}
