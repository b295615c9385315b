package server

import (
	"context"
	"errors"
	"io"
	"testing"
	"time"

	"glean/client"
	"glean/server/api"
	"glean/server/engine"
)

// walker is a client whose failures end the test.
type walker struct {
	*client.Client
	t   *testing.T
	ctx context.Context
}

func newWalker(t *testing.T, a *harness) *walker {
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	t.Cleanup(cancel)
	return &walker{client.New(a.http.URL + "/"), t, ctx}
}

// must returns the value of a call, which must succeed.
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
func (w *walker) refused(err error, status int) *api.Problem {
	w.t.Helper()
	var p *api.Problem
	if !errors.As(err, &p) || p.Status != status {
		w.t.Fatalf("error %v, want a problem of status %d", err, status)
	}
	return p
}

func clientInterface(id, port, mac, address string, respondFor ...string) api.Interface {
	return api.Interface{ID: id, PortID: port, Config: api.InterfaceConfig[*api.NeighborConfig]{
		Protocols: []api.InterfaceProtocol{
			{Eth: &api.Eth{MACAddress: mac}},
			{IPv4: &api.IPv4{Method: "static", Static: &api.Static{Address: address, PrefixLength: 16}}},
		},
		Neighbor: &api.NeighborConfig{RespondFor: respondFor},
	}}
}

func clientGenerator(id, target string, frames uint64, destination string) api.Generator {
	return api.Generator{ID: id, TargetID: target, Config: api.GeneratorConfig{
		Duration: api.Duration{Frames: frames, Continuous: frames == 0},
		Load:     api.Load{Rate: api.Rate{Value: 10000, Period: "second"}, Units: "frames"},
		Learning: &api.GeneratorLearningConfig{TimeoutMS: 10000},
		Traffic: []api.TrafficDefinition{{Length: api.Length{Fixed: 64}, Packet: api.Packet{Protocols: []map[string]any{
			{"ethernet": map[string]any{}}, {"ipv4": map[string]any{"destination": destination}}, {"udp": map[string]any{}}}}}},
	}}
}

func TestClientNetwork(t *testing.T) {
	a := newHarness(t)
	w := newWalker(t, a)
	if v := must[api.Version](t)(w.Version(w.ctx)); v.Version != "1.2.3" {
		t.Errorf("version %+v", v)
	}
	p := must[api.Port](t)(w.CreatePort(w.ctx, api.Port{ID: "p", Kind: "wire", Config: api.PortConfig{Wire: &api.Device{Name: "w2"}}}))
	if p.Status.Link != "up" || p.Config.Wire.Name != "w2" {
		t.Errorf("made %+v", p)
	}
	must[api.Port](t)(w.CreatePort(w.ctx, api.Port{ID: "b", Kind: "bond", Config: api.PortConfig{
		Bond: &api.Bond{Mode: "lag_802_3_ad", Ports: []string{"0", "p"}}}}))
	if n := len(must[[]api.Port](t)(w.Ports(w.ctx, ""))); n != 4 {
		t.Errorf("%d ports, want 4", n)
	}
	if n := len(must[[]api.Port](t)(w.Ports(w.ctx, "bond"))); n != 1 {
		t.Errorf("%d bonds, want 1", n)
	}
	w.refused(w.DeletePort(w.ctx, "p"), 409)
	w.no(w.DeletePort(w.ctx, "b"))
	w.no(w.DeletePort(w.ctx, "p"))
	_, err := w.Port(w.ctx, "p")
	w.refused(err, 404)

	made := must[[]api.Interface](t)(w.CreateInterfaces(w.ctx, []api.Interface{
		clientInterface("a", "0", "02:00:00:00:00:0a", "198.18.0.10"), clientInterface("b", "1", "02:00:00:00:00:0b", "198.18.0.11")}))
	if len(made) != 2 || made[1].ID != "b" {
		t.Errorf("made %+v", made)
	}
	_, err = w.CreateInterface(w.ctx, api.Interface{PortID: "9", Config: api.InterfaceConfig[*api.NeighborConfig]{Protocols: made[0].Config.Protocols}})
	if p := w.refused(err, 400); len(p.Errors) != 1 || p.Errors[0].Path != "port_id" {
		t.Errorf("faults %+v", p.Errors)
	}
	if found := must[[]api.Interface](t)(w.Interfaces(w.ctx, client.InterfaceFilter{IPv4Address: "198.18.0.11"})); len(found) != 1 || found[0].ID != "b" {
		t.Errorf("found %+v", found)
	}
	request := must[api.LearningRequest](t)(w.Learn(w.ctx, api.LearningBody{InterfaceID: "a", Addresses: []string{"198.18.0.11"}}))
	must[api.LearningRequest](t)(w.WaitLearning(w.ctx, request.ID))
	neighbors := must[[]api.Neighbor](t)(w.Neighbors(w.ctx, client.NeighborFilter{InterfaceID: "a", Limit: 5}))
	if len(neighbors) != 1 || neighbors[0].MACAddress == nil || *neighbors[0].MACAddress != "02:00:00:00:00:0b" {
		t.Errorf("neighbors %+v", neighbors)
	}
	w.no(w.FlushNeighbors(w.ctx, "a"))
	w.no(w.DeleteInterface(w.ctx, "a"))
	w.no(w.DeleteInterfaces(w.ctx, []string{"a", "b"}))
	if left := must[[]api.Interface](t)(w.Interfaces(w.ctx, client.InterfaceFilter{})); len(left) != 0 {
		t.Errorf("left %+v", left)
	}
}

func TestClientGenerators(t *testing.T) {
	a := newHarness(t).peers()
	w := newWalker(t, a)
	events := must[*client.EventStream](t)(w.Events(w.ctx, client.EventFilter{Types: []string{"generator"}}))
	defer events.Close()

	g := must[api.Generator](t)(w.CreateGenerator(w.ctx, clientGenerator("g", "if-a", 50, "198.18.1.1"), 10*time.Second))
	if g.Learning != "resolved" || g.Config.FlowCount != 1 {
		t.Errorf("made %+v", g)
	}
	if e := must[client.Event](t)(events.Next()); e.Type != "generator" || e.ID != "g" || e.Seq == 0 {
		t.Errorf("event %+v", e)
	}
	slow := must[api.Generator](t)(w.CreateGenerator(w.ctx, clientGenerator("slow", "if-a", 50, silentHost), 0))
	_, err := w.StartGenerator(w.ctx, "slow")
	if p := w.refused(err, 409); p.LearningID != slow.LearningID || p.NextHops == nil || p.NextHops.Resolving != 1 {
		t.Errorf("problem %+v", p)
	}
	w.no(w.DeleteLearning(w.ctx, slow.LearningID))
	if r := must[api.LearningRequest](t)(w.WaitLearning(w.ctx, slow.LearningID)); r.State != "cancelled" {
		t.Errorf("request %+v", r)
	}
	result := must[api.GeneratorResult](t)(w.StartGenerator(w.ctx, "g"))
	for result.Active {
		result = must[api.GeneratorResult](t)(w.GeneratorResult(w.ctx, result.ID))
	}
	if result.FlowCounters.PacketsActual != 50 || len(result.Flows) != 1 {
		t.Errorf("result %+v", result)
	}
	if f := must[api.TxFlow](t)(w.TxFlow(w.ctx, result.Flows[0])); f.Counters.PacketsActual != 50 || f.GeneratorResultID != result.ID {
		t.Errorf("flow %+v", f)
	}
	must[[]api.Generator](t)(w.CreateGenerators(w.ctx, []api.Generator{clientGenerator("c1", "0", 0, "0.0.0.0"), clientGenerator("c2", "0", 0, "0.0.0.0")}))
	must[[]api.GeneratorResult](t)(w.StartGenerators(w.ctx, []string{"c1"}))
	must[api.GeneratorResult](t)(w.Toggle(w.ctx, "c1", "c2"))
	if g := must[api.Generator](t)(w.Generator(w.ctx, "c2")); !g.Active {
		t.Error("c2 is not active")
	}
	var refused *api.Problem
	if err := w.DeleteGenerator(w.ctx, "c2", false); !errors.As(err, &refused) || refused.Status != 409 {
		t.Errorf("delete of an active generator: %v, want 409", err)
	}
	w.no(w.StopGenerators(w.ctx, []string{"c1"}))
	w.no(w.StopGenerator(w.ctx, "g"))
	w.no(w.DeleteGeneratorResult(w.ctx, result.ID))
	if list := must[[]api.GeneratorResult](t)(w.GeneratorResults(w.ctx, "g")); len(list) != 0 {
		t.Errorf("results %+v", list)
	}
	if n := len(must[[]api.TxFlow](t)(w.TxFlows(w.ctx, "c2"))); n != 1 {
		t.Errorf("%d flows, want 1", n)
	}
	w.no(w.DeleteGenerators(w.ctx, []string{"g", "slow", "c1"}))
	if list := must[[]api.Generator](t)(w.Generators(w.ctx, "")); len(list) != 1 || list[0].ID != "c2" {
		t.Errorf("left %+v", list)
	}
	w.no(w.DeleteGenerator(w.ctx, "c2", true))
}

func TestClientLearning(t *testing.T) {
	a := newHarness(t).peers()
	w := newWalker(t, a)
	request := must[api.LearningRequest](t)(w.Learn(w.ctx, api.LearningBody{
		InterfaceID: "if-a", TimeoutMS: 200, Addresses: []string{"198.18.1.1", "198.18.1.2", silentHost}}))
	_, err := w.Learn(w.ctx, api.LearningBody{InterfaceID: "if-a", Addresses: []string{"224.0.0.1"}})
	w.refused(err, 400)
	request = must[api.LearningRequest](t)(w.WaitLearning(w.ctx, request.ID))
	if request.State != "timed_out" || request.Progress != (api.Progress{Total: 3, Completed: 2, TimedOut: 1}) {
		t.Errorf("request %+v", request)
	}
	page := must[api.LearningResult](t)(w.LearningResult(w.ctx, request.ResultID, client.AddressFilter{State: "completed", Limit: 1, After: "198.18.1.1"}))
	if len(page.Addresses) != 1 || page.Addresses[0].IPAddress != "198.18.1.2" || page.Addresses[0].MACAddress != "02:00:00:00:00:0b" {
		t.Errorf("page %+v", page)
	}
	if list := must[[]api.LearningResult](t)(w.LearningResults(w.ctx)); len(list) != 1 || list[0].LearningID != request.ID {
		t.Errorf("results %+v", list)
	}
	if list := must[[]api.LearningRequest](t)(w.LearningRequests(w.ctx, client.LearningFilter{State: "timed_out"})); len(list) != 1 {
		t.Errorf("requests %+v", list)
	}
	w.no(w.DeleteLearningResult(w.ctx, request.ResultID))
	w.no(w.DeleteLearning(w.ctx, request.ID))
	_, err = w.LearningRequest(w.ctx, request.ID)
	w.refused(err, 404)
	_, err = w.WaitLearning(w.ctx, request.ID)
	w.refused(err, 404)
}

// A stream continues where another one ended, has a gap for lost events, and ends with the
// daemon.
func TestClientEvents(t *testing.T) {
	a := newHarness(t, func(_ *Config, c *engine.Config) { c.Limits.Events = 2 }).peers()
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
