package server

import (
	"bufio"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/getkin/kin-openapi/openapi3"

	"glean/server/engine"
)

// stream is an open event stream.
type stream struct {
	t       tb
	scanner *bufio.Scanner
	close   func()
	kind    string
	id      string
	data    map[string]any
	comment string
}

func (a *harness) stream(path string, headers ...string) *stream {
	a.t.Helper()
	r, err := http.NewRequestWithContext(a.t.Context(), "GET", a.http.URL+path, nil)
	if err != nil {
		a.t.Fatal(err)
	}
	for _, h := range headers {
		name, value, _ := strings.Cut(h, ": ")
		r.Header.Set(name, value)
	}
	response, err := a.http.Client().Do(r) //nolint:bodyclose // stream.close closes it
	if err != nil {
		a.t.Fatal(err)
	}
	if response.StatusCode != 200 || response.Header.Get("Content-Type") != "text/event-stream" {
		a.t.Fatalf("%s: %d of type %q", path, response.StatusCode, response.Header.Get("Content-Type"))
	}
	s := &stream{t: a.t, scanner: bufio.NewScanner(response.Body), close: func() { response.Body.Close() }}
	a.t.Cleanup(s.close)
	s.next() // the greeting: from now on nothing is missed
	return s
}

// next reads an event or a comment; false at the end.
func (s *stream) next() bool {
	s.t.Helper()
	s.kind, s.id, s.comment, s.data = "", "", "", nil
	for s.scanner.Scan() {
		line := s.scanner.Text()
		switch field, value, _ := strings.Cut(line, ": "); {
		case line == "":
			s.check()
			return true
		case field == "":
			s.comment = value
		case field == "event":
			s.kind = value
		case field == "id":
			s.id = value
		case field == "data":
			if err := json.Unmarshal([]byte(value), &s.data); err != nil {
				s.t.Fatalf("%q: %v", line, err)
			}
		}
	}
	return false
}

// check holds an event against the document.
func (s *stream) check() {
	s.t.Helper()
	if s.data == nil || s.kind == "gap" {
		return
	}
	schema := apiDocument().Components.Schemas["Event"]
	var v any = s.data
	if err := schema.Value.VisitJSON(v, openapi3.EnableFormatValidation()); err != nil {
		s.t.Errorf("the document does not allow %v: %v", s.data, err)
	}
	noStrangers(s.t, "event", "", schema, v)
	checkStrings(s.t, "event", "", schema, v)
}

// until reads on to an event.
func (s *stream) until(kind, id, what string) {
	s.t.Helper()
	for s.next() {
		if s.kind == kind && s.data["id"] == id && s.data["what"] == what {
			return
		}
	}
	s.t.Fatalf("the stream ended before %s %s %s: %v", kind, id, what, s.scanner.Err())
}

func TestEventsContinueAfterTheLastID(t *testing.T) {
	a := newHarness(t)
	first := a.stream("/events")
	a.peers()
	first.until("interface", "if-a", "created")
	at := first.id
	first.until("interface", "if-b", "created")
	first.close()
	a.delete("/interfaces/if-b").want(204)
	for _, s := range []*stream{a.stream("/events", "Last-Event-ID: "+at), a.stream("/events?last_event_id=" + at)} {
		s.next()
		if s.data["id"] != "if-b" || s.data["what"] != "created" {
			t.Errorf("after resuming: %v, want the creation of if-b", s.data)
		}
		s.until("interface", "if-b", "deleted")
	}
	a.send("GET", "/events?last_event_id=x", "").want(400).faults("?last_event_id")
	a.send("GET", "/events?type=weather", "").want(400).faults("?type")
}

func TestStreamHasOnlyTheTypesAskedFor(t *testing.T) {
	a := newHarness(t)
	s := a.stream("/events?type=port,neighbor")
	a.peers()
	a.post("/ports", `{"id":"p","kind":"wire","config":{"wire":{"name":"w2"}}}`).want(201)
	s.next()
	if s.kind != "port" || s.data["id"] != "p" {
		t.Errorf("%s %v, want the port: the interfaces were not asked for", s.kind, s.data)
	}
}

// TestOverwrittenEventsAreAGap: a client that reconnects too late gets a gap event with the
// lost numbers.
func TestOverwrittenEventsAreAGap(t *testing.T) {
	a := newHarness(t, func(_ *Config, c *engine.Config) { c.Limits.Events = 8 })
	for range 20 {
		a.post("/interfaces", ifaceA).want(201)
		a.delete("/interfaces/if-a").want(204)
	}
	s := a.stream("/events?last_event_id=1")
	s.next()
	if s.kind != "gap" || s.data["first"] != 2.0 {
		t.Errorf("%s %v, want a gap from 2 on", s.kind, s.data)
	}
	last := s.data["last"].(float64)
	s.next()
	if s.data["seq"] != last+1 {
		t.Errorf("%v after a gap up to %v", s.data["seq"], last)
	}
	// A number that this daemon has not reached is of an earlier one.
	s = a.stream("/events?last_event_id=1000000")
	s.next()
	if s.kind != "gap" {
		t.Errorf("%s %v, want a gap", s.kind, s.data)
	}
}

func TestEventStreamsAreLimited(t *testing.T) {
	a := newHarness(t, func(c *Config, _ *engine.Config) { c.Limits.SSEClients = 2 })
	first := a.stream("/events")
	a.stream("/events")
	r := a.send("GET", "/events", "").want(503)
	if r.header.Get("Retry-After") == "" {
		t.Error("no Retry-After")
	}
	first.close()
	for a.http.Client(); ; { // its place is free as soon as the server notices
		r, err := a.http.Client().Get(a.http.URL + "/events")
		if err != nil {
			t.Fatal(err)
		}
		r.Body.Close()
		if r.StatusCode == 200 {
			return
		}
	}
}

// At the limit the stream that has been idle the longest ends with a comment, and its
// client continues where it was.
func TestIdleEventStreamsGiveWay(t *testing.T) {
	a := newHarness(t, func(c *Config, _ *engine.Config) { c.Limits.SSEClients, c.Limits.SSEIdle = 2, time.Nanosecond })
	busy, idle := a.stream("/events?type=interface"), a.stream("/events?type=learning")
	a.post("/interfaces", ifaceA).want(201)
	busy.until("interface", "if-a", "created")
	a.stream("/events?type=port")
	ended := false
	for idle.next() {
		ended = ended || strings.HasPrefix(idle.comment, "ended for another stream")
	}
	if !ended {
		t.Error("the idle stream ended without a word")
	}
	a.post("/interfaces", ifaceB).want(201)
	busy.until("interface", "if-b", "created")
}

func TestIdleStreamsHaveHeartbeats(t *testing.T) {
	a := newHarness(t, func(c *Config, _ *engine.Config) { c.Limits.Heartbeat = time.Millisecond })
	s := a.stream("/events")
	for s.next() {
		if s.comment == "heartbeat" {
			return
		}
	}
	t.Fatal("the stream ended without a heartbeat")
}

// TestSlowReaderIsDropped: a client that does not read is cut off, and another client
// misses no event meanwhile.
func TestSlowReaderIsDropped(t *testing.T) {
	a := newHarness(t, func(c *Config, _ *engine.Config) { c.Limits.SendTimeout = 2 * time.Second })
	small := a.server.HTTPServer()
	small.ConnState = func(c net.Conn, s http.ConnState) {
		if s == http.StateNew { // so that little is enough to fill what the kernel holds
			c.(*net.TCPConn).SetWriteBuffer(1)
		}
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	go small.Serve(l)
	defer small.Close()
	slow, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer slow.Close()
	slow.(*net.TCPConn).SetReadBuffer(1)
	good := a.stream("/events")
	fmt.Fprint(slow, "GET /events HTTP/1.1\r\nHost: localhost\r\n\r\n")
	begun := make([]byte, 1)
	if _, err := slow.Read(begun); err != nil {
		t.Fatal(err)
	}
	streams := func() int {
		a.server.events.mu.Lock()
		defer a.server.events.mu.Unlock()
		return len(a.server.events.streams)
	}
	for last := 0.0; streams() > 1; {
		a.post("/interfaces", ifaceA).want(201)
		a.delete("/interfaces/if-a").want(204)
		good.until("interface", "if-a", "deleted")
		if seq := good.data["seq"].(float64); last != 0 && seq != last+2 {
			t.Fatalf("the other stream went from event %v to %v", last, seq)
		} else {
			last = seq
		}
	}
}

func TestCloseEndsStreams(t *testing.T) {
	a := newHarness(t)
	s := a.stream("/events")
	a.server.Close()
	for s.next() {
	}
}

// An id of an earlier run gets a gap, even if its number exists.
func TestRestartOfTheDaemonIsAGap(t *testing.T) {
	a := newHarness(t)
	a.peers()
	s := a.stream("/events", "Last-Event-ID: EARLIER-1")
	s.next()
	if s.kind != "gap" || s.data["restarted"] != true {
		t.Errorf("%s %v, want a gap by a restart", s.kind, s.data)
	}
	s.next()
	if s.data["seq"] != 1.0 || s.id != a.server.instance+"-1" {
		t.Errorf("%v %s, want event 1 of this run", s.data, s.id)
	}
}
