package stack

import "glean/stack/header"

// Drop is why the stack did not use a frame, a message or a packet, beyond the errors of
// the parsers in package header.
type Drop uint8

// Reasons of drops.
const (
	DropNoInterface   Drop = iota // the port has no interface
	DropVLAN                      // no interface has the frame's tags
	DropEtherType                 // neither ARP nor IPv4 nor IPv6
	DropOtherMAC                  // to the MAC of another station
	DropOtherAddress              // to or about an address that is not ours
	DropGroup                     // to a group that we are not in
	DropSenderMAC                 // sender MAC is zero, a group's or our own
	DropSenderIP                  // no station can have the sender address
	DropConflict                  // the sender has one of our addresses
	DropUnasked                   // reply or advert about a neighbor that is not in the cache
	DropForeignFull               // a peer's message would have created an entry, and the table is full
	DropNoLinkAddress             // advert without MAC for a neighbor that has none
	DropStatic                    // another MAC for a static neighbor
	DropICMP                      // ICMP that the stack does not handle
	DropForward                   // for another host, and Forward is not set
	DropHeldOverflow              // an older held packet was dropped for a newer one
	DropHeldFailed                // held packets whose neighbor did not answer
	DropNoRoute                   // a packet of ours had no next hop
	DropTableFull                 // a packet of ours found no room for its neighbor
	DropLinkDown                  // a frame of ours while the link was down or the interface was removed
	DropDevice                    // a frame that the device refused
	DropFilter                    // rejected by a filter of the interface
	DropProxyFull                 // a solicitation was not answered, because too many delayed answers were pending

	numDrops
)

var dropWords = [numDrops]string{
	"no_interface", "vlan", "ether_type", "other_mac", "other_address", "group", "sender_mac", "sender_ip", "conflict",
	"unasked", "foreign_full", "no_link_address", "static", "icmp", "forward", "held_overflow", "held_failed",
	"no_route", "table_full", "link_down", "device", "filter", "proxy_full",
}

// String returns the word used in counters.
func (d Drop) String() string {
	if d < numDrops {
		return dropWords[d]
	}
	return "unknown"
}

// Protocol is the protocol of a received frame, for counting drops.
type Protocol uint8

// Protocols of received frames.
const (
	ProtocolOther Protocol = iota // VLANs and EtherTypes that no interface has, and drops of sent frames
	ProtocolARP
	ProtocolIPv4
	ProtocolIPv6 // except Neighbor Discovery
	ProtocolND

	numProtocols
)

// Counters counts what a stack did, in frames or messages.
type Counters struct {
	RxFrames, TxFrames uint64

	ARPRequestsReceived, ARPRepliesReceived uint64
	ARPRequestsSent, ARPRepliesSent         uint64 // announcements excluded
	SolicitsReceived, AdvertsReceived       uint64
	SolicitsSent, AdvertsSent               uint64 // announcements excluded
	Announcements                           uint64 // gratuitous ARP and unsolicited adverts, defences included
	Reports                                 uint64 // of multicast groups
	PacketsSent                             uint64 // by Output, echo replies included, when they leave
	EchoesAnswered                          uint64
	Delivered, Forwarded                    uint64 // packets given to Deliver and Forward

	Conflicts       uint64 // messages from other stations with one of our addresses
	SenderMismatch  uint64 // ARP whose sender MAC is not the frame's source
	NeighborChanges uint64 // another MAC was stored for a neighbor that has or had one
	Suspicions      uint64 // two MACs for one neighbor within a second
	Reclaimed       uint64 // neighbors deleted for others in a full table

	Malformed [header.NumErrors]uint64 // by header.Error
	Dropped   [numDrops]uint64         // by Drop
	DroppedOf [numProtocols]uint64     // the same, by Protocol of the frame that was being handled
}

// malformed counts a frame that a parser refused.
func (s *Stack) malformed(err error) {
	//nolint:errorlint // parsers return it unwrapped, and errors.As would allocate
	if e, ok := err.(header.Error); ok && e < header.NumErrors {
		s.counts().Malformed[e]++
	}
	if s.recipient != nil {
		s.recipient.stats.RxErrors++
		s.recipient = nil
	}
}

// counts returns the counters, which it allocates at first use.
func (s *Stack) counts() *Counters {
	if s.counters == nil {
		s.counters = new(Counters)
	}
	return s.counters
}

// drop counts a frame, message or packet that was not used.
func (s *Stack) drop(why Drop) {
	c := s.counts()
	c.Dropped[why]++
	c.DroppedOf[s.protocol]++
}
