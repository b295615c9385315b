package engine_test

import (
	"fmt"
	"testing"

	"glean/stack/header"
	"glean/stack/loop"
)

// TestPeersDoNotFloodTheEvents: a neighbor whose MAC changes with each frame causes some
// events and does not push others out of the ring. The events left out are counted.
func TestPeersDoNotFloodTheEvents(t *testing.T) {
	n := newNetwork(t, 1)
	n.addInterface("if-1", 0, v4("198.18.0.100", 16, ""), "")
	n.host(0, 7, "198.18.0.7/16")
	n.learn(`{"id":"lr-1","interface_id":"if-1","addresses":["198.18.0.7"]}`)
	n.run(loop.Second)
	_, before := n.Events(0, 1)
	const frames = 100_000 // in ten seconds
	for k := range frames {
		f := gratuitous(header.MACFromUint64(0x060000000000+uint64(k%2)), [4]byte{198, 18, 0, 7})
		if _, err := n.far[0].Send([][]byte{f}); err != nil {
			t.Fatal(err)
		}
		if k%100 == 99 {
			n.run(10 * loop.Millisecond)
		}
	}
	n.run(2 * loop.Second)
	all, last := n.Events(before, 1<<20)
	if len(all) != int(last-before) || len(all) > 1024+12*64+12 || len(all) < 1024 {
		t.Errorf("%d events, %d are left", last-before, len(all))
	}
	counts := make(map[string]int)
	leftOut := 0
	for _, e := range all {
		counts[e.Type+" "+e.What]++
		if e.What == "events_left_out" {
			var k int
			if _, err := fmt.Sscanf(e.Detail, "%d events", &k); err != nil || e.ID != "0" {
				t.Errorf("%+v: %v", e, err)
			}
			leftOut += k
		}
	}
	if got := counts["neighbor moved"] + counts["neighbor suspect"] + leftOut; got != frames+1 { // one of them is suspect
		t.Errorf("%v and %d left out are %d, want %d", counts, leftOut, got, frames+1)
	}
}

// gratuitous returns an ARP request by which a station announces its address.
func gratuitous(m header.MAC, a [4]byte) []byte {
	f := make([]byte, header.EthernetSize+header.ARPSize)
	n := header.EthernetRepr{Dst: header.Broadcast, Src: m, Type: header.EtherTypeARP}.Emit(f)
	header.ARPRepr{Op: header.ARPRequest, SenderMAC: m, SenderIP: a, TargetIP: a}.Emit(f[n:])
	return f
}
