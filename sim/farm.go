package sim

import (
	"fmt"
	"net/netip"

	"glean/stack/header"
	"glean/stack/link"
)

// Farm is a large number of hosts at one end of a wire. It computes a host's number
// from the address, and keeps the differences between hosts in an array without
// pointers. The package documentation lists how a farm differs from that many hosts.
type Farm struct {
	world  *World
	name   string
	config FarmConfig
	vlans  uint32 // IDs of the tags
	hosts  []farmHost
	counts FarmCounts
	onData func(n uint32, packet []byte)
	speaker
}

// FarmConfig describes a farm of Hosts hosts, numbered from 0. Host n has the
// MAC MAC(KindFarm, First+n), the addresses Offset(IPv4, n) and Offset(IPv6, n)
// where these are given, and with IPv6 the link-local address made from its MAC.
type FarmConfig struct {
	Hosts int
	First uint32 // added to the number of a host for its MAC
	Tags  []header.VLAN
	IPv4  netip.Addr // of host 0
	IPv6  netip.Addr // of host 0
}

// farmHost is the state of one host: 8 octets.
type farmHost struct {
	received  uint32 // IP packets that are not for the host's own stack
	solicited uint16 // solicitations that reached it; stays at 65,535
	move      uint8  // how often its MAC has changed
	dead      bool   // it neither reads nor answers
}

// FarmCounts counts the frames of a farm, over all hosts.
type FarmCounts struct {
	ARPAnswered, NDAnswered, EchoAnswered uint64
	Received                              uint64 // packets for a host that it did not answer
	Corrupt                               uint64 // UDP with a wrong checksum or length
	Announced                             uint64
	Dead                                  uint64 // frames for a host that is dead
	WrongMAC                              uint64 // unicast frames for an address, to a MAC that it does not have
	Ignored                               uint64 // all others: other VLANs, unknown addresses, malformed
}

// NewFarm attaches a farm to an end of a wire.
func (w *World) NewFarm(name string, e *End, cfg FarmConfig) (*Farm, error) {
	switch {
	case cfg.Hosts < 1 || uint64(cfg.Hosts)+uint64(cfg.First) > 1<<32:
		return nil, fmt.Errorf("sim: farm %s: Hosts %d from First %d", name, cfg.Hosts, cfg.First)
	case !cfg.IPv4.IsValid() && !cfg.IPv6.IsValid():
		return nil, fmt.Errorf("sim: farm %s: neither IPv4 nor IPv6", name)
	case cfg.IPv4.IsValid() && (!cfg.IPv4.Is4() || !Offset(cfg.IPv4, uint32(cfg.Hosts-1)).IsValid()):
		return nil, fmt.Errorf("sim: farm %s: IPv4 %s has no %d addresses", name, cfg.IPv4, cfg.Hosts)
	case cfg.IPv6.IsValid() && (!cfg.IPv6.Is6() || cfg.IPv6.Is4In6() ||
		!Offset(cfg.IPv6, uint32(cfg.Hosts-1)).IsValid()):
		return nil, fmt.Errorf("sim: farm %s: IPv6 %s has no %d addresses", name, cfg.IPv6, cfg.Hosts)
	case len(cfg.Tags) > header.MaxTags:
		return nil, fmt.Errorf("sim: farm %s: %d Tags", name, len(cfg.Tags))
	}
	f := &Farm{
		world: w, name: name, config: cfg, vlans: vlanIDs(cfg.Tags),
		hosts:   make([]farmHost, cfg.Hosts),
		speaker: speaker{out: e.Send, tags: cfg.Tags, frame: make([]byte, e.MTU()+frameRoom)},
	}
	e.Attach(f)
	return f, nil
}

// vlanIDs packs the IDs of tags into one word.
func vlanIDs(tags []header.VLAN) uint32 {
	ids := uint32(0)
	for _, t := range tags {
		ids = ids<<12 | uint32(t.ID) | 1<<24
	}
	return ids
}

// OnData sets a function that is called with every packet that a host receives and does
// not answer. The packet begins with its IP header and is borrowed.
func (f *Farm) OnData(do func(n uint32, packet []byte)) { f.onData = do }

// Counts returns a snapshot of the counters.
func (f *Farm) Counts() FarmCounts { return f.counts }

// Solicited returns how many ARP requests and solicitations for host n have arrived, at
// most 65,535.
func (f *Farm) Solicited(n uint32) int { return int(f.hosts[n].solicited) }

// Received returns how many packets host n received and did not answer.
func (f *Farm) Received(n uint32) uint32 { return f.hosts[n].received }

// maxMoves is the number of MACs of a host, after which the first comes again: the
// second octet goes from 0xfa to 0xff.
const maxMoves = 0xff - uint8(KindFarm) + 1

// MAC returns the current MAC of host n.
func (f *Farm) MAC(n uint32) header.MAC {
	return MAC(KindFarm+Kind(f.hosts[n].move%maxMoves), f.config.First+n)
}

// SetDead makes host n stop reading and answering, or start again.
func (f *Farm) SetDead(n uint32, dead bool) { f.hosts[n].dead = dead }

// Dead reports whether host n does not answer.
func (f *Farm) Dead(n uint32) bool { return f.hosts[n].dead }

// ChangeMAC changes the MAC of host n, as when its address moves to another machine;
// the sixth change restores the first MAC. It sends no announcement.
func (f *Farm) ChangeMAC(n uint32) header.MAC {
	f.hosts[n].move++
	f.world.Note("farm %s: host %d has MAC %s now", f.name, n, f.MAC(n))
	return f.MAC(n)
}

// HandleFrame implements link.Handler.
func (f *Farm) HandleFrame(frame []byte) {
	eth, payload, err := header.ParseEthernet(frame)
	if err != nil || vlanIDs(eth.Tags[:eth.NumTags]) != f.vlans {
		f.counts.Ignored++
		return
	}
	switch eth.Type {
	case header.EtherTypeARP:
		f.handleARP(&eth, payload)
	case header.EtherTypeIPv4:
		f.handleIPv4(&eth, payload)
	case header.EtherTypeIPv6:
		f.handleIPv6(&eth, payload)
	default:
		f.counts.Ignored++
	}
}

// HandleState implements link.Handler.
func (f *Farm) HandleState(link.State) {}

// find4 returns the number of the host with an IPv4 address.
func (f *Farm) find4(a [4]byte) (n uint32, ok bool) {
	if !f.config.IPv4.IsValid() {
		return 0, false
	}
	n, ok = within4(f.config.IPv4.As4(), a)
	return n, ok && n < uint32(len(f.hosts))
}

// find6 returns the number of the host with an IPv6 address, link-local or global.
func (f *Farm) find6(a [16]byte) (n uint32, ok bool) {
	if !f.config.IPv6.IsValid() {
		return 0, false
	}
	if a[0] == 0xfe && a[1] == 0x80 {
		return f.findLinkLocal(a)
	}
	n, ok = within6(f.config.IPv6.As16(), a)
	return n, ok && n < uint32(len(f.hosts))
}

// findLinkLocal undoes the modified EUI-64 of RFC 4291 appendix A. Like a real
// host's, the address stays what it was when the MAC changes.
func (f *Farm) findLinkLocal(a [16]byte) (n uint32, ok bool) {
	m := header.MAC{a[8] ^ 2, a[9], a[10], a[13], a[14], a[15]}
	kind, station, ours := Station(m)
	n = station - f.config.First
	ok = ours && kind == KindFarm && station >= f.config.First && n < uint32(len(f.hosts))
	return n, ok && a == header.LinkLocal(m)
}

// receives reports whether host n receives a frame, which must be for its MAC or a
// group, and counts the frame if not.
func (f *Farm) receives(n uint32, dst header.MAC) bool {
	switch {
	case f.hosts[n].dead:
		f.counts.Dead++
		return false
	case !dst.IsMulticast() && dst != f.MAC(n):
		f.counts.WrongMAC++
		return false
	}
	return true
}

// reads is receives for packets with data, which hosts read only if they are unicast.
func (f *Farm) reads(n uint32, dst header.MAC) bool {
	if dst.IsMulticast() {
		f.counts.Ignored++
		return false
	}
	return f.receives(n, dst)
}

// data counts a packet that host n does not answer.
func (f *Farm) data(n uint32, packet []byte) {
	f.counts.Received++
	f.hosts[n].received++
	if f.onData != nil {
		f.onData(n, packet)
	}
}
