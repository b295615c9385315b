package sim

import (
	"fmt"
	"math/rand/v2"

	"glean/stack/loop"
)

// World is one network: a clock, wires, and the devices attached to them. Everything in
// it is determined by its seed and by the calls to it.
type World struct {
	seed    uint64
	loop    loop.Loop
	virtual *loop.Virtual // nil on a real loop

	wires []*Wire
	names map[string]*Wire // looked up, never iterated
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

// Seed returns the random seed of the world.
func (w *World) Seed() uint64 { return w.seed }

// Loop returns the world's loop.
func (w *World) Loop() loop.Loop { return w.loop }

// Virtual returns the world's loop if its time is virtual, else nil. A caller runs it to
// let time pass.
func (w *World) Virtual() *loop.Virtual { return w.virtual }

// Now returns the world's time.
func (w *World) Now() loop.Time { return w.loop.Now() }

// Rand makes the random stream of that name. The stream depends only on the seed and
// the name, so it does not change when other streams are added or removed. Every call
// returns the stream from its beginning, so the caller must keep it.
func (w *World) Rand(name string) *rand.Rand {
	b := []byte(name)
	return rand.New(rand.NewPCG(
		hashOctets(combine(w.seed, hashKey1), b), hashOctets(combine(w.seed, hashKey2), b)))
}

// At runs f at that time.
func (w *World) At(at loop.Time, f func()) { w.loop.Arm(loop.NewTimer(f), at) }

// Heal removes rules and partitions of all wires. Delay, MTU and the state of links
// stay.
func (w *World) Heal() {
	for _, wire := range w.wires {
		wire.Heal()
	}
	w.Note("healed")
}

// Wires returns the world's wires in the order in which they were made. The caller must
// not change the slice.
func (w *World) Wires() []*Wire { return w.wires }

// FindWire returns the wire of that name, or nil if there is none.
func (w *World) FindWire(name string) *Wire { return w.names[name] }

// Delivered returns the number of frames delivered so far, over all wires.
func (w *World) Delivered() uint64 { return w.delivered }

// Fingerprint returns a hash of all frames delivered so far: their times, order, wires,
// directions and octets. Two runs with the same fingerprint were the same run. On a real
// loop it has no meaning.
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
