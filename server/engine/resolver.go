package engine

import (
	"net/netip"

	"glean/learning"
	"glean/stack"
	"glean/stack/header"
	"glean/stack/loop"
)

// resolver is the engine as learning sees it: it finds the stack of an
// interface and speaks to it.
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

// Hold implements learning.Resolver.
func (r resolver) Hold(handle uint32, hop netip.Addr, target uint32, fresh bool, deadline loop.Time) learning.Held {
	i := r.handles[handle]
	if i == nil {
		return learning.Held{State: learning.HeldRefused, Reason: learning.InterfaceDeleted}
	}
	held := i.stack.Subscribe(hop, target, fresh, deadline)
	return learning.Held{
		State:  learningHeld(held.State),
		Ref:    ref(i.port, held.Ref),
		MAC:    held.MAC,
		Reason: learningReason(held.Reason),
	}
}

// Solicit implements learning.Resolver. Learning asks many questions in a turn,
// which leave together.
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

// Also implements learning.Resolver.
func (r resolver) Also(ref learning.Ref, deadline loop.Time) {
	s, n := r.unpack(ref)
	s.AddDeadline(n, deadline)
}

// NoLonger implements learning.Resolver.
func (r resolver) NoLonger(ref learning.Ref, deadline loop.Time) {
	s, n := r.unpack(ref)
	s.RemoveDeadline(n, deadline)
}

// Release implements learning.Resolver.
func (r resolver) Release(ref learning.Ref) {
	s, n := r.unpack(ref)
	s.Release(n)
}

// Verdict implements learning.Resolver.
func (r resolver) Verdict(ref learning.Ref) learning.Reason {
	s, n := r.unpack(ref)
	return learningReason(s.FailureReason(n))
}

// Budget implements learning.Resolver. The window is half of what can arrive
// unread, because the other half is for what arrives unasked, and for those who
// answer although most of the others are dead.
func (r resolver) Budget(handle uint32) learning.Budget {
	i := r.handles[handle]
	if i == nil {
		return learning.Budget{Window: 1, RetransTimer: loop.Second}
	}
	room := i.port.link.Room()
	window := max(1, min(i.spec.LearningWindow, room/2))
	return learning.Budget{
		Path:         i.port.index,
		Window:       window,
		Room:         min(2*window, room),
		RatePPS:      i.spec.LearningRatePPS,
		RetransTimer: i.spec.Neighbor.RetransTimer,
		Drops:        i.port.link.Stats().RxDropped,
	}
}

func learningHeld(s stack.SubscribeState) learning.HeldState {
	switch s {
	case stack.SubscribeDue:
		return learning.HeldAsk
	case stack.SubscribeWait:
		return learning.HeldWait
	case stack.SubscribeKnown:
		return learning.HeldKnown
	}
	return learning.HeldRefused
}

// reasons maps what the stack says to what learning reports. They are two
// types because neither package imports the other.
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
