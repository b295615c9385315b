package server

import (
	"net/http"
	"strings"
	"testing"

	"glean/server/engine"
)

const guardedBody = `{"id":"evil","port_id":"0","config":{"protocols":[{"eth":{"mac_address":"02:00:00:00:00:66"}},{"ipv4":{"method":"static","static":{"address":"198.18.0.66","prefix_length":24}}}]}}`

// ask sends a request with these headers only.
func (a *harness) ask(t *testing.T, method, path, host, body string, headers ...string) (status int, header http.Header) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, a.http.URL+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	if host != "" {
		r.Host = host
	}
	for i := 0; i+1 < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	response.Body.Close()
	return response.StatusCode, response.Header
}

// These are the headers that Chromium sends for fetch with an untyped Blob, a
// form, and a page of the daemon itself.
func TestPagesOfOtherOriginsAreRefused(t *testing.T) {
	a := newHarness(t)
	const form = "application/x-www-form-urlencoded"
	for _, c := range []struct {
		name, method, path, body string
		headers                  []string
		want                     int
	}{
		{"fetch of a Blob", "POST", "/interfaces", guardedBody, []string{"Origin", "http://evil.example", "Sec-Fetch-Site", "cross-site", "Sec-Fetch-Mode", "no-cors"}, 403},
		{"fetch by an old browser", "POST", "/interfaces", guardedBody, []string{"Origin", "http://evil.example"}, 403},
		{"sandboxed frame", "POST", "/interfaces", guardedBody, []string{"Origin", "null"}, 403},
		{"other port of this machine", "POST", "/interfaces", guardedBody, []string{"Origin", "http://localhost:1", "Sec-Fetch-Site", "same-site"}, 403},
		{"form", "POST", "/packet/generators/g/start", "a=b", []string{"Origin", "http://evil.example", "Sec-Fetch-Site", "cross-site", "Content-Type", form}, 403},
		{"delete", "DELETE", "/interfaces/a", "", []string{"Origin", "http://evil.example", "Sec-Fetch-Site", "cross-site"}, 403},
		{"no type", "POST", "/interfaces", guardedBody, nil, 415},
		{"form without origin", "POST", "/interfaces", "a=b", []string{"Content-Type", form}, 415},
		{"read", "GET", "/interfaces", "", []string{"Origin", "http://evil.example", "Sec-Fetch-Site", "cross-site"}, 200},
		{"program without body", "POST", "/packet/generators/nosuch/start", "", nil, 404},
		{"own page", "POST", "/interfaces", guardedBody, []string{"Origin", a.http.URL, "Sec-Fetch-Site", "same-origin", "Content-Type", "application/json"}, 201},
	} {
		if status, _ := a.ask(t, c.method, c.path, "", c.body, c.headers...); status != c.want {
			t.Errorf("%s: %d, want %d", c.name, status, c.want)
		}
	}
}

func TestForeignHostsAreRefusedOnLoopback(t *testing.T) {
	a := newHarness(t, func(c *Config, _ *engine.Config) { c.Hosts = []string{"Lab.example"} })
	for host, want := range map[string]int{
		"localhost": 200, "LOCALHOST:9000": 200, "localhost.": 200, "127.0.0.1": 200, "127.0.0.2:1": 200, "[::1]:9000": 200, "[::1]": 200,
		"lab.example:9000": 200, "LAB.EXAMPLE.": 200,
		"evil.example": 421, "evil.example:9000": 421, "localhost.evil.example": 421, "198.18.0.1": 421, "127.0.0.1.evil.example": 421,
	} {
		for _, method := range []string{"GET", "DELETE"} {
			want := want
			path := "/interfaces"
			if method == "DELETE" {
				path = "/interfaces/nosuch"
				if want == 200 {
					want = 204
				}
			}
			if got, _ := a.ask(t, method, path, host, ""); got != want {
				t.Errorf("%s %s with host %q: %d, want %d", method, path, host, got, want)
			}
		}
	}
}

func TestEveryReplyForbidsSniffingAndFrames(t *testing.T) {
	a := newHarness(t)
	for _, path := range []string{"/interfaces", "/nosuch", "/docs", "/openapi.yaml", "/metrics", "/events"} {
		method := "GET"
		if path == "/events" {
			method = "HEAD"
		}
		_, h := a.ask(t, method, path, "", "")
		if h.Get("X-Content-Type-Options") != "nosniff" || !strings.Contains(h.Get("Content-Security-Policy"), "frame-ancestors 'none'") {
			t.Errorf("%s: headers %v", path, h)
		}
	}
}
