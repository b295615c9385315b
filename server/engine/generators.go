package engine

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/netip"
	"slices"

	"glean/generator"
	"glean/generator/program"
	"glean/generator/traffic"
	"glean/learning"
	"glean/stack"
	"glean/stack/link"
	"glean/stack/loop"
)

// GeneratorSpec is the specification of a generator.
type GeneratorSpec struct {
	ID       string // "": the engine makes one
	TargetID string // id of an interface or a port
	Raw      json.RawMessage
	Config   *traffic.Config // parsed from Raw

	bound *snapshot[boundTo, compiled] // by BindGenerators
}

// GeneratorView is the present state of a generator.
type GeneratorView struct {
	ID, TargetID string
	Active       bool
	Learning     string // unsupported, unresolved, resolving, resolved, timed_out
	LearningID   string // of the latest request; may be empty
	Config       json.RawMessage
	FlowCount    uint64
	Warnings     Warnings // about the body
}

func generatorView(g *generator.Generator) GeneratorView {
	state, id := g.Learning()
	return GeneratorView{
		ID: g.ID, TargetID: g.TargetID, Active: g.Active(),
		Learning: state.String(), LearningID: id,
		Config: g.ConfigJSON(), FlowCount: g.Program().FlowCount(), Warnings: g.Warnings(),
	}
}

// generatorError converts an error of package generator to one of the engine.
func generatorError(err error) error {
	var g *generator.Error
	if !errors.As(err, &g) {
		return err
	}
	e := &Error{Detail: g.Detail, Faults: g.Faults, LearningID: g.LearningID}
	switch g.Kind {
	case generator.KindNotFound:
		e.Kind = NotFound
	case generator.KindConflict:
		e.Kind = Conflict
		e.Completed, e.TimedOut = g.Counts.Resolved, g.Counts.Failed
		e.Resolving = g.Counts.Total - g.Counts.Resolved - g.Counts.Failed
	case generator.KindExists:
		e.Kind = Invalid
		e.Faults = []Fault{{Path: "id", Detail: g.Detail}}
	default:
		e.Kind = Invalid
	}
	return e
}

// CreateGenerator makes a generator, and starts learning if the generator is bound to an
// interface and has next hops.
func (e *Engine) CreateGenerator(spec GeneratorSpec) (GeneratorView, error) {
	g, err := e.createGenerator(spec)
	if err != nil {
		return GeneratorView{}, err
	}
	return generatorView(g), nil
}

// CreateGenerators makes all of the generators or none; many take several turns of the
// loop. It refuses an existing id before it makes a generator. The generators appear one
// after the other in the given order. If one cannot be made, CreateGenerators deletes the
// others, even if they were started meanwhile, before it calls done with the error.
func (e *Engine) CreateGenerators(specs []GeneratorSpec, done func([]GeneratorView, error)) {
	if err := e.freeGeneratorIDs(specs); err != nil {
		e.UnbindGenerators(specs)
		done(nil, err)
		return
	}
	made := make([]*generator.Generator, 0, len(specs))
	var failure error
	e.inSlices(len(specs), sliceCreate, func(n int) bool {
		g, err := e.createGenerator(specs[n])
		if err != nil {
			failure = ofItem(err, n, true)
			return false
		}
		made = append(made, g)
		return true
	}, func() {
		if failure != nil {
			e.UnbindGenerators(specs)
			e.withdrawGenerators(made, func() { done(nil, failure) })
			return
		}
		views := make([]GeneratorView, len(made))
		for n, g := range made {
			views[n] = generatorView(g)
		}
		done(views, nil)
	})
}

// freeGeneratorIDs returns an error if an id exists or is given more than once.
func (e *Engine) freeGeneratorIDs(specs []GeneratorSpec) error {
	seen := make(map[string]bool, len(specs))
	for n := range specs {
		id := specs[n].ID
		if id == "" {
			continue
		}
		if _, err := e.generators.Get(id); err == nil || seen[id] {
			return ofItem(invalid("id", "generator %q exists", id), n, true)
		}
		seen[id] = true
	}
	return nil
}

// withdrawGenerators deletes the generators of a request that failed, and their learning
// requests.
func (e *Engine) withdrawGenerators(list []*generator.Generator, done func()) {
	waiting := 1
	one := func() {
		if waiting--; waiting == 0 {
			done()
		}
	}
	e.inSlices(len(list), sliceDelete, func(n int) bool {
		g := list[n]
		if e.generators.ByHandle(g.Handle) == nil {
			return true // a client has deleted it meanwhile
		}
		_, request := g.Learning()
		waiting++
		e.DeleteGenerator(g.ID, true, one)
		if r := e.learning.Request(request); r != nil {
			result := r.ResultID()
			e.learning.DeleteRequest(request)
			_ = e.learning.DeleteResult(result) // it has ended with its last generator
		}
		return true
	}, one)
}

func (e *Engine) createGenerator(spec GeneratorSpec) (*generator.Generator, error) {
	binding, to, err := e.bind(spec.TargetID)
	if err != nil {
		return nil, err
	}
	if err := e.roomForGenerators(1); err != nil {
		return nil, err
	}
	if spec.bound == nil {
		if err := e.fits(spec.need(binding)); err != nil {
			return nil, err
		}
	}
	defer spec.bound.release(e)
	create := generator.Create{
		ID: spec.ID, TargetID: spec.TargetID, Config: spec.Raw, Parsed: spec.Config,
		Binding: binding, Tag: to,
	}
	if c, holds := spec.bound.resultFor(boundTo{binding, to}); holds {
		create.Program, create.Prepared = c.program, c.request
	}
	g, err := e.generators.Create(create)
	if err != nil {
		return nil, generatorError(err)
	}
	return g, nil
}

func (e *Engine) roomForGenerators(more int) error {
	if n := e.generators.Count(); n+more > e.limits.Generators {
		return &Error{Kind: TooMany, Detail: fmt.Sprintf("there are %d generators and at most %d are allowed; delete some, or set limits.generators higher", n, e.limits.Generators)}
	}
	return nil
}

// target is the interface or port of a generator. It does not change when the interface is
// deleted and another one gets its id.
type target struct {
	port  *port
	iface *iface // nil if bound to the port itself
}

func targetOf(g *generator.Generator) target { return g.Tag.(target) }

// bind finds a target by id: an interface, else a port.
func (e *Engine) bind(id string) (program.Binding, target, error) {
	if i := e.interfaces[id]; i != nil {
		return i.binding(), target{i.port, i}, nil
	}
	if p, err := e.attachedPort(id); err == nil {
		return program.Binding{MTU: p.link.MTU()}, target{port: p}, nil
	} else if _, bond := e.bonds[id]; bond {
		return program.Binding{}, target{}, invalid("target_id", "%v", err)
	}
	return program.Binding{}, target{}, invalid("target_id", "there is no port or interface %q", id)
}

func (i *iface) binding() program.Binding {
	c := i.stack.Config()
	return program.Binding{
		Interface: true,
		MAC:       c.MAC,
		Tags:      c.Tags,
		IPv4:      c.IPv4.Addr(),
		Prefix4:   c.IPv4,
		LinkLocal: c.LinkLocal,
		IPv6:      c.IPv6.Addr(),
		MTU:       i.port.link.MTU(),
		NextHop: func(dst netip.Addr) (netip.Addr, bool) {
			hop, why := i.stack.NextHop(dst)
			return hop, why == stack.ReasonNone
		},
	}
}

// Generators lists the generators by id.
func (e *Engine) Generators() []GeneratorView {
	views := make([]GeneratorView, 0, e.generators.Count())
	for g := range e.generators.All() {
		views = append(views, generatorView(g))
	}
	return views
}

// Generator returns one generator.
func (e *Engine) Generator(id string) (GeneratorView, error) {
	g, err := e.generators.Get(id)
	if err != nil {
		return GeneratorView{}, generatorError(err)
	}
	return generatorView(g), nil
}

// DeleteGenerator removes a generator and its results. It leaves an active generator as it
// is, and returns true, unless force is set: then it stops the generator first. An
// unknown id is not an error. done runs on the loop after the last frame of the
// generator.
func (e *Engine) DeleteGenerator(id string, force bool, done func()) (active bool) {
	if g, err := e.generators.Get(id); err == nil && g.Active() && force {
		_ = e.generators.Stop(id, done) // it exists
		_, _ = e.generators.Delete(id, true)
		return false
	}
	deleted, err := e.generators.Delete(id, false)
	done()
	return err == nil && !deleted
}

// DeleteGenerators removes the generators that are not active; many take several turns of
// the loop. Generators that are made meanwhile stay.
func (e *Engine) DeleteGenerators(done func()) {
	list := slices.Collect(e.generators.All())
	e.inSlices(len(list), sliceDelete, func(n int) bool {
		if e.generators.ByHandle(list[n].Handle) != nil {
			_, _ = e.generators.Delete(list[n].ID, false) // it exists
		}
		return true
	}, done)
}

// DeleteGeneratorsByID removes the given generators that exist and are not active; many
// take several turns of the loop.
func (e *Engine) DeleteGeneratorsByID(ids []string, done func()) {
	e.inSlices(len(ids), sliceDelete, func(n int) bool {
		_, _ = e.generators.Delete(ids[n], false) // an unknown generator counts as deleted
		return true
	}, done)
}

// StartGenerator starts a generator. It refuses while a next hop is unconfirmed because
// the link was down; see StartWhenConfirmed.
func (e *Engine) StartGenerator(id string) (*generator.Result, error) { return e.startGenerator(id, 0) }

func (e *Engine) startGenerator(id string, at loop.Time) (*generator.Result, error) {
	if n := e.generators.ResultCount(); n >= e.limits.Results {
		return nil, &Error{Kind: TooMany, Detail: fmt.Sprintf("there are %d generator results and at most %d are kept; delete some, or set limits.generator_results higher", n, e.limits.Results)}
	}
	if g, err := e.generators.Get(id); err == nil {
		if err := e.fits(g.Program().RunEstimate()); err != nil {
			return nil, err
		}
	}
	r, err := e.generators.StartAt(id, at)
	if err != nil {
		return nil, e.startError(id, err)
	}
	return r, nil
}

// Generators that start together have one start time, at which all their transmitters are
// ready: startLead after now, and startEach more for each generator.
const (
	startLead = 2 * loop.Millisecond
	startEach = 250 * loop.Microsecond
)

// StartGenerators starts all of the generators at one moment, or none. It confirms next
// hops first if the link was down. Many generators take several turns of the loop, and
// become active one after the other. If one cannot start, StartGenerators stops the
// others, most of them before their first frame, removes their results, and calls failed
// with the error. Otherwise it calls started with the results.
func (e *Engine) StartGenerators(ids []string, started func([]*generator.Result), failed func(error)) {
	e.confirm(ids, func() { e.startAll(ids, started, failed) })
}

func (e *Engine) startAll(ids []string, started func([]*generator.Result), failed func(error)) {
	at := loop.Time(0)
	if len(ids) > 1 {
		at = e.loop.Now().Add(startLead + startEach*loop.Duration(len(ids)))
	}
	results := make([]*generator.Result, 0, len(ids))
	var failure error
	e.inSlices(len(ids), sliceStart, func(n int) bool {
		r, err := e.startGenerator(ids[n], at)
		if err != nil {
			failure = err
			return false
		}
		results = append(results, r)
		return true
	}, func() {
		if failure != nil {
			e.undoStarts(results, func() { failed(failure) })
			return
		}
		started(results)
	})
}

// undoStarts stops runs and removes their results, all in one turn. done runs when the
// last run has stopped.
func (e *Engine) undoStarts(results []*generator.Result, done func()) {
	waiting := 1
	one := func() {
		if waiting--; waiting == 0 {
			done()
		}
	}
	for _, r := range results {
		// A deleted generator has stopped, too. A generator that a client has started
		// again must go on.
		if !r.Active() {
			_, _ = e.generators.DeleteResult(r.ID)
			continue
		}
		waiting++
		err := e.generators.Stop(r.Generator.ID, func() {
			_, _ = e.generators.DeleteResult(r.ID)
			one()
		})
		if err != nil {
			one()
		}
	}
	one()
}

// StopGenerator stops a generator. done runs on the loop after its last frame, at once if
// the generator is not active.
func (e *Engine) StopGenerator(id string, done func()) error {
	return generatorError(e.generators.Stop(id, done))
}

// Stop stops all generators, closes all links, and calls done.
func (e *Engine) Stop(done func()) {
	waiting := 1
	one := func() {
		if waiting--; waiting == 0 {
			e.closeLinks()
			done()
		}
	}
	for _, g := range e.Generators() {
		if g.Active {
			waiting++
			_ = e.generators.Stop(g.ID, one) // it exists
		}
	}
	one()
}

// Results lists the generator results by id.
func (e *Engine) Results() []*generator.Result {
	results := make([]*generator.Result, 0, e.generators.ResultCount())
	for r := range e.generators.Results() {
		results = append(results, r)
	}
	return results
}

// Result returns one generator result.
func (e *Engine) Result(id string) (*generator.Result, error) {
	r, err := e.generators.Result(id)
	return r, generatorError(err)
}

// DeleteResult removes a generator result, unless its run is active. An unknown id is not
// an error.
func (e *Engine) DeleteResult(id string) { _, _ = e.generators.DeleteResult(id) }

// DeleteResults removes the results of generators that are not active.
func (e *Engine) DeleteResults() { e.generators.DeleteResults() }

// Flow returns the result and the index of a transmit flow.
func (e *Engine) Flow(id string) (*generator.Result, int, error) {
	r, n, err := e.generators.Flow(id)
	return r, n, generatorError(err)
}

// learner implements generator.Learner.
type learner struct{ *Engine }

var _ generator.Learner = learner{}

// Learn implements generator.Learner.
func (l learner) Learn(g *generator.Generator, prepared any) (id string, err error) {
	d, _ := prepared.(*learning.Prepared)
	if d == nil {
		if d, err = prepareFor(g.Program(), targetOf(g).iface); err != nil {
			return "", err
		}
	}
	d.SetGenerator(g.ID, g.Handle)
	r, err := l.startLearning(d)
	if err != nil {
		return "", err
	}
	return r.ID(), nil
}

// Forget implements generator.Learner.
func (l learner) Forget(g *generator.Generator) { l.learning.GeneratorDeleted(g.Handle) }

// starter implements generator.Starter.
type starter struct{ *Engine }

var _ generator.Starter = starter{}

// Start implements generator.Starter.
func (s starter) Start(g *generator.Generator, r *program.Run, done func(error)) (generator.Transmitter, error) {
	p := targetOf(g).port
	if p.link.State().Reason == link.ReasonDeleted {
		return nil, link.ErrDeleted
	}
	return s.transmitOn(p.link, r, done)
}

// GeneratorChanged implements generator.Observer.
func (o generatorObserver) GeneratorChanged(g *generator.Generator, c generator.Change) {
	o.track(g, c.Cause)
	e := generatorEvent(g, c.Cause.String(), "")
	switch {
	case c.Cause == generator.CauseLearning:
		state, id := g.Learning()
		e.What, e.Detail = state.String(), "learning request "+id
	case c.Cause == generator.CauseStarted:
		e.Fields = startedFields(g, c.Result)
	case c.Cause == generator.CauseEnded:
		e.Fields = endedFields(c.Result)
	}
	if c.Reason != nil {
		e.What, e.Detail = "failed", c.Reason.Error()
		e.Fields = append(e.Fields, Field{"error", e.Detail})
	}
	o.emit(e)
	if c.Cause == generator.CauseEnded {
		o.waiting.ended(endOfRun(g.ID))
	}
}

// generatorEvent returns an event of a generator, with the port that it sends on.
func generatorEvent(g *generator.Generator, what, detail string) Event {
	return Event{Type: "generator", ID: g.ID, PortID: targetOf(g).port.spec.ID, What: what, Detail: detail}
}

// startedFields returns the fields of the event about the start of a run.
func startedFields(g *generator.Generator, r *generator.Result) []Field {
	p := g.Program()
	return []Field{
		{"result", r.ID}, {"flows", p.FlowCount()},
		{"next_hops", p.Counts().Total}, {"unresolved", p.Counts().Unresolved()},
	}
}

// endedFields returns the counters of a run by their names in the API.
func endedFields(r *generator.Result) []Field {
	c := r.Run().Counters()
	return []Field{
		{"result", r.ID},
		{"packets_actual", c.PacketsActual}, {"octets_actual", c.OctetsActual}, {"packets_intended", c.PacketsIntended},
		{"packets_dropped", c.PacketsDropped}, {"packets_skipped", c.PacketsSkipped},
		{"packets_to_stale_mac", c.PacketsToStale},
		{"packets_to_unconfirmed_mac", c.PacketsToUnconfirmed}, {"errors", c.Errors},
	}
}

// generatorObserver implements generator.Observer.
type generatorObserver struct{ *Engine }

var _ generator.Observer = generatorObserver{}
