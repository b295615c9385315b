package server

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"glean/client"
	"glean/server/api"
)

// model holds the expected state of the resources, in the simplest form. Interfaces are
// on port 0; "peer" on port 1 answers for one address; no host answers for the other.
type model struct {
	t          *rapid.T
	ctx        context.Context
	c          *client.Client
	interfaces map[string]bool
	generators map[string]*modelGenerator
}

type modelGenerator struct {
	target   string
	answered bool // its destination is
	active   bool
	learning string
	orphan   bool // its interface is deleted
	runs     int
}

var (
	modelInterfaces = []string{"if-x", "if-y"}
	modelGenerators = []string{"g-1", "g-2", "g-3"}
	modelMACs       = map[string]string{"if-x": "02:00:00:00:00:21", "if-y": "02:00:00:00:00:22"}
	modelAddresses  = map[string]string{"if-x": "198.18.0.21", "if-y": "198.18.0.22"}
)

// TestResourceModel makes calls in any order, with ids that are used again, to a running
// server and to the model, and compares the two after each.
func TestResourceModel(t *testing.T) {
	a := newHarness(t)
	a.post("/interfaces", ifaceB).want(201)
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Minute)
	defer cancel()
	rapid.Check(t, func(rt *rapid.T) {
		m := &model{t: rt, ctx: ctx, c: client.New(a.http.URL), interfaces: make(map[string]bool), generators: make(map[string]*modelGenerator)}
		defer m.end()
		rt.Repeat(map[string]func(*rapid.T){
			"create interface": m.createInterface, "delete interface": m.deleteInterface,
			"create generator": m.createGenerator, "delete generator": m.deleteGenerator,
			"start": m.start, "stop": m.stop, "toggle": m.toggle,
			"learn": m.learn, "retry": m.retry, "cancel": m.cancel, "": m.check,
		})
	})
}

// end removes everything.
func (m *model) end() {
	for _, id := range modelGenerators {
		m.want(204, m.c.DeleteGenerator(m.ctx, id, true))
	}
	m.want(204, m.c.DeleteInterfaces(m.ctx, modelInterfaces))
}

// want checks the status of a call. All successful statuses are equal.
func (m *model) want(status int, err error) {
	m.t.Helper()
	if got := client.StatusOf(err); got == 0 && err != nil || status >= 400 && got != status || status < 400 && err != nil {
		m.t.Fatalf("%v, want %d", err, status)
	}
}

func (m *model) drawGenerator(t *rapid.T, label string) (string, *modelGenerator) {
	id := rapid.SampledFrom(modelGenerators).Draw(t, label)
	return id, m.generators[id]
}

func (m *model) createInterface(t *rapid.T) {
	id := rapid.SampledFrom(modelInterfaces).Draw(t, "interface")
	_, err := m.c.CreateInterface(m.ctx, clientInterface(id, "0", modelMACs[id], modelAddresses[id]))
	if m.interfaces[id] {
		m.want(400, err)
		return
	}
	m.want(201, err)
	m.interfaces[id] = true
}

func (m *model) deleteInterface(t *rapid.T) {
	id := rapid.SampledFrom(modelInterfaces).Draw(t, "interface")
	m.want(204, m.c.DeleteInterface(m.ctx, id))
	delete(m.interfaces, id)
	for name, g := range m.generators {
		if g.target != id {
			continue
		}
		if g.active {
			m.ended(name)
		}
		g.active, g.orphan, g.learning = false, true, "timed_out"
	}
}

// ended waits until a generator that stops by itself has done so. Its
// transmitter is told by the DELETE of the interface, which does not wait for it.
func (m *model) ended(id string) {
	ctx, cancel := context.WithTimeout(m.ctx, time.Minute)
	defer cancel()
	for {
		g, err := m.c.Generator(ctx, id)
		m.want(200, err)
		if !g.Active {
			return
		}
	}
}

func (m *model) createGenerator(t *rapid.T) {
	id, old := m.drawGenerator(t, "generator")
	target := rapid.SampledFrom([]string{"if-x", "if-y", "0"}).Draw(t, "target")
	g := &modelGenerator{target: target, answered: rapid.Bool().Draw(t, "answered"), learning: "resolving"}
	spec := clientGenerator(id, target, 0, silentHost)
	spec.Config.Learning.TimeoutMS = 3_600_000
	if g.answered {
		g.learning, spec = "resolved", clientGenerator(id, target, 0, "198.18.1.1")
	}
	if target == "0" {
		g.learning = "unsupported"
	}
	wait := time.Duration(0)
	if g.answered {
		wait = 10 * time.Second
	}
	_, err := m.c.CreateGenerator(m.ctx, spec, wait)
	if old != nil || target != "0" && !m.interfaces[target] {
		m.want(400, err)
		return
	}
	m.want(201, err)
	m.generators[id] = g
}

func (m *model) deleteGenerator(t *rapid.T) {
	id, g := m.drawGenerator(t, "generator")
	force := rapid.Bool().Draw(t, "force")
	status := 204
	if g != nil && g.active && !force {
		status = 409
	}
	m.want(status, m.c.DeleteGenerator(m.ctx, id, force))
	if g != nil && (force || !g.active) {
		delete(m.generators, id)
	}
}

// ready reports whether learning lets a generator start.
func (g *modelGenerator) ready() bool {
	return !g.orphan && (g.learning == "resolved" || g.learning == "unsupported")
}

func (m *model) start(t *rapid.T) {
	id, g := m.drawGenerator(t, "generator")
	_, err := m.c.StartGenerator(m.ctx, id)
	switch {
	case g == nil:
		m.want(404, err)
	case g.active:
		m.want(400, err)
	case !g.ready():
		m.want(409, err)
	default:
		m.want(201, err)
		g.active = true
		g.runs++
	}
}

func (m *model) stop(t *rapid.T) {
	id, g := m.drawGenerator(t, "generator")
	m.want(204, m.c.StopGenerator(m.ctx, id))
	if g != nil {
		g.active = false
	}
}

func (m *model) toggle(t *rapid.T) {
	replace, from := m.drawGenerator(t, "replace")
	with, to := m.drawGenerator(t, "with")
	_, err := m.c.Toggle(m.ctx, replace, with)
	if from == nil || to == nil || !from.active || to.active || !to.ready() {
		if status := client.StatusOf(err); status != 400 && status != 404 && status != 409 {
			t.Fatalf("toggle: %v, want it refused", err)
		}
		return
	}
	m.want(201, err)
	from.active, to.active = false, true
	to.runs++
}

// learn learns all next hops of a generator again, by either of the two requests.
func (m *model) learn(t *rapid.T) {
	id, g := m.drawGenerator(t, "generator")
	_, err := m.c.Learn(m.ctx, api.LearningBody{GeneratorIDs: []string{id}, TimeoutMS: 3_600_000})
	switch {
	case g == nil || g.target == "0":
		m.want(400, err)
	case g.orphan:
		if status := client.StatusOf(err); status != 400 && status != 409 {
			t.Fatalf("learning without an interface: %v, want it refused", err)
		}
	case g.learning == "resolving":
		m.want(409, err)
	default:
		m.want(202, err)
		m.learned(id, g)
	}
}

func (m *model) retry(t *rapid.T) {
	id, g := m.drawGenerator(t, "generator")
	_, err := m.c.Learn(m.ctx, api.LearningBody{GeneratorIDs: []string{id}, Mode: "unresolved", TimeoutMS: 3_600_000})
	switch {
	case g == nil || g.target == "0":
		m.want(400, err)
	case g.orphan:
		if status := client.StatusOf(err); status != 400 && status != 409 {
			t.Fatalf("learning without an interface: %v, want it refused", err)
		}
	case g.learning == "resolving":
		m.want(409, err)
	default:
		m.want(202, err)
		m.learned(id, g)
	}
}

// learned waits until all next hops that answer are learned.
func (m *model) learned(id string, g *modelGenerator) {
	g.learning = "resolving"
	if g.answered {
		now, err := m.c.Generator(m.ctx, id)
		if err == nil {
			_, err = m.c.WaitLearning(m.ctx, now.LearningID)
		}
		m.want(200, err)
		g.learning = "resolved"
	}
}

// cancel ends the learning of a generator.
func (m *model) cancel(t *rapid.T) {
	id, g := m.drawGenerator(t, "generator")
	if g == nil || g.learning != "resolving" {
		return
	}
	now, err := m.c.Generator(m.ctx, id)
	m.want(200, err)
	m.want(204, m.c.DeleteLearning(m.ctx, now.LearningID))
	g.learning = "timed_out"
}

// check compares the resources of the server with the model.
func (m *model) check(t *rapid.T) {
	var got, want []string
	interfaces, err := m.c.Interfaces(m.ctx, client.InterfaceFilter{PortID: "0"})
	m.want(200, err)
	for _, i := range interfaces {
		got = append(got, i.ID)
	}
	want = slices.Sorted(maps.Keys(m.interfaces))
	generators, err := m.c.Generators(m.ctx, "")
	m.want(200, err)
	for _, g := range generators {
		results, err := m.c.GeneratorResults(m.ctx, g.ID)
		m.want(200, err)
		active := 0
		for _, r := range results {
			if r.Active {
				active++
			}
		}
		got = append(got, fmt.Sprint(g.ID, " ", g.TargetID, " ", g.Learning, " active ", g.Active, ", results ", len(results), ", active ones ", active))
	}
	for _, id := range slices.Sorted(maps.Keys(m.generators)) {
		g, active := m.generators[id], 0
		if g.active {
			active = 1
		}
		want = append(want, fmt.Sprint(id, " ", g.target, " ", g.learning, " active ", g.active, ", results ", g.runs, ", active ones ", active))
	}
	if !slices.Equal(got, want) {
		t.Fatalf("there is\n%q, want\n%q", got, want)
	}
}
