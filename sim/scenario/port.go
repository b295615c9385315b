package scenario

import (
	"net/netip"

	"glean/generator/program"
	"glean/stack/header"
	"glean/stack/link"
	"glean/stack/loop"
)

// watchedPort is the link of a port of glean. It shows all frames that leave and
// arrive to the run's rules of safety.
type watchedPort struct {
	link.Link
	run        *Run
	id         string
	interfaces map[frameSource]*Endpoint // by the tags and source MAC of their frames
	last       *Endpoint                 // the one found last
	answers    map[vlanAddr][]answer     // nil unless they are kept
	flapped    bool
	downAt     loop.Time // when the link went down last, if it has
	sent       [numFrameKinds]uint64
	received   [numFrameKinds]uint64
}

// frameSource is the tags and the source MAC of the frames of an interface.
type frameSource struct {
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
	mac header.MAC // zero if the advertisement has no link-layer address
}

var _ link.Link = (*watchedPort)(nil)

// Attach implements link.Link.
func (p *watchedPort) Attach(h link.Handler) { p.Link.Attach(watchedHandler{h, p}) }

// Send implements link.Link.
func (p *watchedPort) Send(frames [][]byte) (int, error) {
	taken, err := p.Link.Send(frames)
	for _, f := range frames[:taken] {
		p.run.frameSent(p, nil, f)
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

// endpoint returns the interface that sends with these tags and MAC, or nil if there
// is none.
func (p *watchedPort) endpoint(vlans uint32, mac header.MAC) *Endpoint {
	if p.last == nil || p.last.vlans != vlans || p.last.MAC != mac {
		p.last = p.interfaces[frameSource{vlans, mac}]
	}
	return p.last
}

type watchedHandler struct {
	link.Handler
	port *watchedPort
}

// HandleFrame implements link.Handler.
func (h watchedHandler) HandleFrame(f []byte) {
	h.port.run.frameReceived(h.port, f)
	h.Handler.HandleFrame(f)
}

// HandleState implements link.Handler.
func (h watchedHandler) HandleState(s link.State) {
	if !s.Up {
		h.port.flapped, h.port.downAt = true, h.port.run.world.Now()
	}
	h.Handler.HandleState(s)
}

// watchedQueue is the queue of one run of a generator.
type watchedQueue struct {
	link.Queue
	port   *watchedPort
	run    *program.Run // set by transmit
	frames uint64
	last   *flowSent // flow of the frame sent last
}

// Send implements link.Queue.
func (q *watchedQueue) Send(frames [][]byte) (int, error) {
	taken, err := q.Queue.Send(frames)
	q.frames += uint64(taken)
	for _, f := range frames[:taken] {
		q.port.run.frameSent(q.port, q, f)
	}
	return taken, err
}
