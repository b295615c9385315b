package stack

import (
	"slices"
	"strings"
	"testing"

	"glean/stack/header"
	"glean/stack/loop"
)

// allBut returns a filter that passes all EtherTypes except one.
func allBut(t header.EtherType) func([]byte) bool {
	return func(frame []byte) bool { return header.Ethernet(frame).Type() != t }
}

func isARPReply(frame []byte) bool {
	return header.Ethernet(frame).Type() == header.EtherTypeARP && frame[21] == 2
}

// TestTxFilterStopsAnswersNotSolicitations checks that a station whose filter rejects
// answers still solicits.
func TestTxFilterStopsAnswersNotSolicitations(t *testing.T) {
	n := newNode(t, loop.NewVirtual(), Options{})
	c := config(1)
	c.TxFilter = func(frame []byte) bool { return !isARPReply(frame) }
	n.add(c)
	n.link.take()
	n.receive(request(mac2, peer, own(c)).bytes(t))
	n.wantSent()
	if got := n.stack.Counters().Dropped[DropFilter]; got != 1 {
		t.Errorf("%d frames filtered, want the reply", got)
	}
	if stats := n.iface.Stats(); stats.TxPackets != stats.TxBytes/42 || stats.TxErrors != 0 {
		t.Errorf("%+v: a filtered frame counts neither as sent nor as an error", stats)
	}
	n.subscriber.subscribe(n.iface, "192.0.2.9", 1, true, loop.Time(5*loop.Second))
	if sent := n.link.take(); len(sent) != 1 || !strings.Contains(sent[0], "who-has") {
		t.Errorf("sent %q, want a solicitation", sent)
	}
	n.check()
}

// TestRxFilterHidesFrameFromItsInterfaceOnly checks that a rejected frame has no effect
// on the interface, and that another interface of the link still receives it.
func TestRxFilterHidesFrameFromItsInterfaceOnly(t *testing.T) {
	n := newNode(t, loop.NewVirtual(), Options{})
	c := config(1)
	c.RxFilter = allBut(header.EtherTypeARP)
	deaf := n.add(c)
	d := config(3)
	hearing := n.add(d)
	n.link.take()
	n.receive(request(mac2, peer, own(c)).bytes(t))
	n.wantSent()
	if deaf.NeighborCount() != 0 || n.stack.Counters().Dropped[DropFilter] != 1 {
		t.Errorf("%d neighbors, %d filtered", deaf.NeighborCount(), n.stack.Counters().Dropped[DropFilter])
	}
	n.receive(request(mac2, peer, own(d)).bytes(t))
	if got := n.link.take(); len(got) != 1 || hearing.NeighborCount() != 1 {
		t.Errorf("sent %q, %d neighbors", got, hearing.NeighborCount())
	}
	n.receive(append([]byte{2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, 8, 0}, echoRequest(peer, own(c), []byte("x"))...))
	if !slices.ContainsFunc(n.link.take(), func(s string) bool { return strings.Contains(s, peer) }) {
		t.Error("the filter stopped IPv4 too: the sender of the echo request is not solicited")
	}
	n.check()
}

func own(c InterfaceConfig) string { return c.IPv4.Addr().String() }

// TestRxFilterStopsNeighborDiscovery checks that solicitations, adverts and conflicts
// have no effect with the filter, and an effect without.
func TestRxFilterStopsNeighborDiscovery(t *testing.T) {
	for _, deaf := range []bool{false, true} {
		n := newNode(t, loop.NewVirtual(), Options{})
		c := config(1)
		if deaf {
			c.RxFilter = allBut(header.EtherTypeIPv6)
		}
		i := n.add(c)
		n.link.take()
		n.receive(ndFrame{src: peer6, dst: solicitGroup, target: "2001:db8::1", lla: mac2}.bytes(t))
		answered := len(n.link.take()) > 0
		n.receive(ndFrame{advert: true, dst: "ff02::1", target: "2001:db8::1", lla: mac3, flags: flagO}.bytes(t))
		conflict := false
		for _, a := range i.Status() {
			conflict = conflict || a.Duplicate
		}
		if answered == deaf || conflict == deaf || (i.NeighborCount() == 0) != deaf {
			t.Errorf("deaf %v: answered %v, conflict %v, %d neighbors", deaf, answered, conflict, i.NeighborCount())
		}
		n.check()
	}
}
