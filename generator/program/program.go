package program

import (
	"encoding/binary"
	"net/netip"
	"slices"
	"sync/atomic"

	"glean/generator/traffic"
	"glean/internal/arith"
	"glean/stack/header"
)

// Binding is what a generator's target gives its frames.
type Binding struct {
	// Interface is false for a port: frames leave with the addresses and tags
	// that the configuration gives them, and nothing is learned. The fields
	// below are for interfaces, except MTU.
	Interface bool
	MAC       header.MAC
	Tags      []header.VLAN
	IPv4      netip.Addr   // zero values mean that there is none
	Prefix4   netip.Prefix // the IPv4 network, for its directed broadcast address
	LinkLocal netip.Addr
	IPv6      netip.Addr
	// NextHop is the address to ask for on the way to dst, false if there is no
	// route. It is called during Compile and Estimate only.
	NextHop func(dst netip.Addr) (hop netip.Addr, ok bool)
	MTU     int // largest payload of an Ethernet frame in octets, 0 means any
}

// NoAdjacency stands where a flow has no next hop to resolve.
const NoAdjacency = ^uint32(0)

// Destination is a unicast IP destination of some flows, and the adjacency of
// its next hop.
type Destination struct {
	Addr netip.Addr
	Adj  uint32
}

// AdjacencyState is what is known of a next hop's MAC.
type AdjacencyState uint8

// States of an adjacency. Those with a MAC are odd: the transmit loop looks at
// that bit only.
const (
	AdjacencyUnresolved AdjacencyState = iota // being learned, or not yet
	AdjacencyResolved
	AdjacencyFailed // no MAC; flows obey the policy, or pause
	AdjacencyStale  // does not answer any more; flows go on to the last known MAC and are counted
)

// AdjacencyUnconfirmed has a MAC that no answer confirms: none has come since the
// link was down, or the next hop never confirms it (Learning.AcceptUnconfirmed).
// Flows use the MAC, and their frames are counted. Its bit 0 is set, see HasMAC.
const AdjacencyUnconfirmed AdjacencyState = 5

// HasMAC reports whether frames can be sent to the adjacency.
func (s AdjacencyState) HasMAC() bool { return s&1 != 0 }

// The word of an adjacency is its MAC, its state, and the number of the last
// change of it that the result of the present run has kept, 0 for none: the
// transmitter counts a frame with an outdated MAC for the change that its word names.
const (
	macBits   = 48
	macMask   = 1<<macBits - 1
	stateBits = 3
	stateMask = (1<<stateBits - 1) << macBits
	noteShift = macBits + stateBits
)

func word(mac header.MAC, state AdjacencyState) uint64 {
	return mac.Uint64() | uint64(state)<<macBits
}

// paused reports whether flows to a next hop wait for it to answer again: its word
// is failed and keeps the MAC that was lost, so that no fallback takes its place.
func paused(word uint64) bool { return stateOf(word) == AdjacencyFailed && word&macMask != 0 }

func stateOf(word uint64) AdjacencyState { return AdjacencyState(word & stateMask >> macBits) }

// outdated reports whether a frame that was made with one word has gone to a wrong
// MAC, now that the adjacency has another word.
func outdated(sent, now uint64) bool {
	if !stateOf(sent).HasMAC() {
		return false
	}
	s := stateOf(now)
	return sent&macMask != now&macMask || s != AdjacencyResolved && s != AdjacencyUnconfirmed
}

// Program is the compiled form of a generator. It does not change; only the
// words of its adjacencies do, by atomic stores from the loop, and a transmit
// loop reads them as it builds frames.
type Program struct {
	config    *traffic.Config
	learns    bool // it is bound to an interface, not to a port
	defs      []definition
	flows     uint64
	blocks    []uint64 // frames of each definition before the next has its turn
	round     uint64   // frames after which every flow has had its turn
	pace      pace
	classes   []counterClass // of protocol counters
	maxOctets int            // octets of the longest frame
	size      int64          // see Size; 0 until it is known

	hops    [][16]byte // keys of next hops; those with adjacencies that can be set
	index   hopIndex
	dests   [][16]byte
	destAdj []uint32
	words   []atomic.Uint64 // hops first, then MACs that need no learning
	changes atomic.Uint64   // raised with each change of a word

	counts Counts // on the loop
	stale  int    // adjacencies that are stale, on the loop
}

// Counts tells how far the next hops of a generator are resolved.
type Counts struct {
	Total, Resolved, Failed int
	Unconfirmed             int // of those resolved: their MAC is known but not confirmed
}

// Unresolved is the number of next hops without a MAC, failed ones included.
func (c Counts) Unresolved() int { return c.Total - c.Resolved }

// Config is what the program was compiled from.
func (p *Program) Config() *traffic.Config { return p.config }

// Learns reports whether the program is bound to an interface, whose next hops are
// learned.
func (p *Program) Learns() bool { return p.learns }

// FlowCount is the number of flows.
func (p *Program) FlowCount() uint64 { return p.flows }

// DestinationCount is how many Destinations there are.
func (p *Program) DestinationCount() int { return len(p.dests) }

// Destinations are the unicast destinations that need learning, each once, in
// the order in which flows first need them.
func (p *Program) Destinations() []Destination {
	all := make([]Destination, len(p.dests))
	for i := range all {
		all[i] = Destination{addrOfKey(p.dests[i]), p.destAdj[i]}
	}
	return all
}

// Hops are the next hops by adjacency index. The adjacency of destinations
// without a route, if there are any, has the zero Addr and is failed.
func (p *Program) Hops() []netip.Addr {
	all := make([]netip.Addr, len(p.hops))
	for i := range all {
		all[i] = addrOfKey(p.hops[i])
	}
	return all
}

// Hop is the next hop of an adjacency; see Hops.
func (p *Program) Hop(adj uint32) netip.Addr { return addrOfKey(p.hops[adj]) }

// Counts tells how many next hops there are and how far they are resolved.
// It is called on the loop, as SetMAC is.
func (p *Program) Counts() Counts { return p.counts }

// Adjacency is the present state of a next hop, and its MAC if it has one.
func (p *Program) Adjacency(adj uint32) (header.MAC, AdjacencyState) {
	w := p.words[adj].Load()
	if s := stateOf(w); !s.HasMAC() {
		return header.MAC{}, s
	}
	return header.MACFromUint64(w & macMask), stateOf(w)
}

// SetMAC gives a next hop its MAC, for every flow that uses it and from the
// next frame on.
func (p *Program) SetMAC(adj uint32, mac header.MAC) { p.set(adj, word(mac, AdjacencyResolved)) }

// SetFailed takes a next hop's MAC away.
func (p *Program) SetFailed(adj uint32) { p.set(adj, word(header.MAC{}, AdjacencyFailed)) }

// Set gives a next hop a MAC and a state, for every flow that uses it and from the
// next frame on. change is the number of the change that this is for the present
// run, 0 for none. Set does nothing for a destination without a route.
func (p *Program) Set(adj uint32, mac header.MAC, state AdjacencyState, change int) {
	p.set(adj, word(mac, state)|uint64(change)<<noteShift)
}

func (p *Program) set(adj uint32, w uint64) {
	if !p.CanSet(adj) {
		return
	}
	old := p.words[adj].Swap(w)
	if old == w {
		return
	}
	p.changes.Add(1)
	p.count(stateOf(old), -1)
	p.count(stateOf(w), 1)
}

// CanSet reports whether a next hop can have a MAC. A destination without a route
// cannot.
func (p *Program) CanSet(adj uint32) bool { return int(adj) < len(p.hops) && p.hops[adj] != noRoute }

// Change returns the number of the last change of an adjacency, 0 if none is kept.
func (p *Program) Change(adj uint32) int { return int(p.words[adj].Load() >> noteShift) }

// ForgetChange takes the number of a change out of an adjacency, unless a later
// change has replaced it.
func (p *Program) ForgetChange(adj uint32, change int) {
	if w := p.words[adj].Load(); int(w>>noteShift) == change {
		p.set(adj, w&(1<<noteShift-1))
	}
}

// Unconfirm makes every confirmed MAC of a next hop unconfirmed. It runs on the loop when
// the link goes down; a million next hops take a few milliseconds.
func (p *Program) Unconfirm() {
	doubted := 0
	for adj := range p.hops {
		w := p.words[adj].Load()
		if stateOf(w) == AdjacencyResolved {
			p.words[adj].Store(w&^stateMask | uint64(AdjacencyUnconfirmed)<<macBits)
			doubted++
		}
	}
	if doubted > 0 {
		p.changes.Add(1)
		p.counts.Unconfirmed += doubted
	}
}

// StaleCount returns the number of stale next hops. It is called on the loop.
func (p *Program) StaleCount() int { return p.stale }

// NeedsNoHop reports whether some flow needs no next hop.
func (p *Program) NeedsNoHop() bool {
	if len(p.words) > len(p.hops) {
		return true
	}
	return slices.ContainsFunc(p.defs, func(d definition) bool { return !d.learned })
}

func (p *Program) count(s AdjacencyState, by int) {
	switch s {
	case AdjacencyStale:
		p.stale += by
		p.counts.Resolved += by
	case AdjacencyUnconfirmed:
		p.counts.Unconfirmed += by
		p.counts.Resolved += by
	case AdjacencyResolved:
		p.counts.Resolved += by
	case AdjacencyFailed:
		p.counts.Failed += by
	}
}

// Tables hold addresses as 16 octets without a pointer, so that the collector
// need not look at a million of them. An IPv4 address is preceded by octets
// that no IPv6 unicast address begins with.
var keyIPv4 = [12]byte{0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff}

// noRoute is the key of the next hop that there is not.
var noRoute = [16]byte{0xff}

func keyOfAddr(a netip.Addr) (k [16]byte) {
	if !a.IsValid() {
		return noRoute
	}
	if a.Is4() {
		b := a.As4()
		copy(k[:], keyIPv4[:])
		copy(k[12:], b[:])
		return k
	}
	return a.As16()
}

func addrOfKey(k [16]byte) netip.Addr {
	switch {
	case k == noRoute:
		return netip.Addr{}
	case [12]byte(k[:12]) == keyIPv4:
		return netip.AddrFrom4([4]byte(k[12:]))
	}
	return netip.AddrFrom16(k)
}

// keyTable numbers distinct keys in the order in which they come. It is an
// open-addressing table of indexes into the keys.
type keyTable struct {
	keys  [][16]byte
	slots []uint32 // index + 1
}

// add returns the number of k, and whether it is new.
func (t *keyTable) add(k [16]byte) (index uint32, fresh bool) {
	if len(t.keys)*2 >= len(t.slots) {
		t.grow()
	}
	at := t.find(k)
	if s := t.slots[at]; s != 0 {
		return s - 1, false
	}
	t.keys = append(t.keys, k)
	t.slots[at] = uint32(len(t.keys))
	return uint32(len(t.keys) - 1), true
}

// find is the slot of k, or the free one where it belongs. Sixteen consecutive
// addresses have neighboring slots, in one cache line, since sequences of
// addresses are what most configurations have.
func (t *keyTable) find(k [16]byte) int {
	low := binary.BigEndian.Uint64(k[8:])
	h := arith.Mix(binary.BigEndian.Uint64(k[:8])^arith.Mix(low>>4))<<4 | low&15
	for at := int(h) & (len(t.slots) - 1); ; at = (at + 1) & (len(t.slots) - 1) {
		if s := t.slots[at]; s == 0 || t.keys[s-1] == k {
			return at
		}
	}
}

func (t *keyTable) grow() {
	t.slots = make([]uint32, max(64, 2*len(t.slots)))
	for i, k := range t.keys {
		t.slots[t.find(k)] = uint32(i + 1)
	}
}
