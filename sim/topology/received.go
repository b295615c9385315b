package topology

import (
	"net/netip"

	"glean/sim"
)

// Received is what all hosts and farms have received, and the names of the hosts
// that have the addresses, at one moment.
type Received struct {
	Packets   map[sim.Flow]uint64
	network   *Network
	onSegment map[location]string
	anywhere  map[netip.Addr]string
}

// Received returns what all hosts and farms have received until now.
func (n *Network) Received() *Received {
	r := &Received{
		Packets: make(map[sim.Flow]uint64), network: n,
		onSegment: make(map[location]string), anywhere: make(map[netip.Addr]string),
	}
	for _, d := range n.hosts {
		for _, i := range d.host.Interface(0).Status() {
			r.onSegment[location{d.segment, i.Addr}] = d.name
			r.anywhere[i.Addr] = d.name
		}
		for _, c := range d.host.Flows() {
			r.Packets[c.Flow] += c.Packets
		}
	}
	for _, f := range n.farms {
		for flow, count := range f.received {
			r.Packets[flow] += count
		}
	}
	return r
}

// Owner returns the name of the host that an address means for a sender on a
// segment: a host on that segment, else a host behind routers. It returns "" if no
// host has the address. The segment may be "".
func (r *Received) Owner(s Segment, to netip.Addr) string {
	if name, ok := r.onSegment[location{s, to}]; ok {
		return name
	}
	if name, ok := r.anywhere[to]; ok {
		return name
	}
	owners := &r.network.owners
	for i := range owners.farms {
		if farm, _, ok := owners.Farm(owners.farms[i].segment, to); ok {
			return r.network.farms[farm].name
		}
	}
	return ""
}
