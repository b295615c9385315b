package sim

import (
	"glean/stack/header"
	"glean/stack/link"
	"glean/stack/loop"
)

// A frame on a wire: Send accepts it, cross applies the rules, launch puts a copy
// into the queue of frames in flight, and arrive delivers it when it is due.

// Send implements link.Link. Frames are copied; none is delivered before Send
// returns.
func (e *End) Send(frames [][]byte) (taken int, err error) {
	err = e.sendError()
	for _, f := range frames {
		if err == nil && !e.fits(f) {
			err = link.ErrSize
		}
		if err != nil {
			e.needExtras().refused += uint64(len(frames) - taken)
			return taken, err
		}
		e.cross(f)
		taken++
	}
	return taken, nil
}

// frameRoom is how much longer a frame may be than its payload, in octets.
const frameRoom = header.EthernetSize + header.MaxTags*header.VLANSize

// fits reports whether a wire accepts a frame of that length.
func (e *End) fits(f []byte) bool {
	return len(f) >= header.EthernetSize && len(f) <= int(e.wire.mtu)+frameRoom
}

// cross applies the rules to a frame, and launches it and its copies.
func (e *End) cross(f []byte) {
	e.sent++
	e.sentOctets += uint64(len(f))
	now := e.wire.world.loop.Now()
	at := now.Add(e.wire.delay)
	if e.cut {
		e.drop(DropPartition, f)
		return
	}
	if e.extras == nil || len(e.extras.rules) == 0 {
		e.launch(at, e.wire.world.pool.get(f))
		return
	}
	v := e.extras.judge(now, f)
	if v.Drop != NotDropped {
		e.drop(v.Drop, f)
		return
	}
	at = at.Add(max(0, v.Delay))
	for copies := v.Copies; ; copies-- {
		p := e.wire.world.pool.get(f)
		if v.flips > 1 || v.flips > 0 && broken(f) {
			e.extras.reflipped++
		}
		v.corrupt(p.data)
		e.launch(at, p)
		if copies == 0 {
			return
		}
		e.extras.duplicated++
		at = at.Add(max(0, v.CopyDelay))
	}
}

// judge applies the rules to a frame. The verdict is valid until the next call.
func (s *extras) judge(now loop.Time, f []byte) *Verdict {
	v := &s.verdict
	*v = Verdict{}
	s.crossing.Now, s.crossing.Frame = now, f
	for _, r := range s.rules {
		if r.Judge(&s.crossing, v); v.Drop != NotDropped {
			break
		}
	}
	s.crossing.Frame = nil
	return v
}

// launch puts a frame in flight.
func (e *End) launch(at loop.Time, f *frame) {
	w := e.wire.world
	w.seq++
	f.at, f.seq = at, w.seq
	if !e.used {
		e.used = true
		e.timer.Init(e.arrive)
	}
	e.inFlight.push(f)
	if !e.busy && (e.inFlight.count == 1 || at < e.timer.At()) {
		w.loop.Arm(&e.timer, at)
	}
}

// arrive delivers the frames that are due. A frame sent meanwhile waits for the next
// turn of the loop, even if it is due at once, so that the other wires have their turn.
func (e *End) arrive() {
	w := e.wire.world
	now, last := w.loop.Now(), w.seq
	e.busy = true
	f := e.inFlight.first()
	for f != nil && f.at <= now && f.seq <= last {
		e.inFlight.pop(f)
		e.deliver(f)
		w.pool.put(f)
		f = e.inFlight.first()
	}
	e.busy = false
	if f != nil {
		w.loop.Arm(&e.timer, f.at)
	}
}

// deliver hands a frame to the handler of the other end.
func (e *End) deliver(f *frame) {
	to, w := e.Peer(), e.wire.world
	if to.handler == nil {
		e.drop(DropUnattached, f.data)
		e.extras.unreadOctets += uint64(len(f.data))
		return
	}
	e.delivered++
	e.deliveredOctets += uint64(len(f.data))
	w.delivered++
	if w.virtual != nil {
		octets := hashOctets(uint64(f.at), f.data)
		e.hash = combine(e.hash, octets)
		w.hash = combine(w.hash, e.hash^f.seq)
	}
	if w.observers != nil {
		w.observe(Event{Kind: EventDelivered, From: e, Seq: f.seq, Frame: f.data})
	}
	to.handler.HandleFrame(f.data)
}

// drop counts a frame that does not arrive and reports it to observers.
func (e *End) drop(why Drop, f []byte) {
	e.needExtras().dropped[why]++
	w := e.wire.world
	if w.observers == nil && w.dropObservers == nil {
		return
	}
	event := Event{At: w.loop.Now(), Kind: EventDropped, From: e, Drop: why, Frame: f}
	for _, observe := range w.dropObservers {
		observe(event)
	}
	w.observe(event)
}

// dropInFlight drops all frames in flight from here.
func (e *End) dropInFlight(why Drop) {
	for f := e.inFlight.first(); f != nil; f = e.inFlight.first() {
		e.inFlight.pop(f)
		e.drop(why, f.data)
		e.wire.world.pool.put(f)
	}
	e.wire.world.loop.Disarm(&e.timer)
}

// SetRules replaces the rules of the direction that begins here; without arguments it
// removes them. It may be called at any time; the random stream continues.
func (e *End) SetRules(rules ...Rule) {
	if len(rules) == 0 && e.extras == nil {
		return
	}
	s := e.needExtras()
	s.rules = append([]Rule(nil), rules...)
	if s.crossing.Rand == nil && len(rules) > 0 {
		s.crossing.Rand = e.wire.world.Rand("wire " + e.Direction())
	}
}

// Rules returns the rules of the direction that begins here. The caller must not
// change the slice.
func (e *End) Rules() []Rule {
	if e.extras == nil {
		return nil
	}
	return e.extras.rules
}
