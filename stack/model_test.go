package stack

import (
	"math/rand/v2"
	"net/netip"
	"strings"
	"testing"

	"glean/stack/header"
	"glean/stack/loop"

	"pgregory.net/rapid"
)

// The model is the neighbor cache as the RFCs tell it, slowly: a map, and every
// deadline looked at every time. It does not know when solicitations come; it sees
// them leave and checks that they may. Two interfaces in two VLANs have the same
// addresses and the same peers.

// constSource makes every draw of ReachableTime the same.
type constSource struct{}

func (constSource) Uint64() uint64 { return 1 << 61 }

// modelKey is one possible neighbor.
type modelKey struct {
	iface int // 0, 1
	addr  string
}

type modelNeighbor struct {
	state       State
	mac         header.MAC
	at          loop.Time // end of REACHABLE or DELAY
	asked       loop.Time
	outstanding bool
	answered    bool // the last solicitation, if it is REACHABLE
	tried       bool // its MAC was solicited without an answer, or has a RetransTimer left to answer
	self        bool // the stack solicits by itself
	tries       int  // such solicitations
	queue       int
	holders     map[uint32]*modelSubscription // by token

	tracked, lost bool
	everybody     int           // solicitations to all stations since there was a MAC
	probe         loop.Duration // how long a confirmation is good while it is tracked
	told          header.MAC    // by the last event with a MAC
}

// A modelSubscription is a subscription with all its deadlines.
type modelSubscription struct {
	ref   uint32
	waits []modelDeadline
}

// A modelDeadline is one deadline of a subscription.
type modelDeadline struct {
	begin, deadline loop.Time
	served          bool // resolved in time, or found impossible to be
}

type model struct {
	t          *rapid.T
	impatient  bool      // the subscriber solicits as soon as it may, else when it is drawn
	upSince    loop.Time // of the link
	node       *node
	ifaces     [2]*Interface
	n          map[modelKey]*modelNeighbor
	soliciting bool // the solicitations that leave now are the subscriber's
	confirmed  map[uint32]header.MAC
	packets    map[modelKey]int // that must have left
	reachable  loop.Duration
	target     uint32
	keyOf      map[uint32]modelKey // by token
}

var modelAddresses = []string{"192.0.2.2", "192.0.2.3", "2001:db8::2", "fe80::3"}

const slack = loop.Time(3 * loop.Millisecond)

func newModel(t *rapid.T) *model {
	n := newNode(rapidTB{t: t}, loop.NewVirtual(), Options{Rand: rand.New(constSource{})})
	m := &model{t: t, node: n, n: make(map[modelKey]*modelNeighbor), confirmed: make(map[uint32]header.MAC),
		packets: make(map[modelKey]int), keyOf: make(map[uint32]modelKey)}
	n.subscriber.patient = true
	m.impatient = rapid.Bool().Draw(t, "impatient")
	n.subscriber.onDue = m.due
	for k := range m.ifaces {
		c := config(1)
		if k == 1 {
			c.Tags = []header.VLAN{{ID: 5}}
			c.Neighbor.ProbeInterval = 7 * seconds
		}
		m.ifaces[k] = n.add(c)
		for _, a := range modelAddresses {
			m.n[modelKey{k, a}] = &modelNeighbor{
				asked: neverSolicited, holders: make(map[uint32]*modelSubscription), probe: m.ifaces[k].probeInterval(),
			}
		}
	}
	m.reachable = n.stack.drawReachable(30 * seconds)
	return m
}

// rapidTB makes helpers that need a testing.TB fail the rapid test.
type rapidTB struct {
	testing.TB
	t *rapid.T
}

func (r rapidTB) Helper()                           {}
func (r rapidTB) Fatal(args ...any)                 { r.t.Fatal(args...) }
func (r rapidTB) Fatalf(format string, args ...any) { r.t.Fatalf(format, args...) }
func (r rapidTB) Errorf(format string, args ...any) { r.t.Errorf(format, args...) }

// deadline returns when a neighbor changes without a solicitation.
func (m *model) deadline(x *modelNeighbor) loop.Time {
	switch {
	case x.state == StateReachable || x.state == StateDelay:
		return x.at
	case !m.node.stack.up:
		return loop.Never
	case x.state == StateProbe && (x.tries == 3 || len(x.holders) > 0 && x.tries > 0), x.state == StateIncomplete && x.self && x.tries == 3,
		x.state == StateIncomplete && !x.self && len(x.holders) == 0 && !x.tracked:
		return x.asked.Add(seconds)
	}
	return loop.Never
}

// pass advances the time to a moment at which nothing is about to happen.
func (m *model) pass(d loop.Duration) {
	until := m.node.loop.Now().Add(d)
	for settled := false; !settled; {
		settled = true
		m.runTo(until)
		for _, x := range m.n {
			if at := m.deadline(x); at > until-slack && at < until+slack {
				settled = false
			}
			x.eachWait(func(w *modelDeadline) {
				if at := w.last(); at > until-slack && at < until+slack {
					settled = false
				}
			})
		}
		if !settled {
			until += 2*slack + 1
		}
	}
}

// runTo runs the loop step by step, so that frames and deadlines reach the model in
// their order.
func (m *model) runTo(until loop.Time) {
	for {
		next := min(m.node.loop.Next(), until)
		m.checkTracked(next)
		m.checkDeadlines(next - slack)
		m.expire(next - slack)
		m.node.loop.RunUntil(next)
		m.look()
		if next == until {
			m.expire(until - slack) // pass sees to it that nothing is due later than that
			return
		}
	}
}

// checkTracked checks that no tracked neighbor waits too long for its next solicitation:
// next is when the loop runs again.
func (m *model) checkTracked(next loop.Time) {
	for key, x := range m.n {
		wait := seconds
		if x.state == StateIncomplete {
			wait = maxSolicitGap
		}
		if x.tracked && x.state != StateReachable && m.node.stack.up && next > max(x.asked.Add(wait), m.node.loop.Now())+slack {
			m.t.Fatalf("at %v: nothing is going to happen before %v, but %v is sought: %+v", m.node.loop.Now(), next, key, x)
		}
	}
}

// last returns the latest time of a useful solicitation before the deadline.
func (w *modelDeadline) last() loop.Time { return w.deadline.Add(-seconds) }

func (x *modelNeighbor) eachWait(f func(*modelDeadline)) {
	for _, h := range x.holders {
		for k := range h.waits {
			f(&h.waits[k])
		}
	}
}

// checkDeadlines checks that each deadline without time for another solicitation had
// one: a solicitation between its begin and a RetransTimer before it, if one was allowed
// then.
func (m *model) checkDeadlines(now loop.Time) {
	for key, x := range m.n {
		x.eachWait(func(w *modelDeadline) {
			if w.served || w.last() > now {
				return
			}
			w.served = true
			allowed := max(w.begin, x.asked.Add(seconds), m.upSince)
			if m.impatient && m.node.stack.up && allowed+slack < w.last() {
				m.t.Fatalf("at %v: %v was not solicited for %+v, though that was allowed from %v on", m.node.loop.Now(), key, *w, allowed)
			}
		})
	}
}

// due is the subscriber when SolicitDue is called.
func (m *model) due(target uint32) {
	m.look()
	now := m.node.loop.Now()
	key := m.keyOf[target]
	x := m.n[key]
	info, _ := m.ifaces[key.iface].Neighbor(netip.MustParseAddr(key.addr))
	for x.self || x.state != info.State { // the stack is a moment ahead
		if m.deadline(x) > now+slack {
			m.t.Fatalf("at %v: %v may be solicited, and is %v: %+v", now, key, info.State, x)
		}
		m.end(x)
	}
	if m.impatient {
		m.solicit(key, target)
	}
}

// solicit solicits for a token, as the subscriber.
func (m *model) solicit(key modelKey, target uint32) {
	x := m.n[key]
	allowed := m.node.stack.up && m.node.loop.Now() >= x.asked.Add(seconds)
	if allowed && x.tried && x.state.HasMAC() && x.state != StateProbe {
		m.forget(x)
	}
	before := x.asked
	m.soliciting = true
	sent := m.node.stack.Solicit(x.holders[target].ref)
	m.look()
	m.soliciting = false
	if sent != allowed {
		m.t.Fatalf("Solicit: %v, solicited at %v, now %v", sent, before, m.node.loop.Now())
	}
}

// expire applies the deadlines up to now.
func (m *model) expire(now loop.Time) {
	for _, x := range m.n {
		for m.deadline(x) <= now {
			m.end(x)
		}
	}
}

func (m *model) end(x *modelNeighbor) {
	switch {
	case x.state == StateReachable && !x.tracked:
		x.state = StateStale
	case x.state == StateDelay, x.state == StateReachable:
		x.state, x.tries = StateProbe, 0
	case (len(x.holders) > 0 || x.tracked) && x.state == StateProbe:
		m.forget(x)
	case len(x.holders) > 0 || x.tracked:
		x.self, x.tries, x.queue = false, 0, 0
	default:
		m.delete(x)
	}
}

// forget makes a neighbor INCOMPLETE; delete removes it.
func (m *model) forget(x *modelNeighbor) {
	x.state, x.mac, x.self, x.tries, x.everybody = StateIncomplete, header.MAC{}, false, 0, 0
}

func (m *model) delete(x *modelNeighbor) {
	*x = modelNeighbor{asked: x.asked, holders: x.holders, probe: x.probe, told: x.told}
}

// stale makes a neighbor STALE, or what it becomes if it is tracked.
func (m *model) stale(x *modelNeighbor) {
	x.state = StateStale
	if x.tracked {
		x.state, x.tries = StateProbe, 0
	}
}

// look reads the frames sent since the last call.
func (m *model) look() {
	now := m.node.loop.Now()
	frames := m.node.link.sent
	m.node.link.sent = nil
	for _, e := range m.node.observer.neighbors {
		m.event(e)
	}
	m.node.observer.neighbors = nil
	for _, f := range frames {
		words := describe(f)
		k := 0
		if strings.Contains(words, "vlan 5/") {
			k = 1
		}
		switch {
		case strings.Contains(words, "BAD"), strings.Contains(words, "undecodable"):
			m.t.Fatalf("sent %s", words)
		case strings.Contains(words, "arp who-has"):
			m.solicited(modelKey{k, strings.SplitN(strings.Fields(words[strings.Index(words, "arp"):])[3], "(", 2)[0]}, header.MAC(f[:6]), now)
		case strings.Contains(words, "NS "):
			fields := strings.Fields(words[strings.Index(words, "NS "):])
			m.solicited(modelKey{k, fields[1]}, header.MAC(f[:6]), now)
		case strings.Contains(words, "udp"):
			addresses := strings.Fields(words)[len(strings.Fields(words))-3]
			key := modelKey{k, strings.SplitN(addresses, ">", 2)[1]}
			m.packets[key]--
			if m.n[key].mac != header.MAC(f[:6]) {
				m.t.Fatalf("at %v: %s, but the neighbor is %+v", now, words, m.n[key])
			}
		}
	}
}

// event applies an event of the observer.
func (m *model) event(e NeighborEvent) {
	key := modelKey{0, e.Addr.String()}
	if e.Interface == m.ifaces[1] {
		key.iface = 1
	}
	x := m.n[key]
	switch {
	case e.Lost && (!x.tracked || x.lost || x.state != StateIncomplete || x.everybody < 3 || !m.node.stack.up):
		m.t.Fatalf("at %v: %v is said to be lost: %+v", m.node.loop.Now(), key, x)
	case e.Lost:
		x.lost = true
	case !e.MAC.IsZero():
		x.told = e.MAC
	}
}

// solicited applies a solicitation that was sent.
func (m *model) solicited(key modelKey, to header.MAC, now loop.Time) {
	x, known := m.n[key]
	if !known {
		m.t.Fatalf("at %v: %v is solicited without a subscription", now, key)
	}
	if now < x.asked.Add(seconds) {
		m.t.Fatalf("at %v: %v is solicited, and was at %v", now, key, x.asked)
	}
	if x.tracked && m.deadline(x) <= now+slack {
		m.end(x)
	}
	if x.state == StateNone || !(x.tracked && x.state == StateIncomplete) && len(x.holders) == 0 && x.queue == 0 && x.state != StateProbe && !(x.state == StateDelay && x.at <= now+slack) {
		m.t.Fatalf("at %v: %v is solicited without a subscription: %+v", now, key, x)
	}
	if !to.IsMulticast() && to != x.mac {
		m.t.Fatalf("at %v: %v is solicited by unicast to %v: %+v", now, key, to, x)
	}
	if x.state == StateDelay && x.at <= now+slack && !m.soliciting {
		x.state, x.tries = StateProbe, 0
	}
	if x.state == StateProbe && to != x.mac {
		m.t.Fatalf("at %v: a probe of %v goes to %v", now, key, to)
	}
	x.asked, x.outstanding, x.answered = now, true, false
	x.eachWait(func(w *modelDeadline) { w.served = w.served || now <= w.last()+slack })
	x.tried = x.tried || !to.IsMulticast() && x.state != StateProbe
	if to.IsMulticast() {
		x.everybody++
	}
	if !m.soliciting && (x.self || x.state == StateProbe) {
		if x.tries++; x.tries > 3 {
			m.t.Fatalf("at %v: %v is solicited %d times", now, key, x.tries)
		}
	}
}

// confirm makes a neighbor REACHABLE; with answered its subscribers are notified.
func (m *model) confirm(x *modelNeighbor, answered bool) {
	x.answered = answered || x.answered && x.state == StateReachable
	good := m.reachable
	if x.tracked {
		good = x.probe
	}
	x.state, x.at, x.self, x.tries, x.tried = StateReachable, m.node.loop.Now().Add(good), false, 0, false
	if !answered {
		return
	}
	x.outstanding = false
	for target := range x.holders {
		m.confirmed[target] = x.mac
	}
	clear(x.holders)
}

// learn stores a MAC; held packets leave.
func (m *model) learn(key modelKey, x *modelNeighbor, mac header.MAC) {
	x.tried = x.tried && x.mac == mac
	x.mac = mac
	m.packets[key] += x.queue
	x.queue, x.self, x.tries, x.lost = 0, false, 0, false
}

// heard applies a MAC of a message that confirms nothing.
func (m *model) heard(key modelKey, mac header.MAC, create bool) {
	x := m.n[key]
	if x.state == StateNone && !create || x.state.HasMAC() && x.mac == mac {
		return
	}
	m.learn(key, x, mac)
	m.stale(x)
}

// advert applies RFC 4861 section 7.2.5.
func (m *model) advert(key modelKey, solicited, override bool, mac header.MAC) {
	x := m.n[key]
	if x.state == StateNone {
		return
	}
	lla := "other"
	if mac.IsZero() {
		lla = "none"
	} else if x.state.HasMAC() && mac == x.mac {
		lla = "same"
	}
	next, taken := after725(x.state, solicited, override, lla)
	if taken {
		m.learn(key, x, mac)
	}
	if next == StateReachable && (x.state != StateReachable || taken || solicited && (override || lla != "other")) {
		m.confirm(x, true)
	}
	if x.state = next; next == StateStale {
		m.stale(x)
	}
}

// isOutstanding reports whether an answer now would answer a solicitation.
func (m *model) isOutstanding(x *modelNeighbor) bool {
	return x.outstanding && (x.state == StateIncomplete || x.state == StateProbe || len(x.holders) > 0 ||
		m.node.loop.Now() < x.asked.Add(seconds))
}

// compare fails the test at a difference between the stack and the model.
func (m *model) compare() {
	m.look()
	for key, x := range m.n {
		info, ok := m.ifaces[key.iface].Neighbor(netip.MustParseAddr(key.addr))
		if ok != (x.state != StateNone) || info.State != x.state || info.MAC != x.mac {
			m.t.Fatalf("at %v: %v is %v %v, want %+v", m.node.loop.Now(), key, info.State, info.MAC, x)
		}
		if info.Subscribed != (len(x.holders) > 0) {
			m.t.Fatalf("%v held: %v", key, info.Subscribed)
		}
		if x.tracked && x.state.HasMAC() && x.told != x.mac {
			m.t.Fatalf("%v has %v, but the observer has %v", key, x.mac, x.told)
		}
		if m.packets[key] != 0 {
			m.t.Fatalf("at %v: %d packets to %v should have left", m.node.loop.Now(), m.packets[key], key)
		}
	}
	if len(m.confirmed) != len(m.node.subscriber.confirmed) {
		m.t.Fatalf("%d confirmed, want %d", len(m.node.subscriber.confirmed), len(m.confirmed))
	}
	for target, mac := range m.confirmed {
		if c := m.node.subscriber.confirmed[target]; c.mac != mac {
			m.t.Fatalf("Confirmed(%d) has %v, want %v", target, c.mac, mac)
		}
	}
	if err := m.node.stack.Check(); err != nil {
		m.t.Fatalf("at %v: %v", m.node.loop.Now(), err)
	}
}
