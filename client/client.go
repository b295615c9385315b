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

	"glean/server/api"
)

// Client calls one daemon. Several goroutines may use it at once.
type Client struct {
	base   string
	prefer string       // the Prefer header of every request; empty for none
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
// starts wait for the end of learning, and requests for a learning request or a result
// wait for its end. They wait at most limit, in whole seconds up to 60; they do not
// wait if limit is less than a second. Other requests do not change.
func (c *Client) Waiting(limit time.Duration) *Client {
	waiting := *c
	waiting.prefer = ""
	if seconds := int(limit / time.Second); seconds > 0 {
		waiting.prefer = fmt.Sprintf("wait=%d", seconds)
	}
	return &waiting
}

// unixTransport returns a transport that connects to the Unix socket at path and ignores
// the host of the URL.
func unixTransport(path string) *http.Transport {
	return &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "unix", path)
	}}
}

// StatusOf returns the HTTP status of the *api.Problem in err, or 0 if err has none.
func StatusOf(err error) int {
	var p *api.Problem
	if errors.As(err, &p) {
		return p.Status
	}
	return 0
}

// errNoID is the error of an empty id. The request is not made, because its path would
// be that of the whole collection.
var errNoID = &api.Problem{Title: http.StatusText(http.StatusNotFound), Status: http.StatusNotFound, Detail: "the id is empty"}

// call describes one request.
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

// with sets query parameters: name, value, name, value. It leaves out empty values.
func (r call) with(pairs ...string) call {
	r.query = make(url.Values)
	for i := 0; i+1 < len(pairs); i += 2 {
		if pairs[i+1] != "" {
			r.query.Set(pairs[i], pairs[i+1])
		}
	}
	return r
}

// send makes a request and returns its response if that is a success. The caller closes
// the body.
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
		return nil, newProblem(response)
	}
	return response, nil
}

// problemMax is the number of octets of a reply, if it is no problem document, that a
// Problem quotes.
const problemMax = 512

// newProblem makes a Problem of any reply: a proxy in between may send other documents
// than the daemon.
func newProblem(response *http.Response) *api.Problem {
	text, _ := io.ReadAll(io.LimitReader(response.Body, 1<<20)) // a broken reply is quoted as far as it has arrived
	p := &api.Problem{}
	if json.Unmarshal(text, p) != nil || p.Detail == "" && p.Title == "" {
		p = &api.Problem{Detail: strings.TrimSpace(string(text[:min(len(text), problemMax)]))}
	}
	p.Status = response.StatusCode
	if p.Title == "" {
		p.Title = http.StatusText(p.Status)
	}
	return p
}

// do makes a request and returns its reply, which is a T.
func do[T any](ctx context.Context, c *Client, r call) (T, error) {
	var v T
	response, err := c.send(ctx, r)
	if err != nil {
		return v, err
	}
	defer response.Body.Close()
	if err := json.NewDecoder(response.Body).Decode(&v); err != nil {
		return v, fmt.Errorf("%s /%s: the reply can't be read: %w", r.method, strings.Join(r.path, "/"), err)
	}
	return v, nil
}

// run makes a request and ignores the body of its reply.
func (c *Client) run(ctx context.Context, r call) error {
	response, err := c.send(ctx, r)
	if err != nil {
		return err
	}
	return response.Body.Close()
}
