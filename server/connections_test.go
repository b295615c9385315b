package server

import (
	"net"
	"net/http"
	"testing"

	"glean/server/engine"
)

func TestIdleConnectionsGiveWayAtTheLimit(t *testing.T) {
	c := newConnections(3, func() {})
	conns := make([]net.Conn, 6)
	for i := range conns {
		one, other := net.Pipe()
		defer other.Close()
		defer one.Close()
		conns[i] = one
	}
	step := func(i int, state http.ConnState, want net.Conn) {
		t.Helper()
		if got := c.note(conns[i], state); got != want {
			t.Fatalf("connection %d becomes %v: closes %v, want %v", i, state, got, want)
		}
	}
	for i := range 3 {
		step(i, http.StateNew, nil)
		step(i, http.StateActive, nil)
	}
	step(3, http.StateNew, conns[3]) // all are busy
	step(0, http.StateIdle, nil)
	step(1, http.StateIdle, nil)
	step(4, http.StateNew, conns[1]) // the youngest idle one
	step(1, http.StateClosed, nil)
	step(5, http.StateNew, conns[4]) // the youngest, though silent: 0 was there before
	step(4, http.StateClosed, nil)
	if len(c.open) != 3 {
		t.Errorf("%d are open, want 3", len(c.open))
	}
}

// Many more clients than the limit keep connections open. An earlier client is still
// served on its own connection, and so is a new client.
func TestManyIdleClientsDoNotLockOutOthers(t *testing.T) {
	a := newHarness(t, func(c *Config, _ *engine.Config) { c.Limits.Connections = 8 })
	ask := func(c *http.Client) error {
		response, err := c.Get(a.http.URL + "/version")
		if err == nil {
			response.Body.Close()
		}
		return err
	}
	var first *http.Client
	for i := range 50 {
		transport := &http.Transport{}
		defer transport.CloseIdleConnections()
		c := &http.Client{Transport: transport}
		if err := ask(c); err != nil {
			t.Fatalf("client %d: %v", i, err)
		}
		if i == 0 {
			first = c
		}
	}
	if err := ask(first); err != nil {
		t.Error(err)
	}
	a.server.connections.mu.Lock()
	defer a.server.connections.mu.Unlock()
	if n := len(a.server.connections.open); n > 8 {
		t.Errorf("%d connections are open, want at most 8", n)
	}
}
