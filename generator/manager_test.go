package generator

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"glean/generator/program"
	"glean/generator/signature"
	"glean/generator/traffic/traffictest"
	"glean/stack/link"
	"glean/stack/loop"
)

// room is a manager with a fake learner, transmitting on a virtual loop.
type room struct {
	t       testing.TB
	loop    *loop.Virtual
	m       *Manager
	queue   *recorder
	refuse  error
	atOnce  bool // the learner answers before Learn returns
	learned []string
	forgot  []string
	events  []string
	ids     int
}

func newRoom(t testing.TB) *room {
	r := &room{t: t, loop: loop.NewVirtual(), queue: &recorder{room: -1}}
	r.m = NewManager(r.loop, r, r, r, Options{NewID: func() string {
		r.ids++
		return fmt.Sprintf("00000000-0000-4000-%04x-111111111111", r.ids)
	}})
	return r
}

func (r *room) Learn(g *Generator, _ any) (string, error) {
	if r.refuse != nil {
		return "", r.refuse
	}
	r.learned = append(r.learned, g.ID)
	if r.atOnce {
		r.resolve(g)
	}
	return "lr-" + g.ID, nil
}

func (r *room) Forget(g *Generator) { r.forgot = append(r.forgot, g.ID) }

func (r *room) Start(g *Generator, run *program.Run, done func(error)) (Transmitter, error) {
	if r.queue == nil {
		return nil, errors.New("no queue")
	}
	return program.StartOnLoop(r.loop, run, r.queue, done), nil
}

func (r *room) GeneratorChanged(g *Generator, c Change) {
	state, _ := g.Learning()
	e := fmt.Sprintf("%s %v %v", g.ID, c.Cause, state)
	if c.Reason != nil {
		e += " " + c.Reason.Error()
	}
	r.events = append(r.events, e)
}

func (r *room) NextHopChanged(g *Generator, c NeighborChange) {
	r.events = append(r.events, fmt.Sprintf("%s %v: %v -> %v", g.ID, c.NextHop, c.Old, c.New))
}

func (r *room) resolve(g *Generator) {
	for _, d := range g.Program().Destinations() {
		r.m.Learned(g.Handle, d.Adj, macOf(d.Adj))
	}
	r.m.LearningDone(g.Handle)
}

func (r *room) create(id, config string) *Generator {
	r.t.Helper()
	g, err := r.m.Create(Create{ID: id, TargetID: "if-1", Config: []byte(config), Binding: onLink()})
	if err != nil {
		r.t.Fatal(err)
	}
	return g
}

func kindOf(err error) Kind {
	var e *Error
	if errors.As(err, &e) {
		return e.Kind
	}
	return 0
}

var thousandFrames = traffictest.OneFlow(traffictest.PerMillisecond, `{"frames":1000}`, "")

// TestCreateOfAProgram gives the manager what was compiled elsewhere: it knows
// by the program what it is bound to, and compiles nothing.
func TestCreateOfAProgram(t *testing.T) {
	for _, c := range []struct {
		name    string
		binding program.Binding
		state   LearningState
	}{{"interface", onLink(), LearningResolving}, {"port", program.Binding{}, LearningUnsupported}} {
		r := newRoom(t)
		p := mustCompile(t, thousandFrames, c.binding)
		g, err := r.m.Create(Create{ID: "g", TargetID: c.name, Program: p})
		if err != nil {
			t.Fatal(err)
		}
		if state, _ := g.Learning(); g.Program() != p || state != c.state || string(g.ConfigJSON()) != thousandFrames {
			t.Errorf("%s: %v, not %v", c.name, state, c.state)
		}
	}
}

func TestLifeOfAGenerator(t *testing.T) {
	r := newRoom(t)
	g := r.create("g-1", thousandFrames)
	if state, id := g.Learning(); state != LearningResolving || id != "lr-g-1" {
		t.Fatal(state, id)
	}
	if string(g.ConfigJSON()) != thousandFrames {
		t.Error("the configuration is not as it was posted")
	}
	_, err := r.m.Start("g-1")
	var e *Error
	if !errors.As(err, &e) || e.Kind != KindConflict || e.LearningID != "lr-g-1" || e.Learning != "resolving" || e.Counts.Unresolved() != 1 {
		t.Fatal(err)
	}
	r.resolve(g)
	result, err := r.m.Start("g-1")
	if err != nil {
		t.Fatal(err)
	}
	if !g.Active() || !result.Active() || g.Result() != result {
		t.Error("not active")
	}
	if _, err := r.m.Start("g-1"); kindOf(err) != KindInvalid {
		t.Error(err)
	}
	if deleted, _ := r.m.Delete("g-1", false); deleted {
		t.Error("deleted an active generator")
	}
	if deleted, _ := r.m.DeleteResult(result.ID); deleted {
		t.Error("deleted an active result")
	}
	r.m.DeleteResults()
	r.loop.RunUntil(loop.Time(10 * loop.Second))
	if g.Active() || result.Active() || len(r.queue.frames) != 1000 {
		t.Errorf("active %v after %d frames", g.Active(), len(r.queue.frames))
	}
	if at, reason := result.Ended(); at != loop.Time(999*loop.Millisecond) || reason != nil {
		t.Error(at, reason)
	}
	if got, err := r.m.Result(result.ID); got != result || err != nil {
		t.Error(err)
	}
	if deleted, err := r.m.Delete("g-1", false); !deleted || err != nil {
		t.Error(err)
	}
	if _, err := r.m.Result(result.ID); kindOf(err) != KindNotFound {
		t.Error("its result is left")
	}
	if _, err := r.m.Get("g-1"); kindOf(err) != KindNotFound {
		t.Error(err)
	}
	want := []string{"g-1 created resolving", "g-1 learning resolved", "g-1 started resolved", "g-1 ended resolved", "g-1 deleted resolved"}
	if !slices.Equal(r.events, want) || !slices.Equal(r.forgot, []string{"g-1"}) {
		t.Error(r.events, r.forgot)
	}
}

func TestCreateLeavesNothingHalfMade(t *testing.T) {
	r := newRoom(t)
	r.create("g-1", thousandFrames)
	for name, c := range map[string]struct {
		create Create
		kind   Kind
		has    string
	}{
		"bad config": {Create{ID: "x", Config: []byte(`{}`)}, KindInvalid, "config.load"},
		"taken":      {Create{ID: "g-1", Config: []byte(thousandFrames)}, KindExists, "g-1"},
		"bad id":     {Create{ID: "G_1", Config: []byte(thousandFrames)}, KindNotFound, "G_1"},
		"MTU":        {Create{ID: "x", Config: []byte(thousandFrames), Binding: program.Binding{MTU: 68}}, KindInvalid, "MTU"},
	} {
		if _, err := r.m.Create(c.create); kindOf(err) != c.kind || !strings.Contains(err.Error(), c.has) {
			t.Errorf("%s: %v", name, err)
		}
	}
	r.refuse = errors.New("no")
	if _, err := r.m.Create(Create{ID: "x", Config: []byte(thousandFrames), Binding: onLink()}); err != r.refuse {
		t.Error(err)
	}
	if got := slices.Collect(r.m.All()); len(got) != 1 || got[0].ID != "g-1" {
		t.Error(got)
	}
}

func TestNothingToLearn(t *testing.T) {
	r := newRoom(t)
	// Pitfall 21: a generator on an interface without an IP header can start.
	for id, protocols := range map[string]string{"layer-2": `{"ethernet":{}}`, "multicast": `{"ethernet":{}},{"ipv4":{"destination":"239.1.1.1"}}`,
		"broadcast": `{"ethernet":{}},{"ipv4":{"destination":"198.18.255.255"}}`} {
		g := r.create(id, `{"duration":{"frames":1},"load":`+traffictest.PerMillisecond+`,"traffic":[`+traffictest.Definition(protocols, "", "")+`]}`)
		if state, learning := g.Learning(); state != LearningResolved || learning != "" {
			t.Error(id, state, learning)
		}
		if _, err := r.m.Start(id); err != nil {
			t.Error(id, err)
		}
	}
	r.loop.RunFor(loop.Second)
	if len(r.queue.frames) != 3 || len(r.learned) != 0 {
		t.Errorf("%d frames; learned for %v", len(r.queue.frames), r.learned)
	}
	r.atOnce = true
	if state, id := r.create("cached", thousandFrames).Learning(); state != LearningResolved || id != "lr-cached" {
		t.Error(state, id)
	}
	g, err := r.m.Create(Create{ID: "port", TargetID: "0", Config: []byte(thousandFrames)})
	if state, _ := g.Learning(); err != nil || state != LearningUnsupported {
		t.Error(state, err)
	}
	if _, err := r.m.Start("port"); err != nil {
		t.Error(err)
	}
}

func TestGate(t *testing.T) {
	for _, c := range []struct {
		policy   string
		resolved int
		may      bool
	}{
		{"refuse", 0, false}, {"refuse", 2, false}, {"refuse", 3, true},
		{"skip", 0, false}, {"skip", 1, true}, {traffictest.FallbackTo, 0, true},
	} {
		r := newRoom(t)
		g := r.create("g", traffictest.FlowsTo(3, traffictest.PerMillisecond, `{"frames":6}`, `{"on_unresolved":"`+c.policy+`"}`))
		for i := range c.resolved {
			r.m.Learned(g.Handle, uint32(i), macOf(uint32(i)))
		}
		for i := c.resolved; i < 3; i++ {
			r.m.Lost(g.Handle, uint32(i), "no_reply")
		}
		r.m.LearningDone(g.Handle)
		want := LearningTimedOut
		if c.resolved == 3 {
			want = LearningResolved
		}
		if state, _ := g.Learning(); state != want {
			t.Errorf("%+v: %v", c, state)
		}
		if _, err := r.m.Start("g"); (err == nil) != c.may || err != nil && kindOf(err) != KindConflict {
			t.Errorf("%+v: %v", c, err)
		}
	}
}

func TestStop(t *testing.T) {
	r := newRoom(t)
	g := r.create("g", traffictest.OneFlow(`{"rate":{"value":1,"period":"hour"},"units":"frames"}`, `{"continuous":true}`, ""))
	r.resolve(g)
	stops := 0
	if err := r.m.Stop("g", func() { stops++ }); err != nil || stops != 1 {
		t.Error(err, stops)
	}
	result, _ := r.m.Start("g")
	r.loop.RunFor(loop.Second)
	r.m.Stop("g", func() { stops++ })
	r.m.Stop("g", func() { stops++ })
	if stops != 1 || !g.Active() {
		t.Error("stopped from within Stop")
	}
	r.loop.RunFor(0)
	if stops != 3 || g.Active() || result.Active() {
		t.Error(stops, g.Active())
	}
	// Pitfall 8: a stop of a generator that never ran, and of one that is not there.
	if err := r.m.Stop("none", func() {}); kindOf(err) != KindNotFound {
		t.Error(err)
	}
}

func TestForcedDelete(t *testing.T) {
	r := newRoom(t)
	for _, id := range []string{"a", "b", "c"} { // pitfall 7: the middle one goes, no other
		r.resolve(r.create(id, traffictest.OneFlow(traffictest.PerMillisecond, `{"continuous":true}`, "")))
		r.m.Start(id)
	}
	r.m.Delete("b", true)
	r.loop.RunFor(loop.Millisecond)
	var ids []string
	for g := range r.m.All() {
		ids = append(ids, g.ID)
	}
	if !slices.Equal(ids, []string{"a", "c"}) || r.m.ResultCount() != 2 {
		t.Error(ids, r.m.ResultCount())
	}
}

func TestDeviceDeleted(t *testing.T) {
	r := newRoom(t)
	g := r.create("g", traffictest.OneFlow(traffictest.PerMillisecond, `{"continuous":true}`, ""))
	r.resolve(g)
	result, _ := r.m.Start("g")
	r.queue.room, r.queue.err = 5, link.ErrDeleted
	r.loop.RunFor(loop.Second)
	if _, reason := result.Ended(); g.Active() || !errors.Is(reason, link.ErrDeleted) {
		t.Error(g.Active(), reason)
	}
	if last := r.events[len(r.events)-1]; last != "g ended resolved "+link.ErrDeleted.Error() {
		t.Error(last)
	}
}

func TestTargetDeleted(t *testing.T) {
	r, stopped := newRoom(t), 0
	g := r.create("g", traffictest.OneFlow(traffictest.PerMillisecond, `{"continuous":true}`, ""))
	r.resolve(g)
	r.m.Start("g")
	r.m.TargetDeleted([]*Generator{g}, errors.New("interface_deleted"), func() { stopped++ })
	if stopped > 0 {
		t.Error("stopped while its transmitter had not")
	}
	r.loop.RunFor(loop.Millisecond)
	if stopped != 1 {
		t.Errorf("told %d times that it has stopped", stopped)
	}
	r.m.LearningDone(g.Handle)
	if state, _ := g.Learning(); state != LearningTimedOut || g.Active() {
		t.Error(state, g.Active())
	}
	if _, err := r.m.Start("g"); kindOf(err) != KindConflict || !strings.Contains(err.Error(), "interface_deleted") {
		t.Error(err)
	}
	if deleted, err := r.m.Delete("g", false); !deleted || err != nil {
		t.Error(err)
	}
}

func TestOnLost(t *testing.T) {
	for policy, want := range map[string]struct {
		active bool
		frames bool
	}{"continue": {true, true}, "pause": {true, false}, "stop": {false, false}} {
		r := newRoom(t)
		g := r.create("g", traffictest.OneFlow(traffictest.PerMillisecond, `{"continuous":true}`, `{"on_lost":"`+policy+`"}`))
		r.resolve(g)
		result, _ := r.m.Start("g")
		r.loop.RunFor(10 * loop.Millisecond)
		r.m.Lost(g.Handle, 0, "no_reply")
		r.loop.RunFor(loop.Millisecond)
		before := len(r.queue.frames)
		r.loop.RunFor(10 * loop.Millisecond)
		if g.Active() != want.active || (len(r.queue.frames) > before) != want.frames {
			t.Errorf("%s: active %v, %d frames and then %d", policy, g.Active(), before, len(r.queue.frames))
		}
		if stale := result.Run().Counters().PacketsToStale; (stale > 0) != want.frames {
			t.Errorf("%s: %d to a lost next hop", policy, stale)
		}
		if want.active {
			r.m.Learned(g.Handle, 0, peerMAC)
			before = len(r.queue.frames)
			r.loop.RunFor(10 * loop.Millisecond)
			if got := len(r.queue.frames) - before; got < 9 || got > 11 {
				t.Errorf("%s: %d frames in 10 ms after it came back", policy, got)
			}
		}
	}
}

// TestToggle: no sequence number is lost or repeated, even while the device is
// behind, and the gate holds (pitfall 16).
func TestToggle(t *testing.T) {
	r := newRoom(t)
	signed := strings.Replace(thousandFrames, `"packet"`, `"signature":{"stream_id":3,"latency":"start_of_frame"},"packet"`, 1)
	signed = strings.Replace(signed, `{"frames":1000}`, `{"continuous":true}`, 1)
	a, b := r.create("a", signed), r.create("b", signed)
	r.resolve(a)
	r.m.Start("a")
	if err := r.m.Toggle("a", "b", nil); kindOf(err) != KindConflict {
		t.Fatal(err)
	}
	r.resolve(b)
	if err := r.m.Toggle("b", "a", nil); kindOf(err) != KindInvalid {
		t.Fatal(err)
	}
	if err := r.m.Toggle("a", "none", nil); kindOf(err) != KindNotFound {
		t.Fatal(err)
	}
	r.loop.RunFor(50 * loop.Millisecond)
	r.queue.room, r.queue.err = 0, link.ErrFull
	r.loop.RunFor(20 * loop.Millisecond)
	var result *Result
	err := r.m.Toggle("a", "b", func(started *Result, err error) {
		if err != nil {
			t.Error(err)
		}
		result = started
	})
	if err != nil {
		t.Fatal(err)
	}
	r.queue.room = -1
	r.loop.RunFor(50 * loop.Millisecond)
	if result == nil || a.Active() || !b.Active() {
		t.Fatal("not toggled")
	}
	for i, f := range r.queue.frames {
		s, ok := signature.Read(f)
		if !ok || s.Sequence != uint32(i) || s.Stream != 3<<16|1 {
			t.Fatalf("frame %d: %+v", i, s)
		}
	}
	if len(r.queue.frames) < 90 {
		t.Errorf("%d frames", len(r.queue.frames))
	}
}

// TestFlowIDs is pitfall 28: the flow of a result that is gone is not that of
// another one.
func TestFlowIDs(t *testing.T) {
	r := newRoom(t)
	r.resolve(r.create("g", traffictest.FlowsTo(3, traffictest.PerMillisecond, `{"frames":6}`, "")))
	a, _ := r.m.Start("g")
	r.loop.RunFor(loop.Second)
	b, _ := r.m.Start("g")
	if a.ID == b.ID {
		t.Fatal("one id for two results")
	}
	for _, result := range []*Result{a, b} {
		for i := range 3 {
			got, flow, err := r.m.Flow(FlowID(result.ID, i))
			if got != result || flow != i || err != nil {
				t.Errorf("flow %d of %s: %v %d %v", i, result.ID, got, flow, err)
			}
		}
	}
	id := FlowID(a.ID, 1)
	if n := a.Run().Flow(1); n.Packets != 2 || n.Octets != 200 || n.First != loop.Time(loop.Millisecond) || n.Last != loop.Time(4*loop.Millisecond) {
		t.Errorf("%+v", n)
	}
	r.m.DeleteResult(a.ID)
	for _, missing := range []string{id, FlowID(b.ID, 3), a.ID, b.ID, "x", "", "zzzzzzzzzzzzzzzz"} {
		if _, _, err := r.m.Flow(missing); kindOf(err) != KindNotFound {
			t.Errorf("%q: %v", missing, err)
		}
	}
}
