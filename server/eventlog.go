package server

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"maps"
	"net"
	"slices"
	"strings"
	"sync"
	"time"

	"glean/server/engine"
	"glean/stack/loop"
)

// Each port and type of event may write lineBurst lines at once, and one line per
// lineGap after that. A neighbor that flaps must not hide the port's own lines, nor
// those of its generators.
const (
	lineBurst = 100
	lineGap   = loop.Second / 10
	// reportEvery is the time between lines that report how many were left out.
	reportEvery = time.Second
)

// stateChanges maps the type and What of an event to the message of its line at level
// info. Other events have a line at level debug.
var stateChanges = map[string]string{
	"port created":          "port created",
	"port deleted":          "port deleted",
	"port up":               "link up",
	"port down":             "link down",
	"port reattached":       "port reattached",
	"port events_left_out":  "events of neighbors left out",
	"interface conflict":    "address conflict",
	"neighbor moved":        "MAC moved",
	"neighbor lost":         "next hop lost",
	"neighbor back":         "next hop back",
	"neighbor router_lost":  "router lost",
	"learning completed":    "learning completed",
	"learning timed_out":    "learning timed out",
	"learning cancelled":    "learning cancelled",
	"generator started":     "generator started",
	"generator ended":       "generator ended",
	"generator failed":      "generator failed",
	"generator not_tracked": "next hops not tracked",
}

// idNames maps the type of an event to the name of its ID in a line.
var idNames = map[string]string{"interface": "interface", "neighbor": "interface", "learning": "learning", "generator": "generator"}

// leftOut counts lines or events that are missing in the log, until a line reports
// them.
type leftOut struct {
	n   uint64
	due loop.Time // of the line that reports them
}

func (l *leftOut) add(n uint64, now loop.Time) {
	if l.n == 0 {
		l.due = now.Add(loop.Duration(reportEvery))
	}
	l.n += n
}

// take returns the count and resets it if a line is due, or if it is the last.
func (l *leftOut) take(now loop.Time, last bool) (n uint64) {
	if l.due <= now || last {
		n, l.n = l.n, 0
	}
	return n
}

type budgetKey struct{ port, kind string }

// lineBudget limits the lines of a port and a type of event.
type lineBudget struct {
	loop.Limiter
	leftOut
}

// eventLog writes the engine's events to the daemon's log, and the trouble with
// connections. It reads the events from the engine's ring, as event streams do, so a
// slow log delays neither the loop nor the streams. It is used on one goroutine, except
// for notify, connectionClosed and acceptFailed.
type eventLog struct {
	handler slog.Handler
	wall    func(loop.Time) time.Time
	limit   int           // of open connections
	wake    chan struct{} // of capacity one

	after       uint64 // the last event read
	budgets     map[budgetKey]*lineBudget
	missing     []budgetKey // budgets with lines left out that are not reported yet
	overwritten leftOut     // events that the ring had overwritten before they were read

	mu      sync.Mutex
	refused notice // connections closed at the limit
	failed  notice // errors of accept(2)
	failure error  // the last of these
}

// notice counts one kind of trouble with connections. The first is logged at once,
// later ones at most once a second.
type notice struct {
	loop.Limiter
	n uint64
}

// take returns the count and resets it if a line is allowed, or if it is the last.
func (o *notice) take(now loop.Time, last bool) (n uint64) {
	if o.n > 0 && (last || o.Allow(now)) {
		n, o.n = o.n, 0
	}
	return n
}

func newEventLog(handler slog.Handler, wall func(loop.Time) time.Time, limit int) *eventLog {
	once := notice{Limiter: loop.Limiter{Burst: 1, Gap: loop.Duration(reportEvery)}}
	return &eventLog{
		handler: handler, wall: wall, limit: limit, wake: make(chan struct{}, 1),
		budgets: make(map[budgetKey]*lineBudget), refused: once, failed: once,
	}
}

// notify makes the event log read the ring. It never blocks.
func (j *eventLog) notify() {
	select {
	case j.wake <- struct{}{}:
	default: // it is notified already
	}
}

// connectionClosed counts a connection that was closed at the limit.
func (j *eventLog) connectionClosed() {
	j.mu.Lock()
	j.refused.n++
	j.mu.Unlock()
	j.notify()
}

// acceptFailed counts an error of accept(2).
func (j *eventLog) acceptFailed(err error) {
	j.mu.Lock()
	j.failed.n++
	j.failure = err
	j.mu.Unlock()
	j.notify()
}

// write writes a line for each event within its budget.
func (j *eventLog) write(events []engine.Event) {
	for n := range events {
		e := &events[n]
		if lost := e.Seq - j.after - 1; lost > 0 {
			j.overwritten.add(lost, e.Time)
		}
		j.after = e.Seq
		message, isChange := stateChanges[e.Type+" "+e.What]
		switch {
		case !isChange:
			j.detail(e)
		case j.admits(e):
			j.line(slog.LevelInfo, e.Time, message, attrsOf(e))
		}
		if e.Type == "port" && e.What == "deleted" {
			j.forget(e.PortID, e.Time)
		}
	}
}

// admits reports whether an event's budget allows a line, and counts the line if it does
// not.
func (j *eventLog) admits(e *engine.Event) bool {
	if !j.handler.Enabled(context.Background(), slog.LevelInfo) {
		return false
	}
	key := budgetKey{e.PortID, e.Type}
	b := j.budgets[key]
	if b == nil {
		b = &lineBudget{Limiter: loop.Limiter{Burst: lineBurst, Gap: lineGap}}
		j.budgets[key] = b
	}
	if b.Allow(e.Time) {
		return true
	}
	if b.n == 0 {
		j.missing = append(j.missing, key)
	}
	b.add(1, e.Time)
	return false
}

// detail writes the line of an event that is no change of state.
func (j *eventLog) detail(e *engine.Event) {
	attrs := append([]slog.Attr{slog.String("type", e.Type), slog.String("what", e.What)}, attrsOf(e)...)
	if e.Detail != "" {
		attrs = append(attrs, slog.String("detail", e.Detail))
	}
	j.line(slog.LevelDebug, e.Time, "event", attrs)
}

// flush writes the reports that are due, or all if it is the last call. It reports
// whether more will be due later.
func (j *eventLog) flush(now loop.Time, last bool) (more bool) {
	j.missing = slices.DeleteFunc(j.missing, func(key budgetKey) bool { return j.reported(key, now, last) })
	if n := j.overwritten.take(now, last); n > 0 {
		j.line(slog.LevelWarn, now, "events overwritten before they were logged", []slog.Attr{slog.Uint64("events", n)})
	}
	return j.flushConnections(now, last) || len(j.missing) > 0 || j.overwritten.n > 0
}

// reported writes how many lines of a budget were left out, if that is due, and reports
// whether none is left to report.
func (j *eventLog) reported(key budgetKey, now loop.Time, last bool) bool {
	b := j.budgets[key]
	if n := b.take(now, last); n > 0 {
		j.line(slog.LevelInfo, now, "lines left out", []slog.Attr{slog.String("port", key.port), slog.String("type", key.kind), slog.Uint64("lines", n)})
	}
	return b.n == 0
}

// forget removes the budgets of a deleted port.
func (j *eventLog) forget(port string, now loop.Time) {
	j.missing = slices.DeleteFunc(j.missing, func(key budgetKey) bool { return key.port == port && j.reported(key, now, true) })
	maps.DeleteFunc(j.budgets, func(key budgetKey, _ *lineBudget) bool { return key.port == port })
}

func (j *eventLog) flushConnections(now loop.Time, last bool) (more bool) {
	j.mu.Lock()
	refused, failed, failure := j.refused.take(now, last), j.failed.take(now, last), j.failure
	more = j.refused.n > 0 || j.failed.n > 0
	j.mu.Unlock()
	if refused > 0 {
		j.line(slog.LevelWarn, now, "connections closed at the limit", []slog.Attr{
			slog.Uint64("connections", refused), slog.Int("limit", j.limit),
			slog.String("reason", "beyond it, accept may fail with too many open files")})
	}
	if failed > 0 {
		j.line(slog.LevelWarn, now, "connections not accepted", []slog.Attr{slog.Uint64("attempts", failed), slog.String("error", failure.Error())})
	}
	return more
}

// line writes a line with the time of what it is about.
func (j *eventLog) line(level slog.Level, at loop.Time, message string, attrs []slog.Attr) {
	ctx := context.Background()
	if !j.handler.Enabled(ctx, level) {
		return
	}
	r := slog.NewRecord(j.wall(at), level, message, 0)
	r.AddAttrs(attrs...)
	_ = j.handler.Handle(ctx, r) // there is no other place for an error of the log
}

// attrsOf returns the port, the resource and the fields of an event.
func attrsOf(e *engine.Event) []slog.Attr {
	attrs := make([]slog.Attr, 0, 2+len(e.Fields))
	if e.PortID != "" {
		attrs = append(attrs, slog.String("port", e.PortID))
	}
	if name := idNames[e.Type]; name != "" {
		attrs = append(attrs, slog.String(name, e.ID))
	}
	for _, f := range e.Fields {
		if texts, ok := f.Value.([]string); ok {
			attrs = append(attrs, slog.Any(f.Name, textList(texts)))
			continue
		}
		attrs = append(attrs, slog.Any(f.Name, f.Value))
	}
	return attrs
}

// textList is a list in JSON lines, and a text with commas in text lines.
type textList []string

// MarshalText implements encoding.TextMarshaler.
func (l textList) MarshalText() ([]byte, error) { return []byte(strings.Join(l, ", ")), nil }

// MarshalJSON implements json.Marshaler.
func (l textList) MarshalJSON() ([]byte, error) { return json.Marshal([]string(l)) }

// LogEvents writes the engine's events and the trouble with connections to the log, on a
// goroutine that ends after the loop. done is closed when all is written. LogEvents is
// called once.
func (s *Server) LogEvents() (done <-chan struct{}) {
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		s.logEvents()
	}()
	return ended
}

func (s *Server) logEvents() {
	j := s.eventLog
	timer := time.NewTimer(reportEvery)
	defer timer.Stop()
	for {
		events, err := call(context.Background(), s, func() ([]engine.Event, error) {
			events, _ := s.Engine.Events(j.after, eventsPage)
			return events, nil
		})
		if err != nil { // the loop has ended, so no other goroutine uses the engine
			break
		}
		j.write(events)
		more := j.flush(s.Loop.Clock(), false)
		if len(events) == eventsPage {
			continue
		}
		var due <-chan time.Time
		if more {
			timer.Reset(reportEvery)
			due = timer.C
		}
		select {
		case <-j.wake:
		case <-due:
		case <-s.Loop.Done():
		}
	}
	<-s.Loop.Done()
	for {
		events, _ := s.Engine.Events(j.after, eventsPage)
		if len(events) == 0 {
			break
		}
		j.write(events)
	}
	j.flush(s.Loop.Clock(), true)
}

// Listener returns a listener that logs errors of accept. net/http retries after them
// without a line at level info.
func (s *Server) Listener(l net.Listener) net.Listener { return watchedListener{l, s.eventLog} }

type watchedListener struct {
	net.Listener
	log *eventLog
}

// Accept implements net.Listener.
func (l watchedListener) Accept() (net.Conn, error) {
	conn, err := l.Listener.Accept()
	if err != nil && !errors.Is(err, net.ErrClosed) {
		l.log.acceptFailed(err)
	}
	return conn, err
}
