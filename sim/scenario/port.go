package scenario

import (
	"net/netip"

	"glean/generator"
	"glean/stack/header"
	"glean/stack/link"
	"glean/stack/loop"
)

// watchedPort is a port of glean with somebody who looks at all that leaves
// and arrives. The engine takes it for the link.
type watchedPort struct {
	link.Link
	run        *Run
	id         string
	interfaces map[station48]*endpoint // by what frames from them carry
	last       *endpoint               // the one found last
	answers    map[vlanAddr][]answer   // nil unless they are kept
	flapped    bool
	downAt     loop.Time // when the link went down last, if it has
	sent       [numKinds]uint64
	received   [numKinds]uint64
}

// station48 is what the frames of an interface have in common.
type station48 struct {
	vlans uint32
	mac   header.MAC
}

// vlanAddr is an address in a VLAN of a port.
type vlanAddr struct {
	vlans uint32
	addr  netip.Addr
}

// answer is an ARP reply or a solicited advertisement that arrived.
type answer struct {
	at  loop.Time
	mac header.MAC // zero if it told none
}

var _ link.Link = (*watchedPort)(nil)

// Attach implements link.Link.
func (p *watchedPort) Attach(h link.Handler) { p.Link.Attach(watchedHandler{h, p}) }

// Send implements link.Link.
func (p *watchedPort) Send(frames [][]byte) (int, error) {
	taken, err := p.Link.Send(frames)
	for _, f := range frames[:taken] {
		p.run.sent(p, nil, f)
	}
	return taken, err
}

// OpenQueue implements link.Link.
func (p *watchedPort) OpenQueue() (link.Queue, error) {
	q, err := p.Link.OpenQueue()
	if err != nil {
		return nil, err
	}
	return &watchedQueue{Queue: q, port: p}, nil
}

// endpoint is the interface whose frames carry that, nil if there is none.
func (p *watchedPort) endpoint(vlans uint32, mac header.MAC) *endpoint {
	if p.last == nil || p.last.vlans != vlans || p.last.mac != mac {
		p.last = p.interfaces[station48{vlans, mac}]
	}
	return p.last
}

type watchedHandler struct {
	link.Handler
	port *watchedPort
}

// HandleFrame implements link.Handler.
func (h watchedHandler) HandleFrame(f []byte) {
	h.port.run.received(h.port, f)
	h.Handler.HandleFrame(f)
}

// watchedQueue is the queue of one run of a generator.
type watchedQueue struct {
	link.Queue
	port   *watchedPort
	run    *generator.Run // set by transmit
	frames uint64
	last   *flowSent // flow of the frame sent last
}

// Send implements link.Queue.
func (q *watchedQueue) Send(frames [][]byte) (int, error) {
	taken, err := q.Queue.Send(frames)
	q.frames += uint64(taken)
	for _, f := range frames[:taken] {
		q.port.run.sent(q.port, q, f)
	}
	return taken, err
}
