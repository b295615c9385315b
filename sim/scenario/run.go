package scenario

import (
	"fmt"
	"slices"
	"strings"

	"glean/generator/program"
	"glean/generator/traffic"
	"glean/learning"
	"glean/server/engine"
	"glean/sim"
	"glean/sim/topology"
	"glean/stack/link"
	"glean/stack/link/pcapng"
	"glean/stack/loop"
)

// Options of a run.
type Options struct {
	Seed *uint64 // instead of the scenario's
	// Progress is called every Every of virtual time, and once at the end.
	Progress func(Progress)
	Every    loop.Duration  // 0: 100 ms
	Capture  *pcapng.Writer // records all frames at glean's ports; Finish closes it
	Log      func(sim.Event)
}

// Progress is how far a run is.
type Progress struct {
	Now                        loop.Time
	Total, Completed, TimedOut int    // addresses, over all requests
	Requests                   uint64 // ARP requests and neighbor solicitations sent
	Delivered                  uint64 // frames, over all wires
	Sent                       uint64 // frames by generators
	Learning, Sending          bool
	Ended                      bool
}

// Run is one run of a scenario. Steps of its timeline receive it.
type Run struct {
	scenario *Scenario
	options  Options
	seed     uint64
	late     loop.Duration
	world    *sim.World
	network  *topology.Network
	engine   *engine.Engine

	ports      []*watchedPort
	endpoints  map[string]*Endpoint
	interfaces []*Endpoint // in the order in which they were made
	policies   map[string]traffic.Policy
	targets    map[string]*Endpoint // of generators, nil for those bound to a port
	requests   []string             // IDs, in the order in which they were made
	queues     []*watchedQueue      // of all runs

	scheduled  int  // steps of the timeline and starts that are to come
	resolving  int  // requests in progress
	active     int  // generators that transmit
	everActive bool // a generator has transmitted
	changed    bool // a next hop of a running generator has changed

	refused     map[string]string             // reasons, by generator
	starts      map[string]GeneratorAddresses // of generators, when they were started or refused
	failedSteps []string
	lost        uint64                  // frames of generators that wires dropped
	conflicts   []string                // events, "interface: detail"
	stale       map[*program.Run]uint64 // frames to MACs known to be wrong
	unconfirmed map[*program.Run]uint64 // frames to MACs known to be unconfirmed
	flows       map[flowID]*flowSent
	flowList    []*flowSent

	safety safety
	frame  parsedFrame // scratch
}

// Execute runs a scenario and reports. Its error is of a scenario that cannot run;
// expectations that do not hold are in the report.
func Execute(s *Scenario, o Options) (*Report, error) {
	r, err := Prepare(s, o)
	if err != nil {
		return nil, err
	}
	r.Play()
	return r.Finish()
}

// Prepare builds the network, attaches glean's ports and makes glean's resources.
func Prepare(s *Scenario, o Options) (*Run, error) {
	r := &Run{
		scenario: s, options: o, seed: s.Seed, late: s.Late,
		endpoints: make(map[string]*Endpoint), policies: make(map[string]traffic.Policy), targets: make(map[string]*Endpoint),
		refused: make(map[string]string), starts: make(map[string]GeneratorAddresses), flows: make(map[flowID]*flowSent),
		stale: make(map[*program.Run]uint64), unconfirmed: make(map[*program.Run]uint64),
		safety: safety{
			solicited: make(map[neighbor]loop.Time), requests: make(map[string]learning.State), wanted: make(map[neighbor]int),
		},
	}
	if o.Seed != nil {
		r.seed = *o.Seed
	}
	if r.late == 0 {
		r.late = DefaultLate
	}
	r.world = sim.NewWorld(r.seed)
	r.world.ObserveDrops(r.countDrop)
	if o.Log != nil {
		r.world.Observe(o.Log)
	}
	var err error
	if r.network, err = topology.Build(r.world, &s.Topology); err != nil {
		return nil, err
	}
	r.engine = engine.New(engine.Config{
		Loop: r.world.Loop(), Rand: r.world.Rand("engine"), Transmit: r.transmit,
		Epoch:  func() uint64 { return sim.Epoch },
		Limits: engine.Limits{Events: 16}, // the run observes events and never reads the ring
	})
	r.engine.OnEvent(r.observe)
	for _, p := range s.Topology.Ports {
		if err := r.attachPort(p); err != nil {
			return nil, p.Wrap(err)
		}
	}
	if err := r.createResources(); err != nil {
		return nil, err
	}
	for i := range s.Timeline {
		r.schedule(&s.Timeline[i])
	}
	return r, nil
}

// countDrop counts the traffic that wires drop.
func (r *Run) countDrop(e sim.Event) {
	if r.frame.parse(e.Frame) && r.frame.kind == kindTraffic {
		r.lost++
	}
}

// attachPort gives glean a port whose frames the run watches.
func (r *Run) attachPort(p topology.Port) error {
	spec := engine.PortSpec{ID: p.ID, Kind: engine.KindWire, Name: p.ID}
	if err := r.engine.ReservePort(spec); err != nil {
		return fmt.Errorf("port %q: %w", p.ID, err)
	}
	var lk link.Link = r.network.Port(p.ID)
	if r.options.Capture != nil {
		var err error
		if lk, err = r.options.Capture.Trace("port "+p.ID, lk, r.world.Now); err != nil {
			return err
		}
	}
	w := &watchedPort{Link: lk, run: r, id: p.ID, interfaces: make(map[frameSource]*Endpoint)}
	if r.isSmall() {
		w.answers = make(map[vlanAddr][]answer)
	}
	r.ports = append(r.ports, w)
	r.engine.AttachPort(p.ID, link.WithoutTraffic(w))
	return nil
}

// isSmall reports whether the network is small enough to keep every answer and every
// wanted address. Of a farm of a million hosts only the MACs are checked.
func (r *Run) isSmall() bool {
	const most = 200_000
	hosts := 0
	for _, f := range r.scenario.Topology.Farms {
		hosts += f.Hosts
	}
	return hosts <= most
}

// schedule arranges for a step to happen at its time. Steps that fail are in the
// report.
func (r *Run) schedule(s *Step) {
	r.scheduled++
	r.world.At(loop.Time(s.At), func() {
		r.scheduled--
		r.world.Note("step: %s", s.Text)
		var err error
		if s.Network != nil {
			err = s.Network(r.network)
		}
		if err == nil && s.Engine != nil {
			err = s.Engine(r)
		}
		if err != nil {
			r.failedSteps = append(r.failedSteps, fmt.Sprintf("%s %s: %v", loop.Time(s.At), s.Text, err))
		}
	})
}

// observe is called with the engine's events.
func (r *Run) observe(e engine.Event) {
	r.world.Note("%s %s: %s %s", e.Type, e.ID, e.What, e.Detail)
	switch {
	case e.Type == "learning":
		r.requestChanged(e.ID, e.What)
	case e.Type == "generator" && e.What == "started":
		r.everActive = true
		r.checkStart(e.ID)
	case e.Type == "generator" && strings.HasPrefix(e.What, "neighbor_"):
		r.changed = true
	case e.Type == "interface" && e.What == "conflict":
		r.conflicts = append(r.conflicts, e.ID+": "+e.Detail)
	}
}

// Play lets virtual time pass until all requests, generators and steps have ended,
// at most until the scenario's end.
func (r *Run) Play() {
	every, until := r.options.Every, loop.Time(r.scenario.Until)
	if every == 0 {
		every = 100 * loop.Millisecond
	}
	if until == 0 {
		until = loop.Time(DefaultUntil)
	}
	v := r.world.Virtual()
	for v.Now() < until && r.isBusy() {
		v.RunWhile(r.isBusy, min(until, v.Now().Add(every)))
		r.checkWorld()
		r.reportProgress(false)
	}
	for _, g := range r.engine.Generators() {
		_ = r.engine.StopGenerator(g.ID, func() {}) // it exists
	}
	v.RunFor(r.late) // frames in flight arrive
	r.checkWorld()
	r.reportProgress(true)
}

// isBusy reports whether a step, a request or a generator has yet to end.
func (r *Run) isBusy() bool { return r.scheduled+r.resolving+r.active > 0 }

func (r *Run) reportProgress(ended bool) {
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

// The methods below are for packages that judge a run by further rules.

// Network returns the network that the run is in.
func (r *Run) Network() *topology.Network { return r.network }

// Engine returns the engine under test.
func (r *Run) Engine() *engine.Engine { return r.engine }

// Endpoint returns the interface with that ID, or nil if there was none.
func (r *Run) Endpoint(id string) *Endpoint { return r.endpoints[id] }

// Endpoints returns all interfaces in the order in which they were made, deleted ones
// included.
func (r *Run) Endpoints() []*Endpoint { return r.interfaces }

// Target returns the interface of a generator, or nil if the generator is bound to a
// port.
func (r *Run) Target(generatorID string) *Endpoint { return r.targets[generatorID] }

// IsTarget reports whether an interface is that of a generator, now or earlier.
func (r *Run) IsTarget(e *Endpoint) bool {
	for _, t := range r.targets {
		if t == e {
			return true
		}
	}
	return false
}

// Policy returns the policy of a generator for addresses without a MAC.
func (r *Run) Policy(generatorID string) traffic.Policy { return r.policies[generatorID] }

// AddressesAtStart returns the results of a generator's addresses when the generator
// was started or refused last.
func (r *Run) AddressesAtStart(generatorID string) GeneratorAddresses { return r.starts[generatorID] }

// Refusal returns why a generator was not started, or false if no start was refused.
func (r *Run) Refusal(generatorID string) (reason string, refused bool) {
	reason, refused = r.refused[generatorID]
	return reason, refused
}

// SentFlows returns the flows of which a run of a generator has sent frames.
func (r *Run) SentFlows(run *program.Run) (flows []sim.Flow) {
	for _, f := range r.flowList {
		if f.run == run {
			flows = append(flows, f.Flow)
		}
	}
	return flows
}

// HasConflict reports whether an event said that another station claims an address of
// an interface.
func (r *Run) HasConflict(interfaceID, address string) bool {
	prefix := fmt.Sprintf("%s: %s is claimed by ", interfaceID, address)
	return slices.ContainsFunc(r.conflicts, func(e string) bool { return strings.HasPrefix(e, prefix) })
}
