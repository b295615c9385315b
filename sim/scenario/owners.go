package scenario

import (
	"net/netip"
	"slices"

	"glean/sim"
	"glean/stack/header"
	"glean/stack/loop"
)

// segment is a broadcast domain: within it an address means one station.
type segment string

// owners knows who has had which address, and when. It is what the truth is
// in a world: all that glean learns is held against it.
type owners struct {
	times map[place][]tenure
	lies  map[place][]header.MAC // MACs that somebody announced for addresses which are not theirs
	farms []farmland
}

type place struct {
	segment segment
	addr    netip.Addr
}

// tenure is a MAC's time at an address. It includes both ends.
type tenure struct {
	mac      header.MAC
	from, to loop.Time
}

// farmland is where a farm's addresses are. Farms never change their MACs in a
// scenario, so that no time is kept of a million hosts.
type farmland struct {
	segment    segment
	farm       *sim.Farm
	hosts      uint32
	ipv4, ipv6 netip.Addr
	asked      []uint32 // when each host was asked for, see Run.lastAsked
}

// take says that a MAC has an address from now on, besides any that have it.
func (o *owners) take(s segment, a netip.Addr, mac header.MAC, now loop.Time) {
	if o.times == nil {
		o.times = make(map[place][]tenure)
	}
	p := place{s, a}
	o.times[p] = append(o.times[p], tenure{mac, now, loop.Never})
}

// leave says that a MAC does not have an address any more.
func (o *owners) leave(s segment, a netip.Addr, mac header.MAC, now loop.Time) {
	times := o.times[place{s, a}]
	for i := range times {
		if times[i].mac == mac && times[i].to == loop.Never {
			times[i].to = now
		}
	}
}

// had tells whether a MAC had an address at some time between from and to.
func (o *owners) had(s segment, a netip.Addr, mac header.MAC, from, to loop.Time) bool {
	for _, t := range o.times[place{s, a}] {
		if t.mac == mac && t.from <= to && t.to >= from {
			return true
		}
	}
	farm, n, ok := o.farmer(s, a)
	return ok && farm.MAC(n) == mac
}

// lie says that somebody announces a MAC for an address without having it: then it
// may get into caches, but is never learned.
func (o *owners) lie(s segment, a netip.Addr, mac header.MAC) {
	if o.lies == nil {
		o.lies = make(map[place][]header.MAC)
	}
	p := place{s, a}
	o.lies[p] = append(o.lies[p], mac)
}

// lied tells whether a MAC was announced for an address that it never had.
func (o *owners) lied(s segment, a netip.Addr, mac header.MAC) bool {
	return slices.Contains(o.lies[place{s, a}], mac)
}

// holds tells whether a MAC has an address now, perhaps besides others.
func (o *owners) holds(s segment, a netip.Addr, mac header.MAC) bool {
	for _, t := range o.times[place{s, a}] {
		if t.mac == mac && t.to == loop.Never {
			return true
		}
	}
	farm, n, ok := o.farmer(s, a)
	return ok && farm.MAC(n) == mac
}

// current gives the MAC that an address has now; false if nobody has it.
func (o *owners) current(s segment, a netip.Addr) (header.MAC, bool) {
	for _, t := range o.times[place{s, a}] {
		if t.to == loop.Never {
			return t.mac, true
		}
	}
	if farm, n, ok := o.farmer(s, a); ok {
		return farm.MAC(n), true
	}
	return header.MAC{}, false
}

// farmer finds the farm host that has an address.
func (o *owners) farmer(s segment, a netip.Addr) (*sim.Farm, uint32, bool) {
	if f, n := o.farmOf(s, a); f != nil {
		return f.farm, n, true
	}
	return nil, 0, false
}

// farmOf finds the farm of an address, nil if it is of none.
func (o *owners) farmOf(s segment, a netip.Addr) (*farmland, uint32) {
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
			return f, n
		}
	}
	return nil, 0
}
