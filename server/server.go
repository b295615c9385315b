package server

import (
	"log/slog"
	"net/http"
	"runtime"
	"sync"
	"time"

	"glean/server/engine"
	"glean/stack/link"
	"glean/stack/loop"
)

// Opener opens the device of a port. It may block, so it is not called on the loop.
type Opener func(spec engine.PortSpec) (link.Link, error)

// Version identifies the running program. A field that is unknown is zero, and replies
// leave it out.
type Version struct {
	Version     string
	Commit      string
	BuildTime   time.Time // of the commit
	BuildNumber string
}

// Config holds the parts and settings of a server.
type Config struct {
	Loop   *loop.Real
	Engine *engine.Engine
	Wall   *loop.Wall
	// Openers open the ports that POST /ports makes. A kind without an opener is
	// refused.
	Openers  map[engine.PortKind]Opener
	Hosts    []string // host names that are served on loopback besides localhost
	OpenPerf bool     // reply as OpenPerf does where the two differ
	Version  Version
	Logger   *slog.Logger // nil: slog.Default()
	Limits   Limits
}

// Limits bound the resources that clients use. Zero means the default. Maxima are
// inclusive.
type Limits struct {
	Body        int64         // octets of a request body
	Bodies      int64         // octets of all request bodies over 64 KiB together; 0: half of the memory budget
	Connections int           // open connections
	SSEClients  int           // open event streams
	SSEIdle     time.Duration // a stream without events for this time may be ended for a new one
	BodyTimeout time.Duration // until a request body has arrived
	BodyStall   time.Duration // until the next 64 KiB of it have arrived, or the rest
	SendTimeout time.Duration // until a client has taken a write
	Heartbeat   time.Duration // between comments on an idle event stream
}

// DefaultLimits returns limits for a daemon on a machine with some GB of memory.
func DefaultLimits() Limits {
	return Limits{
		Body:        64 << 20,
		Connections: 1024,
		SSEClients:  64,
		SSEIdle:     10 * time.Second,
		BodyTimeout: time.Minute,
		BodyStall:   5 * time.Second,
		SendTimeout: 30 * time.Second,
		Heartbeat:   15 * time.Second,
	}
}

func (l Limits) withDefaults() Limits {
	d := DefaultLimits()
	if l.Body <= 0 {
		l.Body = d.Body
	}
	if l.Connections <= 0 {
		l.Connections = d.Connections
	}
	if l.SSEClients <= 0 {
		l.SSEClients = d.SSEClients
	}
	if l.SSEIdle <= 0 {
		l.SSEIdle = d.SSEIdle
	}
	if l.BodyTimeout <= 0 {
		l.BodyTimeout = d.BodyTimeout
	}
	if l.BodyStall <= 0 {
		l.BodyStall = d.BodyStall
	}
	if l.SendTimeout <= 0 {
		l.SendTimeout = d.SendTimeout
	}
	if l.Heartbeat <= 0 {
		l.Heartbeat = d.Heartbeat
	}
	return l
}

// Server is the REST API of one engine.
type Server struct {
	Config
	router *router
	guard  *guard

	connections *connections
	instance    string // identifies this run in the ids of events
	bodies      int64  // octets of Limits.Bodies in use; only on the loop
	events      *broadcaster
	eventLog    *eventLog
	meters      *meters
	closed      chan struct{} // closed by Close

	compiling chan struct{} // holds an item for each request that compiles
	close     sync.Once
}

// New returns a server. It sets the engine's OnEvent, so it must be called on the
// loop, or before the loop runs.
func New(c Config) *Server {
	c.Limits = c.Limits.withDefaults()
	if c.Logger == nil {
		c.Logger = slog.Default()
	}
	s := &Server{Config: c, closed: make(chan struct{}), compiling: make(chan struct{}, runtime.GOMAXPROCS(0))}
	if s.Limits.Bodies <= 0 {
		s.Limits.Bodies = s.Engine.Memory().Budget / 2
	}
	s.events = newBroadcaster()
	s.meters = newMeters(c.Version)
	s.eventLog = newEventLog(c.Logger.Handler(), s.wall, s.Limits.Connections)
	s.Engine.OnEvent(func(e engine.Event) {
		s.events.publish(e)
		s.eventLog.notify()
	})
	s.guard = newGuard(c.Hosts)
	s.instance = newIncident()
	s.connections = newConnections(s.Limits.Connections, s.eventLog.connectionClosed)
	s.router = newRouter(routes(), s.serve)
	return s
}

// Close ends event streams, and requests that wait for an outcome.
// http.Server.Shutdown waits for the other requests.
func (s *Server) Close() { s.close.Do(func() { close(s.closed) }) }

// HTTPServer returns a net/http server for the handler, with timeouts against slow and
// silent clients.
func (s *Server) HTTPServer() *http.Server {
	h := &http.Server{
		Handler:           s.Handler(),
		ReadHeaderTimeout: 10 * time.Second,
		IdleTimeout:       2 * time.Minute,
		MaxHeaderBytes:    64 << 10,
		ConnState:         s.connections.changed,
		ErrorLog:          slog.NewLogLogger(s.Logger.Handler(), slog.LevelDebug),
	}
	h.RegisterOnShutdown(s.Close)
	return h
}

// wall returns the wall-clock time of a loop time.
func (s *Server) wall(t loop.Time) time.Time { return s.Wall.At(t) }

// timestamp returns a loop time as RFC 3339 in UTC with nine fraction digits, which
// OpenPerf's scripts rely on.
func (s *Server) timestamp(t loop.Time) string {
	return s.wall(t).UTC().Format("2006-01-02T15:04:05.000000000Z")
}
