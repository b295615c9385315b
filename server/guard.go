package server

import (
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strings"
)

// guard refuses requests that a browser sends for a web page of another origin. Safe
// methods pass: the browser withholds their replies from the page.
type guard struct {
	origins *http.CrossOriginProtection
	hosts   []string // host names that are served besides localhost, in lower case
}

func newGuard(hosts []string) *guard {
	g := &guard{origins: http.NewCrossOriginProtection()}
	for _, h := range hosts {
		g.hosts = append(g.hosts, strings.ToLower(strings.TrimSuffix(h, ".")))
	}
	return g
}

// protect sets the headers that forbid browsers to guess types and to show a reply in
// a frame of another page.
func protect(h http.Header) {
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Content-Security-Policy", "frame-ancestors 'none'")
}

// check returns the problem with a request's origin or host.
func (g *guard) check(r *http.Request) error {
	if !g.serves(r) {
		return problemf(http.StatusMisdirectedRequest,
			"host %.100q is not served on loopback; use localhost or 127.0.0.1, or start the daemon with --allow-host NAME", r.Host)
	}
	if err := g.origins.Check(r); err != nil {
		return problemf(http.StatusForbidden,
			"%s of a web page of another origin (%.100q) is refused; send the request from a program, or from a page of this daemon",
			r.Method, r.Header.Get("Origin"))
	}
	return nil
}

// serves reports whether the daemon is served under the request's host name. On
// loopback a foreign name means DNS rebinding: the browser takes the daemon for the
// page's own origin. Names on other listeners are unknown to the daemon, so all pass.
func (g *guard) serves(r *http.Request) bool {
	local, ok := r.Context().Value(http.LocalAddrContextKey).(*net.TCPAddr)
	if !ok || !local.IP.IsLoopback() || r.Host == "" {
		return true
	}
	name := hostName(r.Host)
	if a, err := netip.ParseAddr(name); err == nil {
		return a.Unmap().IsLoopback() || slices.Contains(g.hosts, name)
	}
	return name == "localhost" || slices.Contains(g.hosts, name)
}

// hostName returns the host of a Host header in lower case, without port, brackets and
// a dot at its end.
func hostName(host string) string {
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	host = strings.TrimSuffix(strings.TrimPrefix(host, "["), "]")
	return strings.ToLower(strings.TrimSuffix(host, "."))
}
