package topology

import (
	"errors"
	"net/netip"
	"strings"
	"testing"

	"glean/sim"
	"glean/stack/header"
	"glean/stack/loop"
)

var (
	lan4 = netip.MustParsePrefix("10.0.0.0/24")
	a1   = netip.MustParseAddr("10.0.0.1")
)

// small is a network with two hosts on a switch and a farm on another one.
func small() *Topology {
	return &Topology{
		Switches: []string{"lan", "wan"},
		Hosts:    []HostGroup{{Name: "peer", Count: 2, On: "lan", Address: 1, IPv4: lan4}},
		Farms:    []Farm{{Name: "farm", Hosts: 3, On: "wan", IPv4: netip.MustParseAddr("10.1.0.1")}},
		Ports:    []Port{{ID: "0", On: "lan"}, {ID: "1"}},
	}
}

func build(t *testing.T, top *Topology) *Network {
	t.Helper()
	n, err := Build(sim.NewWorld(1), top)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// TestOwnersRememberEveryMACOfAnAddress: a MAC has had its address from its
// assignment to its withdrawal, both included.
func TestOwnersRememberEveryMACOfAnAddress(t *testing.T) {
	n := build(t, small())
	lan, old := n.SegmentOf("0", nil), sim.MAC(sim.KindHost, 1)
	n.World().At(loop.Time(loop.Second), func() {
		if err := n.ChangeMAC("peer-1", false); err != nil {
			t.Error(err)
		}
	})
	n.World().Virtual().RunFor(2 * loop.Second)
	o := n.Owners()
	current, live := o.Current(lan, a1)
	if !live || current == old || !o.Has(lan, a1, current) || o.Has(lan, a1, old) {
		t.Errorf("the address is at %s (%t), and was at %s", current, live, old)
	}
	second := loop.Time(loop.Second)
	if !o.Had(lan, a1, old, 0, 0) || !o.Had(lan, a1, old, second, second) || o.Had(lan, a1, old, second+1, loop.Never-1) {
		t.Error("the old MAC has not had the address from 0 to 1 s")
	}
	if _, elsewhere := o.Current("other", a1); elsewhere {
		t.Error("the address has an owner on another segment")
	}
}

// TestSpoofedAddressKeepsItsOwner: an announcement by a host that does not answer
// makes no owner.
func TestSpoofedAddressKeepsItsOwner(t *testing.T) {
	n := build(t, small())
	lan, spoofer := n.SegmentOf("0", nil), sim.MAC(sim.KindHost, 2)
	if err := n.Spoof("peer-2", a1); err != nil {
		t.Fatal(err)
	}
	if o := n.Owners(); !o.WasSpoofed(lan, a1, spoofer) || o.Had(lan, a1, spoofer, 0, loop.Never) || !o.Has(lan, a1, sim.MAC(sim.KindHost, 1)) {
		t.Error("the spoofer counts as owner, or the owner no longer does")
	}
}

// TestFarmOwnsItsAddresses: those of its hosts, on its segment, and no others.
func TestFarmOwnsItsAddresses(t *testing.T) {
	n := build(t, small())
	wan := n.switchSegment("wan", 1)
	for address, want := range map[string]bool{"10.1.0.0": false, "10.1.0.1": true, "10.1.0.3": true, "10.1.0.4": false} {
		if _, got := n.Owners().Current(wan, netip.MustParseAddr(address)); got != want {
			t.Errorf("%s has an owner: %t, want %t", address, got, want)
		}
	}
	if owner := n.Received().Owner("", netip.MustParseAddr("10.1.0.2")); owner != "farm" {
		t.Errorf("10.1.0.2 belongs to %q", owner)
	}
}

// TestAbsentHostOwnsNoAddress, until it is back.
func TestAbsentHostOwnsNoAddress(t *testing.T) {
	n := build(t, small())
	lan := n.SegmentOf("0", nil)
	for _, absent := range []bool{true, false} {
		if err := n.SetAbsent("peer-1", absent); err != nil {
			t.Fatal(err)
		}
		if _, live := n.Owners().Current(lan, a1); live == absent {
			t.Errorf("absent %t, but the address has an owner: %t", absent, live)
		}
	}
}

// TestSegmentsAreThoseOfTrunksAndTags: switches joined by trunks share segments, and
// each VLAN is one of its own.
func TestSegmentsAreThoseOfTrunksAndTags(t *testing.T) {
	top := small()
	top.Trunks = []Trunk{{A: "lan", B: "wan"}}
	n := build(t, top)
	tag := func(id uint16) header.VLAN { return header.VLAN{TPID: header.EtherTypeVLAN, ID: id} }
	if n.switchSegment("lan", 0) != n.switchSegment("wan", 1) || n.SegmentOf("0", nil) != n.switchSegment("wan", 1) {
		t.Error("two switches with a trunk are two segments")
	}
	seen := make(map[Segment]bool)
	for _, s := range []Segment{
		n.SegmentOf("0", nil), n.SegmentOf("0", []header.VLAN{tag(2)}), n.SegmentOf("0", []header.VLAN{tag(2), tag(3)}),
		n.SegmentOf("1", nil), n.SegmentOf("1", []header.VLAN{tag(2)}),
	} {
		if seen[s] {
			t.Errorf("segment %q twice", s)
		}
		seen[s] = true
	}
}

// TestFaultsOfATopologyAreNamed, with the place that they come from.
func TestFaultsOfATopologyAreNamed(t *testing.T) {
	place := Origin(func(err error) error { return errors.Join(errors.New("line 7"), err) })
	for want, change := range map[string]func(*Topology){
		`switch "lan" is given more than once`: func(t *Topology) { t.Switches = append(t.Switches, "lan") },
		`provider: no switch "x"`:              func(t *Topology) { t.Provider = []string{"x"} },
		`trunk lan:x: no switch "x"`:           func(t *Topology) { t.Trunks = []Trunk{{Origin: place, A: "lan", B: "x"}} },
		`makes a loop`: func(t *Topology) {
			t.Trunks = []Trunk{{A: "lan", B: "wan"}, {Origin: place, A: "wan", B: "lan"}}
		},
		`port "2": no switch "x"`:   func(t *Topology) { t.Ports = append(t.Ports, Port{Origin: place, ID: "2", On: "x"}) },
		`no wire matches ["x"]`:     func(t *Topology) { t.Faults = []Fault{{Origin: place, Wires: []string{"x"}}} },
		`dead: no host 3`:           func(t *Topology) { t.Farms[0].Origin, t.Farms[0].Dead = place, []uint32{3} },
		`has no address number 300`: func(t *Topology) { t.Hosts[0].Origin, t.Hosts[0].Address = place, 300 },
	} {
		top := small()
		change(top)
		_, err := Build(sim.NewWorld(1), top)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %s", err, want)
		}
		if strings.Contains(want, "switch \"lan\"") || strings.HasPrefix(want, "provider") {
			continue // names have no place of their own
		}
		if err != nil && !strings.HasPrefix(err.Error(), "line 7") {
			t.Errorf("%v: without its place", err)
		}
	}
}
