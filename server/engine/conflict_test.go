package engine_test

import (
	"fmt"
	"net/netip"
	"slices"
	"testing"

	"glean/learning"
	"glean/stack/header"
	"glean/stack/link"
	"glean/stack/loop"
)

// rivals are peers that all have the same addresses and answer each solicitation.
type rivals struct {
	list   []*announcer
	silent bool
}

func (r *rivals) HandleState(link.State) {}

func (r *rivals) HandleFrame(frame []byte) {
	for _, p := range r.list {
		if !r.silent {
			p.HandleFrame(frame)
		}
	}
}

// TestRowsNameConflictingMACs: if two MACs answer for an address, its row names both, each
// time that it is learned, whether the address is the next hop or behind it. A MAC that
// comes later is not in the row.
func TestRowsNameConflictingMACs(t *testing.T) {
	for _, hosts := range []int{1, 2} {
		t.Run(fmt.Sprint(hosts), func(t *testing.T) {
			n := newNetwork(t, 1)
			all := &rivals{list: []*announcer{{end: n.far[0], mac: firstMAC, confirms: true}}}
			if hosts == 2 {
				all.list = append(all.list, &announcer{end: n.far[0], mac: secondMAC, confirms: true})
			}
			n.far[0].Attach(all)
			n.addInterface("if-0", 0, v4("198.18.0.100", 24, host4)+v6("2001:db8::64", 64, host6), probing)
			n.run(2 * loop.Second)
			for range 2 {
				r := n.learn(fmt.Sprintf(`{"interface_id":"if-0","timeout_ms":5000,"addresses":[%q,%q,"203.0.113.9","2001:db8:9::9"]}`, host4, host6))
				n.run(2 * loop.Second)
				all.silent = true
				(&announcer{end: n.far[0], mac: header.MAC{2, 0, 0, 0, 0, 9}, confirms: true}).announce()
				n.run(2 * loop.Second)
				all.silent = false
				rows := r.Destinations(learning.DestinationFilter{})
				for _, row := range rows {
					mac := firstMAC
					want := []header.MAC{secondMAC}
					if row.MAC == secondMAC {
						mac, want = secondMAC, []header.MAC{firstMAC}
					}
					if hosts == 1 {
						want = nil
					}
					if row.State != learning.StateCompleted || row.MAC != mac || !slices.Equal(row.Conflicting, want) {
						t.Errorf("%v: %v %v, conflicting %v, want %v", row.Address, row.State, row.MAC, row.Conflicting, want)
					}
				}
				if len(rows) != 4 {
					t.Errorf("%d rows", len(rows))
				}
				if err := n.Check(); err != nil {
					t.Error(err)
				}
			}
		})
	}
}

// announce announces the MAC of host4, like a host that has just come up.
func (p *announcer) announce() {
	ip := netip.MustParseAddr(host4).As4()
	told := header.ARPRepr{Op: header.ARPRequest, SenderMAC: p.mac, SenderIP: ip, TargetIP: ip}
	out := make([]byte, 64)
	n := header.EmitEthernet(out, &header.Broadcast, &p.mac, nil, header.EtherTypeARP)
	p.send(out[:n+told.EmitTo(out[n:])])
}
