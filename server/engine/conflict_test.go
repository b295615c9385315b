package engine_test

import (
	"fmt"
	"net/netip"
	"testing"

	"glean/stack/header"
	"glean/stack/link"
	"glean/stack/loop"
)

// claimed is a network with an interface of three addresses and a host that may
// claim them.
func claimed(t *testing.T) (n *network, claim func(address string)) {
	n = newNetwork(t, 1)
	n.addInterface("if-0", 0, v4("198.18.0.10", 24, "")+v6("2001:db8::a", 64, ""), "")
	rival := n.host(0, 1, "198.18.0.1/24", "2001:db8::1/64")
	n.run(5 * loop.Second)
	return n, func(address string) {
		rival.Claim(0, netip.MustParseAddr(address))
		n.run(loop.Millisecond)
	}
}

// TestConflictsAreOfOneAddress: who claims one of our addresses is shown with it,
// until the link goes down: the network may be another one after.
func TestConflictsAreOfOneAddress(t *testing.T) {
	peer := header.MAC{2, 0, 0, 0, 1, 1}
	for address, want := range map[string][3]header.MAC{
		"198.18.0.10":      {0: peer},
		"2001:db8::a":      {1: peer},
		"fe80::ff:fe00:a0": {2: peer},
	} {
		n, claim := claimed(t)
		wantConflicts := func(want [3]header.MAC) {
			t.Helper()
			v, err := n.Interface("if-0")
			if got := [3]header.MAC{v.Conflict4, v.Conflict6, v.ConflictLinkLocal}; got != want || err != nil {
				t.Errorf("%s: %v, want %v", address, got, want)
			}
		}
		wantConflicts([3]header.MAC{})
		claim(address)
		wantConflicts(want)
		n.near[0].SetState(link.State{Reason: link.ReasonDown})
		n.run(loop.Second)
		n.near[0].SetState(link.State{Up: true})
		n.run(5 * loop.Second)
		wantConflicts([3]header.MAC{})
	}
}

// TestAddressConflictIsTheReason: an address does not answer while another station
// has that of ours which asks; what was heard long before is no reason.
func TestAddressConflictIsTheReason(t *testing.T) {
	n, claim := claimed(t)
	learn := func(id, reason4, reason6 string) {
		t.Helper()
		n.learn(fmt.Sprintf(`{"id":%q,"interface_id":"if-0","timeout_ms":5000,"addresses":["198.18.0.77","2001:db8::77"]}`, id))
		n.run(6 * loop.Second)
		n.wantRows(id, map[string]string{"198.18.0.77": reason4, "2001:db8::77": reason6})
	}
	learn("before", "no_reply", "no_reply")
	claim("198.18.0.10")
	learn("one", "address_conflict", "no_reply")
	claim("2001:db8::a")
	learn("both", "address_conflict", "address_conflict")
	n.run(60 * loop.Second)
	learn("after", "no_reply", "no_reply")
}
