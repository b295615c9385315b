package scenario

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"glean/generator"
	"glean/learning"
	"glean/server/bodies"
	"glean/server/engine"
	"glean/sim"
	"glean/stack/link"
	"glean/stack/link/pcapng"
	"glean/stack/loop"
)

// Options of a run.
type Options struct {
	Seed *uint64 // instead of the scenario's
	// Progress is called every Every of virtual time, and once at the end.
	Progress func(Progress)
	Every    loop.Duration // 0: 100 ms
	Pcap     io.Writer     // gets all that passes glean's ports, as pcapng
	Log      func(sim.Event)
}

// Progress is how far a run is.
type Progress struct {
	Now                        loop.Time
	Total, Completed, TimedOut int    // addresses, over all requests
	Requests                   uint64 // questions sent
	Delivered                  uint64 // frames, over all wires
	Sent                       uint64 // frames by generators
	Learning, Sending          bool
	Ended                      bool
}

// Run is one run of a scenario. Steps of its timeline get it.
type Run struct {
	scenario *Scenario
	options  Options
	seed     uint64
	late     loop.Duration
	world    *sim.World
	network  *Network
	engine   *engine.Engine
	pcap     *pcapng.Writer

	ports       []*watchedPort
	endpoints   map[string]*endpoint
	count       uint32 // of endpoints so far
	policies    map[string]generator.Policy
	targets     map[string]*endpoint // of generators, nil for those bound to a port
	order       []string             // ids of requests as they were made
	notYet      int                  // steps of the timeline and starts that are to come
	resolving   int                  // requests in progress
	active      int                  // generators
	everActive  bool                 // a generator has transmitted
	refused     map[string]string
	starts      map[string]fates          // of generators, when they were started or refused
	faults      []string                  // steps that failed
	queues      []*watchedQueue           // of all runs
	lost        uint64                    // frames of generators that wires dropped
	changed     bool                      // a next hop of a running generator has changed
	conflicts   []string                  // that events told, "interface: detail"
	stale       map[*generator.Run]uint64 // frames to MACs known to be wrong
	unconfirmed map[*generator.Run]uint64 // frames to MACs known to be unconfirmed
	flows       map[flowID]*flowSent
	flowList    []*flowSent

	safety safety
	seen   seen // scratch: the frame that is being looked at
}

var noFilter = engine.NeighborFilter{}

// Execute runs a scenario and reports. The error is of a scenario that can't
// be run; what went otherwise than expected is in the report.
func Execute(s *Scenario, o Options) (*Report, error) {
	r, err := prepare(s, o)
	if err != nil {
		return nil, err
	}
	r.play()
	return r.finish()
}

// prepare builds the network, puts glean into it and gives it its resources.
func prepare(s *Scenario, o Options) (*Run, error) {
	r := &Run{
		scenario: s, options: o, seed: s.Seed, late: s.Late,
		endpoints: make(map[string]*endpoint), policies: make(map[string]generator.Policy),
		targets: make(map[string]*endpoint),
		refused: make(map[string]string), starts: make(map[string]fates), flows: make(map[flowID]*flowSent), stale: make(map[*generator.Run]uint64),
		unconfirmed: make(map[*generator.Run]uint64),
		safety: safety{
			asked: make(map[question]loop.Time), requests: make(map[string]learning.State), wanted: make(map[question]int),
		},
	}
	if o.Seed != nil {
		r.seed = *o.Seed
	}
	if r.late == 0 {
		r.late = DefaultLate
	}
	r.world = sim.NewWorld(r.seed)
	r.world.ObserveDrops(r.dropped)
	if o.Log != nil {
		r.world.Observe(o.Log)
	}
	var err error
	if r.network, err = Build(r.world, &s.Topology); err != nil {
		return nil, err
	}
	r.engine = engine.New(engine.Config{
		Loop: r.world.Loop(), Rand: r.world.Rand("engine"), Transmit: r.transmit,
		Epoch:  func() uint64 { return sim.Epoch },
		Limits: engine.Limits{Events: 16}, // they are heard, not read
	})
	r.engine.OnEvent(r.heard)
	if o.Pcap != nil {
		r.pcap = pcapng.NewWriter(o.Pcap, time.Unix(0, sim.Epoch))
	}
	return r, r.provide()
}

// dropped counts the traffic that is lost.
func (r *Run) dropped(e sim.Event) {
	if r.seen.look(e.Frame) && r.seen.kind == KindTraffic {
		r.lost++
	}
}

// provide attaches the ports and makes the resources, in the order in which a
// user would.
func (r *Run) provide() error {
	for _, p := range r.scenario.Topology.Ports {
		spec := engine.PortSpec{ID: p.ID, Kind: engine.KindWire, Name: p.ID}
		if err := r.engine.ReservePort(spec); err != nil {
			return p.Wrap(fmt.Errorf("port %q: %w", p.ID, err))
		}
		var lk link.Link = r.network.Port(p.ID)
		if r.pcap != nil {
			var err error
			if lk, err = r.pcap.Trace("port "+p.ID, lk, r.world.Now); err != nil {
				return err
			}
		}
		w := &watchedPort{Link: lk, run: r, id: p.ID, interfaces: make(map[station48]*endpoint)}
		if r.detailed() {
			w.answers = make(map[vlanAddr][]answer)
		}
		r.ports = append(r.ports, w)
		r.engine.AttachPort(p.ID, link.WithoutTraffic(w))
	}
	for _, body := range r.scenario.Interfaces {
		if err := r.AddInterface(body.Raw); err != nil {
			return body.Wrap(err)
		}
	}
	for _, body := range r.scenario.Generators {
		if err := r.AddGenerator(body.Raw); err != nil {
			return body.Wrap(err)
		}
	}
	for _, body := range r.scenario.Learning {
		if err := r.Learn(body.Raw); err != nil {
			return body.Wrap(err)
		}
	}
	for i := range r.scenario.Timeline {
		r.schedule(&r.scenario.Timeline[i])
	}
	return nil
}

// detailed tells whether the network is small enough to keep every answer and
// every wish. A farm of a million is judged by its MACs alone.
func (r *Run) detailed() bool {
	const most = 200_000
	hosts := 0
	for _, f := range r.scenario.Topology.Farms {
		hosts += f.Hosts
	}
	return hosts <= most
}

// schedule puts a step on the clock. Steps that fail are in the report.
func (r *Run) schedule(s *Step) {
	r.notYet++
	r.world.At(loop.Time(s.At), func() {
		r.notYet--
		r.world.Note("step: %s", s.Text)
		var err error
		if s.Network != nil {
			err = s.Network(r.network)
		}
		if err == nil && s.Engine != nil {
			err = s.Engine(r)
		}
		if err != nil {
			r.faults = append(r.faults, fmt.Sprintf("%s %s: %v", loop.Time(s.At), s.Text, err))
		}
	})
}

// Network is the network that the run is in.
func (r *Run) Network() *Network { return r.network }

// Engine is the engine under test.
func (r *Run) Engine() *engine.Engine { return r.engine }

// AddInterface makes an interface of the body of POST /interfaces.
func (r *Run) AddInterface(body []byte) error {
	spec, err := bodies.Strict.Interface(body)
	if err != nil {
		return fmt.Errorf("interface %q: %w", spec.ID, err)
	}
	if spec.ID == "" {
		spec.ID = r.engine.NewID()
	}
	e := r.network.newEndpoint(spec)
	r.count++
	e.index = r.count
	r.endpoints[spec.ID] = e
	at := slices.IndexFunc(r.ports, func(p *watchedPort) bool { return p.id == spec.PortID })
	if at >= 0 { // entered before it is made, because making it announces it
		r.ports[at].interfaces[station48{vlanKey(spec.Tags), spec.MAC}] = e
		r.ports[at].last = nil
	}
	if _, err := r.engine.CreateInterface(spec); err != nil {
		return fmt.Errorf("interface %q: %w", spec.ID, err)
	}
	return nil
}

// AddGenerator makes a generator of the body of POST /packet/generators, and
// has it started when it has been learned.
func (r *Run) AddGenerator(body []byte) error {
	spec, err := bodies.Strict.Generator(body)
	if err != nil {
		return fmt.Errorf("generator %q: %w", spec.ID, err)
	}
	if spec.ID == "" {
		spec.ID = r.engine.NewID()
	}
	r.policies[spec.ID], r.targets[spec.ID] = spec.Config.Learning.Policy, r.endpoints[spec.TargetID]
	g, err := r.engine.CreateGenerator(spec)
	if err != nil {
		return fmt.Errorf("generator %q: %w", spec.ID, err)
	}
	if !r.scenario.NoTraffic {
		r.startWhenLearned(g)
	}
	return nil
}

// startWhenLearned starts a generator in a turn of the loop of its own after
// its request has ended.
func (r *Run) startWhenLearned(g engine.GeneratorView) {
	r.notYet++
	start := func() {
		r.world.At(r.world.Now(), func() {
			r.notYet--
			if err := r.Start(g.ID); err != nil {
				r.refused[g.ID] = err.Error()
			}
		})
	}
	if g.LearningID == "" {
		start()
		return
	}
	r.engine.WhenLearned(g.LearningID, start)
}

// Start starts a generator. A refusal that comes later, because next hops had to be
// confirmed, is in the report.
func (r *Run) Start(id string) error {
	var refused error
	returned := false
	r.notYet++
	r.engine.StartWhenConfirmed(id, func(_ *generator.Result, err error) {
		r.notYet--
		if r.detailed() {
			r.starts[id] = r.fatesOf(id)
		}
		if refused = err; returned && err != nil {
			r.refused[id] = err.Error()
		}
	})
	returned = true
	return refused
}

// Learn starts a request of the body of POST /learning.
func (r *Run) Learn(body []byte) error {
	spec, err := bodies.Learning(body)
	if err == nil {
		_, err = r.engine.StartLearning(spec)
	}
	if err != nil {
		return fmt.Errorf("learning %q: %w", spec.ID, err)
	}
	return nil
}

// heard is told of the engine's events.
func (r *Run) heard(e engine.Event) {
	r.world.Note("%s %s: %s %s", e.Type, e.ID, e.What, e.Detail)
	switch {
	case e.Type == "learning":
		r.judgeState(e.ID, e.What)
	case e.Type == "generator" && e.What == "started":
		r.everActive = true
		r.judgeStart(e.ID)
	case e.Type == "generator" && strings.HasPrefix(e.What, "neighbor_"):
		r.changed = true
	case e.Type == "interface" && e.What == "conflict":
		r.conflicts = append(r.conflicts, e.ID+": "+e.Detail)
	}
}

// play lets time pass until all is done, or until the scenario's end.
func (r *Run) play() {
	every, until := r.options.Every, loop.Time(r.scenario.Until)
	if every == 0 {
		every = 100 * loop.Millisecond
	}
	if until == 0 {
		until = loop.Time(DefaultUntil)
	}
	v := r.world.Virtual()
	for v.Now() < until && r.busy() {
		v.RunWhile(r.busy, min(until, v.Now().Add(every)))
		r.judgeWorld()
		r.tell(false)
	}
	for _, g := range r.engine.Generators() {
		_ = r.engine.StopGenerator(g.ID, func() {}) // it exists
	}
	v.RunFor(r.late) // what is under way arrives
	r.judgeWorld()
	r.tell(true)
}

// busy tells whether anything is left to wait for.
func (r *Run) busy() bool { return r.notYet+r.resolving+r.active > 0 }

// tell reports progress.
func (r *Run) tell(ended bool) {
	if r.options.Progress == nil {
		return
	}
	p := Progress{Now: r.world.Now(), Delivered: r.world.Delivered(), Ended: ended}
	for _, q := range r.engine.LearningRequests() {
		g := q.Progress()
		p.Total += g.Total
		p.Completed += g.Completed
		p.TimedOut += g.TimedOut
		p.Requests += q.RequestsSent()
		p.Learning = p.Learning || q.State() == learning.StateResolving
	}
	for _, res := range r.engine.Results() {
		p.Sent += res.Run().Counters().PacketsActual
		p.Sending = p.Sending || res.Active()
	}
	r.options.Progress(p)
}
