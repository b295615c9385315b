package engine_test

import (
	"testing"

	"glean/server/engine"
	"glean/sim"
)

// ringed is a link with a method that names its transmit engine.
type ringed struct{ *sim.End }

func (ringed) Engine() string { return "io_uring" }

func TestPortShowsTransmitEngineOfLink(t *testing.T) {
	b := newBench(t)
	end, _ := b.world.Wire("another", sim.WireConfig{})
	if err := b.ReservePort(engine.PortSpec{ID: "c", Kind: engine.KindTAP, Name: "c"}); err != nil {
		t.Fatal(err)
	}
	b.AttachPort("c", ringed{end})
	for id, want := range map[string]string{"a": "plain", "c": "io_uring"} {
		if v, err := b.Port(id); err != nil || v.Engine != want {
			t.Errorf("port %s: engine %q, error %v; want %q", id, v.Engine, err, want)
		}
	}
}
