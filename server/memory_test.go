package server

import (
	"bufio"
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

// farGenerator returns a generator of 60,000 destinations without a route.
func farGenerator(id string) string {
	return fmt.Sprintf(`{"id":%q,"target_id":"if-a","config":{"duration":{"frames":1},"load":{"rate":{"value":1,"period":"seconds"},"units":"frames"},
		"learning":{"timeout_ms":100},"traffic":[{"length":{"fixed":128},"packet":{"protocols":[{"ethernet":{}},
		{"ipv4":{},"modifiers":{"items":[{"name":"destination","permute":false,"ipv4":{"sequence":{"count":60000,"start":"203.0.0.0"}}}]}}]}}]}}`, id)
}

// TestSmallBodiesStayInTheMemoryBudget: small bodies can't make the daemon hold more than
// its budget, and the refusal names what to delete.
func TestSmallBodiesStayInTheMemoryBudget(t *testing.T) {
	a := newHarness(t, func(_ *Config, c *engine.Config) { c.Limits.Memory = 32 << 20 })
	a.post("/interfaces", ifaceA).want(201)
	var refused *answer
	for n := 0; refused == nil; n++ {
		if n > 100 {
			t.Fatal("100 generators of 60,000 destinations fit into 32 MiB")
		}
		if answer := a.post("/packet/generators", farGenerator(fmt.Sprint("g-", n))); answer.status >= 300 {
			refused = answer
		}
	}
	refused.want(429)
	var p problem
	if err := json.Unmarshal(refused.body, &p); err != nil || p.Memory == nil || p.Memory.Budget != 32<<20 || len(p.Memory.Kept) == 0 {
		t.Fatalf("%v: %s", err, refused.body)
	}
	if len(p.Memory.Largest) == 0 || !strings.Contains(p.Detail, "DELETE "+p.Memory.Largest[0].Path) {
		t.Fatalf("nothing is named to be deleted: %s", refused.body)
	}
	bulk := `{"items":[` + farGenerator("x-1") + "," + farGenerator("x-2") + `]}`
	a.post("/packet/generators/x/bulk-create", bulk).want(429)
	a.idleMemory()
	for _, item := range p.Memory.Largest {
		a.delete(item.Path).want(204)
	}
	a.post("/packet/generators", farGenerator("again")).want(202)
	a.idleMemory()
}

// TestStalledBodyReleasesItsMemory: a body that stalls releases its memory long before the
// timeout of the whole body.
func TestStalledBodyReleasesItsMemory(t *testing.T) {
	a := newHarness(t, func(c *Config, _ *engine.Config) {
		c.Limits.BodyTimeout, c.Limits.BodyStall = time.Hour, 50*time.Millisecond
	})
	c, err := net.Dial("tcp", a.http.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	const size = 1 << 20
	fmt.Fprintf(c, "POST /interfaces HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s", size, strings.Repeat(" ", size-1))
	c.SetDeadline(time.Now().Add(20 * time.Second))
	response, err := http.ReadResponse(bufio.NewReader(c), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	text, _ := io.ReadAll(response.Body)
	if response.StatusCode != 400 || !strings.Contains(string(text), "did not arrive") {
		t.Errorf("%d %s", response.StatusCode, text)
	}
	a.idleMemory()
}

// TestRefusalReachesClientThatSends: a client that sends a large body before it reads gets
// the refusal, whatever the reason.
func TestRefusalReachesClientThatSends(t *testing.T) {
	a := newHarness(t, func(c *Config, _ *engine.Config) { c.Limits.Body = 1 << 20 })
	for name, head := range map[string]string{
		"421": "POST /interfaces HTTP/1.1\r\nHost: other.example\r\nContent-Type: application/json\r\n",
		"415": "POST /interfaces HTTP/1.1\r\nHost: localhost\r\nContent-Type: text/plain\r\n",
		"404": "POST /nothing HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n",
		"413": "POST /interfaces HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n",
	} {
		c, err := net.Dial("tcp", a.http.Listener.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		c.SetDeadline(time.Now().Add(20 * time.Second))
		const size = 32 << 20 // more than the socket's buffers hold
		if _, err := fmt.Fprintf(c, "%sContent-Length: %d\r\n\r\n%s", head, size, strings.Repeat(" ", size)); err != nil {
			t.Errorf("%s: the body could not be sent: %v", name, err)
		}
		response, err := http.ReadResponse(bufio.NewReader(c), nil)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		response.Body.Close()
		if got := fmt.Sprint(response.StatusCode); got != name {
			t.Errorf("%s: got %s", name, got)
		}
	}
	a.idleMemory()
}

// TestClientsThatLeaveHoldNothing: a request whose client goes away releases all that it
// has reserved.
func TestClientsThatLeaveHoldNothing(t *testing.T) {
	a := newHarness(t)
	a.post("/interfaces", ifaceA).want(201)
	var items []string
	for n := range 40 {
		items = append(items, strings.Replace(farGenerator(fmt.Sprint("b-", n)), "60000", "5000", 1))
	}
	bulk := `{"items":[` + strings.Join(items, ",") + `]` + strings.Repeat(" ", 2*smallBody) + `}`
	for _, path := range []string{"/packet/generators/x/bulk-create", "/neighbors?limit=1048576", "/learning/plan?generator_id=b-1"} {
		for after := time.Duration(1); after < 100*time.Millisecond; after *= 3 {
			ctx, cancel := context.WithTimeout(t.Context(), after)
			method, body := "GET", ""
			if strings.Contains(path, "bulk") {
				method, body = "POST", bulk
			}
			r, err := http.NewRequestWithContext(ctx, method, a.http.URL+path, strings.NewReader(body))
			if err != nil {
				t.Fatal(err)
			}
			r.Header.Set("Content-Type", "application/json")
			if response, err := a.http.Client().Do(r); err == nil {
				response.Body.Close()
			}
			cancel()
		}
	}
	a.idleMemory()
	if err := a.server.Do(t.Context(), func() {
		if err := a.server.Engine.Check(); err != nil {
			t.Error(err)
		}
	}); err != nil {
		t.Fatal(err)
	}
}
