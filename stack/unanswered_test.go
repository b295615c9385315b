package stack

import (
	"fmt"
	"strings"
	"testing"

	"glean/stack/header"
	"glean/stack/loop"
)

// proxyAnswer returns an answer that does not override: of a proxy, or of one of several
// stations with an anycast address.
func proxyAnswer(t testing.TB, m header.MAC) []byte {
	return ndFrame{advert: true, target: peer6, lla: m, flags: flagS}.bytes(t)
}

// TestConformanceAnswerWithoutOverride checks RFC 4861 sections 7.2.5 and 7.3.3: while a
// MAC is known, an answer without Override changes nothing; when the solicitation of
// that MAC is unanswered, the entry is INCOMPLETE, where any answer with a link-layer
// address completes it.
func TestConformanceAnswerWithoutOverride(t *testing.T) {
	for _, s := range []State{StateReachable, StateStale, StateDelay, StateProbe} {
		t.Run("H12 an answer without Override after an unanswered solicitation, in "+s.String(), func(t *testing.T) { checkProxyAnswer(t, s) })
	}
}

func checkProxyAnswer(t *testing.T, s State) {
	n := alone(t)
	reach(n, peer6, s)
	n.receive(proxyAnswer(t, mac3))
	if known := n.state(peer6); !strings.HasSuffix(known, mac2.String()) {
		t.Errorf("%v: the answer before any unanswered solicitation makes it %s", s, known)
	}
	n.run(2 * seconds)
	n.link.take()
	begin := n.loop.Now()
	n.subscriber.subscribe(n.iface, peer6, 1, true, begin+30e9)
	for n.loop.Now() < begin+20e9 && len(n.subscriber.confirmed) == 0 {
		n.run(10 * loop.Millisecond)
		for _, f := range n.link.take() {
			if f != groupQuestion(peer6) {
				continue
			}
			n.wantState(peer6, "incomplete")
			n.receive(proxyAnswer(t, mac3))
		}
	}
	if c := n.subscriber.confirmed[1]; c.mac != mac3 {
		t.Errorf("%v: confirmed %+v, want the one who answers", s, c)
	}
	n.wantState(peer6, "reachable "+mac3.String())
	last := n.observer.neighbors[len(n.observer.neighbors)-1]
	if last.Old != StateIncomplete || last.OldMAC != mac2 || last.MAC != mac3 {
		t.Errorf("%v: the last event is %+v, want the move from the old MAC to the new", s, last)
	}
	if got := n.stack.Counters().NeighborChanges; got != 1 {
		t.Errorf("%v: %d changes of a MAC counted", s, got)
	}
}

// TestAnswerInTimeKeepsTheMAC checks that a unicast solicitation for a subscription
// keeps the MAC as long as an answer may come, and that one that did not leave keeps it
// too.
func TestAnswerInTimeKeepsTheMAC(t *testing.T) {
	for _, hop := range hops {
		n := alone(t)
		confirm(n, hop, mac2)
		n.run(2 * seconds)
		n.link.refuse = true
		n.subscriber.subscribe(n.iface, hop, 1, true, n.loop.Now()+30e9)
		n.run(1500 * loop.Millisecond)
		n.link.refuse = false
		n.link.take()
		n.run(1000 * loop.Millisecond)
		n.wantSent(unicastQuestion(hop))
		n.wantState(hop, "reachable "+mac2.String())
		n.receive(answer(t, hop, mac2))
		n.wantState(hop, "reachable "+mac2.String())
		if c := n.subscriber.confirmed[1]; c.mac != mac2 || c.attempts != 1 {
			t.Errorf("%s: %+v", hop, c)
		}
	}
}

// TestUnansweredUnicastIsNotCounted checks that after a solicitation of the old MAC
// MulticastSolicits multicast ones follow at the spacing of RFC 4861 section 7.2.2,
// however long the solicitations have been going on.
func TestUnansweredUnicastIsNotCounted(t *testing.T) {
	heard := map[string][]byte{
		peer:  request(mac2, peer, peer).bytes(t),
		peer6: ndFrame{advert: true, dst: "ff02::1", target: peer6, lla: mac2, flags: flagO}.bytes(t),
	}
	for _, hop := range hops {
		for _, before := range []loop.Duration{0, 11500 * loop.Millisecond} {
			n := alone(t)
			if before == 0 {
				confirm(n, hop, mac2)
				n.run(2 * seconds)
				n.link.take()
			}
			n.subscriber.subscribe(n.iface, hop, 1, true, n.loop.Now()+60e9)
			if before > 0 {
				n.run(before)
				n.link.take()
				n.receive(heard[hop])
			}
			var asked []string
			var first loop.Time
			for start := n.loop.Now(); n.loop.Now() < start+10e9; n.run(10 * loop.Millisecond) {
				for _, f := range n.link.take() {
					if first == 0 {
						first = n.loop.Now()
					}
					kind := "one"
					if strings.HasPrefix(f, groupQuestion(hop)) {
						kind = "all"
					}
					asked = append(asked, fmt.Sprintf("%s %d", kind, (n.loop.Now()-first+50e6)/1e9))
				}
			}
			if got := strings.Join(asked, ", "); !strings.HasPrefix(got, "one 0, all 1, all 2, all 3, all 5, all 8") {
				t.Errorf("%s, solicited %v before: %s", hop, before, got)
			}
		}
	}
}

// TestSubscribedUnreachableIsSolicited checks that an UNREACHABLE neighbor, whose MAC
// RFC 7048 keeps for packets, is resolved anew for a subscription.
func TestSubscribedUnreachableIsSolicited(t *testing.T) {
	n := newNode(t, loop.NewVirtual(), Options{})
	c := config(1)
	c.Neighbor.KeepUnreachable = true
	n.add(c)
	reach(n, peer6, StateProbe)
	n.run(3*seconds + 5*loop.Millisecond)
	n.wantState(peer6, "unreachable "+mac2.String())
	n.link.take()
	n.subscriber.subscribe(n.iface, peer6, 1, false, n.loop.Now()+30e9)
	n.run(1100 * loop.Millisecond)
	n.wantSent(groupQuestion(peer6))
	n.receive(proxyAnswer(t, mac3))
	if c := n.subscriber.confirmed[1]; c.mac != mac3 {
		t.Errorf("confirmed %+v", c)
	}
}

// TestSubscriptionShortensProbe checks that a subscription to a neighbor in PROBE waits
// for at most one probe; then the solicitations are multicast.
func TestSubscriptionShortensProbe(t *testing.T) {
	for _, hop := range hops {
		for before, want := range map[loop.Duration]string{
			0:                       "all 1.0, all 2.0, all 3.0",
			1500 * loop.Millisecond: "all 0.5, all 1.5, all 2.5",
		} {
			n := alone(t)
			reach(n, hop, StateProbe)
			n.run(before)
			n.link.take()
			n.subscriber.subscribe(n.iface, hop, 1, false, n.loop.Now()+30e9)
			if got := n.solicitTimes(hop, 3300*loop.Millisecond); got != want {
				t.Errorf("%s, %v after the first probe: asked %s, want %s", hop, before, got, want)
			}
		}
	}
}
