package client

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// Client is one daemon. It is safe for several goroutines.
type Client struct {
	base   string
	prefer string       // the header of every request, if not empty
	HTTP   *http.Client // may be replaced before the first request
}

// New returns a client of the daemon at base, as "http://127.0.0.1:9000" or
// "unix:/run/glean.sock".
func New(base string) *Client {
	if path, ok := strings.CutPrefix(base, "unix:"); ok {
		return &Client{base: "http://localhost", HTTP: &http.Client{Transport: unixTransport(path)}}
	}
	return &Client{base: strings.TrimRight(base, "/"), HTTP: &http.Client{}}
}

// Waiting returns a client of the same daemon whose requests wait for their outcome:
// starts for the end of learning, learning requests and the results of both for
// their end. They wait as long as told, whole seconds up to 60; less than one second
// does not wait. Requests without an outcome to wait for are not changed.
func (c *Client) Waiting(patience time.Duration) *Client {
	waiting := *c
	waiting.prefer = ""
	if seconds := int(patience / time.Second); seconds > 0 {
		waiting.prefer = fmt.Sprintf("wait=%d", seconds)
	}
	return &waiting
}

// unixTransport connects to the Unix socket at path, whatever the URL says.
func unixTransport(path string) *http.Transport {
	return &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "unix", path)
	}}
}

// Fault is one thing wrong with a request.
type Fault struct {
	Path   string `json:"path"` // of the member, as "config.traffic[0].length"
	Detail string `json:"detail"`
}

// Problem is any answer that is not a success (RFC 9457). errors.As finds it in
// what every method returns.
type Problem struct {
	Type       string    `json:"type"`
	Title      string    `json:"title"`
	Status     int       `json:"status"`
	Detail     string    `json:"detail"`
	Errors     []Fault   `json:"errors"`
	LearningID string    `json:"learning_id"` // of a 409: the request that stands in the way
	NextHops   *HopCount `json:"next_hops"`   // of a 409: how far it is
	Memory     *Memory   `json:"memory"`      // of a 429: what holds the memory budget
	Incident   string    `json:"incident"`    // of a 500: what to look for in the daemon's log
}

// Memory is how the daemon's memory budget is used, in octets.
type Memory struct {
	Budget   int64        `json:"budget"`
	Needed   int64        `json:"needed"`   // what the request would have taken
	Reserved int64        `json:"reserved"` // for requests in progress
	Kept     []MemoryPart `json:"kept"`     // the largest first
	Largest  []MemoryItem `json:"largest"`  // at most 5 resources that hold the most
}

// MemoryPart is what all resources of a kind hold.
type MemoryPart struct {
	What   string `json:"what"` // as "learning-results"
	Count  int    `json:"count"`
	Octets int64  `json:"octets"`
}

// MemoryItem is a resource that holds much.
type MemoryItem struct {
	Path   string `json:"path"` // what to DELETE
	Octets int64  `json:"octets"`
}

// HopCount counts a generator's next hops by state.
type HopCount struct {
	Resolving int `json:"resolving"`
	Completed int `json:"completed"`
	TimedOut  int `json:"timed_out"`
}

// Error gives the status and the detail.
func (p *Problem) Error() string {
	text := p.Detail
	if text == "" {
		text = p.Title
	}
	return fmt.Sprintf("%d: %s", p.Status, text)
}

// StatusOf gives the HTTP status of a Problem in err, 0 if there is none.
func StatusOf(err error) int {
	var p *Problem
	if errors.As(err, &p) {
		return p.Status
	}
	return 0
}

// errNoID keeps a call for one resource from reaching its whole collection.
var errNoID = &Problem{Title: http.StatusText(http.StatusNotFound), Status: http.StatusNotFound, Detail: "the id is empty"}

// call is one request before it is made.
type call struct {
	method string
	path   []string // segments
	query  url.Values
	header http.Header
	body   any // nil for none
}

func get(path ...string) call    { return call{method: http.MethodGet, path: path} }
func remove(path ...string) call { return call{method: http.MethodDelete, path: path} }

func post(body any, path ...string) call {
	return call{method: http.MethodPost, path: path, body: body}
}

// with adds query parameters: name, value, name, value. Empty ones are left out.
func (r call) with(pairs ...string) call {
	r.query = make(url.Values)
	for i := 0; i+1 < len(pairs); i += 2 {
		if pairs[i+1] != "" {
			r.query.Set(pairs[i], pairs[i+1])
		}
	}
	return r
}

// send makes the request. The caller closes the body of the response, which is
// a success.
func (c *Client) send(ctx context.Context, r call) (*http.Response, error) {
	var target strings.Builder
	target.WriteString(c.base)
	for _, segment := range r.path {
		if segment == "" {
			return nil, errNoID
		}
		target.WriteString("/" + url.PathEscape(segment))
	}
	if len(r.query) > 0 {
		target.WriteString("?" + r.query.Encode())
	}
	var body io.Reader
	if r.body != nil {
		text, err := json.Marshal(r.body)
		if err != nil {
			return nil, err
		}
		body = bytes.NewReader(text)
	}
	request, err := http.NewRequestWithContext(ctx, r.method, target.String(), body)
	if err != nil {
		return nil, err
	}
	for name, values := range r.header {
		request.Header[name] = values
	}
	if c.prefer != "" {
		request.Header.Set("Prefer", c.prefer)
	}
	if body != nil {
		request.Header.Set("Content-Type", "application/json")
	}
	response, err := c.HTTP.Do(request)
	if err != nil {
		return nil, err
	}
	if response.StatusCode < 200 || response.StatusCode > 299 {
		defer response.Body.Close()
		return nil, problemOf(response)
	}
	return response, nil
}

// problemMax is how much of an answer that is no problem document is quoted.
const problemMax = 512

// problemOf makes a Problem of any answer: something between us and the daemon
// may send what it likes.
func problemOf(response *http.Response) *Problem {
	text, _ := io.ReadAll(io.LimitReader(response.Body, 1<<20)) // what has come has to do
	p := &Problem{}
	if json.Unmarshal(text, p) != nil || p.Detail == "" && p.Title == "" {
		p = &Problem{Detail: strings.TrimSpace(string(text[:min(len(text), problemMax)]))}
	}
	p.Status = response.StatusCode
	if p.Title == "" {
		p.Title = http.StatusText(p.Status)
	}
	return p
}

// do makes a request whose answer is a T.
func do[T any](ctx context.Context, c *Client, r call) (T, error) {
	var v T
	response, err := c.send(ctx, r)
	if err != nil {
		return v, err
	}
	defer response.Body.Close()
	if err := json.NewDecoder(response.Body).Decode(&v); err != nil {
		return v, fmt.Errorf("%s /%s: the answer can't be read: %w", r.method, strings.Join(r.path, "/"), err)
	}
	return v, nil
}

// run makes a request whose answer says nothing.
func (c *Client) run(ctx context.Context, r call) error {
	response, err := c.send(ctx, r)
	if err != nil {
		return err
	}
	return response.Body.Close()
}

// items is the form of bulk requests and their answers.
type items[T any] struct {
	Items []T `json:"items"`
}

type ids struct {
	IDs []string `json:"ids"`
}
