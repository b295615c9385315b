package sim

// Traffic counts the frames of one direction.
type Traffic struct {
	Sent       uint64 // taken by Send
	Duplicated uint64 // made by the wire
	Reflipped  uint64 // delivered with more than one flipped bit, so that a checksum may come out right
	Delivered  uint64
	InFlight   uint64
	Dropped    [numDrops]uint64 // by reason
}

// Conserved reports whether no frame has appeared or disappeared without a reason.
func (t Traffic) Conserved() bool {
	return t.Sent+t.Duplicated == t.Delivered+t.InFlight+t.Drops()
}

// Drops returns the number of frames dropped for any reason.
func (t Traffic) Drops() uint64 {
	var all uint64
	for _, n := range t.Dropped {
		all += n
	}
	return all
}

// Add adds the counters of another direction.
func (t *Traffic) Add(o Traffic) {
	t.Sent += o.Sent
	t.Duplicated += o.Duplicated
	t.Reflipped += o.Reflipped
	t.Delivered += o.Delivered
	t.InFlight += o.InFlight
	for i, n := range o.Dropped {
		t.Dropped[i] += n
	}
}

// Traffic returns a snapshot of the counters of the direction that begins here.
func (e *End) Traffic() Traffic {
	t := Traffic{
		Sent: e.sent, Delivered: e.delivered, InFlight: uint64(e.inFlight.count),
	}
	if e.extras != nil {
		t.Duplicated, t.Reflipped, t.Dropped = e.extras.duplicated, e.extras.reflipped, e.extras.dropped
	}
	return t
}

// Traffic returns the sum over all wires and directions.
func (w *World) Traffic() Traffic {
	var all Traffic
	for _, wire := range w.wires {
		all.Add(wire.a.Traffic())
		all.Add(wire.b.Traffic())
	}
	return all
}
