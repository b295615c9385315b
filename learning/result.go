package learning

import (
	"container/list"
	"net/netip"
	"slices"
	"sort"

	"glean/stack/header"
	"glean/stack/loop"
)

// Progress counts destinations by state, one per unique interface and address.
type Progress struct{ Total, Resolving, Completed, TimedOut int }

// Result is what a request found, destination by destination. It exists as soon as its
// request does, is updated while the request is in progress, and may outlive it.
type Result struct {
	id, requestID string
	generatorIDs  []string
	interfaces    []Interface // sorted by ID
	state         State
	createdAt     loop.Time
	finishedAt    loop.Time
	progress      Progress
	nextHops      int
	sent, replies uint64

	destinations []destination // sorted by address, then interface
	hops         []hopResult
	gateways     []gateway

	conflicts map[hopKey][]rival // by next hops, looked up and never walked

	live     *Request      // nil once finished
	retained *list.Element // in Manager.oldResults once finished
	charged  int64         // octets, see account
}

// destination is an address that a request learns. Its state is that of its next hop.
type destination struct {
	addr   address
	result uint32
}

// hopResult is what is known of a next hop of the request, or the one reason that some
// destinations without a next hop share. 32 bytes, no pointers: a request for a million
// on-link addresses has a million of them.
type hopResult struct {
	mac      header.MAC
	state    State
	reason   Reason
	at       loop.Time // when it was decided
	link     uint32    // the pending next hop while resolving, then the low half of the round trip
	hop      uint32    // the destination whose address is the next hop, or viaGateway | gateway
	iface    uint32    // index into interfaces
	attempts uint16    // saturating
	rttHigh  uint16    // bits 32 to 46 of the round trip in ns, and cachedMark
}

const (
	viaGateway = 1 << 31
	cachedMark = 1 << 15
)

// gateway is a next hop that is not simply the address of its only destination.
type gateway struct {
	addr         address
	destinations uint32 // that still want it
	split        uint32 // result of the destinations that endDestination ended before the others, or none
	no           bool   // there is no next hop, only a reason
}

func (h *hopResult) setRTT(d loop.Duration) {
	d = min(max(d, 0), 1<<47-1)
	h.link, h.rttHigh = uint32(d), uint16(d>>32)
}

func (h *hopResult) rtt() loop.Duration {
	return loop.Duration(h.rttHigh&^cachedMark)<<32 | loop.Duration(h.link)
}

// hop returns the address of a next hop, false if there is none.
func (r *Result) hop(h *hopResult) (address, bool) {
	if h.hop&viaGateway == 0 {
		return r.destinations[h.hop].addr, true
	}
	g := &r.gateways[h.hop&^viaGateway]
	return g.addr, !g.no
}

// destinationsOf returns how many destinations share a next hop.
func (r *Result) destinationsOf(h *hopResult) int {
	if h.hop&viaGateway == 0 {
		return 1
	}
	return int(r.gateways[h.hop&^viaGateway].destinations)
}

// ID returns the result's id.
func (r *Result) ID() string { return r.id }

// LearningID returns the id of the request, which may have been deleted.
func (r *Result) LearningID() string { return r.requestID }

// State returns the state of the request.
func (r *Result) State() State { return r.state }

// GeneratorIDs returns the generators of the request, in the order given.
func (r *Result) GeneratorIDs() []string { return slices.Clone(r.generatorIDs) }

// InterfaceIDs returns the interfaces of the request, sorted.
func (r *Result) InterfaceIDs() []string {
	ids := make([]string, len(r.interfaces))
	for i := range r.interfaces {
		ids[i] = r.interfaces[i].ID
	}
	return ids
}

// CreatedAt returns when the request was made.
func (r *Result) CreatedAt() loop.Time { return r.createdAt }

// FinishedAt returns when the request ended, false while it is in progress.
func (r *Result) FinishedAt() (loop.Time, bool) {
	return r.finishedAt, r.state != StateResolving
}

// Progress returns the number of destinations by state.
func (r *Result) Progress() Progress { return r.progress }

// NextHops returns the number of unique next hops.
func (r *Result) NextHops() int { return r.nextHops }

// RequestsSent returns the number of solicitations sent for the request's next hops.
func (r *Result) RequestsSent() uint64 { return r.sent }

// RepliesReceived returns the number of replies that completed a next hop.
func (r *Result) RepliesReceived() uint64 { return r.replies }

// Destination is an address of a request. Attempts, RTT and FromCache are those of its
// next hop.
type Destination struct {
	Address     netip.Addr
	InterfaceID string
	VLANs       []uint16 // shared, not to be written
	NextHop     netip.Addr
	State       State
	Reason      Reason        // when timed out
	MAC         header.MAC    // when completed
	Attempts    uint32        // solicitations sent
	RTT         loop.Duration // when completed and not from the cache
	FromCache   bool
	DecidedAt   loop.Time    // when completed or timed out
	Conflicting []header.MAC // when completed: other MACs that were claimed for the next hop
}

// DestinationFilter selects destinations.
type DestinationFilter struct {
	State State      // StateAny: all
	After netip.Addr // only greater addresses; invalid: all. IPv4 comes before IPv6.
	Limit int        // 0: no limit
}

// Destinations returns copies of the selected destinations, sorted by address and
// interface. An address is never divided between two pages: there may be more than Limit
// destinations if several interfaces have the last address.
func (r *Result) Destinations(f DestinationFilter) []Destination {
	first := 0
	if f.After.IsValid() {
		after := addressOf(f.After)
		first = sort.Search(len(r.destinations), func(i int) bool {
			return r.destinations[i].addr.compare(&after) > 0
		})
	}
	var list []Destination
	if f.State == StateAny {
		n := len(r.destinations) - first
		if f.Limit > 0 {
			n = min(n, f.Limit)
		}
		list = make([]Destination, 0, n)
	}
	for i := first; i < len(r.destinations); i++ {
		dest := &r.destinations[i]
		if f.Limit > 0 && len(list) >= f.Limit && dest.addr != r.destinations[i-1].addr {
			break
		}
		if f.State == StateAny || r.hops[dest.result].state == f.State {
			list = append(list, r.destination(dest))
		}
	}
	return list
}

func (r *Result) destination(from *destination) Destination {
	h := &r.hops[from.result]
	i := &r.interfaces[h.iface]
	out := Destination{
		Address:     from.addr.ip(),
		InterfaceID: i.ID,
		VLANs:       i.VLANs,
		State:       h.state,
		Attempts:    uint32(h.attempts),
	}
	if hop, ok := r.hop(h); ok {
		out.NextHop = hop.ip()
	}
	switch h.state {
	case StateResolving:
		if h.link != none { // else it has not begun
			out.Attempts = uint32(r.live.manager.pending.slots[h.link].attempts)
		}
	case StateCompleted:
		out.MAC = h.mac
		out.FromCache = h.rttHigh&cachedMark != 0
		out.RTT = h.rtt()
		out.DecidedAt = h.at
		out.Conflicting = r.rivalsOf(h, h.mac)
	case StateTimedOut:
		out.Reason, out.DecidedAt = h.reason, h.at
	}
	return out
}

// empty drops the tables of a deleted result.
func (r *Result) empty() { r.destinations, r.hops, r.gateways, r.conflicts = nil, nil, nil, nil }
