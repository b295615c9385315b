package server

import (
	"context"
	"errors"
	"io"
	"maps"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/getkin/kin-openapi/openapi3"

	"glean/client"
	"glean/server/engine"
)

// TestClientAgreesWithDocument: every member of the document is a field of the
// client's types, and the other way round.
func TestClientAgreesWithDocument(t *testing.T) {
	for name, v := range map[string]any{
		"Port": client.Port{}, "Interface": client.Interface{}, "Neighbor": client.Neighbor{},
		"Generator": client.Generator{}, "GeneratorResult": client.GeneratorResult{}, "TxFlow": client.TxFlow{},
		"LearningBody": client.Learn{}, "LearningRequest": client.LearningRequest{}, "LearningResult": client.LearningResult{},
		"Version": client.Version{}, "Problem": client.Problem{},
	} {
		schema := apiDocument().Components.Schemas[name]
		if schema == nil {
			t.Fatalf("the document has no schema %s", name)
		}
		compareType(t, name, schema.Value, reflect.TypeOf(v))
	}
}

// notInClient are members that the client has no use for: OpenPerf's names of
// what the problem says already.
var notInClient = []string{"Problem.code", "Problem.message"}

// sharedTypes are fields that the document has for another use of the same type.
var sharedTypes = []string{"Interface.stats.rx_dropped", "Interface.stats.rx_traffic"}

func compareType(t *testing.T, path string, schema *openapi3.Schema, typ reflect.Type) {
	t.Helper()
	for typ.Kind() == reflect.Pointer || typ.Kind() == reflect.Slice {
		if typ.Kind() == reflect.Slice {
			if schema.Items == nil {
				t.Errorf("%s: a list in the client, not in the document", path)
				return
			}
			schema = schema.Items.Value
		}
		typ = typ.Elem()
	}
	if typ.Kind() != reflect.Struct {
		return
	}
	fields := make(map[string]reflect.Type)
	for f := range typ.Fields() {
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		fields[name] = f.Type
	}
	for _, name := range slices.Sorted(maps.Keys(schema.Properties)) {
		at := path + "." + name
		switch typ, has := fields[name]; {
		case has:
			compareType(t, at, schema.Properties[name].Value, typ)
		case !slices.Contains(notInClient, at):
			t.Errorf("%s is in the document, but not in the client", at)
		}
		delete(fields, name)
	}
	for name := range fields {
		if at := path + "." + name; !slices.Contains(sharedTypes, at) {
			t.Errorf("%s is in the client, but not in the document", at)
		}
	}
}

// walker is a client whose failures end the test.
type walker struct {
	*client.Client
	t   *testing.T
	ctx context.Context
}

func newWalker(t *testing.T, a *api) *walker {
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	t.Cleanup(cancel)
	return &walker{client.New(a.http.URL + "/"), t, ctx}
}

// must gives the value of a call that has to succeed.
func must[T any](t *testing.T) func(T, error) T {
	return func(v T, err error) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

func (w *walker) no(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

// refused checks that a call failed with a problem of that status.
func (w *walker) refused(err error, status int) *client.Problem {
	w.t.Helper()
	var p *client.Problem
	if !errors.As(err, &p) || p.Status != status {
		w.t.Fatalf("error %v, want a problem of status %d", err, status)
	}
	return p
}

func clientInterface(id, port, mac, address string, respondFor ...string) client.Interface {
	return client.Interface{ID: id, PortID: port, Config: client.InterfaceConfig{
		Protocols: []client.InterfaceProtocol{
			{Eth: &client.Eth{MACAddress: mac}},
			{IPv4: &client.IPv4{Method: "static", Static: &client.Static{Address: address, PrefixLength: 16}}},
		},
		Neighbor: &client.NeighborConfig{RespondFor: respondFor},
	}}
}

func clientGenerator(id, target string, frames uint64, destination string) client.Generator {
	return client.Generator{ID: id, TargetID: target, Config: client.GeneratorConfig{
		Duration: client.Duration{Frames: frames, Continuous: frames == 0},
		Load:     client.Load{Rate: client.Rate{Value: 10000, Period: "second"}, Units: "frames"},
		Learning: &client.GeneratorLearning{TimeoutMS: 10000},
		Traffic: []client.Traffic{{Length: client.Length{Fixed: 64}, Packet: client.Packet{Protocols: []map[string]any{
			{"ethernet": map[string]any{}}, {"ipv4": map[string]any{"destination": destination}}, {"udp": map[string]any{}}}}}},
	}}
}

func TestClientNetwork(t *testing.T) {
	a := newAPI(t)
	w := newWalker(t, a)
	if v := must[client.Version](t)(w.Version(w.ctx)); v.Version != "1.2.3" {
		t.Errorf("version %+v", v)
	}
	p := must[client.Port](t)(w.CreatePort(w.ctx, client.Port{ID: "p", Kind: "wire", Config: client.PortConfig{Wire: &client.Device{Name: "w2"}}}))
	if p.Status.Link != "up" || p.Config.Wire.Name != "w2" {
		t.Errorf("made %+v", p)
	}
	must[client.Port](t)(w.CreatePort(w.ctx, client.Port{ID: "b", Kind: "bond", Config: client.PortConfig{
		Bond: &client.Bond{Mode: "lag_802_3_ad", Ports: []string{"0", "p"}}}}))
	if n := len(must[[]client.Port](t)(w.Ports(w.ctx, ""))); n != 4 {
		t.Errorf("%d ports, want 4", n)
	}
	if n := len(must[[]client.Port](t)(w.Ports(w.ctx, "bond"))); n != 1 {
		t.Errorf("%d bonds, want 1", n)
	}
	w.refused(w.DeletePort(w.ctx, "p"), 409)
	w.no(w.DeletePort(w.ctx, "b"))
	w.no(w.DeletePort(w.ctx, "p"))
	_, err := w.Port(w.ctx, "p")
	w.refused(err, 404)

	made := must[[]client.Interface](t)(w.CreateInterfaces(w.ctx, []client.Interface{
		clientInterface("a", "0", "02:00:00:00:00:0a", "198.18.0.10"), clientInterface("b", "1", "02:00:00:00:00:0b", "198.18.0.11")}))
	if len(made) != 2 || made[1].ID != "b" {
		t.Errorf("made %+v", made)
	}
	_, err = w.CreateInterface(w.ctx, client.Interface{PortID: "9", Config: client.InterfaceConfig{Protocols: made[0].Config.Protocols}})
	if p := w.refused(err, 400); len(p.Errors) != 1 || p.Errors[0].Path != "port_id" {
		t.Errorf("faults %+v", p.Errors)
	}
	if found := must[[]client.Interface](t)(w.Interfaces(w.ctx, client.InterfaceFilter{IPv4Address: "198.18.0.11"})); len(found) != 1 || found[0].ID != "b" {
		t.Errorf("found %+v", found)
	}
	request := must[client.LearningRequest](t)(w.Learn(w.ctx, client.Learn{InterfaceID: "a", Addresses: []string{"198.18.0.11"}}))
	must[client.LearningRequest](t)(w.WaitLearning(w.ctx, request.ID))
	neighbors := must[[]client.Neighbor](t)(w.Neighbors(w.ctx, client.NeighborFilter{InterfaceID: "a", Limit: 5}))
	if len(neighbors) != 1 || neighbors[0].MACAddress != "02:00:00:00:00:0b" {
		t.Errorf("neighbors %+v", neighbors)
	}
	w.no(w.FlushNeighbors(w.ctx, "a"))
	w.no(w.DeleteInterface(w.ctx, "a"))
	w.no(w.DeleteInterfaces(w.ctx, []string{"a", "b"}))
	if left := must[[]client.Interface](t)(w.Interfaces(w.ctx, client.InterfaceFilter{})); len(left) != 0 {
		t.Errorf("left %+v", left)
	}
}

func TestClientGenerators(t *testing.T) {
	a := newAPI(t).peers()
	w := newWalker(t, a)
	events := must[*client.EventStream](t)(w.Events(w.ctx, client.EventFilter{Types: []string{"generator"}}))
	defer events.Close()

	g := must[client.Generator](t)(w.CreateGenerator(w.ctx, clientGenerator("g", "if-a", 50, "198.18.1.1"), 10*time.Second))
	if g.Learning != "resolved" || g.Config.FlowCount != 1 {
		t.Errorf("made %+v", g)
	}
	if e := must[client.Event](t)(events.Next()); e.Type != "generator" || e.ID != "g" || e.Seq == 0 {
		t.Errorf("event %+v", e)
	}
	slow := must[client.Generator](t)(w.CreateGenerator(w.ctx, clientGenerator("slow", "if-a", 50, nobody), 0))
	_, err := w.StartGenerator(w.ctx, "slow")
	if p := w.refused(err, 409); p.LearningID != slow.LearningID || p.NextHops == nil || p.NextHops.Resolving != 1 {
		t.Errorf("problem %+v", p)
	}
	w.no(w.DeleteLearning(w.ctx, slow.LearningID))
	if r := must[client.LearningRequest](t)(w.WaitLearning(w.ctx, slow.LearningID)); r.State != "cancelled" {
		t.Errorf("request %+v", r)
	}
	result := must[client.GeneratorResult](t)(w.StartGenerator(w.ctx, "g"))
	for result.Active {
		result = must[client.GeneratorResult](t)(w.GeneratorResult(w.ctx, result.ID))
	}
	if result.FlowCounters.PacketsActual != 50 || len(result.Flows) != 1 {
		t.Errorf("result %+v", result)
	}
	if f := must[client.TxFlow](t)(w.TxFlow(w.ctx, result.Flows[0])); f.Counters.PacketsActual != 50 || f.GeneratorResultID != result.ID {
		t.Errorf("flow %+v", f)
	}
	must[[]client.Generator](t)(w.CreateGenerators(w.ctx, []client.Generator{clientGenerator("c1", "0", 0, "0.0.0.0"), clientGenerator("c2", "0", 0, "0.0.0.0")}))
	must[[]client.GeneratorResult](t)(w.StartGenerators(w.ctx, []string{"c1"}))
	must[client.GeneratorResult](t)(w.Toggle(w.ctx, "c1", "c2"))
	if g := must[client.Generator](t)(w.Generator(w.ctx, "c2")); !g.Active {
		t.Error("c2 is not active")
	}
	var refused *client.Problem
	if err := w.DeleteGenerator(w.ctx, "c2", false); !errors.As(err, &refused) || refused.Status != 409 {
		t.Errorf("delete of an active generator: %v, want 409", err)
	}
	w.no(w.StopGenerators(w.ctx, []string{"c1"}))
	w.no(w.StopGenerator(w.ctx, "g"))
	w.no(w.DeleteGeneratorResult(w.ctx, result.ID))
	if list := must[[]client.GeneratorResult](t)(w.GeneratorResults(w.ctx, "g")); len(list) != 0 {
		t.Errorf("results %+v", list)
	}
	if n := len(must[[]client.TxFlow](t)(w.TxFlows(w.ctx, "c2"))); n != 1 {
		t.Errorf("%d flows, want 1", n)
	}
	w.no(w.DeleteGenerators(w.ctx, []string{"g", "slow", "c1"}))
	if list := must[[]client.Generator](t)(w.Generators(w.ctx, "")); len(list) != 1 || list[0].ID != "c2" {
		t.Errorf("left %+v", list)
	}
	w.no(w.DeleteGenerator(w.ctx, "c2", true))
}

func TestClientLearning(t *testing.T) {
	a := newAPI(t).peers()
	w := newWalker(t, a)
	request := must[client.LearningRequest](t)(w.Learn(w.ctx, client.Learn{
		InterfaceID: "if-a", TimeoutMS: 200, Addresses: []string{"198.18.1.1", "198.18.1.2", nobody}}))
	_, err := w.Learn(w.ctx, client.Learn{InterfaceID: "if-a", Addresses: []string{"224.0.0.1"}})
	w.refused(err, 400)
	request = must[client.LearningRequest](t)(w.WaitLearning(w.ctx, request.ID))
	if request.State != "timed_out" || request.Progress != (client.Progress{Total: 3, Completed: 2, TimedOut: 1}) {
		t.Errorf("request %+v", request)
	}
	page := must[client.LearningResult](t)(w.LearningResult(w.ctx, request.ResultID, client.AddressFilter{State: "completed", Limit: 1, After: "198.18.1.1"}))
	if len(page.Addresses) != 1 || page.Addresses[0].IPAddress != "198.18.1.2" || page.Addresses[0].MACAddress != "02:00:00:00:00:0b" {
		t.Errorf("page %+v", page)
	}
	if list := must[[]client.LearningResult](t)(w.LearningResults(w.ctx)); len(list) != 1 || list[0].LearningID != request.ID {
		t.Errorf("results %+v", list)
	}
	if list := must[[]client.LearningRequest](t)(w.LearningRequests(w.ctx, client.LearningFilter{State: "timed_out"})); len(list) != 1 {
		t.Errorf("requests %+v", list)
	}
	w.no(w.DeleteLearningResult(w.ctx, request.ResultID))
	w.no(w.DeleteLearning(w.ctx, request.ID))
	_, err = w.LearningRequest(w.ctx, request.ID)
	w.refused(err, 404)
	_, err = w.WaitLearning(w.ctx, request.ID)
	w.refused(err, 404)
}

// A stream goes on where another one ended, says what was lost, and ends with
// the daemon.
func TestClientEvents(t *testing.T) {
	a := newAPI(t, func(_ *Config, c *engine.Config) { c.Limits.Events = 2 }).peers()
	w := newWalker(t, a)
	first := uint64(0)
	events := must[*client.EventStream](t)(w.Events(w.ctx, client.EventFilter{After: &first}))
	if e := must[client.Event](t)(events.Next()); e.Type != client.EventGap || e.First != 1 || e.Last == 0 {
		t.Errorf("event %+v, want a gap", e)
	}
	e := must[client.Event](t)(events.Next())
	w.no(events.Close())
	again := must[*client.EventStream](t)(w.Events(w.ctx, client.EventFilter{After: &e.Seq}))
	defer again.Close()
	if next := must[client.Event](t)(again.Next()); next.Seq != e.Seq+1 {
		t.Errorf("after %d comes %d", e.Seq, next.Seq)
	}
	_, err := w.Events(w.ctx, client.EventFilter{Types: []string{"weather"}})
	w.refused(err, 400)
	a.server.Close()
	for err = nil; err == nil; {
		_, err = again.Next()
	}
	if !errors.Is(err, io.EOF) {
		t.Errorf("the stream ended with %v", err)
	}
}
