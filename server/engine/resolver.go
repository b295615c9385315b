package engine

import (
	"net/netip"

	"glean/learning"
	"glean/stack"
	"glean/stack/header"
	"glean/stack/loop"
)

// resolver implements learning.Resolver: it finds the stack of an interface and calls it.
type resolver struct{ *Engine }

var _ learning.Resolver = resolver{}

// ref packs a port and a neighbor of its stack into one word.
func ref(p *port, neighbor uint32) learning.Ref {
	return learning.Ref(uint64(p.index)<<32 | uint64(neighbor))
}

func (r resolver) unpack(ref learning.Ref) (*stack.Stack, uint32) {
	return r.portList[uint32(ref>>32)].stack, uint32(ref)
}

// NextHop implements learning.Resolver.
func (r resolver) NextHop(handle uint32, dst netip.Addr) (netip.Addr, learning.Reason) {
	i := r.handles[handle]
	if i == nil {
		return netip.Addr{}, learning.InterfaceDeleted
	}
	hop, why := i.stack.NextHop(dst)
	return hop, learningReason(why)
}

// Subscribe implements learning.Resolver.
func (r resolver) Subscribe(handle uint32, hop netip.Addr, pending uint32, fresh bool, deadline loop.Time) learning.SubscribeResult {
	i := r.handles[handle]
	if i == nil {
		return learning.SubscribeResult{State: learning.SubscribeRefused, Reason: learning.InterfaceDeleted}
	}
	result := i.stack.Subscribe(hop, pending, fresh, deadline)
	return learning.SubscribeResult{
		State:  subscribeState(result.State),
		Ref:    ref(i.port, result.Ref),
		MAC:    result.MAC,
		Reason: learningReason(result.Reason),
	}
}

// Solicit implements learning.Resolver. Learning sends many solicitations in a turn; the
// port's batch sends them together.
func (r resolver) Solicit(ref learning.Ref) bool {
	p := r.portList[uint32(ref>>32)]
	p.batch.begin()
	return p.stack.Solicit(uint32(ref))
}

// Known implements learning.Resolver.
func (r resolver) Known(handle uint32, hop netip.Addr, fresh bool, deadline loop.Time) (header.MAC, bool) {
	i := r.handles[handle]
	if i == nil {
		return header.MAC{}, false
	}
	return i.stack.Known(hop, fresh, deadline)
}

// AddDeadline implements learning.Resolver.
func (r resolver) AddDeadline(ref learning.Ref, deadline loop.Time) {
	s, n := r.unpack(ref)
	s.AddDeadline(n, deadline)
}

// RemoveDeadline implements learning.Resolver.
func (r resolver) RemoveDeadline(ref learning.Ref, deadline loop.Time) {
	s, n := r.unpack(ref)
	s.RemoveDeadline(n, deadline)
}

// Release implements learning.Resolver.
func (r resolver) Release(ref learning.Ref) {
	s, n := r.unpack(ref)
	s.Release(n)
}

// FailureReason implements learning.Resolver.
func (r resolver) FailureReason(ref learning.Ref) learning.Reason {
	s, n := r.unpack(ref)
	return learningReason(s.FailureReason(n))
}

// Budget implements learning.Resolver. The window is half of the room for unread frames.
// The other half is for unsolicited frames, and for the replies of live hosts among
// mostly dead ones.
func (r resolver) Budget(handle uint32) learning.Budget {
	i := r.handles[handle]
	if i == nil {
		return learning.Budget{Window: 1, RetransTimer: loop.Second}
	}
	room := i.port.link.Room()
	window := max(1, min(i.spec.LearningWindow, room/2))
	return learning.Budget{
		Port:         i.port.index,
		Window:       window,
		Room:         min(2*window, room),
		RatePPS:      i.spec.LearningRatePPS,
		RetransTimer: i.spec.Neighbor.RetransTimer,
		Drops:        i.port.link.Stats().RxDropped,
	}
}

func subscribeState(s stack.SubscribeState) learning.SubscribeState {
	switch s {
	case stack.SubscribeDue:
		return learning.SubscribeDue
	case stack.SubscribeWait:
		return learning.SubscribeWait
	case stack.SubscribeKnown:
		return learning.SubscribeKnown
	}
	return learning.SubscribeRefused
}

// reasons maps the stack's reasons to learning's. They are two types because neither
// package imports the other.
var reasons = [...]learning.Reason{
	stack.ReasonNone:       learning.ReasonNone,
	stack.NoReply:          learning.NoReply,
	stack.NoRoute:          learning.NoRoute,
	stack.LinkDown:         learning.LinkDown,
	stack.OwnAddress:       learning.OwnAddress,
	stack.NoSourceAddress:  learning.NoSourceAddress,
	stack.AddressTentative: learning.AddressTentative,
	stack.AddressConflict:  learning.AddressConflict,
	stack.TableFull:        learning.TableFull,
	stack.Unconfirmed:      learning.Unconfirmed,
}

func learningReason(r stack.Reason) learning.Reason { return reasons[r] }
