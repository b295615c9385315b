package server

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"glean/server/engine"
)

// TestBadBodiesAreProblemsWithPaths: each reply is a problem document with the path of the
// fault.
func TestBadBodiesAreProblemsWithPaths(t *testing.T) {
	a := newHarness(t).peers()
	generator := func(config string) string { return `{"target_id":"if-a","config":{` + config + `}}` }
	const load = `"load":{"rate":{"value":1,"period":"seconds"},"units":"frames"}`
	const traffic = `"traffic":[{"length":{"fixed":64},"packet":{"protocols":[{"ethernet":{}}]}}]`
	const frames = `"duration":{"frames":1}`
	for _, c := range []struct {
		path, body string
		status     int
		faults     []string
	}{
		{"/interfaces", ``, 400, []string{""}},
		{"/interfaces", ` `, 400, []string{""}},
		{"/interfaces", `null`, 400, []string{""}},
		{"/interfaces", `[]`, 400, []string{""}},
		{"/interfaces", `"x"`, 400, []string{""}},
		{"/interfaces", `{`, 400, []string{""}},
		{"/interfaces", `{}{}`, 400, []string{""}},
		{"/interfaces", `{"port_id":"0","port_id":"1"}`, 400, []string{"port_id"}},
		{"/interfaces", "{\"port_id\":\"\xff\"}", 400, []string{"port_id"}},
		{"/interfaces", `{"port_id":4184,"config":{"protocols":[{"eth":{"mac_address":"02:00:00:00:00:01"}}]}}`, 400, []string{"port_id"}},
		{"/packet/generators", generator(frames + "," + load + `,"traffic":[{"length":{"fixed":64,"list":[64]},"packet":{"protocols":[{"ethernet":{}}]}}]`),
			400, []string{"config.traffic[0].length"}},
		{"/packet/generators", generator(`"duration":{"frames":1.5e0},` + load + "," + traffic), 400, []string{"config.duration.frames"}},
		{"/packet/generators", generator(`"duration":{"frames":99999999999999999999},` + load + "," + traffic), 400, []string{"config.duration.frames"}},
		{"/packet/generators", generator(`"duration":{"frames":0},` + load + "," + traffic), 400, []string{"config.duration.frames"}},
		{"/packet/generators", generator(`"duration":{},` + load + "," + traffic), 400, []string{"config.duration"}},
		{"/packet/generators", generator(frames + `,"load":{"rate":{"value":0,"period":"seconds"},"units":"frames"},` + traffic), 400, []string{"config.load.rate.value"}},
		{"/packet/generators", generator(frames + "," + load + "," + traffic + `,"learning":{"on_unresolved":"guess","x":1}`), 400,
			[]string{"config.learning.x", "config.learning.on_unresolved"}},
		{"/packet/generators", `{"id":null,"active":null,"learning":null,"target_id":null,"config":null}`, 400, []string{"target_id", "config"}},
		{"/learning", `{"generator_ids":["a"],"interface_id":"b"}`, 400, []string{""}},
		{"/packet/generators/x/bulk-start", `{"ids":"a"}`, 400, []string{"ids"}},
		{"/packet/generators/x/bulk-start", `[]`, 400, []string{""}},
	} {
		a.post(c.path, c.body).want(c.status).faults(c.faults...)
	}
	if got := a.get("/interfaces").ids(); got != "if-a if-b" {
		t.Errorf("interfaces %q are left of bad requests", got)
	}
	if got := a.get("/packet/generators").ids() + a.get("/learning").ids(); got != "" {
		t.Errorf("%q is left of bad requests", got)
	}
}

func TestOnlyJSONBodiesAreRead(t *testing.T) {
	a := newHarness(t)
	for _, c := range []struct {
		header string
		status int
	}{
		{"Content-Type: application/json", 201},
		{"Content-Type: application/json; charset=UTF-8", 201},
		{"Content-Type: application/vnd.api+json", 201},
		{"Content-Type: ", 415}, // none
		{"Content-Type: text/plain", 415},
		{"Content-Type: application/x-www-form-urlencoded", 415},
		{"Content-Type: application/json; charset=latin1", 415},
		{"Content-Type: application/", 415},
		{"Content-Type: json", 415},
	} {
		a.post("/interfaces", ifaceA, c.header).want(c.status)
		a.delete("/interfaces/if-a").want(204)
	}
	// What needs no body does not look at its type.
	a.post("/packet/generators/g/stop", "", "Content-Type: text/plain").want(204)
	a.post("/packet/generators/g/stop", "whatever", "Content-Type: text/plain").want(204)
}

func TestLargeBodiesAreRefused(t *testing.T) {
	const limit = 256 << 10
	a := newHarness(t, func(c *Config, _ *engine.Config) { c.Limits.Body, c.Limits.Bodies = limit, 3*limit/2 })
	large := ifaceA + strings.Repeat(" ", limit+1-len(ifaceA))
	a.post("/interfaces", large).want(413)
	a.post("/interfaces", large[:limit]).want(201)
	// Without a length the limit shows while reading.
	chunked := func(body io.Reader) (status int) {
		r, err := http.NewRequestWithContext(t.Context(), "POST", a.http.URL+"/interfaces", body)
		if err != nil {
			t.Fatal(err)
		}
		r.ContentLength = -1
		r.Header.Set("Content-Type", "application/json")
		response, err := a.http.Client().Do(r)
		if err != nil {
			t.Fatal(err)
		}
		response.Body.Close()
		return response.StatusCode
	}
	if got := chunked(strings.NewReader(large)); got != 413 {
		t.Errorf("a chunked body that is too large: %d, want 413", got)
	}
	// While one body holds half of the memory for bodies another large one is
	// refused, and a small one is not. What is only announced holds nothing.
	announced, err := net.Dial("tcp", a.http.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer announced.Close()
	fmt.Fprintf(announced, "POST /interfaces HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n{", limit)
	a.delete("/interfaces/if-a").want(204)
	a.post("/interfaces", large[:limit]).want(201)
	a.delete("/interfaces/if-a").want(204)
	a.idleMemory()
	reading, writing := io.Pipe()
	answered := make(chan int, 1)
	go func() { answered <- chunked(reading) }()
	writing.Write([]byte("{" + strings.Repeat(" ", limit/2+16<<10)))
	a.until(func() bool { return a.server.bodies >= limit })
	answer := a.post("/interfaces", large[:limit])
	answer.want(429)
	if answer.header.Get("Retry-After") == "" || !strings.Contains(string(answer.body), "memory: ") {
		t.Errorf("%v %s", answer.header, answer.body)
	}
	a.post("/interfaces", ifaceB).want(201)
	writing.Close()
	if got := <-answered; got != 400 {
		t.Errorf("half a body: %d, want 400", got)
	}
	a.post("/interfaces", large[:limit]).want(201)
	a.idleMemory()
}

// idleMemory waits until no request in progress holds memory: the loop releases it soon
// after the reply.
func (a *harness) idleMemory() {
	a.t.Helper()
	a.until(func() bool { return a.server.Engine.Memory().Reserved+a.server.bodies == 0 })
}

// until calls f on the loop until it returns true.
func (a *harness) until(so func() bool) {
	a.t.Helper()
	ctx, cancel := context.WithTimeout(a.t.Context(), 20*time.Second)
	defer cancel()
	for is := false; !is; {
		if err := a.server.Do(ctx, func() { is = so() }); err != nil {
			a.t.Fatal("it does not become so")
		}
	}
}

// TestSlowBodiesAreGivenUp: a body that does not arrive in time is given up, also by
// operations without a body.
func TestSlowBodiesAreGivenUp(t *testing.T) {
	a := newHarness(t, func(c *Config, _ *engine.Config) { c.Limits.BodyTimeout = 20 * time.Millisecond })
	for path, status := range map[string]int{"/interfaces": 400, "/packet/generators/g/stop": 204, "/nothing": 404} {
		c, err := net.Dial("tcp", a.http.Listener.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		fmt.Fprintf(c, "POST %s HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{", path)
		c.SetDeadline(time.Now().Add(10 * time.Second))
		response, err := http.ReadResponse(bufio.NewReader(c), nil)
		if err != nil {
			t.Fatalf("%s: %v", path, err)
		}
		response.Body.Close()
		if response.StatusCode != status {
			t.Errorf("%s: %d, want %d", path, response.StatusCode, status)
		}
	}
}

// TestIdleConnectionsDelayNoOther: a thousand clients that send nothing, or half a header,
// do not delay others.
func TestIdleConnectionsDelayNoOther(t *testing.T) {
	a := newHarness(t)
	for i := range 1000 {
		c, err := net.Dial("tcp", a.http.Listener.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		if i%2 == 0 {
			fmt.Fprint(c, "GET /version HTTP/1.1\r\nHost")
		}
	}
	a.get("/version")
	h := a.server.HTTPServer()
	if h.ReadHeaderTimeout <= 0 || h.IdleTimeout <= 0 || h.MaxHeaderBytes <= 0 || h.MaxHeaderBytes > 1<<20 {
		t.Errorf("header timeout %v, idle timeout %v, header size %d: all have to be bounded", h.ReadHeaderTimeout, h.IdleTimeout, h.MaxHeaderBytes)
	}
}

// TestPanicIsLoggedAndReplied: the daemon goes on, and the log has the incident of the
// reply.
func TestPanicIsLoggedAndReplied(t *testing.T) {
	a := newHarness(t)
	for _, where := range []string{"in the handler", "on the loop"} {
		f := found{candidate: &candidate{pattern: "/panics"}, route: &route{handle: func(s *Server, w *responseWriter, r *request) error {
			if where == "on the loop" {
				return s.Do(r.Context(), func() { panic("boom " + where) })
			}
			panic("boom " + where)
		}}}
		var out memory
		r, err := http.NewRequestWithContext(t.Context(), "GET", "/panics", nil)
		if err != nil {
			t.Fatal(err)
		}
		a.server.serve(&out, r, f)
		var p problem
		if err := json.Unmarshal(out.Bytes(), &p); err != nil || out.status != 500 || p.Incident == "" {
			t.Fatalf("%s: %d %s: %v", where, out.status, out.Bytes(), err)
		}
		if log := a.log.String(); !strings.Contains(log, p.Incident) || !strings.Contains(log, "boom "+where) || !strings.Contains(log, "TestPanicIsLoggedAndReplied") {
			t.Errorf("%s: the log has not all of incident %s, the panic and the stack: %s", where, p.Incident, log)
		}
		a.get("/ports")
	}
}

// memory is an http.ResponseWriter into memory.
type memory struct {
	bytes.Buffer
	header http.Header
	status int
}

func (m *memory) Header() http.Header {
	if m.header == nil {
		m.header = make(http.Header)
	}
	return m.header
}

func (m *memory) WriteHeader(status int) { m.status = status }

func TestStoppedLoopIsUnavailable(t *testing.T) {
	a := newHarness(t)
	a.loop.Stop()
	<-a.loop.Done()
	a.send("GET", "/ports", "").want(503)
	a.get("/version") // needs no loop
}

func TestDoEndsWithItsContext(t *testing.T) {
	a := newHarness(t)
	ran := false
	if err := a.server.Do(t.Context(), func() { ran = true }); err != nil || !ran {
		t.Errorf("ran %v, error %v", ran, err)
	}
	// A context that ends while the loop is busy: the caller is free at once.
	ctx, cancel := context.WithCancel(t.Context())
	busy, release := make(chan struct{}), make(chan struct{})
	a.loop.Post(func() { close(busy); <-release })
	<-busy
	result := make(chan error)
	go func() { result <- a.server.Do(ctx, func() {}) }()
	cancel()
	if err := <-result; err != context.Canceled {
		t.Errorf("error %v, want context.Canceled", err)
	}
	close(release)
}

func TestResourcesBeyondTheirLimitAreRefused(t *testing.T) {
	a := newHarness(t, func(_ *Config, c *engine.Config) {
		c.Limits.Interfaces, c.Limits.Generators, c.Limits.Requests = 2, 1, 1
	}).peers()
	a.post("/interfaces", strings.Replace(ifaceA, "if-a", "if-c", 1)).want(429)
	a.post("/packet/generators", generatorBody("g1", "1", silentHost)).want(201)
	a.post("/packet/generators", generatorBody("g2", "1", silentHost)).want(429)
	a.post("/packet/generators/x/bulk-create", `{"items":[`+generatorBody("g2", "1", silentHost)+`]}`).want(429)
	a.post("/learning", `{"interface_id":"if-a","addresses":["`+silentHost+`"]}`).want(202)
	a.post("/learning", `{"interface_id":"if-a","addresses":["`+silentHost+`"]}`).want(429)
}

func TestMetrics(t *testing.T) {
	a := newHarness(t).peers()
	a.learned("g", "198.18.0.11")
	a.post("/packet/generators", generatorBody("dead", "if-a", silentHost)).want(202)
	text := string(a.get("/metrics").body)
	for _, line := range []string{
		`glean_build_info{commit="abc",version="1.2.3"} 1`,
		`glean_port_up{port="0"} 1`,
		`glean_port_rx_traffic_frames_total{port="0"} `,
		`glean_interfaces 2`,
		`glean_generators{learning="resolved"} 1`,
		`glean_generators{learning="resolving"} 1`,
		`glean_learning_requests{state="completed"} 1`,
		`glean_http_requests_total{method="POST",route="/interfaces",status="201"} 2`,
		`glean_port_tx_frames_total{port="1"} `,
	} {
		if !strings.Contains(text, "\n"+line) {
			t.Errorf("%s is missing in\n%s", line, text)
		}
	}
}

func TestDocs(t *testing.T) {
	a := newHarness(t)
	page := string(a.get("/docs").body)
	for _, rt := range routes() {
		pattern := rt.pattern
		if rt.packet && !strings.HasPrefix(pattern, "/learning") {
			pattern = "/packet" + pattern
		}
		if !strings.Contains(page, "<b>"+rt.method+"</b> "+pattern+"<") {
			t.Errorf("%s %s is not on the page", rt.method, pattern)
		}
	}
	for name := range apiDocument().Components.Schemas {
		if !strings.Contains(page, `id="schema-`+name+`"`) {
			t.Errorf("the schema %s is not on the page", name)
		}
	}
}
