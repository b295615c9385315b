package engine

import (
	"math/rand/v2"

	"glean/generator"
	"glean/generator/program"
	"glean/learning"
	"glean/stack/link"
	"glean/stack/loop"
)

// Limits bound what an engine holds. Zero means the default.
type Limits struct {
	Ports, Interfaces, Generators, Results, Requests int
	Events                                           int // size of the event ring
	// RetainRequests is how many finished learning requests, and as many results, are
	// kept; the oldest are dropped first. RetainFor is how long, 0 without a limit.
	RetainRequests int
	RetainFor      loop.Duration
	// RetainResults and RetainResultsFor are the same for generator results, from the
	// end of their runs on.
	RetainResults    int
	RetainResultsFor loop.Duration
	Memory           int64 // budget in octets for all that clients make; see Engine.Memory
}

// DefaultLimits returns limits for a machine with some GB of memory.
func DefaultLimits() Limits {
	return Limits{Ports: 256, Interfaces: 65536, Generators: 65536, Results: 65536, Requests: 65536, Events: 16384, RetainRequests: 16384,
		RetainResults: 16384, Memory: DefaultMemory}
}

// Config configures an engine.
type Config struct {
	Loop   loop.Loop
	Rand   *rand.Rand
	Limits Limits
	// Transmit starts a run on a queue: on its own goroutine in production, on the loop
	// in simulation. It calls done on the loop when the run has ended, but not before
	// Transmit has returned.
	Transmit     func(r *program.Run, q link.Queue, done func(error)) generator.Transmitter
	DropOverruns bool // drop frames that the device cannot take in time
	// Epoch returns the Unix time of loop.Time 0 in nanoseconds, by the present setting of
	// the wall clock. The signatures of a new run are based on it; nil means 0.
	Epoch func() uint64
	// Processors bounds the number of queues that a generator transmits on, because each
	// queue has a transmitter that keeps a processor busy; 0 means one.
	Processors int
}

// Engine holds all resources. All its methods are called on its loop.
type Engine struct {
	loop       loop.Loop
	rand       *rand.Rand
	limits     Limits
	transmit   func(*program.Run, link.Queue, func(error)) generator.Transmitter
	processors int

	ports      map[string]*port
	bonds      map[string]PortSpec
	portList   []*port // the index is the port's part of a learning.Ref; nil where it is free
	interfaces map[string]*iface
	handles    map[uint32]*iface
	nextHandle uint32

	generators *generator.Manager
	tracker    tracker
	learning   *learning.Manager
	waiting    waiters

	reserved        int64 // octets, see Reserve
	interfaceOctets int64

	events  *eventRing
	onEvent func(Event)
}

// New returns an engine without resources.
func New(c Config) *Engine {
	limits := c.Limits.withDefaults()
	e := &Engine{
		loop:       c.Loop,
		rand:       c.Rand,
		limits:     limits,
		transmit:   c.Transmit,
		processors: max(1, c.Processors),
		ports:      make(map[string]*port),
		bonds:      make(map[string]PortSpec),
		interfaces: make(map[string]*iface),
		handles:    make(map[uint32]*iface),
		waiting:    make(waiters),
		events:     newEventRing(limits.Events),
	}
	e.tracker.init(c.Loop)
	e.learning = learning.NewManager(c.Loop, resolver{e}, learningObserver{e}, learning.Options{
		NewID: e.NewID, Retain: limits.RetainRequests, RetainFor: limits.RetainFor,
		RetainSize: limits.Memory / retainedPart, PerHop: perHop,
	})
	e.generators = generator.NewManager(c.Loop, learner{e}, starter{e}, generatorObserver{e}, generator.Options{
		NewID: e.NewID, DropOverruns: c.DropOverruns, Epoch: c.Epoch,
		Retain: limits.RetainResults, RetainFor: limits.RetainResultsFor, RetainSize: limits.Memory / retainedPart,
	})
	return e
}

// NewID returns an id for a resource whose body has none.
func (e *Engine) NewID() string { return newUUID(e.rand) }

// Now returns the loop's time.
func (e *Engine) Now() loop.Time { return e.loop.Now() }

func (l Limits) withDefaults() Limits {
	d := DefaultLimits()
	for _, f := range []struct {
		have *int
		def  int
	}{
		{&l.Ports, d.Ports}, {&l.Interfaces, d.Interfaces}, {&l.Generators, d.Generators},
		{&l.Results, d.Results}, {&l.Requests, d.Requests}, {&l.Events, d.Events},
		{&l.RetainRequests, d.RetainRequests}, {&l.RetainResults, d.RetainResults},
	} {
		if *f.have <= 0 {
			*f.have = f.def
		}
	}
	if l.Memory <= 0 {
		l.Memory = d.Memory
	}
	return l
}
