package learning

import (
	"cmp"
	"net/netip"
	"slices"
)

// item is a destination that a generator or the request wants. Items exist only while a
// request is prepared.
type item struct {
	addr                  address
	iface, generator, adj uint32
}

func (a *item) sameDestination(b *item) bool { return a.addr == b.addr && a.iface == b.iface }

// builder makes the tables of a request.
type builder struct {
	next     NextHops
	spec     *Spec
	req      *Request
	res      *Result
	items    []item
	gateways map[gatewayKey]uint32 // index into the result's; never walked
	reasons  []Reason              // of each gateway
}

// gatewayKey distinguishes the next hops that are not their destination's own address,
// and the reasons for having none.
type gatewayKey struct {
	iface  uint32
	addr   address
	reason Reason
}

// build fills the request's and the result's tables. Every destination is resolving
// afterwards; those that have a reason already share a hopResult that carries it.
func build(next NextHops, spec *Spec, req *Request) {
	b := &builder{next: next, spec: spec, req: req, res: req.result}
	b.collect()
	b.makeDestinations()
	b.makeHops(b.findHops())
	b.collectAdjacencies()
}

// collect collects the interfaces, sorted by id, and the items, sorted by address,
// interface and generator.
func (b *builder) collect() {
	n := len(b.spec.Addresses)
	if n > 0 {
		b.res.interfaces = []Interface{b.spec.Interface}
	}
	index := make(map[uint32]uint32) // by handle
	for i := range b.spec.Generators {
		g := &b.spec.Generators[i]
		n += len(g.Wants)
		b.res.generatorIDs = append(b.res.generatorIDs, g.ID)
		if _, known := index[g.Interface.Handle]; !known {
			index[g.Interface.Handle] = 0
			b.res.interfaces = append(b.res.interfaces, g.Interface)
		}
	}
	slices.SortFunc(b.res.interfaces, func(a, b Interface) int {
		return cmp.Or(cmp.Compare(a.ID, b.ID), cmp.Compare(a.Handle, b.Handle))
	})
	for i := range b.res.interfaces {
		index[b.res.interfaces[i].Handle] = uint32(i)
	}
	b.items = make([]item, 0, n)
	for _, a := range b.spec.Addresses {
		b.items = append(b.items, item{addr: addressOf(a), adj: NoAdjacency})
	}
	for i := range b.spec.Generators {
		g := &b.spec.Generators[i]
		iface := index[g.Interface.Handle]
		for _, w := range g.Wants {
			b.items = append(b.items, item{addressOf(w.Dst), iface, uint32(i), w.Adj})
		}
	}
	b.sort()
}

func (b *builder) sort() {
	slices.SortFunc(b.items, func(x, y item) int {
		if c := x.addr.compare(&y.addr); c != 0 {
			return c
		}
		return cmp.Or(cmp.Compare(x.iface, y.iface), cmp.Compare(x.generator, y.generator))
	})
}

// makeDestinations makes one destination of all items with the same address and
// interface, and records which destinations each of several generators wants. Until
// makeHops, destination.result is the index of its interface.
func (b *builder) makeDestinations() {
	n := 0
	for i := range b.items {
		if i == 0 || !b.items[i].sameDestination(&b.items[i-1]) {
			n++
		}
	}
	dests := make([]destination, 0, n)
	b.req.generators = make([]generator, len(b.spec.Generators))
	for i := range b.req.generators {
		b.req.generators[i].handle = b.spec.Generators[i].Handle
	}
	for i := range b.items {
		it := &b.items[i]
		fresh := i == 0 || !it.sameDestination(&b.items[i-1])
		if fresh {
			dests = append(dests, destination{it.addr, it.iface})
		}
		if len(b.req.generators) > 1 && (fresh || it.generator != b.items[i-1].generator) {
			g := &b.req.generators[it.generator]
			g.destinations = append(g.destinations, uint32(len(dests)-1))
		}
	}
	b.res.destinations = dests
	b.res.progress = Progress{Total: n, Resolving: n}
}

// own marks, between findHops and makeHops, a destination that is its own next hop.
const own = ^uint32(0)

// findHops finds the next hop of every destination. It returns for each destination own
// or the index of a gateway.
func (b *builder) findHops() []uint32 {
	next := make([]uint32, len(b.res.destinations))
	b.gateways = make(map[gatewayKey]uint32)
	var last gatewayKey
	lastIndex := none
	for i := range b.res.destinations {
		dest := &b.res.destinations[i]
		dst := dest.addr.ip()
		hop, why := netip.Addr{}, NoRoute
		if !dst.IsUnspecified() {
			hop, why = b.next(b.res.interfaces[dest.result].Handle, dst)
		}
		key := gatewayKey{iface: dest.result, reason: why}
		if why == ReasonNone {
			if key.addr = addressOf(hop); key.addr == dest.addr {
				next[i] = own
				continue
			}
		}
		if lastIndex == none || key != last {
			last, lastIndex = key, b.gateway(key)
		}
		next[i] = lastIndex
		b.res.gateways[lastIndex].destinations++
	}
	return next
}

func (b *builder) gateway(key gatewayKey) uint32 {
	index, ok := b.gateways[key]
	if !ok {
		index = uint32(len(b.res.gateways))
		b.gateways[key] = index
		b.res.gateways = append(b.res.gateways,
			gateway{addr: key.addr, split: none, no: key.reason != ReasonNone})
		b.reasons = append(b.reasons, key.reason)
	}
	return index
}

// makeHops makes a hopResult for every next hop, in the order of the destinations. A
// destination that is the gateway of others shares their hopResult.
func (b *builder) makeHops(next []uint32) {
	n := len(b.res.gateways)
	for i, g := range next {
		if g != own {
			continue
		}
		if len(b.gateways) > 0 {
			dest := &b.res.destinations[i]
			if g, ok := b.gateways[gatewayKey{iface: dest.result, addr: dest.addr}]; ok {
				next[i] = g
				b.res.gateways[g].destinations++
				continue
			}
		}
		n++
	}
	hops := make([]hopResult, 0, n)
	hopOf := make([]uint32, len(b.res.gateways))
	for i, g := range next {
		dest := &b.res.destinations[i]
		h := hopResult{state: StateResolving, hop: uint32(i), iface: dest.result, link: none}
		if g != own {
			if hopOf[g] > 0 {
				dest.result = hopOf[g] - 1
				continue
			}
			hopOf[g] = uint32(len(hops) + 1)
			h.hop, h.reason = viaGateway|g, b.reasons[g]
		}
		dest.result = uint32(len(hops))
		hops = append(hops, h)
		if h.reason == ReasonNone {
			b.res.nextHops++
		}
	}
	b.res.hops = hops
}

// adjacencyRef is a generator's adjacency that uses a next hop.
type adjacencyRef struct{ generator, adj uint32 }

// collectAdjacencies records which adjacencies use each next hop.
func (b *builder) collectAdjacencies() {
	if len(b.req.generators) == 0 {
		return
	}
	if len(b.items) == len(b.res.hops) && len(b.gateways) == 0 {
		b.collectOneToOne()
		return
	}
	start := make([]uint32, len(b.res.hops)+1)
	b.eachWant(func(hop uint32, _ *item) { start[hop+1]++ })
	for i := range b.res.hops {
		start[i+1] += start[i]
	}
	refs := make([]adjacencyRef, len(b.items))
	fill := slices.Clone(start[:len(b.res.hops)])
	b.eachWant(func(hop uint32, it *item) {
		refs[fill[hop]] = adjacencyRef{it.generator, it.adj}
		fill[hop]++
	})
	n, single := uint32(0), true
	for i := range b.res.hops {
		of := refs[start[i]:start[i+1]]
		slices.SortFunc(of, func(x, y adjacencyRef) int {
			return cmp.Or(cmp.Compare(x.generator, y.generator), cmp.Compare(x.adj, y.adj))
		})
		of = slices.Compact(of)
		start[i] = n
		n += uint32(copy(refs[n:], of))
		single = single && len(of) == 1
	}
	start[len(b.res.hops)] = n
	b.store(start, refs[:n], single)
}

// collectOneToOne is collectAdjacencies where each destination is wanted once and is its
// own next hop: item, destination and hopResult have the same index. Requests for very
// many addresses are mostly like that.
func (b *builder) collectOneToOne() {
	refs := make([]adjacencyRef, len(b.items))
	for i := range b.items {
		refs[i] = adjacencyRef{b.items[i].generator, b.items[i].adj}
	}
	b.store(nil, refs, true)
}

// eachWant calls f for every item, with the index of its next hop.
func (b *builder) eachWant(f func(hop uint32, it *item)) {
	dest := -1
	for i := range b.items {
		if i == 0 || !b.items[i].sameDestination(&b.items[i-1]) {
			dest++
		}
		f(b.res.destinations[dest].result, &b.items[i])
	}
}

// store keeps the adjacencies in as little memory as they need.
func (b *builder) store(start []uint32, refs []adjacencyRef, single bool) {
	s := &b.req.adjacencies
	if !single {
		s.start = start
	}
	s.adj = make([]uint32, len(refs))
	if len(b.req.generators) > 1 {
		s.generator = make([]uint32, len(refs))
	}
	for i, sub := range refs {
		s.adj[i] = sub.adj
		if s.generator != nil {
			s.generator[i] = sub.generator
		}
		b.req.generators[sub.generator].pending++
	}
}
