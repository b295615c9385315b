package sim

import (
	"slices"

	"glean/stack/header"
	"glean/stack/link"
	"glean/stack/loop"
)

// Switch is a learning bridge with VLANs (IEEE 802.1Q). A frame for a MAC that
// it knows goes to one port; others are flooded within the VLAN. It forwards at
// once; the delay of a real switch belongs to its wires. It runs no
// spanning tree: wires in a loop make a storm.
type Switch struct {
	world   *World
	name    string
	config  SwitchConfig
	ports   []*SwitchPort
	macs    map[uint64]station  // looked up and cleaned, never walked towards a wire
	members map[uint16][]uint32 // ports of each VLAN that was looked up
	snoop
	scratch []byte
	one     [1][]byte
	counts  SwitchCounts
}

// SwitchConfig is how a switch behaves. The zero value is a usual one.
type SwitchConfig struct {
	Ageing  loop.Duration    // a MAC is forgotten that long after its last frame; 0: 300 s
	MaxMACs int              // MACs beyond that are not learned; 0: 1,048,576
	TPID    header.EtherType // of the tags that it reads; 0: 0x8100
	// Cable: while only two ports are up, all that one gets leaves by the other,
	// as if there were a cable between them.
	Cable bool
}

// SwitchCounts counts the frames that a switch received.
type SwitchCounts struct {
	Forwarded uint64 // to the one port where the MAC is
	Flooded   uint64
	Filtered  uint64 // not let in: wrong VLAN, bad source, link-local group
	Local     uint64 // the MAC is on the port that the frame came from
	Moves     uint64 // a MAC was seen on another port than before
	TableFull uint64 // a MAC could not be learned
}

// station is where a MAC was seen last.
type station struct {
	port uint32
	seen loop.Time
}

const (
	defaultAgeing  = 300 * loop.Second // IEEE 802.1Q table 8-6
	defaultMaxMACs = 1 << 20
	// refresh is how old the time of a station may be before it is written
	// again: it saves a map write per frame and costs ageing that much accuracy.
	refresh = loop.Second
)

// NewSwitch makes a switch without ports.
func (w *World) NewSwitch(name string, cfg SwitchConfig) *Switch {
	if cfg.Ageing == 0 {
		cfg.Ageing = defaultAgeing
	}
	if cfg.MaxMACs == 0 {
		cfg.MaxMACs = defaultMaxMACs
	}
	if cfg.TPID == 0 {
		cfg.TPID = header.EtherTypeVLAN
	}
	return &Switch{
		world: w, name: name, config: cfg,
		macs: map[uint64]station{}, members: map[uint16][]uint32{},
	}
}

// Name returns the switch's name.
func (s *Switch) Name() string { return s.name }

// Ports returns the switch's ports in the order in which they were added. The caller
// must not change the slice.
func (s *Switch) Ports() []*SwitchPort { return s.ports }

// Counts returns a snapshot of the counters.
func (s *Switch) Counts() SwitchCounts { return s.counts }

// Find returns the port where a MAC of a VLAN is, or nil if the switch has not learned it.
func (s *Switch) Find(vlan uint16, m header.MAC) *SwitchPort {
	at, known := s.macs[key(vlan, m)]
	if !known || s.expired(at) {
		return nil
	}
	return s.ports[at.port]
}

// key of the table: 12 bits of VLAN and 48 of MAC.
func key(vlan uint16, m header.MAC) uint64 { return uint64(vlan)<<48 | m.Uint64() }

func (s *Switch) expired(at station) bool {
	return s.world.Now().Sub(at.seen) > s.config.Ageing
}

// receive forwards or floods a frame.
func (s *Switch) receive(p *SwitchPort, f []byte) {
	if s.config.Cable {
		if other := s.onlyOther(p); other != nil {
			s.one[0] = f
			_, _ = other.end.Send(s.one[:]) // a full wire counts the drop
			return
		}
	}
	vlan, tagged, ok := p.admit(f)
	src, dst := header.Ethernet(f).Src(), header.Ethernet(f).Dst()
	if !ok || src.IsMulticast() || isLinkLocalGroup(dst) {
		s.counts.Filtered++
		return
	}
	s.learn(p, vlan, src)
	if !dst.IsMulticast() {
		if at, known := s.macs[key(vlan, dst)]; known && !s.expired(at) {
			if at.port == p.index {
				s.counts.Local++
				return
			}
			s.counts.Forwarded++
			s.emit(s.ports[at.port], vlan, f, tagged)
			return
		}
	}
	s.counts.Flooded++
	for _, i := range s.audience(vlan, dst, f) {
		if i != p.index {
			s.emit(s.ports[i], vlan, f, tagged)
		}
	}
}

// onlyOther returns the only port besides p that is up, or nil if there is none or more
// than one.
func (s *Switch) onlyOther(p *SwitchPort) *SwitchPort {
	var other *SwitchPort
	for _, q := range s.ports {
		if q == p || !q.state.Up {
			continue
		}
		if other != nil {
			return nil
		}
		other = q
	}
	return other
}

// isLinkLocalGroup reports whether m is one of the addresses 01:80:c2:00:00:00 to
// 0f, which no bridge forwards (IEEE 802.1Q section 8.6.3).
func isLinkLocalGroup(m header.MAC) bool { return m.Uint64()>>4 == 0x0180c2000000>>4 }

// learn records the port of a MAC.
func (s *Switch) learn(p *SwitchPort, vlan uint16, src header.MAC) {
	k, now := key(vlan, src), s.world.Now()
	at, known := s.macs[k]
	switch {
	case known && at.port == p.index && now.Sub(at.seen) < refresh:
		return
	case known && at.port != p.index:
		s.counts.Moves++
		s.world.Note("switch %s: %s vlan %d moved from port %d to %d",
			s.name, src, vlan, at.port, p.index)
	case !known && len(s.macs) >= s.config.MaxMACs:
		s.counts.TableFull++
		return
	}
	s.macs[k] = station{p.index, now}
}

// forget drops the MACs of a port.
func (s *Switch) forget(p *SwitchPort) {
	for k, at := range s.macs {
		if at.port == p.index {
			delete(s.macs, k)
		}
	}
}

// vlanMembers returns the ports of a VLAN.
func (s *Switch) vlanMembers(vlan uint16) []uint32 {
	if m, known := s.members[vlan]; known {
		return m
	}
	var m []uint32
	for _, p := range s.ports {
		if p.member(vlan) {
			m = append(m, p.index)
		}
	}
	s.members[vlan] = m
	return m
}

// emit sends a frame out of a port, with or without a tag as the port requires.
func (s *Switch) emit(p *SwitchPort, vlan uint16, f []byte, tagged bool) {
	if p.state.Up {
		s.one[0] = s.retag(f, vlan, tagged, vlan != p.config.Untagged)
		_, _ = p.end.Send(s.one[:]) // a full wire counts the drop
	}
}

// retag adds, changes or removes the tag of a frame as a port requires.
func (s *Switch) retag(f []byte, vlan uint16, tagged, want bool) []byte {
	const macs = header.EthernetSize - 2 // both addresses
	switch {
	case tagged && want && header.Dot1Q(f[header.EthernetSize:]).ID() == vlan, !tagged && !want:
		return f
	case tagged && want: // a priority tag becomes one of the VLAN
		s.scratch = append(s.scratch[:0], f...)
		header.Dot1Q(s.scratch[header.EthernetSize:]).SetID(vlan)
	case tagged:
		s.scratch = append(append(s.scratch[:0], f[:macs]...), f[macs+header.VLANSize:]...)
	default:
		s.scratch = append(s.scratch[:0], f[:macs]...)
		s.scratch = append(s.scratch, byte(s.config.TPID>>8), byte(s.config.TPID), byte(vlan>>8), byte(vlan))
		s.scratch = append(s.scratch, f[macs:]...)
	}
	return s.scratch
}

// SwitchPort is one port of a switch.
type SwitchPort struct {
	sw      *Switch
	end     *End
	index   uint32
	state   link.State
	listens bool // Listen was called: a flood may leave it out
	config  PortConfig
}

// PortConfig says which VLANs a port is in. The zero value is an access port of
// VLAN 1.
type PortConfig struct {
	Tagged   []uint16 // VLANs whose frames carry a tag here
	Untagged uint16   // VLAN of frames without tag, in and out; 0: 1
	Trunk    bool     // all other VLANs are tagged here
	Tunnel   bool     // all frames that come in are of VLAN Untagged, and their tags belong to the payload
}

// AddPort adds a port with an end of a wire.
func (s *Switch) AddPort(e *End, cfg PortConfig) *SwitchPort {
	if cfg.Untagged == 0 {
		cfg.Untagged = 1
	}
	p := &SwitchPort{sw: s, index: uint32(len(s.ports)), end: e, config: cfg, state: e.State()}
	s.ports = append(s.ports, p)
	clear(s.members)
	clear(s.loud)
	e.Attach(p)
	return p
}

// RemovePort removes a port. The ports behind it move up, so their indexes change.
func (s *Switch) RemovePort(p *SwitchPort) {
	at := slices.Index(s.ports, p)
	if at < 0 {
		return
	}
	s.forget(p)
	s.ports = slices.Delete(s.ports, at, at+1)
	for _, q := range s.ports[at:] {
		q.index--
	}
	for k, seen := range s.macs {
		if seen.port > p.index {
			seen.port--
			s.macs[k] = seen
		}
	}
	s.removeListener(p)
	clear(s.members)
	clear(s.loud)
	p.end.Detach()
}

// Index returns the port's number, from 0.
func (p *SwitchPort) Index() int { return int(p.index) }

// End returns the end of the wire.
func (p *SwitchPort) End() *End { return p.end }

// HandleFrame implements link.Handler.
func (p *SwitchPort) HandleFrame(f []byte) { p.sw.receive(p, f) }

// HandleState implements link.Handler. The MACs behind a port that goes down
// are forgotten.
func (p *SwitchPort) HandleState(s link.State) {
	p.state = s
	if !s.Up {
		p.sw.forget(p)
	}
}

// admit returns the VLAN of a frame. ok is false if the port does not accept it.
func (p *SwitchPort) admit(f []byte) (vlan uint16, tagged, ok bool) {
	if p.config.Tunnel || header.Ethernet(f).Type() != p.sw.config.TPID {
		return p.config.Untagged, false, true
	}
	if len(f) < header.EthernetSize+header.VLANSize {
		return 0, true, false
	}
	vlan = header.Dot1Q(f[header.EthernetSize:]).ID()
	if vlan == 0 { // a priority tag: no VLAN
		return p.config.Untagged, true, true
	}
	return vlan, true, vlan != p.config.Untagged && p.member(vlan)
}

// member reports whether the port is in a VLAN.
func (p *SwitchPort) member(vlan uint16) bool {
	return vlan == p.config.Untagged || p.config.Trunk || slices.Contains(p.config.Tagged, vlan)
}
