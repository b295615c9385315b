package stack

import (
	"net/netip"
	"testing"

	"glean/stack/loop"
)

// TestConfirmedAtIsTheTimeOfTheLastAnswer checks that ConfirmedAt follows the answers
// that confirm a neighbor, and no other message.
func TestConfirmedAtIsTheTimeOfTheLastAnswer(t *testing.T) {
	const hop = "192.0.2.2"
	n := alone(t)
	confirmed := func(what string, want loop.Time) {
		t.Helper()
		info, there := n.iface.Neighbor(netip.MustParseAddr(hop))
		if at, is := info.ConfirmedAt, info.Confirmed; !there || is != (want >= 0) || is && at != want {
			t.Errorf("%s: confirmed %v at %v (there: %v), want %v", what, is, at, there, want)
		}
	}
	now := func() loop.Time { return n.loop.Now() }
	const never = loop.Time(-1)

	n.subscriber.subscribe(n.iface, hop, 1, false, now().Add(30e9))
	confirmed("asked for", never)
	n.run(loop.Millisecond)
	n.receive(reply(mac2, hop).bytes(t))
	first := now()
	confirmed("answered", first)
	n.run(loop.Second)
	n.receive(request(mac2, hop, hop).bytes(t))
	confirmed("announced with the same MAC", first)
	n.run(2 * 60 * loop.Second)
	n.wantState(hop, "stale "+mac2.String())
	confirmed("stale", first)

	n.subscriber.subscribe(n.iface, hop, 2, true, now().Add(30e9))
	n.run(loop.Millisecond)
	n.receive(reply(mac2, hop).bytes(t))
	second := now()
	confirmed("answered again", second)
	n.run(loop.Second)
	n.receive(request(mac3, hop, hop).bytes(t))
	n.wantState(hop, "stale "+mac3.String())
	confirmed("announced with another MAC", never)
	n.subscriber.subscribe(n.iface, hop, 3, true, now().Add(30e9))
	n.run(loop.Millisecond)
	n.receive(reply(mac3, hop).bytes(t))
	third := now()
	confirmed("the new MAC answered", third)

	n.subscriber.subscribe(n.iface, hop, 4, true, now().Add(30e9))
	n.run(20 * loop.Second)
	n.wantState(hop, "incomplete")
	confirmed("does not answer any more", third)
	n.check()
}
