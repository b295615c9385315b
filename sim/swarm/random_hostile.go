package swarm

import (
	"fmt"
	"net/netip"
	"slices"

	"glean/sim"
	"glean/sim/scenario"
	"glean/sim/topology"
	"glean/stack/header"
	"glean/stack/loop"
)

// This file draws hostile and unusual peers, and the limits and tags of glean's
// interfaces. They are drawn after all else, so that they do not change the other
// contents of a world.

// drawnSpoofer is a host that claims the addresses of others.
type drawnSpoofer struct {
	Answers []drawnTarget // it also answers for these, and neighbors may believe it
	Lies    []drawnLie
	Scan    int // solicitations for glean's address, each from an address without a host
	ScanAt  loop.Duration
}

// drawnLie is a spoofed announcement of an address of another host or of glean. The
// spoofer does not answer for the address.
type drawnLie struct {
	At     loop.Duration
	Target drawnTarget
}

// drawnVisit is a solicitation by a host for glean's own address, for one that glean
// answers for, or for one just beyond these.
type drawnVisit struct {
	At      loop.Duration
	Segment int
	Host    int
	What    visitKind
	V6      bool
}

type visitKind uint8

const (
	visitOwn visitKind = iota
	visitRange
	visitBeyond
	numVisited
)

var visitWords = [numVisited]string{"own", "range", "beyond"}

// Numbers of addresses of hostile peers and for them.
const (
	placeRange   = 56 // to 59: glean may answer for them
	placeBeyond  = 60
	placeScan    = 100 // to 199: the senders of scans
	placeSpoofer = 235
)

// mostScan is the largest number of solicitations of a scan.
const mostScan = 60

func (w *RandomWorld) drawHostile(d dice) {
	qinq, spoofers, responder, small, paced := d.often(15), d.often(25), d.often(25), d.often(15), d.often(15)
	if qinq {
		w.drawQinQ(d)
	}
	for i := range w.Segments {
		seg := &w.Segments[i]
		if seg.VLAN > 0 {
			seg.Priority = d.IntN(8)
		}
		if spoofers && d.often(70) {
			seg.Spoofer = w.drawSpoofer(d, i)
		}
		if small && d.often(70) {
			seg.MaxEntries = d.between(1, 16)
			if d.often(60) { // just enough, with other peers that need entries
				seg.MaxEntries = w.wanted(i) + d.between(0, 1)
				if seg.Spoofer == nil {
					seg.Spoofer = w.drawSpoofer(d, i)
				}
			}
		}
		if responder && d.often(70) {
			seg.Respond = true
			if d.often(30) {
				seg.ProxyDelay = loop.Duration(d.between(1, 1000)) * loop.Millisecond
			}
			w.drawVisits(d, i)
		}
		if paced && d.often(70) {
			seg.RatePPS = []int{0, d.between(20, 200), d.between(200, 2000)}[d.IntN(3)]
			seg.Window = []int{0, d.between(1, 2), d.between(3, 12)}[d.IntN(3)]
		}
	}
}

// wanted returns how many next hops of a segment are resolved, at least 1.
func (w *RandomWorld) wanted(i int) int {
	hops := make(map[netip.Addr]bool)
	add := func(targets []drawnTarget) {
		for _, t := range targets {
			switch {
			case t.Kind == targetOwn, t.Kind == targetFar && w.Segments[i].Gateway == gatewayNone:
				continue
			case t.Kind == targetFar:
				t.Kind, t.N = targetGateway, 0
			}
			hops[w.address(i, t)] = true
		}
	}
	for _, g := range w.Segments[i].Generators {
		add(g.Targets)
	}
	crowd := 0
	for _, q := range w.Requests {
		if q.Segment == i {
			add(q.Targets)
			crowd = max(crowd, q.Crowd)
		}
	}
	return max(len(hops)+crowd, 1)
}

// drawTPIDs draws which tags are service tags: all switches read one kind, and the tags
// within their VLANs may be of either.
func (w *RandomWorld) drawTPIDs(d dice) {
	w.Provider = w.Provider && d.often(70)
	for i := range w.Segments {
		if seg := &w.Segments[i]; seg.Inner > 0 {
			seg.InnerService = d.often(40)
		}
	}
}

// tags returns the tags of the interface in a segment.
func (w *RandomWorld) tags(i int) []header.VLAN {
	seg := &w.Segments[i]
	tpid := func(service bool) header.EtherType {
		if service {
			return header.EtherTypeQinQ
		}
		return header.EtherTypeVLAN
	}
	var tags []header.VLAN
	if seg.VLAN > 0 {
		tags = append(tags, header.VLAN{TPID: tpid(w.Provider), ID: uint16(seg.VLAN), Priority: uint8(seg.Priority)})
	}
	if seg.Inner > 0 {
		tags = append(tags, header.VLAN{TPID: tpid(seg.InnerService), ID: uint16(seg.Inner)})
	}
	return tags
}

// innerTPID returns the TPID of the tag that hosts of a segment send.
func (w *RandomWorld) innerTPID(i int) header.EtherType {
	if tags := w.tags(i); len(tags) > 1 {
		return tags[1].TPID
	}
	return 0
}

// drawQinQ makes the switches provider bridges. Hosts and glean then send tags within the
// provider's VLANs, except in segments with routers, which cannot. In half of the worlds
// these segments are in one VLAN of the provider.
func (w *RandomWorld) drawQinQ(d dice) {
	w.Provider = true
	shared, outer := d.often(50), make(map[int]int)
	for i := range w.Segments {
		seg := &w.Segments[i]
		if seg.Gateway >= gatewayRouter || seg.LinkLocal || !d.often(80) {
			continue
		}
		seg.Inner = 7
		if seg.VLAN == 0 {
			seg.VLAN = 110 + i
		}
		if outer[seg.Port] == 0 {
			outer[seg.Port] = seg.VLAN
		} else if shared {
			seg.VLAN, seg.Inner = outer[seg.Port], 7+i
		}
	}
}

func (w *RandomWorld) drawSpoofer(d dice, i int) *drawnSpoofer {
	s, seg := &drawnSpoofer{}, &w.Segments[i]
	victim := func() drawnTarget {
		t := drawnTarget{N: d.IntN(len(seg.Hosts)), V6: w.IPv6 && (!w.IPv4 || d.often(50))}
		if seg.Gateway >= gatewayRouter && d.often(25) {
			t.Kind, t.N = targetGateway, 0
		}
		return t
	}
	if d.often(50) {
		for range d.between(1, 3) {
			if t := victim(); !slices.Contains(s.Answers, t) {
				s.Answers = append(s.Answers, t)
			}
		}
	}
	if d.often(60) {
		for range d.between(1, 5) {
			lie := drawnLie{At: d.time(0, w.Heal), Target: victim()}
			switch {
			case d.often(40):
				lie.At, lie.Target.Kind, lie.Target.N = d.time(0, w.Heal+20*loop.Second), targetOwn, 0
			case w.Probe > 0 && !w.moves(i, lie.Target) && d.often(50):
				lie.At = w.Heal + d.time(firstMove, lastMove)
			}
			s.Lies = append(s.Lies, lie)
		}
	}
	if d.often(50) {
		s.Scan, s.ScanAt = d.between(1, mostScan), d.time(0, w.Heal+5*loop.Second)
		if d.often(50) { // when learned entries are STALE
			s.ScanAt = w.Heal + d.time(15*loop.Second, 55*loop.Second)
		}
	}
	return s
}

// moves reports whether an address is one of those that move late. A spoofed announcement
// of it would hide whether glean has noticed the move.
func (w *RandomWorld) moves(i int, t drawnTarget) bool {
	return slices.ContainsFunc(w.Moves, func(m drawnMove) bool {
		return m.Segment == i && (m.Failover == (t.Kind == targetGateway)) && (m.Failover || m.Host == t.N)
	})
}

// drawVisits draws solicitations for glean after the network is healed.
func (w *RandomWorld) drawVisits(d dice, i int) {
	for range d.between(1, 4) {
		v := drawnVisit{
			At: w.Heal + d.time(loop.Millisecond, 20*loop.Second), Segment: i, Host: d.IntN(len(w.Segments[i].Hosts)),
			What: visitKind(d.IntN(int(numVisited))), V6: w.IPv6 && (!w.IPv4 || d.often(50)),
		}
		if v.What == visitOwn && w.Segments[i].Spoofer != nil { // a host may believe spoofed announcements
			v.What = visitRange
		}
		if !slices.ContainsFunc(w.Visits, v.isOfSame) {
			w.Visits = append(w.Visits, v)
		}
	}
}

// isOfSame reports whether two visits are of one address by one host.
func (v drawnVisit) isOfSame(o drawnVisit) bool {
	v.At, o.At = 0, 0
	return v == o
}

// addSpoofer adds a segment's spoofer. Its wire has no faults.
func (w *RandomWorld) addSpoofer(t *topology.Topology, i int) {
	seg := &w.Segments[i]
	if seg.Spoofer == nil {
		return
	}
	near4, near6, _, _ := w.prefixes(i)
	g := topology.HostGroup{Name: fmt.Sprintf("s%d", i), On: w.lan(i), VLAN: uint16(seg.VLAN), Inner: uint16(seg.Inner), InnerTPID: w.innerTPID(i),
		Address: placeSpoofer, IPv4: near4, IPv6: near6}
	for _, target := range seg.Spoofer.Answers {
		a := w.address(i, target)
		g.AnswersFor = append(g.AnswersFor, netip.PrefixFrom(a, a.BitLen()))
	}
	t.Hosts = append(t.Hosts, g)
}

// hostileSteps returns the steps of spoofers, and checks that glean has noticed the
// conflicts over its addresses.
func (w *RandomWorld) hostileSteps() (steps []scenario.Step) {
	for i := range w.Segments {
		s := w.Segments[i].Spoofer
		if s == nil {
			continue
		}
		name := fmt.Sprintf("s%d", i)
		for _, lie := range s.Lies {
			a := w.address(i, lie.Target)
			steps = append(steps, scenario.Step{At: lie.At, Text: fmt.Sprintf("%s spoofs %s", name, a), Network: func(n *topology.Network) error {
				return n.Spoof(name, a)
			}})
			if lie.Target.Kind == targetOwn && lie.At > w.Heal {
				steps = append(steps, scenario.Step{At: lie.At + maxLate, Text: "check the conflict", Engine: func(r *scenario.Run) error {
					checkConflict(r, interfaceID(i), name, a)
					return nil
				}})
			}
		}
		for k := range s.Scan {
			steps = append(steps, w.scanStep(i, k, s.ScanAt+loop.Duration(k)*10*loop.Millisecond))
		}
	}
	return append(steps, w.visitSteps()...)
}

// scanStep returns one solicitation for glean's address, from an address without a host.
func (w *RandomWorld) scanStep(i, k int, at loop.Duration) scenario.Step {
	name := fmt.Sprintf("s%d", i)
	near4, near6, _, _ := w.prefixes(i)
	prefix, target := near4, drawnTarget{Kind: targetOwn}
	if !near4.IsValid() || near6.IsValid() && k%2 == 1 {
		prefix, target.V6 = near6, true
	}
	from := sim.Address(prefix, uint32(placeScan+k))
	return scenario.Step{At: at, Text: name + " scans", Network: func(n *topology.Network) error { return n.SolicitAs(name, from, w.address(i, target)) }}
}

// visited returns the address of a visit.
func (w *RandomWorld) visited(v drawnVisit) netip.Addr {
	near4, near6, _, _ := w.prefixes(v.Segment)
	prefix := near4
	if v.V6 {
		prefix = near6
	}
	return sim.Address(prefix, []uint32{placeTester, uint32(placeRange + v.Host%4), placeBeyond}[v.What])
}

// visitSteps returns the steps in which hosts solicit glean, and checks that they were
// answered.
func (w *RandomWorld) visitSteps() (steps []scenario.Step) {
	for _, v := range w.Visits {
		a, host := w.visited(v), fmt.Sprintf("h%d-%d", v.Segment, v.Host)
		steps = append(steps, scenario.Step{At: v.At, Text: fmt.Sprintf("%s solicits %s", host, a), Network: func(n *topology.Network) error {
			n.Host(host).Interface(0).Track(a)
			return nil
		}}, scenario.Step{At: v.At + answeredWithin, Text: "check the answer", Engine: func(r *scenario.Run) error {
			v.check(r, host, a)
			return nil
		}})
	}
	return steps
}

// addHostile adds the hostile and unusual parts of a segment to the line of a world.
func (w *RandomWorld) addHostile(add func(format string, args ...any), s *drawnSegment) {
	if s.Inner > 0 || s.Priority > 0 || s.Respond || s.MaxEntries+s.RatePPS+s.Window > 0 {
		add(" inner=%d service=%t/%t priority=%d respond=%t/%s entries=%d rate=%d window=%d", s.Inner, w.Provider, s.InnerService, s.Priority, s.Respond, scenario.Seconds(s.ProxyDelay), s.MaxEntries, s.RatePPS, s.Window)
	}
	if s.Spoofer == nil {
		return
	}
	add(" spoofer(answers=%d scan=%d at=%s", len(s.Spoofer.Answers), s.Spoofer.Scan, scenario.Seconds(s.Spoofer.ScanAt))
	for _, lie := range s.Spoofer.Lies {
		add(" lie(kind=%d %d ipv6=%t at=%s)", lie.Target.Kind, lie.Target.N, lie.Target.V6, scenario.Seconds(lie.At))
	}
	add(")")
}
