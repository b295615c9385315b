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
// deadline looked at every time. It does not know when questions come; it sees
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
	tried       bool // its MAC was asked in vain, or has a RetransTimer left to answer
	self        bool // the stack asks by itself
	tries       int  // such questions
	queue       int
	holders     map[uint32]uint32 // target -> ref
}

type model struct {
	t          *rapid.T
	node       *node
	ifaces     [2]*Interface
	n          map[modelKey]*modelNeighbor
	soliciting bool // the questions that leave now are the waiter's
	confirmed  map[uint32]header.MAC
	packets    map[modelKey]int // that must have left
	reachable  loop.Duration
	target     uint32
	keyOf      map[uint32]modelKey // by target
}

var modelAddresses = []string{"192.0.2.2", "192.0.2.3", "2001:db8::2", "fe80::3"}

const slack = loop.Time(3 * loop.Millisecond)

func newModel(t *rapid.T) *model {
	n := newNode(rapidTB{t: t}, loop.NewVirtual(), Options{Rand: rand.New(constSource{})})
	m := &model{t: t, node: n, n: make(map[modelKey]*modelNeighbor), confirmed: make(map[uint32]header.MAC),
		packets: make(map[modelKey]int), keyOf: make(map[uint32]modelKey)}
	n.waiter.patient = true
	for k := range m.ifaces {
		c := config(1)
		if k == 1 {
			c.Tags = []header.VLAN{{ID: 5}}
		}
		m.ifaces[k] = n.add(c)
		for _, a := range modelAddresses {
			m.n[modelKey{k, a}] = &modelNeighbor{asked: neverAsked, holders: make(map[uint32]uint32)}
		}
	}
	m.reachable = n.stack.drawReachable(30 * seconds)
	return m
}

// rapidTB lets helpers that want a testing.TB fail the rapid test.
type rapidTB struct {
	testing.TB
	t *rapid.T
}

func (r rapidTB) Helper()                           {}
func (r rapidTB) Fatal(args ...any)                 { r.t.Fatal(args...) }
func (r rapidTB) Fatalf(format string, args ...any) { r.t.Fatalf(format, args...) }
func (r rapidTB) Errorf(format string, args ...any) { r.t.Errorf(format, args...) }

// deadline is when something happens to a neighbor without a question.
func (m *model) deadline(x *modelNeighbor) loop.Time {
	switch {
	case x.state == StateReachable || x.state == StateDelay:
		return x.at
	case !m.node.stack.up:
		return loop.Never
	case x.state == StateProbe && x.tries == 3, x.state == StateIncomplete && x.self && x.tries == 3,
		x.state == StateIncomplete && !x.self && len(x.holders) == 0:
		return x.asked.Add(seconds)
	}
	return loop.Never
}

// pass lets time go by to a moment at which nothing is about to happen.
func (m *model) pass(d loop.Duration) {
	until := m.node.loop.Now().Add(d)
	for settled := false; !settled; {
		settled = true
		m.runTo(until)
		for _, x := range m.n {
			if at := m.deadline(x); at > until-slack && at < until+slack {
				settled = false
			}
		}
		if !settled {
			until += 2*slack + 1
		}
	}
}

// runTo runs the loop step by step, so that frames and deadlines come to the
// model in their order.
func (m *model) runTo(until loop.Time) {
	for {
		next := min(m.node.loop.Next(), until)
		m.expire(next - slack)
		m.node.loop.RunUntil(next)
		m.look()
		if next == until {
			m.expire(until - slack) // pass sees to it that nothing is due later than that
			return
		}
	}
}

// expire ends what has ended by now.
func (m *model) expire(now loop.Time) {
	for _, x := range m.n {
		for m.deadline(x) <= now {
			m.end(x)
		}
	}
}

func (m *model) end(x *modelNeighbor) {
	switch {
	case x.state == StateReachable:
		x.state = StateStale
	case x.state == StateDelay:
		x.state, x.tries = StateProbe, 0
	case len(x.holders) > 0 && x.state == StateProbe:
		x.state, x.mac, x.self, x.tries = StateIncomplete, header.MAC{}, false, 0
	case len(x.holders) > 0:
		x.self, x.tries, x.queue = false, 0, 0
	default:
		*x = modelNeighbor{asked: x.asked, holders: x.holders}
	}
}

// look takes the frames that left since the last look.
func (m *model) look() {
	now := m.node.loop.Now()
	frames := m.node.link.sent
	m.node.link.sent = nil
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
			m.question(modelKey{k, strings.SplitN(strings.Fields(words[strings.Index(words, "arp"):])[3], "(", 2)[0]}, header.MAC(f[:6]), now)
		case strings.Contains(words, "NS "):
			fields := strings.Fields(words[strings.Index(words, "NS "):])
			m.question(modelKey{k, fields[1]}, header.MAC(f[:6]), now)
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

// question sees a neighbor being asked.
func (m *model) question(key modelKey, to header.MAC, now loop.Time) {
	x, known := m.n[key]
	if !known {
		m.t.Fatalf("at %v: %v is asked, which nobody wants", now, key)
	}
	if now < x.asked.Add(seconds) {
		m.t.Fatalf("at %v: %v is asked, and was at %v", now, key, x.asked)
	}
	if x.state == StateNone || len(x.holders) == 0 && x.queue == 0 && x.state != StateProbe && !(x.state == StateDelay && x.at <= now+slack) {
		m.t.Fatalf("at %v: %v is asked for nobody: %+v", now, key, x)
	}
	if !to.IsMulticast() && to != x.mac {
		m.t.Fatalf("at %v: %v is asked by unicast to %v: %+v", now, key, to, x)
	}
	if x.state == StateDelay && x.at <= now+slack && !m.soliciting {
		x.state, x.tries = StateProbe, 0
	}
	if x.state == StateProbe && to != x.mac {
		m.t.Fatalf("at %v: a probe of %v goes to %v", now, key, to)
	}
	x.asked, x.outstanding = now, true
	x.tried = x.tried || !to.IsMulticast() && x.state != StateProbe
	if !m.soliciting && (x.self || x.state == StateProbe) {
		if x.tries++; x.tries > 3 {
			m.t.Fatalf("at %v: %v is asked %d times", now, key, x.tries)
		}
	}
}

// confirm makes a neighbor REACHABLE; answered: its waiters are told.
func (m *model) confirm(x *modelNeighbor, answered bool) {
	x.state, x.at, x.self, x.tries, x.tried = StateReachable, m.node.loop.Now().Add(m.reachable), false, 0, false
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
	x.queue, x.self, x.tries = 0, false, 0
}

// heard is a MAC in a message that confirms nothing.
func (m *model) heard(key modelKey, mac header.MAC, create bool) {
	x := m.n[key]
	if x.state == StateNone && !create || x.state.HasMAC() && x.mac == mac {
		return
	}
	m.learn(key, x, mac)
	x.state = StateStale
}

// advert is RFC 4861 section 7.2.5.
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
	x.state = next
}

// isOutstanding: a question was sent, and its answer would still be one.
func (m *model) isOutstanding(x *modelNeighbor) bool {
	return x.outstanding && (x.state == StateIncomplete || x.state == StateProbe || len(x.holders) > 0 ||
		m.node.loop.Now() < x.asked.Add(seconds))
}

// compare looks for differences between the stack and the model.
func (m *model) compare() {
	m.look()
	for key, x := range m.n {
		info, ok := m.ifaces[key.iface].Neighbor(netip.MustParseAddr(key.addr))
		if ok != (x.state != StateNone) || info.State != x.state || info.MAC != x.mac {
			m.t.Fatalf("at %v: %v is %v %v, want %+v", m.node.loop.Now(), key, info.State, info.MAC, x)
		}
		if info.Held != (len(x.holders) > 0) {
			m.t.Fatalf("%v held: %v", key, info.Held)
		}
		if m.packets[key] != 0 {
			m.t.Fatalf("at %v: %d packets to %v should have left", m.node.loop.Now(), m.packets[key], key)
		}
	}
	if len(m.confirmed) != len(m.node.waiter.confirmed) {
		m.t.Fatalf("%d confirmed, want %d", len(m.node.waiter.confirmed), len(m.confirmed))
	}
	for target, mac := range m.confirmed {
		if c := m.node.waiter.confirmed[target]; c.mac != mac {
			m.t.Fatalf("target %d was told %v, want %v", target, c.mac, mac)
		}
	}
	if err := m.node.stack.Check(); err != nil {
		m.t.Fatalf("at %v: %v", m.node.loop.Now(), err)
	}
}

func TestStackAgainstModel(t *testing.T) {
	key := rapid.Custom(func(t *rapid.T) modelKey {
		return modelKey{rapid.IntRange(0, 1).Draw(t, "interface"), rapid.SampledFrom(modelAddresses).Draw(t, "address")}
	})
	mac := rapid.SampledFrom([]header.MAC{mac2, mac3, mac4})
	tags := func(k modelKey) []uint16 {
		if k.iface == 1 {
			return []uint16{5}
		}
		return nil
	}
	is4 := func(k modelKey) bool { return netip.MustParseAddr(k.addr).Is4() }
	rapid.Check(t, func(t *rapid.T) {
		m := newModel(t)
		s := m.node.stack
		t.Repeat(map[string]func(*rapid.T){
			"pass": func(t *rapid.T) {
				m.pass(loop.Duration(rapid.SampledFrom([]int64{0, 10e6, 300e6, 1e9, 1100e6, 5e9, 20e9, 50e9}).Draw(t, "time")))
			},
			"send": func(t *rapid.T) {
				k := key.Draw(t, "to")
				x, i, dst := m.n[k], m.ifaces[k.iface], netip.MustParseAddr(k.addr)
				r := i.Output(dst, udpPacket(m.node.t, i.Source(dst).String(), k.addr))
				if want := map[bool]Reason{true: ReasonNone, false: LinkDown}[s.up]; r != want {
					t.Fatalf("Output: %v, want %v", r, want)
				}
				switch {
				case !s.up:
					return
				case x.state.HasMAC():
					m.packets[k]++
					if x.state == StateStale {
						x.state, x.at = StateDelay, m.node.loop.Now().Add(5*seconds)
					}
				default:
					x.state = StateIncomplete
					x.queue = min(x.queue+1, 32)
					if !x.self {
						x.self, x.tries = true, 0
					}
				}
			},
			"hold": func(t *rapid.T) {
				k, fresh := key.Draw(t, "neighbor"), rapid.Bool().Draw(t, "fresh")
				x := m.n[k]
				m.target++
				h := m.ifaces[k.iface].Hold(netip.MustParseAddr(k.addr), m.target, fresh, m.node.loop.Now()+loop.Time(rapid.Int64Range(1e8, 60e9).Draw(t, "timeout")))
				if x.state == StateReachable && !fresh {
					if h.State != HeldKnown || h.MAC != x.mac {
						t.Fatalf("%+v", h)
					}
					return
				}
				if h.State != HeldAsk && h.State != HeldWait {
					t.Fatalf("%+v", h)
				}
				if allowed := s.up && m.node.loop.Now() >= x.asked.Add(seconds); h.State == HeldAsk && !allowed {
					t.Fatalf("may ask now, but was asked at %v", x.asked)
				}
				x.holders[m.target] = h.Ref
				m.keyOf[m.target] = k
				if x.state == StateNone {
					x.state = StateIncomplete
				}
			},
			"solicit": func(t *rapid.T) {
				k := key.Draw(t, "neighbor")
				x := m.n[k]
				for target := uint32(1); target <= m.target; target++ {
					if ref, ok := x.holders[target]; ok {
						allowed := s.up && m.node.loop.Now() >= x.asked.Add(seconds)
						if allowed && x.tried && x.state.HasMAC() && x.state != StateProbe {
							x.state, x.mac, x.self, x.tries = StateIncomplete, header.MAC{}, false, 0
						}
						m.soliciting = true
						sent := s.Solicit(ref)
						m.look()
						m.soliciting = false
						if sent != allowed {
							t.Fatalf("Solicit: %v, asked at %v, now %v", sent, x.asked, m.node.loop.Now())
						}
						return
					}
				}
			},
			"release": func(t *rapid.T) {
				k := key.Draw(t, "neighbor")
				x := m.n[k]
				for target := uint32(1); target <= m.target; target++ {
					if ref, ok := x.holders[target]; ok {
						s.Release(ref)
						delete(x.holders, target)
						break
					}
				}
				m.pass(0)
			},
			"ARP": func(t *rapid.T) {
				k := key.Filter(is4).Draw(t, "sender")
				f := arpFrame{op: uint16(rapid.IntRange(1, 2).Draw(t, "op")), senderMAC: mac.Draw(t, "mac"), senderIP: k.addr, tags: tags(k)}
				f.targetIP = rapid.SampledFrom([]string{"192.0.2.1", k.addr, "192.0.2.77"}).Draw(t, "target")
				if rapid.Bool().Draw(t, "unicast") {
					f.ethDst = mac1
				}
				x, ours := m.n[k], f.targetIP == "192.0.2.1"
				answered := f.op == 2 && m.isOutstanding(x) && (ours || f.ethDst == mac1)
				s.HandleFrame(f.bytes(m.node.t))
				if answered {
					m.advert(k, true, true, f.senderMAC)
				} else {
					m.heard(k, f.senderMAC, f.op == 1 && ours)
				}
			},
			"solicitation": func(t *rapid.T) {
				k := key.Filter(func(k modelKey) bool { return !is4(k) }).Draw(t, "sender")
				f := ndFrame{src: k.addr, dst: solicitGroup, target: "2001:db8::1", lla: mac.Draw(t, "mac"), tags: tags(k)}
				s.HandleFrame(f.bytes(m.node.t))
				m.heard(k, f.lla, true)
			},
			"advertisement": func(t *rapid.T) {
				k := key.Filter(func(k modelKey) bool { return !is4(k) }).Draw(t, "target")
				f := ndFrame{advert: true, target: k.addr, tags: tags(k), flags: rapid.SampledFrom([]uint8{0, flagO, flagS, flagS | flagO, flagS | flagO | flagR}).Draw(t, "flags")}
				if rapid.Bool().Draw(t, "with MAC") {
					f.lla = mac.Draw(t, "mac")
				}
				if f.flags&flagS == 0 && rapid.Bool().Draw(t, "multicast") {
					f.dst = "ff02::1"
				}
				s.HandleFrame(f.bytes(m.node.t))
				m.advert(k, f.flags&flagS != 0, f.flags&flagO != 0, f.lla)
			},
			"hint": func(t *rapid.T) {
				k := key.Draw(t, "neighbor")
				m.ifaces[k.iface].Confirm(netip.MustParseAddr(k.addr))
				if x := m.n[k]; x.state.HasMAC() {
					m.confirm(x, false)
				}
			},
			"flush": func(t *rapid.T) {
				i := rapid.IntRange(0, 1).Draw(t, "interface")
				m.ifaces[i].Flush()
				for k, x := range m.n {
					if k.iface != i || x.state == StateNone {
						continue
					}
					recent := m.node.loop.Now() < x.asked.Add(seconds)
					switch {
					case len(x.holders) == 0 && !recent:
						*x = modelNeighbor{asked: x.asked, holders: x.holders}
					case x.state.HasMAC():
						x.state, x.mac, x.self, x.tries = StateIncomplete, header.MAC{}, false, 0
					}
					x.outstanding = false
				}
				m.pass(0)
			},
			"link": func(t *rapid.T) {
				m.node.link.set(!s.up)
				if s.up {
					m.pass(0)
					return
				}
				for _, x := range m.n {
					x.outstanding = false
					switch x.state {
					case StateIncomplete:
						x.queue, x.self, x.tries = 0, false, 0
					case StateReachable, StateDelay, StateProbe:
						x.state = StateStale
					}
				}
			},
			"": func(t *rapid.T) { m.compare() },
		})
	})
}
