package server

import (
	"errors"
	"fmt"
	"testing"

	"glean/server/engine"
	"glean/sim"
	"glean/stack/link"
)

// lostLink is a link whose device can be deleted.
type lostLink struct {
	link.Link
	handler link.Handler
	state   link.State
	harness *harness
	fails   error
}

func (l *lostLink) Attach(h link.Handler) { l.handler = h; l.Link.Attach(h) }
func (l *lostLink) State() link.State     { return l.state }

// become changes the state; on the loop.
func (l *lostLink) become(s link.State) { l.state = s; l.handler.HandleState(s) }

// Reattach implements link.Reattacher.
func (l *lostLink) Reattach() error {
	err := l.fails
	l.harness.onLoop(func() {
		switch {
		case l.state.Reason != link.ReasonDeleted:
			err = link.ErrAttached
		case err == nil:
			l.become(link.State{Up: true})
		}
	})
	return err
}

// withTAP adds port "tap", whose device the test deletes.
func withTAP(a *harness) *lostLink {
	l := &lostLink{state: link.State{Up: true}, harness: a}
	a.onLoop(func() {
		spec := engine.PortSpec{ID: "tap", Kind: engine.KindTAP, Name: "tap0", Queues: 2}
		if err := a.server.Engine.ReservePort(spec); err != nil {
			panic(err)
		}
		l.Link, _ = a.world.Wire("of tap", sim.WireConfig{})
		a.server.Engine.AttachPort("tap", l)
	})
	return l
}

func TestReattach(t *testing.T) {
	a := newHarness(t)
	l := withTAP(a)
	a.post("/ports", `{"id":"bond","kind":"bond","config":{"bond":{"mode":"lag_802_3_ad","ports":["0","1"]}}}`).want(201)
	for _, c := range []struct {
		port    string
		deleted bool
		fails   error
		status  int
		detail  string
	}{
		{"tap", false, nil, 409, `port "tap" cannot be reattached: tap "tap0": the device is attached`},
		{"tap", true, &link.FieldError{Kind: "tap", Field: "queues", Err: errors.New("it has one queue only")}, 409,
			`port "tap" cannot be reattached: tap "tap0": it has one queue only`},
		{"tap", true, fmt.Errorf("boom"), 409, `port "tap" cannot be reattached: tap "tap0": boom`},
		{"0", false, nil, 400, `port "0" is a wire; only tap and packet ports have a device to reattach to`},
		{"bond", false, nil, 400, `port "bond" is a bond; only tap and packet ports have a device to reattach to`},
		{"nosuch", false, nil, 404, `there is no port "nosuch"`},
	} {
		l.fails = c.fails
		if c.deleted {
			a.onLoop(func() { l.become(link.State{Reason: link.ReasonDeleted}) })
		}
		a.post("/ports/"+c.port+"/reattach", "").want(c.status).is("detail", c.detail)
	}
	l.fails = nil
	a.post("/ports/tap/reattach", "").want(200).is("status.link", "up")
	var got []string
	a.onLoop(func() {
		events, _ := a.server.Engine.Events(0, 100)
		for _, e := range events {
			if e.ID == "tap" {
				got = append(got, e.What+" "+e.Detail)
			}
		}
	})
	want := []string{"created tap:tap0", "down deleted", "down deleted", "reattached tap:tap0", "up "}
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("events %q, want %q", got, want)
	}
}
