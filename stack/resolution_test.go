package stack

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"glean/stack/header"
	"glean/stack/loop"
)

var hops = []string{peer, peer6}

func TestOnlyAnswersConfirmSubscription(t *testing.T) {
	for _, hop := range hops {
		n := alone(t)
		n.subscriber.subscribe(n.iface, hop, 1, false, 30e9)
		n.wantSent(groupQuestion(hop))
		n.run(5 * loop.Millisecond)
		// The peer solicits us meanwhile: its MAC is known then, not confirmed, and it
		// is solicited by unicast as soon as a solicitation is allowed.
		if hop == peer {
			n.receive(request(mac2, peer, "192.0.2.1").bytes(t))
		} else {
			n.receive(resolveNS().bytes(t))
		}
		n.wantState(hop, "stale "+mac2.String())
		if len(n.subscriber.confirmed) != 0 {
			t.Fatal("confirmed by a solicitation of the peer")
		}
		n.link.take()
		n.run(994 * loop.Millisecond)
		n.wantSent()
		n.run(5 * loop.Millisecond)
		n.wantSent(unicastQuestion(hop))
		n.run(loop.Millisecond)
		n.receive(answer(t, hop, mac2))
		c := n.subscriber.confirmed[1]
		if c.mac != mac2 || c.attempts != 2 || c.rtt < loop.Millisecond || c.rtt > 6*loop.Millisecond {
			t.Errorf("%s: confirmed %+v", hop, c)
		}
	}
}

func TestUnsolicitedReplyConfirmsNothing(t *testing.T) {
	n := alone(t)
	n.subscriber.patient = true
	n.subscriber.subscribe(n.iface, peer, 1, false, 30e9)
	n.receive(reply(mac2, peer).bytes(t)) // before any solicitation
	n.wantState(peer, "stale "+mac2.String())
	if len(n.subscriber.confirmed) != 0 {
		t.Fatal("confirmed without a solicitation")
	}
	n.stack.Solicit(n.subscriber.refs[1])
	n.wantSent(unicastQuestion(peer))
	n.receive(reply(mac2, peer).bytes(t))
	if n.subscriber.confirmed[1].mac != mac2 {
		t.Error("not confirmed by the answer")
	}
	// A second answer, from another host, is not an answer to our solicitation.
	n.receive(reply(mac3, peer).bytes(t))
	n.wantState(peer, "stale "+mac3.String())
}

func TestFreshSubscriptionSolicitsAnew(t *testing.T) {
	for _, hop := range hops {
		n := alone(t)
		confirm(n, hop, mac2)
		n.run(2 * seconds)
		if h := n.subscriber.subscribe(n.iface, hop, 1, false, n.loop.Now()+30e9); h.State != SubscribeKnown || h.MAC != mac2 {
			t.Fatalf("%+v", h)
		}
		h := n.subscriber.subscribe(n.iface, hop, 2, true, n.loop.Now()+30e9)
		if h.State != SubscribeDue {
			t.Fatalf("%+v", h)
		}
		n.wantSent(unicastQuestion(hop))
		n.wantState(hop, "reachable "+mac2.String()) // traffic keeps its MAC
		n.run(loop.Second + 2*loop.Millisecond)
		n.wantSent(groupQuestion(hop)) // the unicast one is unanswered
		n.receive(answer(t, hop, mac3))
		n.wantState(hop, "reachable "+mac3.String())
		if c := n.subscriber.confirmed[2]; c.mac != mac3 || c.attempts != 2 {
			t.Errorf("%s: %+v", hop, c)
		}
	}
}

func TestSubscriptionSharesOutstandingSolicitation(t *testing.T) {
	for _, hop := range hops {
		n := alone(t)
		n.subscriber.subscribe(n.iface, hop, 1, false, 30e9)
		n.link.take()
		n.run(300 * loop.Millisecond)
		for target := uint32(2); target < 10; target++ {
			if h := n.subscriber.subscribe(n.iface, hop, target, true, 30e9); h.State != SubscribeWait {
				t.Fatalf("%+v", h)
			}
		}
		n.wantSent()
		n.receive(answer(t, hop, mac2))
		if len(n.subscriber.confirmed) != 9 {
			t.Errorf("%s: %d of 9 confirmed", hop, len(n.subscriber.confirmed))
		}
		// Solicited 0.3 s ago: a fresh subscription has to wait for the rest of the second.
		if h := n.subscriber.subscribe(n.iface, hop, 20, true, n.loop.Now()+30e9); h.State != SubscribeWait {
			t.Errorf("%+v", h)
		}
		n.run(690 * loop.Millisecond)
		n.wantSent()
		n.run(12 * loop.Millisecond)
		n.wantSent(unicastQuestion(hop))
	}
}

func TestSolicitDueIsCalledOnce(t *testing.T) {
	n := alone(t)
	n.subscriber.patient = true
	n.subscriber.subscribe(n.iface, peer, 1, false, 30e9)
	n.run(10 * seconds)
	n.wantSent()
	if len(n.subscriber.due) != 0 {
		t.Errorf("told %d times though Hold said so already", len(n.subscriber.due))
	}
	if !n.stack.Solicit(n.subscriber.refs[1]) || n.stack.Solicit(n.subscriber.refs[1]) {
		t.Error("one solicitation is allowed now, and only one")
	}
	n.run(10 * seconds)
	if len(n.subscriber.due) != 1 {
		t.Errorf("told %d times, want once", len(n.subscriber.due))
	}
	if !n.stack.Solicit(n.subscriber.refs[1]) {
		t.Error("the solicitation that is due was not sent")
	}
	n.wantSent(groupQuestion(peer), groupQuestion(peer))
}

func TestReleaseEndsSolicitations(t *testing.T) {
	for _, hop := range hops {
		n := alone(t)
		ref := n.subscriber.subscribe(n.iface, hop, 1, false, 30e9).Ref
		n.link.take()
		n.run(100 * loop.Millisecond)
		n.stack.Release(ref)
		n.check()
		n.wantState(hop, "incomplete") // so that no host solicits again too early
		h := n.subscriber.subscribe(n.iface, hop, 2, false, 30e9)
		if h.State != SubscribeWait {
			t.Errorf("%s: asked 0.1 s ago, held again: %+v", hop, h)
		}
		n.stack.Release(h.Ref)
		n.stack.Release(h.Ref)
		n.stack.Release(ref)
		n.check()
		n.run(1000 * loop.Millisecond)
		n.wantState(hop, "none")
		n.wantSent()
		if n.stack.Solicit(ref) || n.stack.FailureReason(ref) != NoReply {
			t.Error("a ref that ended is alive")
		}
		n.run(10 * seconds)
		n.wantSent()
	}
}

// TestEndedRefIsInvalid checks that the ref of an ended subscription does not name the
// next one.
func TestEndedRefIsInvalid(t *testing.T) {
	n := alone(t)
	old := n.subscriber.subscribe(n.iface, peer, 1, false, 30e9).Ref
	n.stack.Release(old)
	current := n.subscriber.subscribe(n.iface, "192.0.2.3", 2, false, 30e9).Ref
	n.stack.Release(old)
	n.stack.AddDeadline(old, 99e9)
	n.stack.RemoveDeadline(old, 30e9)
	n.check()
	if n.stack.findSubscription(current) == nil || old == current {
		t.Error("the old ref ended the new hold")
	}
}

func TestAnswerAfterReleaseIsCached(t *testing.T) {
	for _, hop := range hops {
		n := alone(t)
		ref := n.subscriber.subscribe(n.iface, hop, 1, false, 30e9).Ref
		n.stack.Release(ref)
		n.receive(answer(t, hop, mac2))
		n.wantState(hop, "reachable "+mac2.String())
		if len(n.subscriber.confirmed) != 0 {
			t.Error("Confirmed was called for a released subscription")
		}
	}
}

func TestScheduleOfSolicitations(t *testing.T) {
	for _, c := range []struct {
		retrans  loop.Duration
		solicits int
		timeout  loop.Time
		want     []loop.Duration // in ms, rounded down to the tick of the wheel
	}{
		{1000 * loop.Millisecond, 3, 12e9, []loop.Duration{0, 1000, 2000, 4000, 7000, 10000}},
		{1000 * loop.Millisecond, 3, 12500e6, []loop.Duration{0, 1000, 2000, 4000, 7000, 10000, 11500}},
		{1000 * loop.Millisecond, 3, 3500e6, []loop.Duration{0, 1000, 2000}},
		{1000 * loop.Millisecond, 3, 3000e6, []loop.Duration{0, 1000, 2000}},
		{1000 * loop.Millisecond, 3, 2000e6, []loop.Duration{0, 1000}},
		{1000 * loop.Millisecond, 3, 1150e6, []loop.Duration{0, 1000}},
		{1000 * loop.Millisecond, 3, 1050e6, []loop.Duration{0}},
		{1000 * loop.Millisecond, 3, 100e6, []loop.Duration{0}},
		{1000 * loop.Millisecond, 1, 9e9, []loop.Duration{0, 2000, 5000, 8000}},
		{50 * loop.Millisecond, 8, 2e9, []loop.Duration{0, 50, 100, 150, 200, 250, 300, 350, 450, 650, 1050, 1850, 1950}},
		{5000 * loop.Millisecond, 3, 21e9, []loop.Duration{0, 5000, 10000, 15000}},
	} {
		for _, hop := range hops {
			n := newNode(t, loop.NewVirtual(), Options{})
			cfg := config(1)
			cfg.Neighbor.RetransTimer, cfg.Neighbor.MulticastSolicits = c.retrans, c.solicits
			n.add(cfg)
			n.subscriber.subscribe(n.iface, hop, 1, false, c.timeout)
			got := []loop.Duration{0}
			n.link.take()
			for n.loop.Now() < c.timeout {
				n.run(loop.Millisecond)
				if len(n.link.take()) > 0 {
					got = append(got, loop.Duration(n.loop.Now()))
				}
			}
			if len(got) != len(c.want) {
				t.Errorf("%v x %d for %v: solicited at %v, want %v ms", c.retrans, c.solicits, c.timeout, got, c.want)
				continue
			}
			for k, at := range got {
				if late := at - c.want[k]*loop.Millisecond; late < 0 || late > loop.Duration(2*k+1)*loop.Millisecond {
					t.Errorf("%v x %d: solicitation %d at %v, want %v ms", c.retrans, c.solicits, k, at, c.want[k])
				}
			}
		}
	}
}

// TestLastSolicitationIsInTime checks that the last solicitation leaves at least a
// RetransTimer before the deadline, although timers are rounded, and not much earlier.
func TestLastSolicitationIsInTime(t *testing.T) {
	for _, hop := range hops {
		for odd := loop.Time(0); odd < 1e6; odd += 130_001 {
			n := alone(t)
			deadline := 10e9 + odd
			n.subscriber.subscribe(n.iface, hop, 1, false, deadline)
			last := loop.Time(0)
			for n.loop.Step() && n.loop.Now() < deadline {
				if len(n.link.take()) > 0 {
					last = n.loop.Now()
				}
			}
			if left := deadline.Sub(last); left < loop.Second || left > loop.Second+2*loop.Millisecond {
				t.Errorf("%s: %v left of %v after the last solicitation", hop, left, deadline)
			}
		}
	}
}

// TestAddDeadlineSolicitsFurther checks that a later deadline continues the
// solicitations, at once if one is allowed.
func TestAddDeadlineSolicitsFurther(t *testing.T) {
	n := alone(t)
	ref := n.subscriber.subscribe(n.iface, peer, 1, false, 2e9).Ref
	n.run(20 * seconds)
	if got := len(n.link.take()); got != 2 && got != 1 {
		t.Fatalf("%d solicitations in 2 s", got)
	}
	n.stack.AddDeadline(ref, n.loop.Now()+10e9)
	n.run(5 * loop.Millisecond)
	n.wantSent(groupQuestion(peer))
	n.run(10 * seconds)
	if len(n.link.take()) < 3 {
		t.Error("soliciting did not go on")
	}
}

// TestAddedDeadlineIsSolicitedFor checks that a deadline that is added while the gaps
// are 3 s is solicited for in time, and that Confirmed is called once for all deadlines.
func TestAddedDeadlineIsSolicitedFor(t *testing.T) {
	for _, hop := range hops {
		for at := loop.Time(10e9); at < 16e9; at += 70e6 {
			n := alone(t)
			ref := n.subscriber.subscribe(n.iface, hop, 1, false, 60e9).Ref
			n.run(loop.Duration(at))
			n.link.take()
			n.stack.AddDeadline(ref, at+2e9)
			n.check()
			n.run(1003 * loop.Millisecond)
			if asked := n.link.take(); len(asked) == 0 {
				t.Fatalf("%s: asked %v in the first second of two from %v on", hop, asked, at)
			}
			n.receive(answer(t, hop, mac2))
			if len(n.subscriber.confirmed) != 1 || n.stack.subscriptions.Live() != 0 {
				t.Fatalf("%s: %d confirmed, %d subscriptions left", hop, len(n.subscriber.confirmed), n.stack.subscriptions.Live())
			}
		}
	}
}

// TestLastSolicitationIsMulticast checks that the only solicitation before some deadline
// does not go to a MAC that may be outdated, however late the other deadlines are.
func TestLastSolicitationIsMulticast(t *testing.T) {
	for _, hop := range hops {
		for timeout, want := range map[loop.Time]string{
			900e6: unicastQuestion(hop), 1500e6: groupQuestion(hop), 2100e6: unicastQuestion(hop),
		} {
			n := alone(t)
			confirm(n, hop, mac2)
			n.run(2 * seconds)
			n.subscriber.patient = true
			ref := n.subscriber.subscribe(n.iface, hop, 1, true, n.loop.Now()+60e9).Ref
			n.stack.AddDeadline(ref, n.loop.Now()+timeout)
			n.stack.Solicit(ref)
			n.wantSent(want)
		}
	}
}

// TestRemoveDeadlineKeepsTheOthers checks that any deadline of a subscription can be
// removed and that the others stay.
func TestRemoveDeadlineKeepsTheOthers(t *testing.T) {
	deadlines := []loop.Time{30e9, 5e9, 50e9, 5e9, 7e9}
	for _, order := range [][]int{{0, 1, 2, 3}, {3, 2, 1, 0}, {4, 0, 2, 1}, {2, 4, 3, 1}} {
		n := alone(t)
		other := n.subscriber.subscribe(n.iface, peer, 8, false, 40e9).Ref
		ref := n.subscriber.subscribe(n.iface, peer, 9, false, deadlines[0]).Ref
		for _, d := range deadlines[1:] {
			n.stack.AddDeadline(ref, d)
		}
		left := slices.Clone(deadlines)
		for _, k := range order {
			n.stack.RemoveDeadline(ref, deadlines[k])
			n.check()
			at := slices.Index(left, deadlines[k])
			left = slices.Delete(left, at, at+1)
			var got []loop.Time
			for h := ref & refIDMask; h != 0 && n.stack.subscriptions.At(h).token == 9; h = n.stack.subscriptions.At(h).next {
				got = append(got, n.stack.subscriptions.At(h).deadline)
			}
			slices.Sort(got)
			if want := slices.Sorted(slices.Values(left)); !slices.Equal(got, want) {
				t.Errorf("%v: deadlines %v, want %v", order, got, want)
			}
		}
		n.stack.RemoveDeadline(ref, 99e9) // not a deadline of it
		n.stack.Release(ref)
		n.check()
		if n.stack.findSubscription(other) == nil || n.stack.subscriptions.Live() != 1 {
			t.Errorf("%v: %d subscriptions are left", order, n.stack.subscriptions.Live())
		}
	}
}

// TestAddDeadlineToTrackedIncomplete adds a deadline for a tracked neighbor whose
// solicitations have slowed down.
func TestAddDeadlineToTrackedIncomplete(t *testing.T) {
	for _, hop := range hops {
		n := alone(t)
		n.iface.Track(netip.MustParseAddr(hop))
		ref := n.subscriber.subscribe(n.iface, hop, 1, false, 60e9).Ref
		n.run(20500 * loop.Millisecond)
		n.link.take()
		n.stack.AddDeadline(ref, n.loop.Now()+2e9)
		n.run(loop.Second + 3*loop.Millisecond)
		if asked := n.link.take(); len(asked) == 0 {
			t.Errorf("%s: asked %v in the first second of two", hop, asked)
		}
	}
}

func TestLateHostIsFound(t *testing.T) {
	for _, hop := range hops {
		for at := loop.Time(0); at <= 27e9; at += 130e6 {
			n := alone(t)
			n.subscriber.subscribe(n.iface, hop, 1, false, 30e9)
			for n.loop.Now() < 30e9 && len(n.subscriber.confirmed) == 0 {
				n.loop.RunFor(10 * loop.Millisecond)
				if asked := len(n.link.take()) > 0; asked && n.loop.Now() >= at {
					n.receive(answer(t, hop, mac2))
				}
			}
			if len(n.subscriber.confirmed) == 0 {
				t.Fatalf("%s: a host that exists from %v on was not found before 30 s", hop, at)
			}
		}
	}
}

func TestPacketAndSubscriptionShareSolicitations(t *testing.T) {
	for _, hop := range hops {
		n := alone(t)
		n.subscriber.patient = true
		n.subscriber.subscribe(n.iface, hop, 1, false, 30e9)
		send(n, hop) // the stack solicits for the packet while the subscriber waits
		n.wantSent(groupQuestion(hop))
		if n.stack.Solicit(n.subscriber.refs[1]) {
			t.Error("a second solicitation within a RetransTimer")
		}
		n.run(4 * seconds) // the packet is dropped, the subscription stays
		if len(n.subscriber.due) == 0 {
			t.Error("SolicitDue was not called")
		}
		n.wantState(hop, "incomplete")
		n.receive(answer(t, hop, mac2))
		if c := n.subscriber.confirmed[1]; c.attempts != 3 {
			t.Errorf("%+v, want 3 attempts of the stack's", c)
		}
	}
}

func TestSubscriptionInDelayAndProbe(t *testing.T) {
	for _, hop := range hops {
		for _, s := range []State{StateDelay, StateProbe} {
			n := alone(t)
			reach(n, hop, s)
			n.subscriber.patient = s == StateDelay // PROBE must not depend on the subscriber
			n.subscriber.subscribe(n.iface, hop, 1, false, n.loop.Now()+30e9)
			n.run(10 * seconds)
			n.wantState(hop, "incomplete") // probes are unanswered, but it has a subscription
			n.receive(answer(t, hop, mac3))
			if n.subscriber.confirmed[1].mac != mac3 {
				t.Errorf("%s in %v: not confirmed", hop, s)
			}
		}
	}
}

func TestSubscribeRefusals(t *testing.T) {
	n := newNode(t, loop.NewVirtual(), Options{})
	n.add(InterfaceConfig{MAC: mac1, IPv4: netip.MustParsePrefix("192.0.2.1/24")})
	for hop, want := range map[string]Reason{
		"192.0.2.1": OwnAddress, "2001:db8::2": NoSourceAddress, "127.0.0.1": NoRoute, "::": NoRoute,
	} {
		if h := n.subscriber.subscribe(n.iface, hop, 1, false, 30e9); h.State != SubscribeRefused || h.Reason != want {
			t.Errorf("%s: %+v, want %v", hop, h, want)
		}
	}
	n.check()
}

// TestFailureReasonUnconfirmed checks that a neighbor that shows its MAC after each
// solicitation, but not in an answer, is unconfirmed, and that one that did so once and
// is silent since does not count as such.
func TestFailureReasonUnconfirmed(t *testing.T) {
	told := map[string][]byte{
		peer:  request(mac2, peer, peer).bytes(t),
		peer6: ndFrame{advert: true, target: peer6, lla: mac2, flags: flagO}.bytes(t),
	}
	for _, hop := range hops {
		for _, always := range []bool{true, false} {
			n := alone(t)
			const deadline = 10e9
			ref := n.subscriber.subscribe(n.iface, hop, 1, true, deadline).Ref
			want := Unconfirmed
			n.link.take()
			n.receive(told[hop])
			for n.loop.Now() < deadline {
				if got := n.stack.FailureReason(ref); got != want {
					t.Fatalf("%s, told always %t: at %v %v, want %v", hop, always, n.loop.Now(), got, want)
				}
				n.run(loop.Millisecond)
				asked := len(n.link.take()) > 0
				switch {
				case asked && always:
					n.receive(told[hop])
				case asked:
					want = NoReply
				}
			}
			if len(n.subscriber.confirmed) != 0 {
				t.Errorf("%s: confirmed", hop)
			}
		}
	}
}

func TestFailureReasons(t *testing.T) {
	for _, hop := range hops {
		n := alone(t)
		ref := n.subscriber.subscribe(n.iface, hop, 1, false, 300e9).Ref
		want := func(want Reason) {
			t.Helper()
			if r := n.stack.FailureReason(ref); r != want {
				t.Errorf("%s: at %v: %v, want %v", hop, n.loop.Now(), r, want)
			}
		}
		claim := func() {
			if hop == peer {
				n.receive(request(mac3, "192.0.2.1", "192.0.2.9").bytes(t))
			} else {
				n.receive(ndFrame{advert: true, dst: "ff02::1", target: "2001:db8::1", lla: mac3, flags: flagO}.bytes(t))
			}
		}
		want(NoReply)
		claim()
		want(AddressConflict)
		n.run(30 * seconds)
		want(AddressConflict)
		n.run(loop.Millisecond)
		want(NoReply) // who was heard once, long ago, is no reason
		claim()
		want(AddressConflict)
		n.link.set(false)
		want(LinkDown)
		n.link.set(true)
		want(NoReply)
	}
}

func TestLinkDownAndUp(t *testing.T) {
	for _, hop := range hops {
		n := newNode(t, loop.NewVirtual(), Options{})
		c := config(1)
		c.Announce = true
		n.add(c)
		n.run(10 * seconds)
		confirm(n, hop, mac2)
		other := map[string]string{peer: "192.0.2.3", peer6: "2001:db8::3"}[hop]
		third := map[string]string{peer: "192.0.2.4", peer6: "2001:db8::4"}[hop]
		ref := n.subscriber.subscribe(n.iface, other, 1, false, n.loop.Now()+60e9).Ref
		n.link.take()
		n.link.set(false)
		n.check()
		n.wantState(hop, "stale "+mac2.String()) // nothing is confirmed any longer
		if n.stack.Solicit(ref) {
			t.Error("asked on a link that is down")
		}
		if h := n.subscriber.subscribe(n.iface, third, 2, false, n.loop.Now()+60e9); h.State != SubscribeWait {
			t.Errorf("%+v", h)
		}
		if r := n.iface.Output(netip.MustParseAddr(hop), udpPacket(t, n.iface.Source(netip.MustParseAddr(hop)).String(), hop)); r != LinkDown {
			t.Errorf("Output: %v", r)
		}
		n.run(20 * seconds)
		n.wantSent()
		n.link.set(true)
		n.run(10 * loop.Millisecond)
		frames := fmt.Sprint(n.link.take())
		for _, want := range []string{
			"who-has 192.0.2.1(m1) 192.0.2.1(0)", "NA 2001:db8::1 000", "NA fe80::1 000", other, third,
		} {
			if !strings.Contains(frames, want) {
				t.Errorf("after link up: no %q in %s", want, frames)
			}
		}
		n.receive(answer(t, other, mac3))
		if n.subscriber.confirmed[1].mac != mac3 {
			t.Error("not confirmed after link up")
		}
	}
}

func TestRefusedFrameIsSentAgain(t *testing.T) {
	n := alone(t)
	n.link.refuse = true
	n.subscriber.subscribe(n.iface, peer, 1, false, 30e9)
	n.run(3500 * loop.Millisecond)
	n.link.refuse = false
	n.run(3 * seconds)
	n.receive(reply(mac2, peer).bytes(t))
	if c := n.subscriber.confirmed[1]; c.mac != mac2 || c.attempts != 3 {
		t.Errorf("%+v, want the three solicitations that left", c)
	}
	if n.stack.Counters().Dropped[DropDevice] == 0 {
		t.Error("not counted")
	}
}

func TestFlushSolicitsSubscribedNeighborsAnew(t *testing.T) {
	for _, hop := range hops {
		n := alone(t)
		confirm(n, hop, mac2)
		n.run(5 * seconds)
		n.subscriber.subscribe(n.iface, hop, 1, true, n.loop.Now()+30e9)
		n.link.take()
		n.iface.Flush()
		n.check()
		n.wantState(hop, "incomplete")
		n.run(loop.Second + 2*loop.Millisecond)
		n.wantSent(groupQuestion(hop))
		n.receive(answer(t, hop, mac3))
		n.run(2 * seconds)
		n.iface.Flush()
		n.check()
		n.wantState(hop, "none")
	}
}

func TestRemoveInterfaceEndsSolicitations(t *testing.T) {
	n := alone(t)
	c := config(3)
	second := n.add(c)
	for k := range 50 {
		for side, i := range []*Interface{n.iface, second} {
			n.subscriber.subscribe(i, fmt.Sprintf("192.0.2.%d", 100+k), uint32(1000*side+k), false, 30e9)
			i.Output(netip.MustParseAddr("2001:db8::99"), udpPacket(t, "2001:db8::1", "2001:db8::99"))
		}
	}
	n.check()
	ref := n.subscriber.refs[1000]
	n.stack.RemoveInterface(second)
	n.check()
	n.stack.RemoveInterface(second)
	n.stack.Release(ref)
	n.check()
	if h := second.Subscribe(netip.MustParseAddr(peer), 1, false, 30e9); h.State != SubscribeRefused {
		t.Errorf("a removed interface holds: %+v", h)
	}
	if second.Output(netip.MustParseAddr(peer), nil) != NoRoute {
		t.Error("a removed interface sends")
	}
	second.Flush()
	for range second.Neighbors() {
		t.Error("a removed interface has neighbors")
	}
	n.link.take()
	n.run(2 * seconds)
	for _, f := range n.link.take() {
		if f[:2] != "m1" {
			t.Errorf("sent %s", f)
		}
	}
	again := n.add(c)
	n.subscriber.subscribe(again, peer, 7, false, n.loop.Now()+30e9)
	n.receive(arpFrame{op: 2, ethDst: header.MAC{2, 0, 0, 0, 0, 3}, senderMAC: mac2, senderIP: peer, targetIP: "192.0.2.3"}.bytes(t))
	if n.subscriber.confirmed[7].mac != mac2 {
		t.Error("an interface in the same place does not work")
	}
}

// TestRemoveInterfaceWithAllNeighbors checks that removing an interface that has all
// entries leaves other interfaces and refs as any removal does.
func TestRemoveInterfaceWithAllNeighbors(t *testing.T) {
	n := alone(t)
	var others []*Interface
	for k := range maxUnindexed {
		others = append(others, n.add(config(byte(10+k))))
	}
	confirm(n, peer, mac2) // by the first; it gets a list of STALE entries
	n.stack.Release(n.subscriber.subscribe(others[0], "192.0.2.90", 1, false, n.loop.Now()+loop.Time(seconds)).Ref)
	n.run(60 * seconds)
	n.wantState(peer, "stale "+mac2.String())
	n.iface.Flush()
	refs := make(map[uint32]bool)
	for k := range 3000 {
		refs[n.subscriber.subscribe(others[1], fmt.Sprintf("2001:db8::7:%x", k), uint32(100+k), false, n.loop.Now()+30e9).Ref] = true
	}
	n.run(1500 * loop.Millisecond)
	n.check()
	n.stack.RemoveInterface(others[1])
	n.check()
	if n.stack.neighbors.used != 0 || n.stack.subscriptions.Live() != 0 || n.stack.solicitations.Live() != 0 {
		t.Errorf("%d neighbors, %d subscriptions, %d solicitations are left", n.stack.neighbors.used, n.stack.subscriptions.Live(), n.stack.solicitations.Live())
	}
	n.link.take()
	n.run(10 * seconds)
	n.wantSent()
	confirm(n, peer, mac3)
	n.run(60 * seconds)
	n.wantState(peer, "stale "+mac3.String())
	for k := range 3000 {
		h := n.subscriber.subscribe(others[2], fmt.Sprintf("2001:db8::7:%x", k), uint32(9000+k), false, n.loop.Now()+30e9)
		if refs[h.Ref] {
			t.Fatalf("ref %x names a subscription again", h.Ref)
		}
	}
	for ref := range refs {
		n.stack.Release(ref)
	}
	n.check()
	if got := n.stack.subscriptions.Live(); got != 3000 {
		t.Errorf("%d of 3000 subscriptions are left after refs of others were released", got)
	}
}

// TestHeardMACIsSolicitedAtOnce checks that a MAC that a peer shows while the gaps are
// long is solicited by unicast now, not at the end of the gap; and so is the next.
func TestHeardMACIsSolicitedAtOnce(t *testing.T) {
	heard := func(hop string, m header.MAC) []byte {
		if hop == peer {
			return request(m, peer, peer).bytes(t)
		}
		return ndFrame{advert: true, dst: "ff02::1", target: peer6, lla: m, flags: flagO}.bytes(t)
	}
	for _, hop := range hops {
		n := alone(t)
		n.subscriber.subscribe(n.iface, hop, 1, false, 60e9)
		n.run(11500 * loop.Millisecond) // solicited at 10 s, next at 13 s
		n.link.take()
		n.receive(heard(hop, mac2))
		n.run(2 * loop.Millisecond)
		n.wantSent(unicastQuestion(hop))
		n.run(1100 * loop.Millisecond)
		n.receive(heard(hop, mac3))
		n.run(2 * seconds)
		to3 := 0
		for _, f := range n.link.take() {
			if strings.HasPrefix(f, "m1>m3") {
				to3++
			}
		}
		if to3 != 1 {
			t.Errorf("%s: the second MAC was solicited by unicast %d times", hop, to3)
		}
		if n.stack.Counters().NeighborChanges != 1 {
			t.Errorf("%d changes counted", n.stack.Counters().NeighborChanges)
		}
	}
}

// TestSolicitDuePassesToNextSubscription checks that when a subscription ends after
// SolicitDue, another subscription of the neighbor gets SolicitDue.
func TestSolicitDuePassesToNextSubscription(t *testing.T) {
	n := alone(t)
	n.subscriber.patient = true
	for target := uint32(1); target <= 3; target++ {
		n.subscriber.subscribe(n.iface, peer, target, false, 30e9)
	}
	n.stack.Solicit(n.subscriber.refs[1])
	n.run(1100 * loop.Millisecond)
	for told := 1; told <= 3; told++ {
		if len(n.subscriber.due) != told {
			t.Fatalf("SolicitDue was called %d times, want %d", len(n.subscriber.due), told)
		}
		n.stack.Release(n.subscriber.refs[n.subscriber.due[told-1]])
		n.run(2 * loop.Millisecond)
	}
	n.wantState(peer, "none")
}

// TestCallbackMayRelease checks that a callback for one neighbor may make another
// pending notice void.
func TestCallbackMayRelease(t *testing.T) {
	n := alone(t)
	n.subscriber.patient = true
	other := map[uint32]uint32{1: 2, 2: 1}
	for target := range other {
		n.subscriber.subscribe(n.iface, fmt.Sprintf("192.0.2.%d", 10+target), target, false, 30e9)
		n.stack.Solicit(n.subscriber.refs[target])
	}
	n.subscriber.onDue = func(target uint32) { n.stack.Release(n.subscriber.refs[other[target]]) }
	n.run(1100 * loop.Millisecond)
	if len(n.subscriber.due) != 1 {
		t.Errorf("%d were told, want one: it released the other", len(n.subscriber.due))
	}
}

// crowd returns a node on a large network and a function that sends numbered packets.
func crowd(t *testing.T) (n *node, send func(neighbor, number int)) {
	n = newNode(t, loop.NewVirtual(), Options{})
	c := config(1)
	c.IPv4, c.Gateway4 = netip.MustParsePrefix("10.0.0.1/8"), netip.Addr{}
	n.add(c)
	packet := udpPacket(t, "10.0.0.1", "10.1.0.0")
	return n, func(neighbor, number int) {
		packet[len(packet)-1] = byte(number)
		n.iface.Output(crowdAddress(neighbor), packet)
	}
}

func crowdAddress(k int) netip.Addr { return netip.AddrFrom4([4]byte{10, 1, byte(k >> 8), byte(k)}) }

// packetsOfCrowd receives the answer of a neighbor of a crowd, and returns the numbers
// of the packets that it gets.
func packetsOfCrowd(n *node, k int) string {
	f := reply(mac2, crowdAddress(k).String())
	f.targetIP = "10.0.0.1"
	n.link.sent = nil
	n.stack.HandleFrame(f.bytes(n.t))
	numbers := []byte{}
	for _, f := range n.link.sent {
		numbers = append(numbers, f[len(f)-1])
	}
	return fmt.Sprint(numbers)
}

// TestF05HeldPacketsAreBounded checks the bound of all held packets of a stack. The
// oldest are dropped, but each neighbor keeps its newest.
func TestF05HeldPacketsAreBounded(t *testing.T) {
	const neighbors, each = 600, 32
	n, send := crowd(t)
	for k := range neighbors {
		for number := range each {
			send(k, number)
		}
	}
	n.check()
	const gone = neighbors*each - maxHeldPackets
	if got := n.stack.Counters().Dropped[DropHeldOverflow]; got != gone {
		t.Errorf("%d packets dropped, want %d", got, gone)
	}
	all := []byte{}
	for number := range each {
		all = append(all, byte(number))
	}
	for k := range neighbors {
		lost := min(max(gone-k*(each-1), 0), each-1) // all but the newest, neighbor by neighbor
		if got, want := packetsOfCrowd(n, k), fmt.Sprint(all[lost:]); got != want {
			t.Errorf("neighbor %d gets %s, want %s", k, got, want)
		}
	}
	n.check()
	if n.stack.packets.live != 0 {
		t.Errorf("%d packets are still held", n.stack.packets.live)
	}
}

// TestFullPoolKeepsNewestPackets checks that when each neighbor has one packet, a newer
// one replaces that of its own neighbor, else the oldest.
func TestFullPoolKeepsNewestPackets(t *testing.T) {
	n, send := crowd(t)
	for k := range maxHeldPackets {
		send(k, 1)
	}
	send(7, 2)
	send(maxHeldPackets, 1)
	send(maxHeldPackets+1, 1)
	n.check()
	for k, want := range map[int]string{
		0: "[]", 1: "[]", 2: "[1]", 7: "[2]", maxHeldPackets - 1: "[1]", maxHeldPackets: "[1]", maxHeldPackets + 1: "[1]",
	} {
		if got := packetsOfCrowd(n, k); got != want {
			t.Errorf("neighbor %d gets %s, want %s", k, got, want)
		}
	}
	if got := n.stack.Counters().Dropped[DropHeldOverflow]; got != 3 {
		t.Errorf("%d packets dropped, want 3", got)
	}
	n.run(10 * seconds)
	if n.stack.packets.live != 0 {
		t.Errorf("%d packets are still held", n.stack.packets.live)
	}
}

// TestShortDeadlineIsSolicitedOnce checks that a deadline within a RetransTimer has at
// least one solicitation.
func TestShortDeadlineIsSolicitedOnce(t *testing.T) {
	n := alone(t)
	n.link.set(false)
	n.subscriber.subscribe(n.iface, peer, 1, false, 500e6)
	n.run(100 * loop.Millisecond)
	n.link.set(true)
	n.run(2 * seconds)
	n.wantSent(groupQuestion(peer))
}
