package client

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"glean/server/api"
)

// answering is a client of something that always sends the same.
func answering(t *testing.T, status int, contentType, body string) *Client {
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", contentType)
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	}))
	t.Cleanup(s.Close)
	return New(s.URL)
}

func TestFailuresAreProblems(t *testing.T) {
	for _, c := range []struct {
		name, contentType, body string
		status                  int
		want                    api.Problem
	}{
		{"document", "application/problem+json", `{"type":"about:blank","title":"Conflict","status":409,"detail":"not yet","learning_id":"lr-1","incident":"i"}`,
			409, api.Problem{Status: 409, Title: "Conflict", Detail: "not yet", LearningID: "lr-1", Incident: "i"}},
		{"text of a proxy", "text/html", "<h1>bad gateway</h1>\n", 502, api.Problem{Status: 502, Title: "Bad Gateway", Detail: "<h1>bad gateway</h1>"}},
		{"nothing", "", "", 404, api.Problem{Status: 404, Title: "Not Found"}},
		{"JSON that is none", "application/json", `{"x":1}`, 500, api.Problem{Status: 500, Title: "Internal Server Error", Detail: `{"x":1}`}},
		{"a list", "application/json", `[]`, 400, api.Problem{Status: 400, Title: "Bad Request", Detail: `[]`}},
		{"status of the answer counts", "application/problem+json", `{"status":200,"detail":"d"}`, 400, api.Problem{Status: 400, Title: "Bad Request", Detail: "d"}},
		{"long text", "text/plain", strings.Repeat("x", 10_000), 400, api.Problem{Status: 400, Title: "Bad Request", Detail: strings.Repeat("x", problemMax)}},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := answering(t, c.status, c.contentType, c.body).Port(t.Context(), "0")
			var p *api.Problem
			if !errors.As(err, &p) {
				t.Fatalf("%v is no problem", err)
			}
			if p.Status != c.want.Status || p.Title != c.want.Title || p.Detail != c.want.Detail || p.LearningID != c.want.LearningID || p.Incident != c.want.Incident {
				t.Errorf("%+v, want %+v", *p, c.want)
			}
			if StatusOf(err) != c.status || !strings.Contains(err.Error(), p.Title) && !strings.Contains(err.Error(), p.Detail) {
				t.Errorf("error %q", err)
			}
		})
	}
	if StatusOf(io.EOF) != 0 {
		t.Error("an error that is no problem has a status")
	}
}

func TestUnreadableReplyNamesThePath(t *testing.T) {
	for _, body := range []string{"", "{", `{"id":1}`, "<html>"} {
		_, err := answering(t, 200, "application/json", body).Port(t.Context(), "0")
		if err == nil || StatusOf(err) != 0 || !strings.Contains(err.Error(), "/ports/0") {
			t.Errorf("%q: error %v, want one that names the path", body, err)
		}
	}
}

// An empty id must not reach the collection: DELETE of that removes everything.
func TestEmptyIDMakesNoRequest(t *testing.T) {
	asked := 0
	s := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { asked++ }))
	defer s.Close()
	c := New(s.URL)
	for name, err := range map[string]error{
		"generator": c.DeleteGenerator(t.Context(), "", true), "learning": c.DeleteLearning(t.Context(), ""),
		"result": c.DeleteLearningResult(t.Context(), ""), "stop": c.StopGenerator(t.Context(), ""),
	} {
		if StatusOf(err) != 404 {
			t.Errorf("%s: %v, want a 404", name, err)
		}
	}
	if asked > 0 {
		t.Errorf("%d requests were made", asked)
	}
}

func TestMethodsMakeTheirRequests(t *testing.T) {
	var got string
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		got = strings.TrimSpace(strings.Join([]string{r.Method, r.RequestURI, r.Header.Get("Content-Type"), r.Header.Get("Prefer"), string(body)}, " "))
		_, _ = io.WriteString(w, `{}`)
	}))
	defer s.Close()
	c := New(s.URL + "/")
	ctx := t.Context()
	for want, err := range map[string]func() error{
		"DELETE /ports/a%2Fb%3Fc":                func() error { return c.DeletePort(ctx, "a/b?c") },
		"DELETE /packet/generators/g?force=true": func() error { return c.DeleteGenerator(ctx, "g", true) },
		"POST /ports/p/reattach": func() error {
			_, err := c.ReattachPort(ctx, "p")
			return err
		},
		"POST /packet/generators/g/stop":                                      func() error { return c.StopGenerator(ctx, "g") },
		`POST /packet/generators/x/bulk-stop application/json  {"ids":["a"]}`: func() error { return c.StopGenerators(ctx, []string{"a"}) },
		"GET /learning-results/r?after=2001%3Adb8%3A%3A1&limit=7": func() error {
			_, err := c.LearningResult(ctx, "r", AddressFilter{Limit: 7, After: "2001:db8::1"})
			return err
		},
		`POST /packet/generators application/json wait=2 {"target_id":"0","active":false,"config":{"duration":{},"load":{"rate":{"value":0,"period":""},"units":""},"traffic":null}}`: func() error {
			_, err := c.CreateGenerator(ctx, api.Generator{TargetID: "0"}, 2_900_000_000)
			return err
		},
		"POST /packet/generators/g/start  wait=10": func() error {
			_, err := c.Waiting(10*time.Second).StartGenerator(ctx, "g")
			return err
		},
		"GET /packet/generator-results/r": func() error {
			_, err := c.Waiting(time.Second).Waiting(0).GeneratorResult(ctx, "r")
			return err
		},
	} {
		if err := err(); err != nil || got != want {
			t.Errorf("sent %q (%v), want %q", got, err, want)
		}
	}
}

func TestEventStreamHasEventsAndGaps(t *testing.T) {
	c := answering(t, 200, "text/event-stream", ": hello\n\nid: 7\nevent: port\ndata: {\"seq\":7,\"type\":\"port\",\ndata: \"id\":\"0\",\"what\":\"up\"}\n\n"+
		"\n: heartbeat\n\nevent:gap\r\ndata:{\"first\":8,\"last\":9}\r\n\r\nevent: port\ndata: nonsense\n\nevent: port\ndata: {")
	s, err := c.Events(t.Context(), EventFilter{})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if e, err := s.Next(); err != nil || e != (Event{Event: api.Event{Seq: 7, Type: "port", ID: "0", What: "up"}, StreamID: "7"}) {
		t.Errorf("%+v, %v", e, err)
	}
	if e, err := s.Next(); err != nil || e != (Event{Event: api.Event{Type: EventGap}, EventGap: api.EventGap{First: 8, Last: 9}}) {
		t.Errorf("%+v, %v", e, err)
	}
	if e, err := s.Next(); err == nil {
		t.Errorf("nonsense is %+v", e)
	}
	if e, err := s.Next(); !errors.Is(err, io.EOF) { // half an event is none
		t.Errorf("%+v, %v; want the end", e, err)
	}
}

// The context ends a request, and a stream that is idle.
func TestContextEndsRequestsAndStreams(t *testing.T) {
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(200)
		_ = http.NewResponseController(w).Flush()
		<-r.Context().Done()
	}))
	defer s.Close()
	ctx, cancel := context.WithCancel(t.Context())
	stream, err := New(s.URL).Events(ctx, EventFilter{})
	if err != nil {
		t.Fatal(err)
	}
	cancel()
	if _, err := stream.Next(); !errors.Is(err, context.Canceled) {
		t.Errorf("the stream ended with %v", err)
	}
	if _, err := New(s.URL).Version(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("the request ended with %v", err)
	}
	if err := stream.Close(); err != nil {
		t.Error(err)
	}
}
