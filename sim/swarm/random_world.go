package swarm

import (
	"fmt"
	"math/rand/v2"
	"strings"

	"glean/learning"
	"glean/sim"
	"glean/sim/scenario"
	"glean/sim/topology"
	"glean/stack/loop"
)

// RandomWorld is the content of a small random world. The kinds of events that a world can
// have are drawn first (swarm testing), because in a world with all kinds at once one
// event hides the effect of another.
type RandomWorld struct {
	Seed     uint64
	IPv4     bool
	IPv6     bool
	Overlap  bool // all segments use the same addresses
	Segments []drawnSegment

	Heal     loop.Duration // when faults end
	Faults   []drawnFault
	Cuts     []drawnCut
	Changes  []drawnChange
	Retrans  loop.Duration
	Solicits int
	Detect   string // duplicate_detection

	Requests []drawnRequest
	Orders   []drawnOrder

	Probe loop.Duration // probe_interval of tracked next hops; 0: the default
	Moves []drawnMove
	Flaps []drawnFlap

	Provider bool // the switches' tags are service tags (IEEE 802.1ad)
	Visits   []drawnVisit

	Policer *drawnPolicer
}

// drawnSegment is a broadcast domain with one interface of glean.
type drawnSegment struct {
	Port, VLAN int
	Hosts      []drawnHost
	Far        []drawnHost // behind the gateway
	Gateway    gatewayKind
	Proxy      bool // the first host also answers for other addresses
	LinkLocal  bool // there is a host that answers from its link-local address
	Delay      loop.Duration
	Generators []drawnGenerator

	Inner, Priority             int  // of the tags: the ID of the second one (0: none) and the priority
	InnerService                bool // the second tag is also a service tag
	Spoofer                     *drawnSpoofer
	Respond                     bool
	ProxyDelay                  loop.Duration
	MaxEntries, RatePPS, Window int // 0: the default
}

type drawnHost struct {
	Boot  loop.Duration
	Think loop.Duration
}

type gatewayKind uint8

const (
	gatewayNone   gatewayKind = iota // far addresses have no route
	gatewayDead                      // configured, but no host has the address
	gatewayRouter                    // a router
	gatewayShared                    // two routers that share the address, as with VRRP
)

// drawnGenerator has flows to destinations of its segment.
type drawnGenerator struct {
	Policy      string
	Targets     []drawnTarget
	Timeout     loop.Duration
	Frames      int
	Rate        int
	Fallback    bool
	Sequential  bool
	DoubleFlows bool // each destination has two flows
	Endless     bool // it runs until the world ends
	Untracked   bool
	OnLost      string // "": the default
}

// drawnTarget is a destination of a segment.
type drawnTarget struct {
	Kind targetKind
	N    int // number within its kind
	V6   bool
}

type targetKind uint8

const (
	targetHost targetKind = iota
	targetDead
	targetFar
	targetGateway
	targetOwn
	targetProxied
	targetLinkLocal
)

// drawnFault is faults of all wires of a kind until the network is healed.
type drawnFault struct {
	Wires  string
	Loss   sim.Chance
	Burst  bool
	Copy   sim.Chance
	After  loop.Duration
	Jitter loop.Duration
	Hold   sim.Chance // reorder
	Flip   sim.Chance
}

// drawnCut is a partition that ends before the network is healed.
type drawnCut struct {
	Wires    string
	From, To loop.Duration
	Way      topology.Direction
	Down     bool // the link of the port goes down, instead of an unnoticed cut
}

// drawnChange is a change of a host or a router before the network is healed.
type drawnChange struct {
	At      loop.Duration
	Segment int
	Host    int
	What    changeKind
}

type changeKind uint8

const (
	changeMAC changeKind = iota
	changeMACAnnounced
	changeMove
	changePower // off, and on again by the time of healing
	changeFailover
	numChanges
)

var changeWords = [numChanges]string{"mac", "mac-announced", "move", "power", "failover"}

// drawnRequest is a learning request for addresses.
type drawnRequest struct {
	At      loop.Duration
	Segment int
	Targets []drawnTarget
	Crowd   int // additional addresses without a host
	Timeout loop.Duration
	Mode    learning.Mode
}

// drawnOrder is another call of the user.
type drawnOrder struct {
	At      loop.Duration
	What    orderKind
	Segment int
	N       int
}

type orderKind uint8

const (
	orderDeleteGenerator orderKind = iota
	orderCancel
	orderDeleteInterface
	orderRelearn
	orderRetry
	orderFlush
	numOrders
)

var orderWords = [numOrders]string{"delete-generator", "cancel", "delete-interface", "relearn", "retry", "flush"}

// dice draws random values.
type dice struct{ *rand.Rand }

// often returns true with that probability.
func (d dice) often(percent int) bool { return d.IntN(100) < percent }

// between draws a number between least and most, both included.
func (d dice) between(least, most int) int { return least + d.IntN(most-least+1) }

// time draws a time of whole microseconds between least and most.
func (d dice) time(least, most loop.Duration) loop.Duration {
	if most <= least {
		return least
	}
	return least + loop.Duration(d.Int64N(int64((most-least)/loop.Microsecond)+1))*loop.Microsecond
}

// Draw draws the world of a seed.
func Draw(seed uint64) *RandomWorld {
	d := dice{sim.NewWorld(seed).Rand("draw")}
	w := &RandomWorld{
		Seed: seed, Retrans: loop.Second, Solicits: 3, Detect: "announce",
		IPv4: true, IPv6: true, Overlap: d.often(50),
	}
	switch d.IntN(4) {
	case 0:
		w.IPv6 = false
	case 1:
		w.IPv4 = false
	}
	if d.often(70) {
		w.Heal = d.time(0, 10*loop.Second)
	}
	if d.often(30) {
		w.Retrans = loop.Duration(d.between(1, 15)) * 100 * loop.Millisecond
	}
	if d.often(20) {
		w.Solicits = d.between(1, 5)
	}
	if d.often(30) {
		w.Detect = "none"
	}
	w.drawSegments(d)
	if w.Heal > 0 {
		w.drawFaults(d)
		w.drawChanges(d)
	}
	w.drawRequests(d)
	w.drawMoves(d)
	w.drawShortRequests(d)
	w.drawHostile(d)
	w.drawTPIDs(d)
	w.drawFlaps(d)
	w.drawPolicer(d)
	return w
}

func (w *RandomWorld) drawSegments(d dice) {
	count := 1
	if d.often(40) {
		count = d.between(2, 3)
	}
	ports, routed, slow, late := d.often(40), d.often(60), d.often(20), d.often(40)
	for s := range count {
		seg := drawnSegment{}
		if s > 0 {
			seg.VLAN = 100 + s
		}
		if ports && s == count-1 && s > 0 {
			seg.Port, seg.VLAN = 1, 0
		}
		seg.Proxy, seg.LinkLocal = d.often(30), w.IPv6 && d.often(30)
		if d.often(50) {
			seg.Delay = d.time(0, 2*loop.Millisecond)
		}
		for range d.between(1, 8) {
			seg.Hosts = append(seg.Hosts, w.drawHost(d, slow, late))
		}
		if routed {
			seg.Gateway = gatewayKind(d.between(0, 3))
			for range d.between(0, 4) {
				seg.Far = append(seg.Far, w.drawHost(d, slow, late))
			}
		}
		for range d.between(0, 2) {
			seg.Generators = append(seg.Generators, w.drawGenerator(d, &seg))
		}
		w.Segments = append(w.Segments, seg)
	}
}

func (w *RandomWorld) drawHost(d dice, slow, late bool) (h drawnHost) {
	if slow && d.often(50) {
		h.Think = d.time(0, 5*loop.Millisecond)
	}
	if late && d.often(30) {
		h.Boot = d.time(0, w.Heal)
	}
	return h
}

func (w *RandomWorld) drawGenerator(d dice, seg *drawnSegment) drawnGenerator {
	g := drawnGenerator{
		Policy: []string{"refuse", "skip", "skip", "fallback"}[d.IntN(4)], Timeout: w.drawTimeout(d),
		Frames: d.between(1, 200), Rate: d.between(100, 20_000), Sequential: d.often(50),
		Fallback: d.often(50), DoubleFlows: d.often(20),
	}
	g.Targets = w.drawTargets(d, seg, d.between(1, 10))
	return g
}

// Bounds for the time after the network is healed. A neighbor is solicited at least every
// 3 s (see package stack), and its answer takes no longer than the slowest path. Where a
// MAC has changed, one unicast solicitation may go to the old MAC, but a multicast one
// follows a RetransTimer later, which is at most half of 3 s. So an address of a live
// host has its answer within answeredWithin.
const (
	solicitedWithin = 3 * loop.Second
	maxLate         = 250 * loop.Millisecond
	answeredWithin  = solicitedWithin + maxLate
)

// timeToSpare is the time between healing and timeout that is enough for all addresses.
const timeToSpare = 2*solicitedWithin + maxLate

// drawTimeout draws a timeout that is long enough for the network to be healed and for
// all addresses to be decided after that. A few timeouts are deliberately too short.
func (w *RandomWorld) drawTimeout(d dice) loop.Duration {
	if d.often(15) {
		return d.time(100*loop.Millisecond, w.Heal+timeToSpare) / loop.Millisecond * loop.Millisecond
	}
	return d.time(w.Heal+timeToSpare+2*loop.Second, w.Heal+20*loop.Second) / loop.Millisecond * loop.Millisecond
}

func (w *RandomWorld) drawTargets(d dice, seg *drawnSegment, count int) (targets []drawnTarget) {
	seen := make(map[drawnTarget]bool)
	for range count {
		t := drawnTarget{V6: w.IPv6 && (!w.IPv4 || d.often(50))}
		switch p := d.IntN(100); {
		case p < 55:
			t.N = d.IntN(len(seg.Hosts))
		case p < 70:
			t.Kind, t.N = targetDead, d.IntN(4)
		case p < 92:
			t.Kind, t.N = targetFar, d.IntN(len(seg.Far)+2) // some of them have no host
		case p < 95:
			t.Kind = targetGateway
		case p < 98:
			t.Kind, t.N = targetProxied, d.IntN(4)
			if t.V6 && seg.LinkLocal {
				t.Kind, t.N = targetLinkLocal, 0
			}
		default:
			t.Kind = targetOwn
		}
		if !seen[t] {
			seen[t] = true
			targets = append(targets, t)
		}
	}
	return targets
}

func (w *RandomWorld) drawFaults(d dice) {
	loss, copies, late, flips := d.often(70), d.often(40), d.often(40), d.often(20)
	for _, wires := range []string{"port:*", "h*", "r*"} {
		if !d.often(60) {
			continue
		}
		f := drawnFault{Wires: wires}
		if loss {
			f.Loss, f.Burst = sim.Chance(d.between(0, 300))*sim.PerMille, d.often(20)
		}
		if copies {
			f.Copy, f.After = sim.Chance(d.between(0, 300))*sim.PerMille, d.time(0, 50*loop.Millisecond)
		}
		if late {
			f.Jitter, f.Hold = d.time(0, 20*loop.Millisecond), sim.Chance(d.between(0, 100))*sim.PerMille
		}
		if flips {
			f.Flip = sim.Chance(d.between(0, 200)) * sim.PerMille
		}
		w.Faults = append(w.Faults, f)
	}
	if d.often(30) {
		for range d.between(1, 3) {
			c := drawnCut{Wires: []string{"port:0", "h0-*", "h*", "r*"}[d.IntN(4)], Way: topology.Direction(d.IntN(3))}
			c.Down = c.Wires == "port:0" && d.often(50)
			c.From = d.time(0, w.Heal)
			c.To = d.time(c.From, w.Heal)
			w.Cuts = append(w.Cuts, c)
		}
	}
}

func (w *RandomWorld) drawChanges(d dice) {
	if !d.often(50) {
		return
	}
	only := d.IntN(int(numChanges) + 1) // one kind, or all of them
	for range d.between(1, 5) {
		c := drawnChange{At: d.time(0, w.Heal), Segment: d.IntN(len(w.Segments)), What: changeKind(only)}
		if c.What == numChanges {
			c.What = changeKind(d.IntN(int(numChanges)))
		}
		if c.What == changeFailover && w.Segments[c.Segment].Gateway != gatewayShared {
			continue
		}
		c.Host = d.IntN(len(w.Segments[c.Segment].Hosts))
		w.Changes = append(w.Changes, c)
	}
}

func (w *RandomWorld) drawRequests(d dice) {
	if d.often(50) {
		for range d.between(1, 3) {
			s := d.IntN(len(w.Segments))
			crowd := 0
			if w.IPv6 && d.often(10) {
				crowd = d.between(50, 300)
			}
			w.Requests = append(w.Requests, drawnRequest{
				Crowd: crowd,
				At:    d.time(0, w.Heal+loop.Second), Segment: s, Timeout: w.drawTimeout(d),
				Targets: w.drawTargets(d, &w.Segments[s], d.between(1, 10)), Mode: []learning.Mode{learning.ModeAll, learning.ModeCached}[d.IntN(2)],
			})
		}
	}
	w.drawRequestsAfterChanges(d)
	if !d.often(30) {
		return
	}
	for range d.between(1, 3) {
		o := drawnOrder{
			At: d.time(0, w.Heal+10*loop.Second), What: orderKind(d.IntN(int(numOrders))),
			Segment: d.IntN(len(w.Segments)), N: d.IntN(2),
		}
		w.Orders = append(w.Orders, o)
		if o.What == orderCancel { // a later request must find the addresses
			o.At, o.What = o.At+d.time(0, 3*loop.Second), orderRelearn
			w.Orders = append(w.Orders, o)
		}
	}
}

// drawRequestsAfterChanges draws requests for hosts soon after their MAC has changed.
func (w *RandomWorld) drawRequestsAfterChanges(d dice) {
	for _, c := range w.Changes {
		if c.What > changeMACAnnounced || !d.often(40) {
			continue
		}
		w.Requests = append(w.Requests, drawnRequest{
			At: c.At + d.time(0, 2*loop.Second), Segment: c.Segment, Timeout: w.drawTimeout(d), Mode: learning.ModeCached,
			Targets: []drawnTarget{{Kind: targetHost, N: c.Host, V6: w.IPv6 && (!w.IPv4 || d.often(50))}},
		})
	}
}

// drawShortRequests draws requests with short timeouts, for hosts that other requests may wait
// for.
func (w *RandomWorld) drawShortRequests(d dice) {
	if !d.often(40) {
		return
	}
	for range d.between(1, 3) {
		s := d.IntN(len(w.Segments))
		w.Requests = append(w.Requests, drawnRequest{
			At: d.time(0, w.Heal+3*loop.Second), Segment: s, Mode: []learning.Mode{learning.ModeAll, learning.ModeCached}[d.IntN(2)],
			Timeout: d.time(w.foundWithin(), w.foundWithin()+solicitedWithin) / loop.Millisecond * loop.Millisecond,
			Targets: []drawnTarget{{Kind: targetHost, N: d.IntN(len(w.Segments[s].Hosts)), V6: w.IPv6 && (!w.IPv4 || d.often(50))}},
		})
	}
}

// foundWithin returns how long a request must go on in a healed network to find every
// live host: each neighbor is solicited between two RetransTimers and one RetransTimer
// before the deadline.
func (w *RandomWorld) foundWithin() loop.Duration { return 2*w.Retrans + maxLate }

// String returns the whole content in one line.
func (w *RandomWorld) String() string {
	var b strings.Builder
	add := func(format string, args ...any) { fmt.Fprintf(&b, format, args...) }
	add("seed=%d ipv4=%t ipv6=%t overlap=%t heal=%s retrans=%s solicits=%d detect=%s",
		w.Seed, w.IPv4, w.IPv6, w.Overlap, scenario.Seconds(w.Heal), scenario.Seconds(w.Retrans), w.Solicits, w.Detect)
	for i := range w.Segments {
		s := &w.Segments[i]
		add(" segment%d(port=%d vlan=%d hosts=%d far=%d gateway=%s proxy=%t odd=%t delay=%s", i, s.Port, s.VLAN, len(s.Hosts), len(s.Far),
			[]string{"none", "dead", "router", "shared"}[s.Gateway], s.Proxy, s.LinkLocal, scenario.Seconds(s.Delay))
		for _, g := range s.Generators {
			add(" generator(%s to=%d timeout=%s frames=%d rate=%d endless=%t untracked=%t lost=%s)",
				g.Policy, len(g.Targets), scenario.Seconds(g.Timeout), g.Frames, g.Rate, g.Endless, g.Untracked, g.OnLost)
		}
		w.addHostile(add, s)
		add(")")
	}
	if p := w.Policer; p != nil {
		add(" policer(%d/s bucket=%d hosts=%d delay=%s at=%s)", p.Rate, p.Bucket, p.Hosts, scenario.Seconds(p.Delay), scenario.Seconds(p.At))
	}
	for _, f := range w.Faults {
		add(" fault(%s loss=%s burst=%t copy=%s/%s jitter=%s hold=%s flip=%s)",
			f.Wires, f.Loss, f.Burst, f.Copy, scenario.Seconds(f.After), scenario.Seconds(f.Jitter), f.Hold, f.Flip)
	}
	for _, c := range w.Cuts {
		add(" cut(%s %s-%s way=%d down=%t)", c.Wires, scenario.Seconds(c.From), scenario.Seconds(c.To), c.Way, c.Down)
	}
	for _, c := range w.Changes {
		add(" change(%s host=%d.%d at=%s)", changeWords[c.What], c.Segment, c.Host, scenario.Seconds(c.At))
	}
	for _, q := range w.Requests {
		add(" learn(segment=%d to=%d+%d mode=%s at=%s timeout=%s)", q.Segment, len(q.Targets), q.Crowd, q.Mode, scenario.Seconds(q.At), scenario.Seconds(q.Timeout))
	}
	for _, m := range w.Moves {
		add(" %s at=%s", m.String(), scenario.Seconds(m.At))
	}
	for _, f := range w.Flaps {
		if f.Host >= 0 {
			add(" move silently h%d-%d at=%s", f.Moved, f.Host, scenario.Seconds(f.Cut.From))
		}
	}
	for _, v := range w.Visits {
		add(" visit(%s by=%d.%d ipv6=%t at=%s)", visitWords[v.What], v.Segment, v.Host, v.V6, scenario.Seconds(v.At))
	}
	for _, o := range w.Orders {
		add(" order(%s %d.%d at=%s)", orderWords[o.What], o.Segment, o.N, scenario.Seconds(o.At))
	}
	return b.String()
}
