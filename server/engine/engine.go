package engine

import (
	"math/rand/v2"

	"glean/generator"
	"glean/learning"
	"glean/stack/loop"
)

// Limits bound what an engine holds. Zero means the default.
type Limits struct {
	Ports, Interfaces, Generators, Results, Requests int
	Events                                           int // size of the event ring
	RetainRequests                                   int // finished learning requests kept; 0: all
	RetainFor                                        loop.Duration
}

// DefaultLimits are generous for a machine with some GB of memory.
func DefaultLimits() Limits {
	return Limits{Ports: 256, Interfaces: 65536, Generators: 65536, Results: 65536, Requests: 65536, Events: 16384}
}

// Config is what an engine is made of.
type Config struct {
	Loop    loop.Loop
	Rand    *rand.Rand
	Starter generator.Starter // runs transmitters; not on the loop in production
	Limits  Limits
}

// Engine holds all resources. All its methods are called on its loop.
type Engine struct {
	loop   loop.Loop
	rand   *rand.Rand
	limits Limits

	ports      map[string]*port
	portList   []*port // by creation: the index is the port's part of a learning.Ref
	interfaces map[string]*iface
	handles    map[uint32]*iface
	nextHandle uint32

	generators *generator.Manager
	genHandles map[uint32]*generator.Generator
	learning   *learning.Manager
	waiting    map[string][]func() // by learning request: run when it ends

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
		ports:      make(map[string]*port),
		interfaces: make(map[string]*iface),
		handles:    make(map[uint32]*iface),
		genHandles: make(map[uint32]*generator.Generator),
		waiting:    make(map[string][]func()),
		events:     newEventRing(limits.Events),
	}
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
	} {
		if *f.have <= 0 {
			*f.have = f.def
		}
	}
	return l
}
