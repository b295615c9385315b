package learning

import (
	"container/list"
	"net/netip"
	"slices"
	"sort"

	"glean/stack/header"
	"glean/stack/loop"
)

// Progress counts rows, one per unique interface and destination.
type Progress struct{ Total, Resolving, Completed, TimedOut int }

// Result is what a request found, address by address. It exists from the moment
// its request does, is updated live, and may outlive it.
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

// row is a destination. Its state is that of its answer.
type destination struct {
	addr   address
	result uint32
}

// answer is what is known of a next hop of the request, or the one reason that
// some rows without a next hop share. 32 bytes, no pointers: a request for a
// million on-link addresses has a million of them.
type hopResult struct {
	mac      header.MAC
	state    State
	reason   Reason
	at       loop.Time // when it was decided
	link     uint32    // the target while resolving, then the low half of the round trip
	hop      uint32    // the row whose address is the next hop, or viaGateway | gateway
	iface    uint32    // index into interfaces
	attempts uint16    // saturating
	rttHigh  uint16    // bits 32 to 46 of the round trip in ns, and cachedMark
}

const (
	viaGateway = 1 << 31
	cachedMark = 1 << 15
)

// gateway is a next hop that is not simply the only row's address.
type gateway struct {
	addr         address
	destinations uint32 // that still want it
	split        uint32 // answer of the rows that were given up before the others, or none
	no           bool   // there is no next hop, only a reason
}

func (a *hopResult) setRTT(d loop.Duration) {
	d = min(max(d, 0), 1<<47-1)
	a.link, a.rttHigh = uint32(d), uint16(d>>32)
}

func (a *hopResult) rtt() loop.Duration {
	return loop.Duration(a.rttHigh&^cachedMark)<<32 | loop.Duration(a.link)
}

// hop is the address that is asked for; false if there is none.
func (r *Result) hop(a *hopResult) (address, bool) {
	if a.hop&viaGateway == 0 {
		return r.destinations[a.hop].addr, true
	}
	g := &r.gateways[a.hop&^viaGateway]
	return g.addr, !g.no
}

// rowsOf is how many rows share an answer.
func (r *Result) destinationsOf(a *hopResult) int {
	if a.hop&viaGateway == 0 {
		return 1
	}
	return int(r.gateways[a.hop&^viaGateway].destinations)
}

// ID is the result's id.
func (r *Result) ID() string { return r.id }

// LearningID is the id of the request, which may have been deleted.
func (r *Result) LearningID() string { return r.requestID }

// State is the state of the request.
func (r *Result) State() State { return r.state }

// GeneratorIDs are the generators of the request, in the order given.
func (r *Result) GeneratorIDs() []string { return slices.Clone(r.generatorIDs) }

// InterfaceIDs are the interfaces of the request, sorted.
func (r *Result) InterfaceIDs() []string {
	ids := make([]string, len(r.interfaces))
	for i := range r.interfaces {
		ids[i] = r.interfaces[i].ID
	}
	return ids
}

// CreatedAt is when the request was made.
func (r *Result) CreatedAt() loop.Time { return r.createdAt }

// FinishedAt is when the request ended; false while it is in progress.
func (r *Result) FinishedAt() (loop.Time, bool) {
	return r.finishedAt, r.state != StateResolving
}

// Progress counts the rows by state.
func (r *Result) Progress() Progress { return r.progress }

// NextHops is the number of unique next hops.
func (r *Result) NextHops() int { return r.nextHops }

// RequestsSent counts the questions sent for the request's next hops.
func (r *Result) RequestsSent() uint64 { return r.sent }

// RepliesReceived counts the answers that completed a next hop.
func (r *Result) RepliesReceived() uint64 { return r.replies }

// Row is an address of a request. Attempts, RTT and FromCache belong to its
// next hop.
type Destination struct {
	Address     netip.Addr
	InterfaceID string
	VLANs       []uint16 // shared, not to be written
	NextHop     netip.Addr
	State       State
	Reason      Reason        // when timed out
	MAC         header.MAC    // when completed
	Attempts    uint32        // questions asked
	RTT         loop.Duration // when completed and not from the cache
	FromCache   bool
	DecidedAt   loop.Time    // when completed or timed out
	Conflicting []header.MAC // when completed: other MACs that were told for the next hop in answer
}

// RowFilter chooses rows.
type DestinationFilter struct {
	State State      // StateAny: all
	After netip.Addr // only greater addresses; invalid: all. IPv4 comes before IPv6.
	Limit int        // 0: no limit
}

// Rows gives copies of the chosen rows, sorted by address and interface. An
// address is never divided between two pages, so there may be more than Limit
// rows when several interfaces have the last address.
func (r *Result) Destinations(f DestinationFilter) []Destination {
	first := 0
	if f.After.IsValid() {
		after := addressOf(f.After)
		first = sort.Search(len(r.destinations), func(i int) bool {
			return r.destinations[i].addr.compare(&after) > 0
		})
	}
	var rows []Destination
	if f.State == StateAny {
		n := len(r.destinations) - first
		if f.Limit > 0 {
			n = min(n, f.Limit)
		}
		rows = make([]Destination, 0, n)
	}
	for i := first; i < len(r.destinations); i++ {
		row := &r.destinations[i]
		if f.Limit > 0 && len(rows) >= f.Limit && row.addr != r.destinations[i-1].addr {
			break
		}
		if f.State == StateAny || r.hops[row.result].state == f.State {
			rows = append(rows, r.destination(row))
		}
	}
	return rows
}

func (r *Result) destination(from *destination) Destination {
	a := &r.hops[from.result]
	i := &r.interfaces[a.iface]
	out := Destination{
		Address:     from.addr.ip(),
		InterfaceID: i.ID,
		VLANs:       i.VLANs,
		State:       a.state,
		Attempts:    uint32(a.attempts),
	}
	if hop, ok := r.hop(a); ok {
		out.NextHop = hop.ip()
	}
	switch a.state {
	case StateResolving:
		if a.link != none { // else it was not begun
			out.Attempts = uint32(r.live.manager.pending.slots[a.link].attempts)
		}
	case StateCompleted:
		out.MAC = a.mac
		out.FromCache = a.rttHigh&cachedMark != 0
		out.RTT = a.rtt()
		out.DecidedAt = a.at
		out.Conflicting = r.rivalsOf(a, a.mac)
	case StateTimedOut:
		out.Reason, out.DecidedAt = a.reason, a.at
	}
	return out
}

// empty drops the rows of a deleted result.
func (r *Result) empty() { r.destinations, r.hops, r.gateways, r.conflicts = nil, nil, nil, nil }
