package stack

import (
	"math/rand/v2"

	"glean/stack/header"
	"glean/stack/link"
	"glean/stack/loop"
	"glean/stack/wheel"
)

// Options are the optional dependencies of a stack besides its loop and link.
type Options struct {
	Rand       *rand.Rand // draws ReachableTime and delays; nil: a fixed seed
	Subscriber Subscriber
	Observer   Observer
	// Deliver receives IP packets to our addresses that the stack does not handle
	// itself. The packet is borrowed until it returns.
	Deliver func(i *Interface, packet []byte)
	// Forward receives IP packets to our MAC for another host. The packet is borrowed
	// until it returns. Only its version and the length of its header are validated.
	Forward func(i *Interface, packet []byte)
	// IsRouter is the router flag of adverts.
	IsRouter bool
}

// Stack is the network stack of one link. All its methods are called on the loop.
type Stack struct {
	loop    loop.Loop
	link    link.Link
	options Options
	rand    *rand.Rand
	up      bool

	protocol Protocol // of the frame being handled

	interfaces []*Interface // by slot; 0 and freed slots are nil
	handles    smallMap[uint32, *Interface]
	vlans      smallMap[uint32, *vlan] // by vlanKey
	recentVLAN *vlan                   // the VLAN of the last lookup

	*cache
	seed uint64 // of the cache's index

	foreignCount      int32           // foreign neighbors: only messages of peers created them
	foreignIncomplete int32           // of these, INCOMPLETE ones
	delayed           *delayedAnswers // nil: not made yet

	timer    loop.Timer
	notices  []notice // pending, in order
	draining bool

	frame     []byte // being built; see room
	outgoing  [1][]byte
	incoming  []byte     // the frame being handled, borrowed
	recipient *Interface // of the incoming frame, once it is known
	counters  *Counters  // nil until something is counted
}

// A cache is all neighbors of a stack with their solicitations.
type cache struct {
	neighbors     neighborTable
	solicitations wheel.Slab[solicitation]
	solicitTimers wheel.Wheel
	subscriptions wheel.Slab[subscription]
	packets       packetPool
}

// noCache is the shared empty cache of every stack that has not had a neighbor yet. It
// is never written: needCache replaces it before the first insert.
var noCache cache

// needCache returns the stack a cache of its own.
func (s *Stack) needCache() {
	if s.cache == &noCache {
		s.cache = &cache{neighbors: neighborTable{seed: s.seed}}
	}
}

// New creates the stack of a link and attaches it. The link must not deliver frames from
// inside its Send.
func New(l loop.Loop, lk link.Link, o Options) *Stack {
	s := &Stack{
		loop:       l,
		link:       lk,
		options:    o,
		rand:       o.Rand,
		interfaces: make([]*Interface, 1),
	}
	if s.rand == nil {
		s.rand = rand.New(rand.NewPCG(0, 0))
	}
	s.cache, s.seed = &noCache, s.rand.Uint64()
	s.timer.Init(s.runTimers)
	s.up = lk.State().Up
	lk.Attach(s)
	return s
}

// Counters returns a snapshot of the counters.
func (s *Stack) Counters() Counters { return *s.counts() }

// Up reports whether the link is up.
func (s *Stack) Up() bool { return s.up }

// HandleFrame implements link.Handler.
func (s *Stack) HandleFrame(frame []byte) {
	s.counts().RxFrames++
	if !s.handleFast(frame) {
		s.handleAny(frame)
	}
}

// handleAny handles frames of all kinds.
func (s *Stack) handleAny(frame []byte) {
	var eth header.EthernetRepr
	payload, err := eth.Parse(frame)
	if err != nil {
		s.malformed(err)
		return
	}
	v := s.findVLAN(vlanKey(eth.Tags[:eth.NumTags]))
	if v == nil {
		if s.vlans.len() == 0 {
			s.drop(DropNoInterface)
		} else {
			s.drop(DropVLAN)
		}
		return
	}
	s.incoming = frame
	switch eth.Type {
	case header.EtherTypeARP:
		s.protocol = ProtocolARP
		s.handleARP(v, &eth, payload)
	case header.EtherTypeIPv4:
		s.protocol = ProtocolIPv4
		s.handleIPv4(v, &eth, payload)
	case header.EtherTypeIPv6:
		s.protocol = ProtocolIPv6
		s.handleIPv6(v, &eth, payload)
	default:
		s.drop(DropEtherType)
		return
	}
	s.protocol = ProtocolOther
	s.countReceived(len(frame))
	s.endTurn()
}

// HandleState implements link.Handler.
func (s *Stack) HandleState(state link.State) {
	if state.Up == s.up {
		return
	}
	s.up = state.Up
	if s.up {
		s.resumeSolicitations()
	} else {
		s.linkDownNeighbors()
		s.dropDelayed(nil)
	}
	for _, i := range s.interfaces {
		if i != nil {
			i.linkChanged(s.up)
		}
	}
	s.endTurn()
}

// timersPerTurn bounds the timers that one turn of the loop runs, so that a million
// neighbors that age together do not delay frames.
const timersPerTurn = 1024

// runTimers runs the timers that are due. The loop's timer calls it.
func (s *Stack) runTimers() {
	now := s.loop.Now()
	for range timersPerTurn {
		if id := s.neighbors.timers.Expire(now); id != 0 {
			s.apply(id, evTimer, header.MAC{}, CauseTimer)
		} else if id := s.solicitTimers.Expire(now); id != 0 {
			s.solicitTimerExpired(id)
		} else if id := s.delayed.expire(now); id != 0 {
			s.answerDelayed(id)
		} else {
			break
		}
	}
	s.endTurn()
}

// endTurn ends a turn of the loop: it notifies the subscriber and arms the timer.
func (s *Stack) endTurn() {
	s.draining = true
	for n := 0; n < len(s.notices); n++ {
		s.notify(&s.notices[n])
	}
	s.notices = s.notices[:0]
	s.draining = false
	s.schedule()
}

// schedule arms the loop's timer for the next deadline. A timer that is too early is
// harmless; it saves moving it for every neighbor.
func (s *Stack) schedule() {
	next := min(s.neighbors.timers.Next(), s.solicitTimers.Next(), s.delayed.next())
	if len(s.notices) > 0 && !s.draining {
		next = s.loop.Now() // notices made outside of a turn
	}
	if next < s.timer.At() {
		s.loop.Arm(&s.timer, next)
	}
}

// send passes s.frame[:n] to the link and counts it.
func (s *Stack) send(n int, count *uint64) bool {
	if !s.up {
		s.drop(DropLinkDown)
		return false
	}
	s.outgoing[0] = s.frame[:n]
	if taken, _ := s.link.Send(s.outgoing[:]); taken == 0 {
		s.drop(DropDevice)
		return false
	}
	s.counts().TxFrames++
	*count++
	return true
}

// smallFrame is the size of a solicitation or an answer with two tags.
const smallFrame = (AnswerSize + 15) / 16 * 16

// frameBuffer returns s.frame with at least n octets.
func (s *Stack) frameBuffer(n int) []byte {
	if len(s.frame) < n {
		s.frame = make([]byte, max(n, 2*len(s.frame), smallFrame))
	}
	return s.frame
}
