package learning

import (
	"bytes"
	"fmt"
	"math"
	"net/netip"
	"slices"
	"testing"

	"glean/stack"
	"glean/stack/header"
	"glean/stack/loop"
)

// Operations of a fuzz script.
const (
	fuzzFrame = iota // a frame arrives, whatever it is
	fuzzAnswer
	fuzzAnnounce
	fuzzAlive // which neighbors reply to solicitations
	fuzzLearn
	fuzzGenerators // the same, for generators
	fuzzCancel
	fuzzDelete
	fuzzGenerator // is deleted
	fuzzInterface // goes, or comes again
	fuzzFlush
	fuzzTrack
	fuzzLink
	fuzzFull
	fuzzDrops
	fuzzWait

	numFuzzOps
)

// fuzzStep is one step of a script: [operation][units of 10 ms to wait before,
// 2 octets][length][octets: a frame, or what the operation takes].
func fuzzStep(op byte, wait int, octets ...byte) []byte {
	return append([]byte{op, byte(wait >> 8), byte(wait), byte(len(octets))}, octets...)
}

var fuzzPool = addresses("192.0.2.2", "192.0.2.3", "192.0.2.4", "2001:db8::2", "fe80::3", "203.0.113.1", "203.0.113.2",
	"2001:db8:9::1", "192.0.2.1", "192.0.2.254", "2001:db8::3", "192.0.2.5", "192.0.2.6", "192.0.2.7", "192.0.2.8", "192.0.2.9")

// fuzzer plays a script on a wired network.
type fuzzer struct {
	*wired
	alive   uint16         // bits of fuzzPool: the neighbors that reply
	asked   []solicitation // the last ones
	told    []byte         // all frames that the stack received, to search MACs in
	answers map[key][]byte // under way
	timers  map[key]*loop.Timer
	ids     int
}

func newFuzzer(t *testing.T) *fuzzer {
	f := &fuzzer{wired: newWired(t, Budget{Window: 4, Room: 8}), answers: make(map[key][]byte), timers: make(map[key]*loop.Timer)}
	f.wired.asked = f.solicitation
	f.wired.learned = f.known
	f.m.slice = 3
	return f
}

// solicitation replies to solicitations of live neighbors, after a millisecond.
func (f *fuzzer) solicitation(q solicitation) {
	if f.asked = append(f.asked, q); len(f.asked) > 8 {
		f.asked = slices.Delete(f.asked, 0, 1)
	}
	n := slices.Index(fuzzPool, q.hop)
	if n < 0 || f.alive>>n&1 == 0 {
		return
	}
	f.answers[q.key] = q.answer(macOf(q.key))
	if f.timers[q.key] == nil {
		f.timers[q.key] = loop.NewTimer(func() { f.tell(f.answers[q.key]) })
	}
	f.loop.Arm(f.timers[q.key], f.loop.Now().Add(loop.Millisecond))
}

// tell hands the stack a frame and records it.
func (f *fuzzer) tell(frame []byte) {
	f.told = append(f.told, frame...)
	f.receive(frame)
}

// known fails unless a MAC was in a received frame.
func (f *fuzzer) known(mac header.MAC) {
	if !bytes.Contains(f.told, mac[:]) {
		f.t.Fatalf("at %v: learned %v, which was in no frame", f.loop.Now(), mac)
	}
}

// args are what an operation takes; there are always more, of 0.
type args []byte

func (a *args) next() int {
	if len(*a) == 0 {
		return 0
	}
	b := (*a)[0]
	*a = (*a)[1:]
	return int(b)
}

func (f *fuzzer) key(a *args) key {
	return key{uint32(1 + a.next()%2), fuzzPool[a.next()%len(fuzzPool)]}
}

func (a *args) mac() header.MAC { return header.MAC{2, 9, 9, 0, 0, byte(a.next() % 3)} }

// chosen are the addresses whose bits are set, all if none is.
func (a *args) chosen() []netip.Addr {
	bits := a.next()<<8 | a.next()
	var list []netip.Addr
	for n, address := range fuzzPool {
		if bits == 0 || bits>>n&1 != 0 {
			list = append(list, address)
		}
	}
	return list
}

// step does one operation.
func (f *fuzzer) step(op int, a args) {
	switch op {
	case fuzzFrame:
		f.tell(a)
	case fuzzAnswer: // by any neighbor, to one of the last solicitations
		if len(f.asked) > 0 {
			f.tell(f.asked[a.next()%len(f.asked)].answer(a.mac()))
		}
	case fuzzAnnounce:
		k := f.key(&a)
		f.tell(f.announce(k, a.mac()))
	case fuzzAlive:
		f.alive = uint16(a.next()<<8 | a.next())
	case fuzzLearn, fuzzGenerators:
		f.begin(op, a)
	case fuzzCancel:
		f.m.Cancel(f.id(&a))
	case fuzzDelete:
		id := f.id(&a)
		f.m.DeleteRequest(id)
		if a.next()&1 != 0 {
			_ = f.m.DeleteResult(id) // ids of results are drawn from the same numbers
		}
	case fuzzGenerator:
		f.m.GeneratorDeleted(uint32(a.next() % 4))
	case fuzzInterface:
		if handle := uint32(1 + a.next()%2); f.ifaces[handle] != nil {
			f.removeInterface(handle)
		} else {
			f.addInterface(handle)
		}
	case fuzzFlush, fuzzTrack:
		k := f.key(&a)
		if i := f.ifaces[k.iface]; i != nil && op == fuzzFlush {
			i.Flush()
		} else if i != nil && a.next()&1 == 0 {
			i.Track(k.hop)
		} else if i != nil {
			i.Untrack(k.hop)
		}
	case fuzzLink:
		f.setLink(f.down)
	case fuzzFull:
		f.full = !f.full
	case fuzzDrops:
		f.budget.Drops += uint64(a.next())
	}
}

// begin begins a request; what is not allowed is refused.
func (f *fuzzer) begin(op int, a args) {
	f.ids++
	s := Spec{
		ID: fmt.Sprintf("lr-%d", f.ids), Mode: Mode(a.next() % int(numModes)),
		Timeout: loop.Duration(1+a.next()) * 100 * loop.Millisecond,
	}
	if op == fuzzLearn {
		s.Interface, s.Addresses = ifc(uint32(1+a.next()%2)), a.chosen()
	}
	for n := 0; op == fuzzGenerators && n < 1+a.next()%2; n++ {
		g := GeneratorWants{ID: "g", Handle: uint32(a.next() % 4), Interface: ifc(uint32(1 + a.next()%2))}
		for adj, dst := range a.chosen() {
			g.Wants = append(g.Wants, Want{Dst: dst, Adj: uint32(adj)})
		}
		s.Generators = append(s.Generators, g)
	}
	_, _ = f.m.Start(s)
}

func (f *fuzzer) id(a *args) string { return fmt.Sprintf("lr-%d", 1+a.next()%max(f.ids, 1)) }

// look checks what the requests say.
func (f *fuzzer) look() {
	f.check()
	for _, r := range f.m.Results() {
		for _, row := range r.Destinations(DestinationFilter{State: StateCompleted}) {
			f.known(row.MAC)
		}
		if at, done := r.FinishedAt(); done && at > f.loop.Now() {
			f.t.Fatalf("%s has ended at %v, now is %v", r.ID(), at, f.loop.Now())
		}
	}
}

// play runs a script and lets everything end: no request is left, and no solicitation is sent.
func (f *fuzzer) play(script []byte) {
	for len(script) > 4 {
		wait := loop.Duration(script[1])<<8 | loop.Duration(script[2])
		size := min(int(script[3]), len(script)-4)
		f.loop.RunFor(wait * 10 * loop.Millisecond)
		f.step(int(script[0])%numFuzzOps, args(script[4:4+size:4+size]))
		f.look()
		script = script[4+size:]
	}
	f.full = false
	if f.down {
		f.setLink(true)
	}
	for _, i := range f.ifaces {
		for _, a := range fuzzPool {
			if i != nil {
				i.Untrack(a)
			}
		}
	}
	f.loop.RunFor(200 * loop.Second)
	f.look()
	if f.m.pending.live != 0 || len(f.m.schedulers) != 0 || len(f.m.queues) != 0 {
		f.t.Fatalf("%d targets, %d paths and %d lanes are left", f.m.pending.live, len(f.m.schedulers), len(f.m.queues))
	}
	f.stack.SomeNeighbors(0, math.MaxInt32, func(i *stack.Interface, info stack.NeighborInfo) {
		if info.Subscribed || info.State == stack.StateIncomplete {
			f.t.Fatalf("interface %d: %+v is left", i.Handle(), info)
		}
	})
}

// FuzzLearning does to a learner on a real stack what a script says: requests come
// and are cancelled or deleted, neighbors reply, claim false MACs, or are silent, and frames of
// any kind come at any time. The invariants of both are checked after every step.
func FuzzLearning(f *testing.F) {
	everything := fuzzStep(fuzzLearn, 0, 0, 50, 0)
	alive := fuzzStep(fuzzAlive, 0, 0xff, 0xff)
	f.Add(slices.Concat(alive, everything))
	f.Add(slices.Concat(everything, fuzzStep(fuzzLearn, 50, 0, 200, 0, 0, 7), fuzzStep(fuzzAlive, 400, 0xff, 0xff), everything))
	w := newWired(f, Budget{})
	k := key{1, fuzzPool[0]}
	frames := [][]byte{w.announce(k, macOf(k)), w.announce(key{2, fuzzPool[3]}, macOf(k))}
	w.asked = func(q solicitation) { frames = append(frames, q.answer(macOf(q.key)), q.answer(wiredMAC)) }
	if _, err := w.m.Start(Spec{Interface: ifc(1), Addresses: fuzzPool}); err != nil {
		f.Fatal(err)
	}
	w.loop.RunFor(loop.Second / 2)
	for _, frame := range frames {
		f.Add(slices.Concat(everything, fuzzStep(fuzzFrame, 1, frame...), fuzzStep(fuzzFrame, 200, frame...)))
	}
	for op := byte(fuzzAnswer); op < numFuzzOps; op++ {
		for _, first := range [][]byte{everything, fuzzStep(fuzzGenerators, 0, 1, 60, 1, 2, 0, 0, 0, 0), slices.Concat(alive, everything)} {
			script := slices.Clone(first)
			for n := range byte(6) {
				script = append(script, fuzzStep(op, 70, n%2, n, 1)...)
				script = append(script, fuzzStep(fuzzLearn, 3, n%3, 30, n%2, n, 255)...)
			}
			f.Add(script)
		}
	}
	f.Fuzz(func(t *testing.T, script []byte) { newFuzzer(t).play(script) })
}
