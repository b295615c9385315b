package learning

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"slices"
	"testing"

	"glean/stack/loop"
)

// spread returns n addresses of 10.0.0.0/8 in order.
func spread(n int) []netip.Addr {
	list := make([]netip.Addr, n)
	for i := range list {
		list[i] = ipv4(i)
	}
	return list
}

// TestDeadAddressesDoNotDelayLiveOnes: however many dead addresses come first, the live one is
// found long before the dead ones end or are even solicited again.
func TestDeadAddressesDoNotDelayLiveOnes(t *testing.T) {
	for _, c := range []struct {
		dead   int
		within loop.Duration
	}{{0, loop.Millisecond}, {4096, 150 * loop.Millisecond}, {65536, 500 * loop.Millisecond}} {
		t.Run(fmt.Sprint(c.dead), func(t *testing.T) {
			f, _, m := newManager(t, Options{})
			live := ipv4(c.dead)
			f.host = func(k key) (loop.Duration, bool) { return 100 * loop.Microsecond, k.hop == live }
			r := start(t, m, Spec{Interface: ifc(1), Addresses: spread(c.dead + 1), Timeout: 2 * loop.Second})
			f.loop.RunWhile(func() bool { return r.Progress().Completed == 0 }, loop.Time(c.within))
			if r.Progress().Completed != 1 {
				t.Fatalf("the live address is not found after %v", f.loop.Now())
			}
			t.Logf("found after %v, %d solicitations", f.loop.Now(), r.RequestsSent())
			m.check(t)
			f.loop.RunUntil(loop.Time(2 * loop.Second))
			if p := r.Progress(); p != (Progress{c.dead + 1, 0, 1, c.dead}) {
				t.Fatalf("%+v", p)
			}
		})
	}
}

// TestLossyNetworks runs random small networks: what is alive is found, what is dead
// is not, no neighbor is solicited more often than allowed (checked by the fake), and
// the window is never exceeded (checked by check).
func TestLossyNetworks(t *testing.T) {
	for seed := range uint64(60) {
		rnd := rand.New(rand.NewPCG(seed, 1))
		f, _, m := newManager(t, Options{})
		f.ifaces[1].budget.Window = 1 + rnd.IntN(100)
		if rnd.IntN(3) == 0 {
			f.ifaces[1].budget.RatePPS = 50 + rnd.IntN(1000)
		}
		n, loss := 1+rnd.IntN(300), rnd.IntN(50)
		dead := func(k key) bool { return k.hop.As4()[3]%16 == 15 }
		f.host = func(k key) (loop.Duration, bool) {
			return loop.Duration(rnd.IntN(40)) * loop.Millisecond, !dead(k) && rnd.IntN(100) >= loss
		}
		r := start(t, m, Spec{Interface: ifc(1), Addresses: spread(n), Timeout: 60 * loop.Second})
		for f.loop.Next() <= loop.Time(60*loop.Second) {
			f.loop.RunFor(7 * loop.Millisecond)
			if rnd.IntN(20) == 0 {
				m.check(t)
				f.ifaces[1].budget.Drops += uint64(rnd.IntN(2))
			}
		}
		for _, row := range r.Destinations(DestinationFilter{}) {
			want := StateCompleted
			if dead(key{1, row.Address}) {
				want = StateTimedOut
			}
			if row.State != want || (want == StateTimedOut && row.Reason != NoReply) {
				t.Fatalf("seed %d: %+v, want %v", seed, row, want)
			}
		}
		m.check(t)
		if m.pending.live != 0 || len(m.schedulers) != 0 || len(m.queues) != 0 || len(f.refs) != 0 {
			t.Fatalf("seed %d: something is left", seed)
		}
	}
}

// TestFirstSolicitationsGoBeforeRepeats: while no repeat is answered, repeats wait for all
// first solicitations, except for one solicitation in repeatEvery.
func TestFirstSolicitationsGoBeforeRepeats(t *testing.T) {
	f, _, m := newManager(t, Options{})
	f.ifaces[1].budget.Window = 1
	start(t, m, Spec{Interface: ifc(1), Addresses: spread(100)})
	f.onSend = func(ref Ref, h *held) { // due again at once, which the real stack never is
		if h.asked == 1 {
			h.askedAt = -1000 * loop.Time(loop.Second)
			f.loop.Post(func() { f.due(ref) })
		}
	}
	f.loop.RunFor(10 * loop.Second)
	if len(f.sent) != 200 {
		t.Fatalf("%d solicitations", len(f.sent))
	}
	first, repeats := 0, 0
	for i, k := range f.sent {
		switch {
		case k.hop == ipv4(first):
			first++
		case k.hop == ipv4(repeats):
			if repeats++; first < 100 && i%repeatEvery != 0 {
				t.Fatalf("solicitation %d is a repeat for %v", i, k.hop)
			}
		default:
			t.Fatalf("solicitation %d is for %v", i, k.hop)
		}
	}
	if first != 100 || repeats != 100 {
		t.Errorf("%d first solicitations and %d repeats", first, repeats)
	}
}

// TestAnsweredRepeatsGoFirst: once repeats are answered, they do not wait for all first
// solicitations.
func TestAnsweredRepeatsGoFirst(t *testing.T) {
	f, _, m := newManager(t, Options{})
	f.retrans = 10 * loop.Millisecond
	f.ifaces[1].budget = Budget{Window: 1, RetransTimer: f.retrans}
	lost := map[key]bool{}
	f.host = func(k key) (loop.Duration, bool) {
		again := lost[k]
		lost[k] = true
		return loop.Millisecond, again || k.hop.As4()[3]%8 != 0
	}
	r := start(t, m, Spec{Interface: ifc(1), Addresses: spread(1000)})
	asked := func(place hopStage) (n int) {
		for id := range m.pending.slots {
			if m.pending.slots[id].stage() == place {
				n++
			}
		}
		return n
	}
	f.loop.RunWhile(func() bool { return r.Progress().Completed < 500 }, loop.Never-1)
	if first, repeats := asked(stageFirst), asked(stageRepeat); first < 400 || repeats > 2 {
		t.Errorf("%d wait for their first solicitation, %d for a repeat", first, repeats)
	}
}

// TestInterfacesAreServedRoundRobin: a small request on another interface does not wait behind a
// large one.
func TestInterfacesAreServedRoundRobin(t *testing.T) {
	f, _, m := newManager(t, Options{})
	f.addInterface(2)
	for h := range f.ifaces {
		f.ifaces[h].budget.Window = 10
	}
	start(t, m, Spec{Interface: ifc(1), Addresses: spread(10000)})
	f.loop.RunFor(50 * loop.Millisecond)
	before := len(f.sent)
	start(t, m, Spec{Interface: ifc(2), Addresses: spread(5)})
	f.loop.RunFor(50 * loop.Millisecond)
	count := 0
	for _, k := range f.sent[before:][:20] {
		if k.iface == 2 {
			count++
		}
	}
	if count != 5 {
		t.Errorf("%d of the small request's 5 solicitations are among the next 20", count)
	}
}

// TestInterfaceKeepsItsOwnWindow: an interface with a small window on a port with a large
// one keeps it, and does not limit the other interfaces.
func TestInterfaceKeepsItsOwnWindow(t *testing.T) {
	f, _, m := newManager(t, Options{})
	f.ifaces[1].budget.Window = 3
	f.addInterface(2)
	start(t, m, Spec{Interface: ifc(1), Addresses: spread(50)})
	start(t, m, Spec{Interface: ifc(2), Addresses: spread(50)})
	f.loop.RunUntil(0)
	m.check(t)
	if a, b := m.queues[1].inFlight, m.queues[2].inFlight; a != 3 || b != 50 {
		t.Errorf("%d and %d in flight, want 3 and 50", a, b)
	}
}

// TestRatePPSIsKept: RatePPS is the exact rate of solicitations where the clock is exact,
// and the long-term rate where it is coarse.
func TestRatePPSIsKept(t *testing.T) {
	f, _, m := newManager(t, Options{})
	f.ifaces[1].budget.RatePPS = 1000
	var at []loop.Time
	f.onSend = func(Ref, *held) { at = append(at, f.loop.Now()) }
	start(t, m, Spec{Interface: ifc(1), Addresses: spread(100)})
	f.loop.RunFor(loop.Second / 2)
	if len(at) != 100 {
		t.Fatalf("%d solicitations", len(at))
	}
	for i := 1; i < len(at); i++ {
		if d := at[i].Sub(at[i-1]); d != loop.Millisecond {
			t.Fatalf("solicitation %d comes %v after the one before", i, d)
		}
	}
}

// TestReplyCompletesInTheSameTurn: a reply completes its request at once; nothing polls.
func TestReplyCompletesInTheSameTurn(t *testing.T) {
	f, o, m := newManager(t, Options{})
	r := start(t, m, Spec{ID: "a", Generators: []GeneratorWants{gen(7, 1, wants("10.0.0.1")...)}})
	f.loop.RunUntil(0)
	f.answer(1, "10.0.0.1")
	want := []string{"begins 7 a", "request a resolving", "learned 7/0 02:01:0a:00:00:01", "done 7 true a", "request a completed"}
	if got := o.take(); !slices.Equal(got, want) {
		t.Errorf("told %q, want %q", got, want)
	}
	if at, ok := r.FinishedAt(); r.State() != StateCompleted || !ok || at != 0 || f.loop.Now() != 0 {
		t.Errorf("%v, finished at %v %v", r.State(), at, ok)
	}
	if f.loop.Next() != loop.Never {
		t.Error("a timer is left")
	}
}

// TestLearningContinuesAfterLinkDown: learning continues when frames can be sent again.
func TestLearningContinuesAfterLinkDown(t *testing.T) {
	f, _, m := newManager(t, Options{})
	f.host = func(key) (loop.Duration, bool) { return loop.Millisecond, true }
	f.down = true
	f.why[key{1, ipv4(1)}] = LinkDown
	r := start(t, m, Spec{Interface: ifc(1), Addresses: []netip.Addr{ipv4(1), ipv4(2)}})
	f.loop.RunFor(10 * loop.Second)
	if r.RequestsSent() != 0 {
		t.Error("solicitations were counted that did not leave")
	}
	f.down = false
	f.due(f.byKey[key{1, ipv4(2)}])
	f.loop.RunUntil(loop.Time(DefaultTimeout))
	rows := r.Destinations(DestinationFilter{})
	if rows[0].Reason != LinkDown || rows[1].State != StateCompleted || r.State() != StateTimedOut {
		t.Errorf("%+v", rows)
	}
	m.check(t)
}
