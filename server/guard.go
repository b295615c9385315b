package server

import (
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strings"
)

// guard refuses requests that a web page of another origin has a browser send.
// Reads that are safe pass: the browser withholds their answers from the page.
type guard struct {
	origins *http.CrossOriginProtection
	hosts   []string // names that are served besides localhost, in lower case
}

func newGuard(hosts []string) *guard {
	g := &guard{origins: http.NewCrossOriginProtection()}
	for _, h := range hosts {
		g.hosts = append(g.hosts, strings.ToLower(strings.TrimSuffix(h, ".")))
	}
	return g
}

// protect sets the headers that keep browsers from guessing types and from
// framing an answer in another page.
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

// serves reports whether the request's host is one of the daemon. On loopback a
// foreign name means DNS rebinding: the browser takes the daemon for the page's
// own origin. Other listeners have names that the daemon can't know.
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

// hostName is the Host header without port, brackets and the root's dot, in
// lower case.
func hostName(host string) string {
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	host = strings.TrimSuffix(strings.TrimPrefix(host, "["), "]")
	return strings.ToLower(strings.TrimSuffix(host, "."))
}
