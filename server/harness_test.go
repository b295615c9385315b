package server

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"

	"glean/generator"
	"glean/generator/program"
	"glean/generator/transmit"
	"glean/server/engine"
	"glean/sim"
	"glean/stack/link"
	"glean/stack/loop"
)

// tb is what testing.TB and *rapid.T have in common.
type tb interface {
	Helper()
	Cleanup(func())
	Context() context.Context
	Error(...any)
	Errorf(string, ...any)
	Fatal(...any)
	Fatalf(string, ...any)
}

// harness is a server over HTTP on a real loop, with ports "0" and "1" back to back. It
// compares requests and replies with the OpenAPI document.
type harness struct {
	t      tb
	server *Server
	http   *httptest.Server
	loop   *loop.Real
	world  *sim.World // on the loop only
	log    *logBuffer
	ends   map[string]*sim.End
	wires  int // opened so far; on the loop only
}

// logBuffer is a log that several goroutines write.
type logBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *logBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *logBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

type option func(*Config, *engine.Config)

func openPerf(c *Config, _ *engine.Config) { c.OpenPerf = true }

func newHarness(t testing.TB, options ...option) *harness {
	l := loop.NewReal()
	a := &harness{t: t, loop: l, world: sim.NewWorldOn(l, 1), log: new(logBuffer), ends: make(map[string]*sim.End)}
	ec := engine.Config{
		Loop: l,
		Rand: rand.New(rand.NewPCG(1, 2)),
		Transmit: func(r *program.Run, q link.Queue, done func(error)) generator.Transmitter {
			return transmit.Start(r, q, l.Clock, func(reason error) { l.Post(func() { done(reason) }) })
		},
	}
	c := Config{
		Loop:    l,
		Wall:    loop.NewWall(l),
		Version: Version{Version: "1.2.3", Commit: "abc", BuildTime: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC), BuildNumber: "7"},
		Logger:  slog.New(slog.NewTextHandler(a.log, nil)),
	}
	for _, o := range options {
		o(&c, &ec)
	}
	c.Engine = engine.New(ec)
	c.Openers = map[engine.PortKind]Opener{engine.KindWire: a.openWire}
	a.server = New(c)
	a.ends["0"], a.ends["1"] = a.world.Wire("back-to-back", sim.WireConfig{})
	for _, id := range []string{"0", "1"} {
		spec := engine.PortSpec{ID: id, Kind: engine.KindWire, Name: "w", Fixed: true}
		if err := c.Engine.ReservePort(spec); err != nil {
			t.Fatal(err)
		}
		c.Engine.AttachPort(id, a.ends[id])
	}
	go l.Run()
	a.http = httptest.NewUnstartedServer(nil)
	a.http.Config = a.server.HTTPServer()
	a.http.Start()
	t.Cleanup(a.stop)
	return a
}

// stop stops the server, the transmitters first: they would never end.
func (a *harness) stop() {
	a.server.Close()
	a.http.Close()
	stopped := make(chan struct{})
	a.loop.Post(func() { a.server.Engine.Stop(func() { close(stopped) }) })
	select {
	case <-stopped:
		a.loop.Stop()
	case <-a.loop.Done(): // the test has stopped it
	}
	<-a.loop.Done()
}

// openWire opens a wire whose other end has no host; the name "broken" fails,
// and "stuck" fails when it is closed.
func (a *harness) openWire(spec engine.PortSpec) (link.Link, error) {
	if spec.Name == "broken" {
		return nil, fmt.Errorf("no such wire")
	}
	opened := make(chan link.Link, 1)
	a.loop.Post(func() {
		a.wires++
		end, _ := a.world.Wire(fmt.Sprintf("opened %d", a.wires), sim.WireConfig{})
		opened <- end
	})
	if spec.Name == "stuck" {
		return stuckLink{<-opened}, nil
	}
	return <-opened, nil
}

type stuckLink struct{ link.Link }

func (l stuckLink) Close() error {
	_ = l.Link.Close()
	return fmt.Errorf("the device is busy")
}

// onLoop runs f on the loop and waits.
func (a *harness) onLoop(f func()) {
	a.t.Helper()
	if err := a.server.Do(a.t.Context(), f); err != nil {
		a.t.Fatal(err)
	}
}

// answer is the reply to a request.
type answer struct {
	t      tb
	what   string
	status int
	header http.Header
	body   []byte
}

// send makes one request. Headers are given as "Name: value"; one without
// value is taken out.
func (a *harness) send(method, path, body string, headers ...string) *answer {
	a.t.Helper()
	r, err := http.NewRequestWithContext(a.t.Context(), method, a.http.URL+path, strings.NewReader(body))
	if err != nil {
		a.t.Fatal(err)
	}
	if len(body) > 0 {
		r.Header.Set("Content-Type", "application/json")
	}
	for _, h := range headers {
		name, value, _ := strings.Cut(h, ": ")
		r.Header.Set(name, value)
		if value == "" {
			r.Header.Del(name)
		}
	}
	response, err := a.http.Client().Do(r)
	if err != nil {
		a.t.Fatalf("%s %s: %v", method, path, err)
	}
	defer response.Body.Close()
	got, err := io.ReadAll(response.Body)
	if err != nil {
		a.t.Fatalf("%s %s: %v", method, path, err)
	}
	checkExchange(a.t, r, []byte(body), response, got)
	what := method + " " + path
	if len(body) < 300 {
		what += " " + body
	}
	return &answer{a.t, what, response.StatusCode, response.Header, got}
}

func (a *harness) get(path string) *answer {
	a.t.Helper()
	return a.send("GET", path, "").want(200)
}

func (a *harness) post(path, body string, headers ...string) *answer {
	a.t.Helper()
	return a.send("POST", path, body, headers...)
}

func (a *harness) delete(path string) *answer {
	a.t.Helper()
	return a.send("DELETE", path, "")
}

// want checks the status; an error has to be a problem document that says so.
func (r *answer) want(status int) *answer {
	r.t.Helper()
	if r.status != status {
		r.t.Fatalf("%s: %d, want %d: %s", r.what, r.status, status, r.body)
	}
	if status >= 400 {
		if got := r.header.Get("Content-Type"); got != "application/problem+json" {
			r.t.Errorf("%s: an error of type %q", r.what, got)
		}
		if got := r.at("status"); got != float64(status) {
			r.t.Errorf("%s: the document says status %v, want %d", r.what, got, status)
		}
	}
	if status == 204 && len(r.body) > 0 {
		r.t.Errorf("%s: 204 with a body: %s", r.what, r.body)
	}
	return r
}

// faults checks the paths of all faults.
func (r *answer) faults(paths ...string) *answer {
	r.t.Helper()
	var got []string
	list, _ := r.at("errors").([]any)
	for _, e := range list {
		got = append(got, e.(map[string]any)["path"].(string))
	}
	if fmt.Sprintf("%q", got) != fmt.Sprintf("%q", paths) {
		r.t.Errorf("%s: faults at %q, want %q: %s", r.what, got, paths, r.body)
	}
	return r
}

// at returns a member of the answer by its path, as "items.0.id", or nil if it is absent.
func (r *answer) at(path string) any {
	r.t.Helper()
	var v any
	if err := json.Unmarshal(r.body, &v); err != nil {
		r.t.Fatalf("%s: %v: %s", r.what, err, r.body)
	}
	if path == "" {
		return v
	}
	for _, step := range strings.Split(path, ".") {
		switch in := v.(type) {
		case map[string]any:
			v = in[step]
		case []any:
			var i int
			if _, err := fmt.Sscan(step, &i); err != nil || i >= len(in) {
				return nil
			}
			v = in[i]
		default:
			return nil
		}
	}
	return v
}

// is checks members: path, value, path, value. Values compare as printed.
func (r *answer) is(pairs ...any) *answer {
	r.t.Helper()
	for i := 0; i+1 < len(pairs); i += 2 {
		path := pairs[i].(string)
		if got := r.at(path); fmt.Sprint(got) != fmt.Sprint(pairs[i+1]) {
			r.t.Errorf("%s: %s is %v, want %v: %s", r.what, path, got, pairs[i+1], r.body)
		}
	}
	return r
}

// text returns a member, which must be a string.
func (r *answer) text(path string) string {
	r.t.Helper()
	s, ok := r.at(path).(string)
	if !ok {
		r.t.Fatalf("%s: %s is %v, want a string: %s", r.what, path, r.at(path), r.body)
	}
	return s
}

// ids returns the ids of a list.
func (r *answer) ids() string {
	r.t.Helper()
	var list []struct{ ID string }
	if err := json.Unmarshal(r.body, &list); err != nil {
		r.t.Fatalf("%s: %v: %s", r.what, err, r.body)
	}
	var ids []string
	for _, e := range list {
		ids = append(ids, e.ID)
	}
	return strings.Join(ids, " ")
}

const (
	ifaceA = `{"id":"if-a","port_id":"0","config":{"protocols":[{"eth":{"mac_address":"02:00:00:00:00:0a"}},
		{"ipv4":{"method":"static","static":{"address":"198.18.0.10","prefix_length":16,"gateway":"198.18.0.11"}}},
		{"ipv6":{"method":"static","static":{"address":"2001:db8::a","prefix_length":64}}}]}}`
	ifaceB = `{"id":"if-b","port_id":"1","config":{"protocols":[{"eth":{"mac_address":"02:00:00:00:00:0b"}},
		{"ipv4":{"method":"static","static":{"address":"198.18.0.11","prefix_length":16}}},
		{"ipv6":{"method":"static","static":{"address":"2001:db8::b","prefix_length":64}}}],
		"neighbor":{"respond_for":["198.18.1.0/24","198.18.128.0/17"]}}}`
)

// peers makes if-a on port 0, and if-b on port 1 that answers it.
func (a *harness) peers() *harness {
	a.t.Helper()
	a.post("/interfaces", ifaceA).want(201)
	a.post("/interfaces", ifaceB).want(201)
	return a
}

// generatorBody is a generator of 100 frames to these IPv4 destinations.
func generatorBody(id, target string, destinations ...string) string {
	return generatorWith(id, target, `"duration":{"frames":100}`, destinations...)
}

// generatorWith is generatorBody with further members of config.
func generatorWith(id, target, members string, destinations ...string) string {
	return `{"id":"` + id + `","target_id":"` + target + `","config":{` + members + `,
		"load":{"rate":{"value":10000,"period":"seconds"},"units":"frames"},
		"traffic":[{"length":{"fixed":64},"packet":{"protocols":[{"ethernet":{"source":"02:00:00:00:00:0c"}},
		{"ipv4":{"source":"198.18.0.10"},"modifiers":{"items":[{"name":"destination","permute":false,"ipv4":{"list":["` +
		strings.Join(destinations, `","`) + `"]}}]}},
		{"udp":{"destination":5000}}]}}]}}`
}

// continuous is a duration without end.
const continuous = `"duration":{"continuous":true}`

// silentHost is an on-link address that no peer answers for.
const silentHost = "198.18.9.9"

// learned makes a generator and waits until it is resolved.
func (a *harness) learned(id string, destinations ...string) {
	a.t.Helper()
	a.post("/packet/generators", generatorBody(id, "if-a", destinations...), "Prefer: wait=10").want(201).is("learning", "resolved")
}

// addressList returns n addresses from a first one on, as JSON strings.
func addressList(first string, n int) string {
	a := netip.MustParseAddr(first)
	var b strings.Builder
	for i := range n {
		if i > 0 {
			b.WriteByte(',')
		}
		b.WriteString(`"` + a.String() + `"`)
		a = a.Next()
	}
	return b.String()
}
