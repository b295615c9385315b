package sim

import (
	"fmt"
	"slices"

	"glean/stack/loop"
)

// Wire is a full-duplex Ethernet cable with two ends.
type Wire struct {
	world *World
	name  string
	delay loop.Duration
	mtu   int32
	room  int32
	a, b  End
}

// WireConfig describes a wire. Its zero value is a wire without delay and faults, with
// MTU 1500.
type WireConfig struct {
	Delay  loop.Duration // from one end to the other
	MTU    int           // payload of a frame, in octets; 0: 1500
	Room   int           // link.Link's Room of both ends; 0: 1,048,576
	AB, BA []Rule        // faults of the direction from a to b, and back
}

const (
	defaultMTU  = 1500
	defaultRoom = 1 << 20
)

// Wire makes a wire. Its name must not be taken: random streams and the
// fingerprint are bound to it.
func (w *World) Wire(name string, cfg WireConfig) (a, b *End) {
	if w.names[name] != nil {
		panic(fmt.Sprintf("sim: two wires named %q", name))
	}
	wire := &Wire{world: w, name: name, delay: cfg.Delay, mtu: int32(cfg.MTU), room: int32(cfg.Room)}
	if wire.mtu == 0 {
		wire.mtu = defaultMTU
	}
	if wire.room == 0 {
		wire.room = defaultRoom
	}
	wire.a.init(wire)
	wire.b.init(wire)
	wire.a.SetRules(cfg.AB...)
	wire.b.SetRules(cfg.BA...)
	w.wires = append(w.wires, wire)
	w.names[name] = wire
	return &wire.a, &wire.b
}

// Remove closes both ends of the wire and takes it out of its world, which frees
// its name.
func (w *Wire) Remove() {
	_, _ = w.a.Close(), w.b.Close() // closing an end of a wire cannot fail
	if w.world.names[w.name] != w {
		return
	}
	delete(w.world.names, w.name)
	at := slices.Index(w.world.wires, w)
	w.world.wires = slices.Delete(w.world.wires, at, at+1)
}

// Name returns the wire's name.
func (w *Wire) Name() string { return w.name }

// Ends returns the wire's two ends.
func (w *Wire) Ends() (a, b *End) { return &w.a, &w.b }

// Partition cuts the wire in the given directions, and restores it in the others.
// Frames in flight still arrive, and the link stays up, so no handler notices.
func (w *Wire) Partition(ab, ba bool) {
	w.a.cut, w.b.cut = ab, ba
	w.world.Note("wire %s: cut a->b %t, b->a %t", w.name, ab, ba)
}

// Heal removes rules and partition of both directions.
func (w *Wire) Heal() {
	w.a.SetRules()
	w.b.SetRules()
	w.a.cut, w.b.cut = false, false
}
