package topology

import (
	"net/netip"
	"slices"

	"glean/sim"
	"glean/stack/header"
	"glean/stack/loop"
)

// Owners records which MAC has had which address, and when. Everything that glean
// learns is compared with it.
type Owners struct {
	assignments map[location][]assignment
	spoofed     map[location][]header.MAC // MACs announced for addresses that they never had
	farms       []farmRange
}

// location is an address on a segment.
type location struct {
	segment Segment
	addr    netip.Addr
}

// assignment is the time during which a MAC has an address, both ends included.
type assignment struct {
	mac      header.MAC
	from, to loop.Time
}

// farmRange is the addresses of a farm. The MACs of farms never change in a
// topology, so no times are kept for a million hosts.
type farmRange struct {
	segment    Segment
	farm       *sim.Farm
	hosts      uint32
	ipv4, ipv6 netip.Addr
}

// assign records that a MAC has an address from now on, besides other MACs that
// have it.
func (o *Owners) assign(s Segment, a netip.Addr, mac header.MAC, now loop.Time) {
	if o.assignments == nil {
		o.assignments = make(map[location][]assignment)
	}
	l := location{s, a}
	o.assignments[l] = append(o.assignments[l], assignment{mac, now, loop.Never})
}

// withdraw records that a MAC does not have an address any more.
func (o *Owners) withdraw(s Segment, a netip.Addr, mac header.MAC, now loop.Time) {
	list := o.assignments[location{s, a}]
	for i := range list {
		if list[i].mac == mac && list[i].to == loop.Never {
			list[i].to = now
		}
	}
}

// spoof records that a station announces a MAC for an address that the MAC does
// not have. Caches may believe it, but no request may learn it.
func (o *Owners) spoof(s Segment, a netip.Addr, mac header.MAC) {
	if o.spoofed == nil {
		o.spoofed = make(map[location][]header.MAC)
	}
	l := location{s, a}
	o.spoofed[l] = append(o.spoofed[l], mac)
}

// Had reports whether a MAC had an address at some time between from and to.
func (o *Owners) Had(s Segment, a netip.Addr, mac header.MAC, from, to loop.Time) bool {
	for _, t := range o.assignments[location{s, a}] {
		if t.mac == mac && t.from <= to && t.to >= from {
			return true
		}
	}
	return o.isFarmMAC(s, a, mac)
}

// Has reports whether a MAC has an address now, perhaps besides other MACs.
func (o *Owners) Has(s Segment, a netip.Addr, mac header.MAC) bool {
	for _, t := range o.assignments[location{s, a}] {
		if t.mac == mac && t.to == loop.Never {
			return true
		}
	}
	return o.isFarmMAC(s, a, mac)
}

// WasSpoofed reports whether a MAC was announced for an address that it never had.
func (o *Owners) WasSpoofed(s Segment, a netip.Addr, mac header.MAC) bool {
	return slices.Contains(o.spoofed[location{s, a}], mac)
}

// Current returns the MAC that has an address now, or false if no MAC has it.
func (o *Owners) Current(s Segment, a netip.Addr) (header.MAC, bool) {
	for _, t := range o.assignments[location{s, a}] {
		if t.to == loop.Never {
			return t.mac, true
		}
	}
	if farm, host, ok := o.Farm(s, a); ok {
		return o.farms[farm].farm.MAC(host), true
	}
	return header.MAC{}, false
}

// isFarmMAC reports whether an address belongs to a host of a farm with that MAC.
func (o *Owners) isFarmMAC(s Segment, a netip.Addr, mac header.MAC) bool {
	farm, host, ok := o.Farm(s, a)
	return ok && o.farms[farm].farm.MAC(host) == mac
}

// Farm returns the index of the farm, in the topology's list, and the host in it
// that have an address, or false if the address belongs to no farm.
func (o *Owners) Farm(s Segment, a netip.Addr) (farm int, host uint32, ok bool) {
	for i := range o.farms {
		f := &o.farms[i]
		if f.segment != s {
			continue
		}
		first := f.ipv6
		if a.Is4() {
			first = f.ipv4
		}
		if n, ok := sim.Within(first, a); ok && n < f.hosts {
			return i, n, true
		}
	}
	return 0, 0, false
}
