package sim

import (
	"fmt"
	"math/rand/v2"

	"glean/stack/loop"
)

// World is one network: a clock, wires, and what is attached to them. All that
// happens in it follows from its seed and from what is done to it.
type World struct {
	seed    uint64
	loop    loop.Loop
	virtual *loop.Virtual // nil on a real loop

	wires []*Wire
	names map[string]*Wire // looked up, never walked
	pool  pool
	seq   uint64 // of the frame sent last

	hash          uint64 // of all frames delivered
	delivered     uint64
	observers     []func(Event)
	dropObservers []func(Event) // told of drops only
}

// NewWorld makes an empty world at time 0 of a virtual clock.
func NewWorld(seed uint64) *World { return NewWorldOn(loop.NewVirtual(), seed) }

// NewWorldOn makes a world that lives on l. On a loop.Real the same wires and
// devices run in real time; then nothing is repeatable, and all methods must be
// called on the loop.
func NewWorldOn(l loop.Loop, seed uint64) *World {
	w := &World{seed: seed, loop: l, names: map[string]*Wire{}, hash: combine(seed, hashKey0)}
	w.virtual, _ = l.(*loop.Virtual)
	return w
}

// Epoch is the Unix time of loop.Time 0 in simulated worlds, in nanoseconds:
// 2000-01-01T00:00:00Z. It is a constant, so that a replay has the same octets.
const Epoch = 946_684_800e9

// Seed is the number that all randomness of the world comes from.
func (w *World) Seed() uint64 { return w.seed }

// Loop is the world's loop.
func (w *World) Loop() loop.Loop { return w.loop }

// Virtual is the world's loop if its time is virtual, else nil. It is what
// makes time pass.
func (w *World) Virtual() *loop.Virtual { return w.virtual }

// Now is the world's time.
func (w *World) Now() loop.Time { return w.loop.Now() }

// Rand makes the random stream of that name. It depends on the seed and the
// name only, so nobody's stream changes when others come or go. Every call
// gives the stream from its beginning: whoever uses a name keeps the stream.
func (w *World) Rand(name string) *rand.Rand {
	b := []byte(name)
	return rand.New(rand.NewPCG(
		hashOctets(combine(w.seed, hashKey1), b), hashOctets(combine(w.seed, hashKey2), b)))
}

// At runs f at that time: one line of the world's timeline.
func (w *World) At(at loop.Time, f func()) { w.loop.Arm(loop.NewTimer(f), at) }

// Heal removes the faults of all wires: rules and partitions, not what belongs
// to the wires themselves (delay, MTU) nor the state of links.
func (w *World) Heal() {
	for _, wire := range w.wires {
		wire.Heal()
	}
	w.Note("healed")
}

// Wires are the world's wires in the order in which they were made. The slice
// belongs to the world.
func (w *World) Wires() []*Wire { return w.wires }

// FindWire is the wire of that name, nil if there is none.
func (w *World) FindWire(name string) *Wire { return w.names[name] }

// Delivered is the number of frames delivered so far, over all wires.
func (w *World) Delivered() uint64 { return w.delivered }

// Fingerprint is a hash of every frame delivered so far: when, in what order, on
// which wire in which direction, and its octets. Two runs with the same
// fingerprint were the same run. On a real loop it means nothing.
func (w *World) Fingerprint() uint64 { return combine(w.hash, w.delivered) }

// Check returns an error if a wire has lost count of its frames.
func (w *World) Check() error {
	for _, wire := range w.wires {
		for _, e := range []*End{&wire.a, &wire.b} {
			if e.sent == e.delivered && e.extras == nil && e.inFlight.count == 0 {
				continue // as most wires of a large world are, most of the time
			}
			if c := e.Traffic(); !c.Conserved() {
				return fmt.Errorf("sim: %s does not conserve frames: %+v", e.Direction(), c)
			}
		}
	}
	return nil
}
