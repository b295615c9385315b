package sim

import (
	"glean/stack/link"
	"glean/stack/loop"
)

// nic is between a host's stack and the wire: it can be switched off, moved to another
// wire, and be slow.
type nic struct {
	end     *End
	handler link.Handler
	on      bool
	think   *think // nil: frames are handled at once
}

// think holds the frames that a slow host has not handled yet.
type think struct {
	takes loop.Duration
	queue frameQueue
	timer loop.Timer
}

var _ link.Link = (*nic)(nil)

// plug connects a nic to an end of a wire.
func (n *nic) plug(e *End, takes loop.Duration) {
	n.end = e
	if takes > 0 {
		n.think = &think{takes: takes}
		n.think.timer.Init(n.handle)
	}
}

// Attach implements link.Link.
func (n *nic) Attach(h link.Handler) { n.handler = h }

// Send implements link.Link.
func (n *nic) Send(frames [][]byte) (int, error) {
	if !n.on {
		return 0, link.ErrDown
	}
	return n.end.Send(frames)
}

// State implements link.Link.
func (n *nic) State() link.State {
	if !n.on {
		return link.State{Reason: link.ReasonDown}
	}
	return n.end.State()
}

// MTU implements link.Link.
func (n *nic) MTU() int { return n.end.MTU() }

// Room implements link.Link.
func (n *nic) Room() int { return n.end.Room() }

// Stats implements link.Link.
func (n *nic) Stats() link.Stats { return n.end.Stats() }

// OpenQueue implements link.Link.
func (n *nic) OpenQueue() (link.Queue, error) { return n.end.OpenQueue() }

// Close implements link.Link.
func (n *nic) Close() error { return n.end.Close() }

// power switches the host on or off. Frames that arrive while it is off are dropped.
func (n *nic) power(on bool) {
	if n.on == on {
		return
	}
	n.on = on
	if on {
		n.end.Attach(n)
	} else {
		n.end.Detach()
		n.forget()
	}
	n.handler.HandleState(n.State())
}

// HandleState implements link.Handler.
func (n *nic) HandleState(s link.State) { n.handler.HandleState(s) }

// HandleFrame implements link.Handler.
func (n *nic) HandleFrame(f []byte) {
	if n.think == nil {
		n.handler.HandleFrame(f)
		return
	}
	w := n.end.wire.world
	p := w.pool.get(f)
	w.seq++
	p.at, p.seq = w.Now().Add(n.think.takes), w.seq
	n.think.queue.push(p)
	if n.think.queue.count == 1 {
		w.loop.Arm(&n.think.timer, p.at)
	}
}

// handle hands the frames that have waited long enough to the stack.
func (n *nic) handle() {
	w, q := n.end.wire.world, &n.think.queue
	for f := q.first(); f != nil; f = q.first() {
		if f.at > w.Now() {
			w.loop.Arm(&n.think.timer, f.at)
			return
		}
		q.pop(f)
		n.handler.HandleFrame(f.data)
		w.pool.put(f)
	}
}

// forget drops the frames that were not handled yet.
func (n *nic) forget() {
	if n.think == nil {
		return
	}
	w, q := n.end.wire.world, &n.think.queue
	for f := q.first(); f != nil; f = q.first() {
		q.pop(f)
		w.pool.put(f)
	}
	w.loop.Disarm(&n.think.timer)
}
