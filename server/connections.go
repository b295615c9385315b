package server

import (
	"net"
	"net/http"
	"sync"
)

// connections limits the open connections. At the limit, a new connection closes the
// youngest one without a request in progress: a client that opens many closes its
// own.
type connections struct {
	limit  int
	closed func() // called when a connection was closed because of the limit

	mu   sync.Mutex
	seq  uint64
	open map[net.Conn]*connection
}

type connection struct {
	seq   uint64 // the order of accept
	state http.ConnState
}

func newConnections(limit int, closed func()) *connections {
	return &connections{limit: limit, closed: closed, open: make(map[net.Conn]*connection)}
}

// changed implements http.Server.ConnState.
func (c *connections) changed(conn net.Conn, state http.ConnState) {
	if victim := c.note(conn, state); victim != nil {
		victim.Close()
		c.closed()
	}
}

// note records the state and returns the connection to close, nil for none. It forgets
// that connection at once: the descriptor is free before net/http reports the close.
func (c *connections) note(conn net.Conn, state http.ConnState) (victim net.Conn) {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch known := c.open[conn]; {
	case state == http.StateClosed || state == http.StateHijacked:
		delete(c.open, conn)
	case known != nil:
		known.state = state
	case state == http.StateNew:
		if len(c.open) >= c.limit {
			if victim = c.idle(); victim == nil {
				return conn // all others have requests in progress
			}
			delete(c.open, victim)
		}
		c.seq++
		c.open[conn] = &connection{c.seq, state}
	}
	return victim
}

// idle returns the youngest connection that waits for a request, whether or not it had
// one before. To prefer those that had one would close earlier clients while a flood's
// connections have not been read yet.
func (c *connections) idle() (found net.Conn) {
	var best *connection
	for conn, k := range c.open {
		if k.state != http.StateIdle && k.state != http.StateNew {
			continue
		}
		if best == nil || k.seq > best.seq {
			found, best = conn, k
		}
	}
	return found
}
