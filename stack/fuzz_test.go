package stack

import (
	"net/netip"
	"slices"
	"strings"
	"testing"

	"glean/stack/header"
	"glean/stack/loop"
)

// Operations of a fuzz script; opFrame is a received frame.
const (
	opFrame  = iota
	opLink   // down or up
	opRefuse // whether the device is full
	opFlush
	opInterface // goes or comes
	opTrack
	opUntrack
	opSubscribe
	opSolicit
	opRelease
	opAddDeadline
	opOutput
	_ // removed operations; the corpus keeps its numbers
	_
	opPatience // whether the subscriber solicits by itself
	opWait

	numOps
)

// fuzzStep returns one step of a script: [operation][milliseconds to wait before, 2
// octets][length][octets: a frame, or the arguments of the operation].
func fuzzStep(op byte, wait int, octets ...byte) []byte {
	return append([]byte{op, byte(wait >> 8), byte(wait), byte(len(octets))}, octets...)
}

// fuzzAddresses are the arguments of operations: neighbors, ourselves, a static
// neighbor, hosts behind gateways, groups.
var fuzzAddresses = []netip.Addr{
	netip.MustParseAddr(peer), netip.MustParseAddr("192.0.2.3"), netip.MustParseAddr(peer6), netip.MustParseAddr("fe80::2"),
	netip.MustParseAddr("2001:db8::3"), netip.MustParseAddr("192.0.2.9"), netip.MustParseAddr("192.0.2.1"), netip.MustParseAddr("2001:db8::1"),
	netip.MustParseAddr("203.0.113.1"), netip.MustParseAddr("2001:db8:9::1"), netip.MustParseAddr("192.0.2.255"), netip.MustParseAddr("ff02::1"),
	netip.MustParseAddr("192.0.2.4"), netip.MustParseAddr("192.0.2.5"), netip.MustParseAddr("192.0.2.6"), netip.MustParseAddr("fe80::fe"),
}

// fuzzInterfaces is how many interfaces a script may add and remove: some in VLAN 5, the
// others untagged and enough for a binding index.
const fuzzInterfaces = maxUnindexed + 4

// fuzzer plays a script.
type fuzzer struct {
	*node
	ifaces  [fuzzInterfaces]*Interface // nil: not there
	targets []uint32                   // held, not known to have ended
	others  map[uint32][]loop.Time     // who waits for a target too, until when
	last    uint32
	asked   map[string]loop.Time // by interface and target
}

func newFuzzer(t *testing.T) *fuzzer {
	f := &fuzzer{node: newNode(t, loop.NewVirtual(), Options{}), asked: make(map[string]loop.Time), others: make(map[uint32][]loop.Time)}
	f.toggle(0)
	f.toggle(1)
	return f
}

// toggle adds an interface or removes it.
func (f *fuzzer) toggle(k int) {
	if i := f.ifaces[k]; i != nil {
		f.stack.RemoveInterface(i)
		f.ifaces[k] = nil
		clear(f.asked) // a new interface has no time of its last solicitations
		return
	}
	c := config(byte(1 + 10*k/2))
	c.Handle = uint32(k + 1)
	c.Announce, c.Neighbor.MaxEntries, c.Neighbor.MaxHeld = k%3 == 0, 4+k%8, 2
	c.Static = []StaticNeighbor{{netip.MustParseAddr("192.0.2.9"), mac4}}
	switch k {
	case 0:
		c.RespondFor = []netip.Prefix{netip.MustParsePrefix("198.19.0.0/16"), netip.MustParsePrefix("2001:db8:f::/48")}
		c.Neighbor.ProxyDelay = 300 * loop.Millisecond
	case 1: // the same addresses in a VLAN
		c = config(1)
		c.Handle = 2
		c.Tags = []header.VLAN{{ID: 5}}
		c.Neighbor.ProbeInterval, c.Neighbor.KeepUnreachable = 2*seconds, true
	case 3:
		c.Tags = []header.VLAN{{ID: 5}}
	}
	f.ifaces[k] = f.add(c)
}

// octets are the arguments of an operation; behind the last one follow zeros.
type octets []byte

func (o *octets) next() int {
	if len(*o) == 0 {
		return 0
	}
	b := (*o)[0]
	*o = (*o)[1:]
	return int(b)
}

// step runs one operation and checks all invariants.
func (f *fuzzer) step(op int, o octets) {
	if op == opFrame {
		f.receive(slices.Clip(o))
		f.look()
		return
	}
	k := o.next() % fuzzInterfaces
	i, a := f.ifaces[k], fuzzAddresses[o.next()%len(fuzzAddresses)]
	if i == nil {
		i = f.ifaces[0]
	}
	switch op {
	case opLink:
		f.link.set(f.link.down)
	case opRefuse:
		f.link.refuse = !f.link.refuse
	case opInterface:
		f.toggle(k)
	case opPatience:
		f.subscriber.patient = !f.subscriber.patient
	case opSolicit, opRelease, opAddDeadline:
		f.onSubscription(op, k, o.next())
	}
	if i != nil {
		f.onInterface(op, i, a, o.next())
	}
	f.stack.schedule()
	f.check()
	f.look()
}

// onSubscription runs an operation on a subscription.
func (f *fuzzer) onSubscription(op, which, seconds_ int) {
	if len(f.targets) == 0 {
		return
	}
	target := f.targets[which%len(f.targets)]
	ref := f.subscriber.refs[target]
	switch op {
	case opSolicit:
		f.stack.Solicit(ref)
	case opAddDeadline:
		if others := f.others[target]; seconds_%2 == 1 && len(others) > 0 {
			f.stack.RemoveDeadline(ref, others[0])
			f.others[target] = others[1:]
			return
		}
		deadline := f.loop.Now().Add(loop.Duration(seconds_) * seconds)
		f.stack.AddDeadline(ref, deadline)
		f.others[target] = append(f.others[target], deadline)
	case opRelease:
		f.stack.FailureReason(ref)
		f.stack.Release(ref)
		f.targets = slices.DeleteFunc(f.targets, func(other uint32) bool { return other == target })
	}
}

// onInterface runs an operation on an interface.
func (f *fuzzer) onInterface(op int, i *Interface, a netip.Addr, more int) {
	switch op {
	case opFlush:
		i.Flush()
	case opTrack:
		i.Track(a)
	case opUntrack:
		i.Untrack(a)
	case opSubscribe:
		if hop, why := i.NextHop(a); why == ReasonNone {
			f.last++
			if h := f.subscriber.subscribe(i, hop.String(), f.last, more&1 != 0, f.loop.Now().Add(loop.Duration(more)*seconds)); h.Ref != 0 {
				f.targets = append(f.targets, f.last)
			}
		}
	case opOutput:
		if a.Is4() {
			i.Output(a, udpPacket(f.t, "192.0.2.1", a.String()))
		} else {
			i.Output(a, udpPacket(f.t, "2001:db8::1", a.String()))
		}
	}
}

// look checks the sent frames: all are well-formed, and no neighbor is solicited twice
// within a RetransTimer.
func (f *fuzzer) look() {
	now := f.loop.Now()
	for _, frame := range f.link.sent {
		words := describe(frame)
		if strings.Contains(words, "undecodable") || strings.Contains(words, "BAD") {
			f.t.Errorf("at %v: sent %s", now, words)
		}
		key := ""
		if _, arp, ok := strings.Cut(words, "arp who-has "); ok {
			fields := strings.Fields(arp)
			sender, target := strings.Split(fields[0], "(")[0], strings.Split(fields[1], "(")[0]
			if key = target; sender == target {
				continue // an announcement
			}
		} else if _, ns, ok := strings.Cut(words, " NS "); ok {
			key = strings.Fields(ns)[0]
		} else {
			continue
		}
		key = string(frame[6:12]) + key
		if strings.Contains(words, "vlan") {
			key += " tagged"
		}
		if last, ok := f.asked[key]; ok && now < last.Add(seconds) {
			f.t.Errorf("at %v: %s, and the last solicitation was at %v", now, words, last)
		}
		f.asked[key] = now
	}
	f.link.sent = nil
}

// pass advances the time step by step, so that look knows when each frame leaves.
func (f *fuzzer) pass(d loop.Duration) {
	until := f.loop.Now().Add(d)
	for next := f.loop.Next(); next <= until; next = f.loop.Next() {
		f.loop.RunUntil(next)
		f.look()
	}
	f.loop.RunUntil(until)
	f.check()
	f.look()
}

// play runs a script and then ends everything.
func (f *fuzzer) play(script []byte) {
	for len(script) > 4 {
		wait := loop.Duration(script[1])<<8 | loop.Duration(script[2])
		size := min(int(script[3]), len(script)-4)
		f.pass(wait * loop.Millisecond)
		f.step(int(script[0])%numOps, octets(script[4:4+size:4+size]))
		script = script[4+size:]
	}
	f.pass(100 * seconds)
	f.link.refuse = false
	if f.link.down {
		f.link.set(true)
	}
	for _, target := range f.targets {
		f.stack.Release(f.subscriber.refs[target])
	}
	for _, i := range f.ifaces {
		if i != nil {
			for n := range i.Neighbors() {
				i.Untrack(n.Addr)
			}
		}
	}
	f.pass(100 * seconds)
	if asks := f.stack.solicitations.Live(); asks != 0 {
		f.t.Errorf("%d neighbors are being solicited without a subscription", asks)
	}
}

// fuzzFrames returns frames that have an effect on the interfaces of a fuzzer.
func fuzzFrames(t testing.TB) [][]byte {
	return [][]byte{
		request(mac2, peer, "192.0.2.1").bytes(t),
		request(mac2, peer, peer).bytes(t),
		reply(mac2, peer).bytes(t),
		reply(mac3, peer).bytes(t),
		request(mac2, "0.0.0.0", "192.0.2.1").bytes(t),
		request(mac2, "192.0.2.1", "192.0.2.1").bytes(t),
		arpFrame{op: 1, senderMAC: mac2, senderIP: peer, targetIP: "192.0.2.1", tags: []uint16{5}}.bytes(t),
		arpFrame{op: 2, ethDst: mac1, senderMAC: mac2, senderIP: peer, targetMAC: mac1, targetIP: "192.0.2.1", tags: []uint16{5}}.bytes(t),
		resolveNS().bytes(t),
		answerNA().bytes(t),
		ndFrame{advert: true, dst: "ff02::1", target: peer6, lla: mac3, flags: flagO}.bytes(t),
		ndFrame{advert: true, dst: "ff02::1", target: "2001:db8::1", lla: mac3, flags: flagO}.bytes(t),
		ndFrame{src: "::", dst: solicitGroup, target: "2001:db8::1"}.bytes(t),
		ndFrame{src: peer6, dst: "2001:db8::1", target: "2001:db8::1"}.bytes(t),
		append([]byte{2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, 8, 0}, echoRequest(peer, "192.0.2.1", nil)...),
		append([]byte{2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, 0x86, 0xdd}, echoRequest(peer6, "2001:db8::1", nil)...),
		udpFrame(t, mac1, mac2, peer, "192.0.2.1"),
		proxySolicitation().bytes(t),
	}
}

// FuzzFrames runs a script on a stack: timed frames of peers, and operations of its
// users. The invariants are checked after every step.
func FuzzFrames(f *testing.F) {
	var all []byte
	hold := fuzzStep(opSubscribe, 0, 0, 0, 60)
	for _, frame := range fuzzFrames(f) {
		for _, wait := range []int{44, 556, 5164} {
			step := fuzzStep(opFrame, wait, frame...)
			f.Add(append(slices.Clone(hold), step...))
			all = append(all, step...)
		}
	}
	f.Add(all)
	// A solicitation that was on its way when the link went down.
	f.Add(append(fuzzStep(opLink, 0), fuzzStep(opFrame, 1, proxySolicitation().bytes(f)...)...))
	for op := byte(opLink); op < numOps; op++ {
		var steps []byte
		for k := range byte(4) {
			steps = append(steps, fuzzStep(op, 300, k, k, 3+17*k)...)
			steps = append(steps, fuzzStep(opFrame, 1, fuzzFrames(f)[2]...)...)
		}
		f.Add(append(slices.Clone(hold), steps...))
		f.Add(append(fuzzStep(opTrack, 0, 0, 0), steps...))
		f.Add(append(fuzzStep(opOutput, 0, 0, 0), steps...))
	}
	f.Fuzz(func(t *testing.T, script []byte) { newFuzzer(t).play(script) })
}
