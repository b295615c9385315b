package learning

import (
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"testing"

	"glean/stack/header"
	"glean/stack/loop"
)

// key names a neighbor in tests.
type key struct {
	iface uint32
	hop   netip.Addr
}

// held is a subscription of the fake resolver.
type held struct {
	key
	target    uint32
	fresh     bool
	deadlines []loop.Time // of all requests that wait
	asked     int
	askedAt   loop.Time
}

// fakeInterface is an interface of the fake resolver. The zero value has every
// address on-link.
type fakeInterface struct {
	prefix  netip.Prefix // on-link; invalid: everything
	gateway netip.Addr   // invalid: no route
	own     netip.Addr
	budget  Budget
}

// fake is a resolver without a network: it records its calls, and does what the
// test sets. With a host function it replies by itself.
type fake struct {
	t       testing.TB
	loop    *loop.Virtual
	m       *Manager
	ifaces  map[uint32]*fakeInterface
	cached  map[key]header.MAC
	refuse  map[key]Reason
	why     map[key]Reason // verdicts; NoReply else
	wait    map[key]bool   // Hold says HeldWait
	down    bool           // Solicit sends nothing
	retrans loop.Duration  // of every neighbor

	refs   map[Ref]*held
	byKey  map[key]Ref
	next   Ref
	holds  int
	sent   []key // every solicitation, in order
	onSend func(Ref, *held)
	inside bool // in a method: the manager must not be called back

	host    func(key) (rtt loop.Duration, answers bool)
	replies delayed
	dues    delayed
}

// delayed calls f for what was put in, a time later. What is put in with the
// same delay stays in order.
type delayed struct {
	loop  *loop.Virtual
	timer loop.Timer
	items []delayedItem
	f     func(Ref)
}

type delayedItem struct {
	ref Ref
	at  loop.Time
}

func (d *delayed) init(l *loop.Virtual, f func(Ref)) {
	d.loop, d.f = l, f
	d.timer.Init(d.run)
}

func (d *delayed) put(ref Ref, at loop.Time) {
	i := len(d.items)
	for i > 0 && d.items[i-1].at > at {
		i--
	}
	d.items = append(d.items, delayedItem{})
	copy(d.items[i+1:], d.items[i:])
	d.items[i] = delayedItem{ref, at}
	d.loop.Arm(&d.timer, d.items[0].at)
}

func (d *delayed) run() {
	for len(d.items) > 0 && d.items[0].at <= d.loop.Now() {
		ref := d.items[0].ref
		d.items = d.items[1:]
		d.f(ref)
	}
	if len(d.items) > 0 {
		d.loop.Arm(&d.timer, d.items[0].at)
	}
}

const testRetrans = loop.Second

func newFake(t testing.TB) *fake {
	f := &fake{t: t, loop: loop.NewVirtual(),
		ifaces: map[uint32]*fakeInterface{}, cached: map[key]header.MAC{}, refuse: map[key]Reason{},
		why: map[key]Reason{}, wait: map[key]bool{}, retrans: testRetrans, refs: map[Ref]*held{}, byKey: map[key]Ref{}}
	f.replies.init(f.loop, f.reply)
	f.dues.init(f.loop, f.due)
	f.addInterface(1)
	return f
}

func (f *fake) addInterface(handle uint32) *fakeInterface {
	i := &fakeInterface{budget: Budget{Window: 4096, RetransTimer: testRetrans}}
	f.ifaces[handle] = i
	return i
}

// macOf is the MAC of every neighbor with that address.
func macOf(k key) header.MAC {
	b := k.hop.As16()
	return header.MAC{2, byte(k.iface), b[12], b[13], b[14], b[15]}
}

func (f *fake) enter() func() {
	if f.inside {
		f.t.Fatal("the resolver is called from inside the resolver")
	}
	f.inside = true
	return func() { f.inside = false }
}

func (f *fake) NextHop(iface uint32, dst netip.Addr) (netip.Addr, Reason) {
	defer f.enter()()
	i := f.ifaces[iface]
	switch {
	case dst == i.own:
		return netip.Addr{}, OwnAddress
	case !i.prefix.IsValid() || i.prefix.Contains(dst):
		return dst, ReasonNone
	case i.gateway.IsValid():
		return i.gateway, ReasonNone
	}
	return netip.Addr{}, NoRoute
}

func (f *fake) Subscribe(iface uint32, hop netip.Addr, target uint32, fresh bool, deadline loop.Time) SubscribeResult {
	defer f.enter()()
	k := key{iface, hop}
	if _, ok := f.byKey[k]; ok {
		f.t.Fatalf("%v is held twice", k)
	}
	if mac, ok := f.cached[k]; ok && !fresh {
		return SubscribeResult{State: SubscribeKnown, MAC: mac}
	}
	if why, ok := f.refuse[k]; ok {
		return SubscribeResult{State: SubscribeRefused, Reason: why}
	}
	f.next++
	f.holds++
	f.byKey[k] = f.next
	f.refs[f.next] = &held{key: k, target: target, fresh: fresh, deadlines: []loop.Time{deadline}}
	if f.wait[k] {
		return SubscribeResult{State: SubscribeWait, Ref: f.next}
	}
	return SubscribeResult{State: SubscribeDue, Ref: f.next}
}

func (f *fake) must(ref Ref) *held {
	h := f.refs[ref]
	if h == nil {
		f.t.Fatalf("ref %d is not held", ref)
	}
	return h
}

func (f *fake) Solicit(ref Ref) bool {
	defer f.enter()()
	h := f.must(ref)
	if f.down {
		return false
	}
	if now := f.loop.Now(); h.asked > 0 && now.Sub(h.askedAt) < f.retrans {
		f.t.Fatalf("%v asked twice within RetransTimer", h.key)
	}
	h.asked++
	h.askedAt = f.loop.Now()
	f.sent = append(f.sent, h.key)
	if f.onSend != nil {
		f.onSend(ref, h)
	}
	if f.host != nil {
		f.dues.put(ref, h.askedAt.Add(f.retrans))
		if rtt, ok := f.host(h.key); ok {
			f.replies.put(ref, h.askedAt.Add(rtt))
		}
	}
	return true
}

func (f *fake) Known(iface uint32, hop netip.Addr, fresh bool, _ loop.Time) (header.MAC, bool) {
	defer f.enter()()
	mac, ok := f.cached[key{iface, hop}]
	return mac, ok && !fresh
}

func (f *fake) AddDeadline(ref Ref, deadline loop.Time) {
	defer f.enter()()
	h := f.must(ref)
	h.deadlines = append(h.deadlines, deadline)
}

func (f *fake) RemoveDeadline(ref Ref, deadline loop.Time) {
	defer f.enter()()
	h := f.must(ref)
	at := slices.Index(h.deadlines, deadline)
	if at < 0 || len(h.deadlines) == 1 {
		f.t.Fatalf("no other request waits for %v until %v: %v", h.key, deadline, h.deadlines)
	}
	h.deadlines = slices.Delete(h.deadlines, at, at+1)
}

func (f *fake) Release(ref Ref) {
	defer f.enter()()
	f.end(ref)
}

// end ends a subscription, at Release or at a reply.
func (f *fake) end(ref Ref) {
	delete(f.byKey, f.must(ref).key)
	delete(f.refs, ref)
}

// forget ends the subscriptions of a deleted interface.
func (f *fake) forget(iface uint32) {
	maps.DeleteFunc(f.byKey, func(k key, ref Ref) bool {
		if k.iface == iface {
			delete(f.refs, ref)
		}
		return k.iface == iface
	})
}

func (f *fake) FailureReason(ref Ref) Reason {
	defer f.enter()()
	if why, ok := f.why[f.must(ref).key]; ok {
		return why
	}
	return NoReply
}

func (f *fake) Budget(iface uint32) Budget {
	defer f.enter()()
	return f.ifaces[iface].budget
}

// reply answers the last solicitation; it is ignored if no request waits.
func (f *fake) reply(ref Ref) {
	if h := f.refs[ref]; h != nil {
		f.end(ref)
		f.m.Confirmed(h.target, macOf(h.key), f.loop.Now().Sub(h.askedAt), uint32(h.asked))
	}
}

func (f *fake) due(ref Ref) {
	if h := f.refs[ref]; h != nil {
		f.m.SolicitDue(h.target)
	}
}

// answer confirms a neighbor now.
func (f *fake) answer(iface uint32, hop string) {
	f.t.Helper()
	ref, ok := f.byKey[key{iface, netip.MustParseAddr(hop)}]
	if !ok {
		f.t.Fatalf("%s is not held", hop)
	}
	f.reply(ref)
}

// log is an observer that records its calls.
type log struct {
	lines   []string
	changed func(*Request)
}

func (o *log) add(format string, args ...any) {
	o.lines = append(o.lines, fmt.Sprintf(format, args...))
}

func (o *log) GeneratorBegins(g uint32, r *Request)  { o.add("begins %d %s", g, r.ID()) }
func (o *log) Learned(g, adj uint32, mac header.MAC) { o.add("learned %d/%d %v", g, adj, mac) }
func (o *log) Lost(g, adj uint32, why Reason, _ int) { o.add("lost %d/%d %v", g, adj, why) }
func (o *log) GeneratorDone(g uint32, completed bool, r *Request) {
	o.add("done %d %v %s", g, completed, r.ID())
}
func (o *log) RequestChanged(r *Request) {
	o.add("request %s %v", r.ID(), r.State())
	if o.changed != nil {
		o.changed(r)
	}
}

func (o *log) take() []string {
	lines := o.lines
	o.lines = nil
	return lines
}

// newManager returns a manager on a fake resolver.
func newManager(t testing.TB, options Options) (*fake, *log, *Manager) {
	f, o := newFake(t), &log{}
	m := NewManager(f.loop, f, o, options)
	f.m = m
	return f, o, m
}

func ifc(handle uint32) Interface {
	return Interface{Handle: handle, ID: fmt.Sprintf("if-%d", handle)}
}

func addresses(list ...string) []netip.Addr {
	out := make([]netip.Addr, len(list))
	for i, s := range list {
		out[i] = netip.MustParseAddr(s)
	}
	return out
}

// ipv4 counts addresses from 10.0.0.0.
func ipv4(n int) netip.Addr {
	return netip.AddrFrom4([4]byte{10, byte(n >> 16), byte(n >> 8), byte(n)})
}

func wants(list ...string) []Want {
	out := make([]Want, len(list))
	for i, a := range addresses(list...) {
		out[i] = Want{Dst: a, Adj: uint32(i)}
	}
	return out
}

func gen(handle uint32, iface uint32, w ...Want) GeneratorWants {
	return GeneratorWants{ID: fmt.Sprintf("gen-%d", handle), Handle: handle, Interface: ifc(iface), Wants: w}
}

func start(t testing.TB, m *Manager, s Spec) *Request {
	t.Helper()
	r, err := m.Start(s)
	if err != nil {
		t.Fatal(err)
	}
	return r
}
