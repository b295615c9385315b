package learning

import (
	"cmp"
	"net/netip"
	"slices"
)

// item is a destination as wanted: what rows are made of. It lives only while a
// request is built.
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

// gatewayKey tells apart the next hops that are not a row's own address, and
// the reasons for having none.
type gatewayKey struct {
	iface  uint32
	addr   address
	reason Reason
}

// build fills the request's and the result's tables. Every row is resolving
// afterwards; rows that have a reason already lead to an answer that carries it.
func build(next NextHops, spec *Spec, req *Request) {
	b := &builder{next: next, spec: spec, req: req, res: req.result}
	b.collect()
	b.makeDestinations()
	b.makeHops(b.findHops())
	b.collectAdjacencies()
}

// collect gathers the interfaces, sorted by id, and the items, sorted by address,
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

// makeRows makes one row of all items with the same address and interface, and
// notes which rows each of several generators wants. A row's answer is its
// interface until the answers are made.
func (b *builder) makeDestinations() {
	n := 0
	for i := range b.items {
		if i == 0 || !b.items[i].sameDestination(&b.items[i-1]) {
			n++
		}
	}
	rows := make([]destination, 0, n)
	b.req.generators = make([]generator, len(b.spec.Generators))
	for i := range b.req.generators {
		b.req.generators[i].handle = b.spec.Generators[i].Handle
	}
	for i := range b.items {
		it := &b.items[i]
		fresh := i == 0 || !it.sameDestination(&b.items[i-1])
		if fresh {
			rows = append(rows, destination{it.addr, it.iface})
		}
		if len(b.req.generators) > 1 && (fresh || it.generator != b.items[i-1].generator) {
			g := &b.req.generators[it.generator]
			g.destinations = append(g.destinations, uint32(len(rows)-1))
		}
	}
	b.res.destinations = rows
	b.res.progress = Progress{Total: n, Resolving: n}
}

// own marks, between findHops and makeAnswers, a row that is its own next hop.
const own = ^uint32(0)

// findHops asks for the next hop of every row. It gives for each row own or
// the index of a gateway.
func (b *builder) findHops() []uint32 {
	next := make([]uint32, len(b.res.destinations))
	b.gateways = make(map[gatewayKey]uint32)
	var last gatewayKey
	lastIndex := none
	for i := range b.res.destinations {
		row := &b.res.destinations[i]
		dst := row.addr.ip()
		hop, why := netip.Addr{}, NoRoute
		if !dst.IsUnspecified() {
			hop, why = b.next(b.res.interfaces[row.result].Handle, dst)
		}
		key := gatewayKey{iface: row.result, reason: why}
		if why == ReasonNone {
			if key.addr = addressOf(hop); key.addr == row.addr {
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

// makeAnswers makes an answer for every next hop, in the order of the rows. A
// row whose own address is a gateway of others shares their answer.
func (b *builder) makeHops(next []uint32) {
	n := len(b.res.gateways)
	for i, g := range next {
		if g != own {
			continue
		}
		if len(b.gateways) > 0 {
			row := &b.res.destinations[i]
			if g, ok := b.gateways[gatewayKey{iface: row.result, addr: row.addr}]; ok {
				next[i] = g
				b.res.gateways[g].destinations++
				continue
			}
		}
		n++
	}
	answers := make([]hopResult, 0, n)
	answerOf := make([]uint32, len(b.res.gateways))
	for i, g := range next {
		row := &b.res.destinations[i]
		a := hopResult{state: StateResolving, hop: uint32(i), iface: row.result, link: none}
		if g != own {
			if answerOf[g] > 0 {
				row.result = answerOf[g] - 1
				continue
			}
			answerOf[g] = uint32(len(answers) + 1)
			a.hop, a.reason = viaGateway|g, b.reasons[g]
		}
		row.result = uint32(len(answers))
		answers = append(answers, a)
		if a.reason == ReasonNone {
			b.res.nextHops++
		}
	}
	b.res.hops = answers
}

// subscription is one generator's adjacency that wants an answer.
type adjacencyRef struct{ generator, adj uint32 }

// subscribe notes which adjacencies each answer is for.
func (b *builder) collectAdjacencies() {
	if len(b.req.generators) == 0 {
		return
	}
	if len(b.items) == len(b.res.hops) && len(b.gateways) == 0 {
		b.collectOneToOne()
		return
	}
	start := make([]uint32, len(b.res.hops)+1)
	b.eachWant(func(answer uint32, _ *item) { start[answer+1]++ })
	for i := range b.res.hops {
		start[i+1] += start[i]
	}
	subs := make([]adjacencyRef, len(b.items))
	fill := slices.Clone(start[:len(b.res.hops)])
	b.eachWant(func(answer uint32, it *item) {
		subs[fill[answer]] = adjacencyRef{it.generator, it.adj}
		fill[answer]++
	})
	n, single := uint32(0), true
	for i := range b.res.hops {
		of := subs[start[i]:start[i+1]]
		slices.SortFunc(of, func(x, y adjacencyRef) int {
			return cmp.Or(cmp.Compare(x.generator, y.generator), cmp.Compare(x.adj, y.adj))
		})
		of = slices.Compact(of)
		start[i] = n
		n += uint32(copy(subs[n:], of))
		single = single && len(of) == 1
	}
	start[len(b.res.hops)] = n
	b.store(start, subs[:n], single)
}

// subscribeOneToOne does so where each row is wanted once and is its own next hop,
// which is what requests for very many addresses are like: item, row and answer of
// the same number belong together.
func (b *builder) collectOneToOne() {
	subs := make([]adjacencyRef, len(b.items))
	for i := range b.items {
		subs[i] = adjacencyRef{b.items[i].generator, b.items[i].adj}
	}
	b.store(nil, subs, true)
}

// eachWant calls f for every item with its row's answer.
func (b *builder) eachWant(f func(answer uint32, it *item)) {
	row := -1
	for i := range b.items {
		if i == 0 || !b.items[i].sameDestination(&b.items[i-1]) {
			row++
		}
		f(b.res.destinations[row].result, &b.items[i])
	}
}

// store keeps the subscriptions in as little memory as they need.
func (b *builder) store(start []uint32, subs []adjacencyRef, single bool) {
	s := &b.req.adjacencies
	if !single {
		s.start = start
	}
	s.adj = make([]uint32, len(subs))
	if len(b.req.generators) > 1 {
		s.generator = make([]uint32, len(subs))
	}
	for i, sub := range subs {
		s.adj[i] = sub.adj
		if s.generator != nil {
			s.generator[i] = sub.generator
		}
		b.req.generators[sub.generator].pending++
	}
}
