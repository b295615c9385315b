package generator

import (
	"cmp"
	"encoding/json"
	"iter"
	"regexp"
	"slices"

	"glean/generator/program"
	"glean/generator/traffic"
	"glean/internal/document"
	"glean/stack/loop"
)

// LearningState is how far a generator's next hops are.
type LearningState uint8

// States of learning.
const (
	LearningUnsupported LearningState = iota // bound to a port
	LearningUnresolved
	LearningResolving
	LearningResolved
	LearningTimedOut
)

// String gives the word used in the API.
func (s LearningState) String() string {
	return [...]string{"unsupported", "unresolved", "resolving", "resolved", "timed_out"}[s]
}

// Learner learns the destinations of generators. The answers come through
// Manager.Learned, Lost and LearningDone, possibly before Learn returns.
type Learner interface {
	// Learn starts learning for a generator that was just created and returns the id
	// of the request. prepared is Create.Prepared. An error is one of the generator's
	// configuration.
	Learn(g *Generator, prepared any) (id string, err error)
	// Forget is told that a generator is deleted.
	Forget(g *Generator)
}

// Starter transmits runs. Start begins, done is called on the loop and not from
// within Start when the run has ended, with nil if it ended by itself or was
// stopped.
type Starter interface {
	Start(g *Generator, r *program.Run, done func(reason error)) (Transmitter, error)
}

// Transmitter is a run that is being transmitted. Stop returns at once; that
// it has stopped is told by the Starter's done.
type Transmitter interface{ Stop() }

// Observer is told what happens to generators.
type Observer interface {
	GeneratorChanged(g *Generator, c Change)
	// NextHopChanged is told of what happens to next hops of an active generator:
	// one has moved, does not answer any more (New is zero), or answers again with
	// the MAC that it had (New is Old).
	NextHopChanged(g *Generator, c NeighborChange)
}

// Cause says what happened to a generator.
type Cause uint8

// Causes.
const (
	CauseCreated Cause = iota
	CauseDeleted
	CauseStarted
	CauseEnded
	CauseLearning // its state of learning changed
)

// String gives the word used in events.
func (c Cause) String() string {
	return [...]string{"created", "deleted", "started", "ended", "learning"}[c]
}

// Change is something that happened to a generator.
type Change struct {
	Cause  Cause
	Result *Result // CauseStarted and CauseEnded: of the run
	Reason error   // CauseEnded: why, if it did not end by itself or by a stop
}

// Options of a manager.
type Options struct {
	NewID        func() string // makes UUIDs
	DropOverruns bool          // see RunOptions
	// Epoch returns RunOptions.Epoch for a run that begins; nil is 0. The clock may have
	// been set between two runs.
	Epoch func() uint64
	// Retain is how many results of ended runs are kept, RetainFor how long and
	// RetainSize how much memory of them in octets; 0: no limit. The oldest go
	// first, and the newest stays whatever its size.
	Retain     int
	RetainFor  loop.Duration
	RetainSize int64
}

// Manager holds the generators and their results. It is used on one loop.
type Manager struct {
	loop     loop.Loop
	learner  Learner
	starter  Starter
	observer Observer
	options  Options

	sorted   []*Generator // by id
	byHandle map[uint32]*Generator
	handles  uint32
	results  []*Result // by id
	shelf    shelf     // of them, those whose run has ended
	expiry   loop.Timer
	octets   int64            // of generators, see Sizes
	running  int64            // of results of active runs
	active   []*Generator     // in no order that means anything
	past     program.Counters // of all runs that have ended
}

// NewManager makes a manager without generators. observer may be nil.
func NewManager(l loop.Loop, learner Learner, starter Starter, observer Observer, o Options) *Manager {
	m := &Manager{loop: l, learner: learner, starter: starter, observer: observer, options: o,
		byHandle: make(map[uint32]*Generator), past: noCounters}
	m.expiry.Init(m.trim)
	return m
}

// Generator is a named program that is bound to a target.
type Generator struct {
	ID, TargetID string
	Handle       uint32 // a number for learning to know it by; never reused
	Tag          any    // what the creator wants to know of the target

	program    *program.Program
	learning   LearningState
	learningID string
	unusable   error // why it cannot start for ever, if so

	result      *Result          // of the present run
	results     int              // that are kept
	past        program.Counters // of runs that have ended
	activeIndex int              // in Manager.active
	transmitter Transmitter
	stopReason  error             // why the run is stopped, nil if a caller asked for it
	missed      map[uint32]missed // changes since the run began, if it does not track
	whenStopped []func()
	deleting    bool
}

// Program is what it sends.
func (g *Generator) Program() *program.Program { return g.program }

// Active reports whether it transmits.
func (g *Generator) Active() bool { return g.result != nil }

// Learning is its state of learning, and the id of its latest request.
func (g *Generator) Learning() (LearningState, string) { return g.learning, g.learningID }

// Size is the memory in octets of the generator and its program.
func (g *Generator) Size() int64 { return g.program.Size() }

// Result is the result of the present run, nil if there is none.
func (g *Generator) Result() *Result { return g.result }

// ConfigJSON is the configuration exactly as posted.
func (g *Generator) ConfigJSON() json.RawMessage { return g.program.Config().Raw }

// Warnings are about the request that it was made by.
func (g *Generator) Warnings() traffic.Warnings { return g.program.Config().Warnings }

// Create is what a new generator is made of.
type Create struct {
	ID       string // "" for one made by the manager
	TargetID string
	Config   json.RawMessage
	Parsed   *traffic.Config // of Config, by ParseConfig; nil: Create parses it
	Binding  program.Binding
	// Program is what Compile made of the configuration and the binding, which
	// are not looked at then; nil: Create compiles. It has one generator only,
	// since its adjacencies are the generator's.
	Program *program.Program
	// Prepared is handed to Learner.Learn: what was made in advance for the learning of
	// Program. It means nothing here.
	Prepared any
	Tag      any // see Generator
}

func (c *Create) parse() error {
	if c.Parsed != nil || c.Program != nil {
		return nil
	}
	parsed, faults := traffic.ParseConfig(c.Config)
	if len(faults) > 0 {
		return &Error{Kind: KindInvalid, Detail: "the configuration is wrong", Faults: faults}
	}
	c.Parsed = parsed
	return nil
}

func (c *Create) compile() error {
	if c.Program != nil {
		return nil
	}
	made, faults := program.Compile(c.Parsed, c.Binding)
	if len(faults) > 0 {
		return Unfit(faults)
	}
	c.Program = made
	return nil
}

// Unfit is the error of a configuration that Compile found faults in.
func Unfit(faults traffic.Faults) error {
	return &Error{Kind: KindInvalid, Detail: "the configuration does not fit its target", Faults: faults}
}

var idRule = regexp.MustCompile(`^[a-z0-9-]+$`)

// CheckID reports whether an id follows the rule, as an error of kind
// KindNotFound, which is what OpenPerf answers.
func CheckID(id string) error {
	if !idRule.MatchString(id) {
		return failure(KindNotFound, "id %q must be of lower-case letters, digits and hyphens", document.Shorten(id))
	}
	return nil
}

// Create adds a generator and starts learning for it if it has something to
// learn. On an error nothing is left of it.
func (m *Manager) Create(c Create) (*Generator, error) {
	if err := c.parse(); err != nil {
		return nil, err
	}
	if c.ID == "" {
		c.ID = m.options.NewID()
	}
	if err := CheckID(c.ID); err != nil {
		return nil, err
	}
	at, found := m.find(c.ID)
	if found {
		return nil, failure(KindExists, "generator %q exists", c.ID)
	}
	if err := c.compile(); err != nil {
		return nil, err
	}
	m.handles++
	g := &Generator{ID: c.ID, TargetID: c.TargetID, Handle: m.handles, Tag: c.Tag, program: c.Program, past: noCounters}
	if c.Program.Learns() {
		g.learning = LearningUnresolved
	}
	m.sorted = slices.Insert(m.sorted, at, g)
	m.byHandle[g.Handle] = g
	m.octets += g.Size()
	if err := m.beginLearning(g, c.Prepared); err != nil {
		m.remove(g)
		return nil, err
	}
	m.notify(g, Change{Cause: CauseCreated})
	return g, nil
}

func (m *Manager) beginLearning(g *Generator, prepared any) error {
	if g.learning == LearningUnsupported {
		return nil
	}
	if g.program.DestinationCount() == 0 {
		g.learning = LearningResolved
		return nil
	}
	g.learning = LearningResolving
	id, err := m.learner.Learn(g, prepared)
	if err != nil {
		return err
	}
	if g.learningID == "" {
		g.learningID = id
	}
	return nil
}

func (m *Manager) notify(g *Generator, c Change) {
	if m.observer != nil {
		m.observer.GeneratorChanged(g, c)
	}
}

func (m *Manager) find(id string) (int, bool) {
	return slices.BinarySearchFunc(m.sorted, id, func(g *Generator, id string) int { return cmp.Compare(g.ID, id) })
}

// Get finds a generator.
func (m *Manager) Get(id string) (*Generator, error) {
	if at, found := m.find(id); found {
		return m.sorted[at], nil
	}
	return nil, failure(KindNotFound, "there is no generator %q", document.Shorten(id))
}

// All are the generators by id.
func (m *Manager) All() iter.Seq[*Generator] { return slices.Values(m.sorted) }

// Count is the number of generators.
func (m *Manager) Count() int { return len(m.sorted) }

// ByHandle finds a generator by its handle, nil if it is gone.
func (m *Manager) ByHandle(handle uint32) *Generator { return m.byHandle[handle] }

// Delete removes a generator and its results. An active one stays, unless
// force is set: then it is stopped and removed when it has stopped. deleted
// reports whether it is gone.
func (m *Manager) Delete(id string, force bool) (deleted bool, err error) {
	g, err := m.Get(id)
	if err != nil {
		return false, err
	}
	if !g.Active() {
		m.remove(g)
		m.learner.Forget(g)
		m.notify(g, Change{Cause: CauseDeleted})
		return true, nil
	}
	if force {
		g.deleting = true
		m.stop(g)
	}
	return false, nil
}

func (m *Manager) remove(g *Generator) {
	at, _ := m.find(g.ID)
	m.sorted = slices.Delete(m.sorted, at, at+1)
	delete(m.byHandle, g.Handle)
	m.octets -= g.Size()
	if g.results > 0 {
		m.forgetResults(func(r *Result) bool { return r.Generator == g })
	}
}

// Start begins a run. The gate: every next hop has a MAC, or the policy allows
// to start without.
func (m *Manager) Start(id string) (*Result, error) { return m.StartAt(id, 0) }

// StartAt is Start with a time for the first frame, so that several generators
// begin together.
func (m *Manager) StartAt(id string, at loop.Time) (*Result, error) {
	g, err := m.Get(id)
	if err != nil {
		return nil, err
	}
	return m.start(g, program.RunOptions{StartAt: at})
}

func (m *Manager) start(g *Generator, o program.RunOptions) (*Result, error) {
	if g.Active() {
		return nil, failure(KindInvalid, "generator %q is active", g.ID)
	}
	if err := m.Ready(g); err != nil {
		return nil, err
	}
	o.DropOverruns = m.options.DropOverruns
	if m.options.Epoch != nil {
		o.Epoch = m.options.Epoch()
	}
	run := program.NewRun(g.program, o)
	result := m.newResult(g, run)
	transmitter, err := m.starter.Start(g, run, func(reason error) { m.ended(g, reason) })
	if err != nil {
		return nil, &Error{Kind: KindConflict, Detail: "cannot transmit: " + err.Error()}
	}
	g.result, g.transmitter = result, transmitter
	m.addResult(result)
	m.runBegan(g)
	m.stillLost(g)
	m.notify(g, Change{Cause: CauseStarted, Result: result})
	return result, nil
}

// Ready reports whether the generator may start, as a conflict with counts if
// not.
func (m *Manager) Ready(g *Generator) error {
	counts := g.program.Counts()
	allowed := counts.Unresolved() == 0
	switch g.program.Config().Learning.Policy {
	case traffic.PolicyFallback:
		allowed = true
	case traffic.PolicySkip:
		allowed = counts.Resolved > 0 || g.program.NeedsNoHop()
	}
	confirmed := counts.Unconfirmed == 0 || g.program.Config().Learning.AcceptUnconfirmed
	if g.unusable == nil && (g.learning == LearningUnsupported || allowed && confirmed) {
		return nil
	}
	e := failure(KindConflict, "generator %q cannot start: %d of %d next hops are not resolved", g.ID, counts.Unresolved(), counts.Total)
	switch {
	case g.unusable != nil:
		e = failure(KindConflict, "generator %q cannot start: %v", g.ID, g.unusable)
	case allowed:
		e = failure(KindConflict, "generator %q cannot start: %d of %d next hops are not confirmed since the link was down",
			g.ID, counts.Unconfirmed, counts.Total)
	}
	e.Learning, e.LearningID, e.Counts = g.learning.String(), g.learningID, counts
	return e
}

// Toggle ends the run of an active generator and starts another one in its
// place; the sequence numbers of streams that both have go on. Whether they are
// on one port is for the caller to see. Refusals are errors; else done is called
// on the loop with the new result, or with what kept it from starting then.
func (m *Manager) Toggle(replace, with string, done func(*Result, error)) error {
	old, err := m.Get(replace)
	if err != nil {
		return err
	}
	g, err := m.Get(with)
	if err != nil {
		return err
	}
	if !old.Active() {
		return failure(KindInvalid, "generator %q is not active", old.ID)
	}
	if g.Active() {
		return failure(KindInvalid, "generator %q is active", g.ID)
	}
	if err := m.Ready(g); err != nil {
		return err
	}
	run := old.result.run
	return m.Stop(replace, func() {
		if m.byHandle[g.Handle] == nil {
			done(nil, failure(KindNotFound, "there is no generator %q", g.ID))
			return
		}
		done(m.start(g, program.RunOptions{Continue: run}))
	})
}

// Stop ends a generator's run. stopped is called on the loop when no frame of
// it can leave any more; at once if it is not active.
func (m *Manager) Stop(id string, stopped func()) error {
	g, err := m.Get(id)
	if err != nil {
		return err
	}
	if !g.Active() {
		stopped()
		return nil
	}
	g.whenStopped = append(g.whenStopped, stopped)
	m.stop(g)
	return nil
}

func (m *Manager) stop(g *Generator) { g.transmitter.Stop() }

// ended is called when the transmitter has stopped, for whatever reason.
func (m *Manager) ended(g *Generator, reason error) {
	if reason == nil {
		reason = g.stopReason
	}
	result := g.result
	m.runEnded(g, result.run)
	m.resultEnded(result, reason)
	g.result, g.transmitter, g.stopReason = nil, nil, nil
	m.catchUp(g)
	waiting := g.whenStopped
	g.whenStopped = nil
	m.notify(g, Change{Cause: CauseEnded, Result: result, Reason: reason})
	if g.deleting {
		_, _ = m.Delete(g.ID, false) // it exists
	}
	for _, f := range waiting {
		f()
	}
}

// TargetDeleted makes the generators useless that are bound to a target: active
// ones stop, none can start, all can be deleted. reason is what their users are
// told. stopped is called on the loop, once, when no frame of them can leave any
// more.
func (m *Manager) TargetDeleted(bound []*Generator, reason error, stopped func()) {
	waiting := 1
	one := func() {
		if waiting--; waiting == 0 {
			stopped()
		}
	}
	defer one()
	for _, g := range bound {
		g.unusable = reason
		if g.Active() {
			waiting++
			g.whenStopped = append(g.whenStopped, one)
			g.stopReason = reason
			m.stop(g)
		}
		if g.learning != LearningUnsupported {
			m.setLearning(g, LearningTimedOut)
		}
	}
}

// LearningStarted tells of a request that learns for a generator.
func (m *Manager) LearningStarted(handle uint32, id string) {
	if g := m.byHandle[handle]; g != nil {
		g.learningID = id
		m.setLearning(g, LearningResolving)
	}
}

// LearningDone tells that the generator's part of a request is over. A cancelled
// request is done too; what is resolved by then decides.
func (m *Manager) LearningDone(handle uint32) {
	g := m.byHandle[handle]
	if g == nil || g.unusable != nil {
		return
	}
	if g.program.Counts().Unresolved() == 0 {
		m.setLearning(g, LearningResolved)
	} else {
		m.setLearning(g, LearningTimedOut)
	}
}

func (m *Manager) setLearning(g *Generator, s LearningState) {
	if g.learning != s {
		g.learning = s
		m.notify(g, Change{Cause: CauseLearning})
	}
}
