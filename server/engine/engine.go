package engine

import (
	"math/rand/v2"

	"glean/generator"
	"glean/learning"
	"glean/stack/link"
	"glean/stack/loop"
)

// Limits bound what an engine holds. Zero means the default.
type Limits struct {
	Ports, Interfaces, Generators, Results, Requests int
	Events                                           int // size of the event ring
	// RetainRequests is how many finished learning requests, and as many results,
	// are kept if nobody deletes them; the oldest go first. RetainFor is how long, 0
	// for ever.
	RetainRequests int
	RetainFor      loop.Duration
	// RetainResults and RetainResultsFor are the same of generator results, from the
	// end of their runs on.
	RetainResults    int
	RetainResultsFor loop.Duration
	Memory           int64 // octets of all that clients make; see Engine.Memory
}

// DefaultLimits are generous for a machine with some GB of memory.
func DefaultLimits() Limits {
	return Limits{Ports: 256, Interfaces: 65536, Generators: 65536, Results: 65536, Requests: 65536, Events: 16384, RetainRequests: 16384,
		RetainResults: 16384, Memory: DefaultMemory}
}

// Config is what an engine is made of.
type Config struct {
	Loop   loop.Loop
	Rand   *rand.Rand
	Limits Limits
	// Transmit runs a run on a queue: on a goroutine of its own in production, on
	// the loop in simulation. done is called on the loop, and not from within
	// Transmit, when the run has ended.
	Transmit     func(r *generator.Run, q link.Queue, done func(error)) generator.Transmitter
	DropOverruns bool // frames the device could not take in time are dropped
	// Epoch returns the Unix time of loop.Time 0 in nanoseconds, by the wall clock as it
	// is set now. The signatures of a run that begins carry it; nil is 0.
	Epoch func() uint64
	// Processors bounds how many queues of its port a generator transmits on, since
	// each has a transmitter that keeps a processor busy; 0 means one.
	Processors int
}

// Engine holds all resources. All its methods are called on its loop.
type Engine struct {
	loop       loop.Loop
	rand       *rand.Rand
	limits     Limits
	transmit   func(*generator.Run, link.Queue, func(error)) generator.Transmitter
	processors int

	ports      map[string]*port
	bonds      map[string]PortSpec
	portList   []*port // nil where free: the index is the port's part of a learning.Ref
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

// NewID makes an id for a resource that was given none.
func (e *Engine) NewID() string { return newUUID(e.rand) }

// Now is the loop's time.
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
