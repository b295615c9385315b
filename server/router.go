package server

import (
	"net/http"
	"slices"
	"strings"

	"github.com/julienschmidt/httprouter"
)

// handlerFunc answers one request. An error becomes a problem document, unless the reply
// has begun.
type handlerFunc func(s *Server, w *responseWriter, r *request) error

// route is one operation. Its pattern is a path of the OpenAPI document: segments in
// braces are parameters.
type route struct {
	method  string
	pattern string
	handle  handlerFunc
	packet  bool     // also served below /packet, as OpenPerf's packet group is
	query   []string // names of its query parameters
}

// router finds the route of a request. httprouter does not allow
// /generators/{id}/start beside /generators/x/bulk-create. So it gets shapes, which
// have parameters only below a collection (/generators/:1/:2), and the router chooses
// among the few patterns of a shape, those with fewer parameters first.
type router struct {
	lookup *httprouter.Router
	serve  func(w http.ResponseWriter, r *http.Request, f found)
}

// candidate is one pattern with its operations.
type candidate struct {
	segments []string // below the collection
	pattern  string   // with the prefix
	prefix   string   // "/packet" or empty
	methods  map[string]*route
}

func newRouter(list []route, serve func(http.ResponseWriter, *http.Request, found)) *router {
	shapes := make(map[string][]*candidate)
	var order []string
	for _, rt := range list {
		for _, prefix := range rt.prefixes() {
			shape, segments := shapeOf(prefix, rt.pattern)
			if shapes[shape] == nil {
				order = append(order, shape)
			}
			shapes[shape] = addRoute(shapes[shape], prefix, segments, rt)
		}
	}
	rs := &router{lookup: httprouter.New(), serve: serve}
	rs.lookup.RedirectTrailingSlash = false
	rs.lookup.RedirectFixedPath = false
	rs.lookup.HandleOPTIONS = false
	for _, shape := range order {
		// Each shape is registered once, under GET. The candidate has the methods, which
		// 405 and Allow need.
		list := shapes[shape]
		rs.lookup.Handle(http.MethodGet, shape, func(w http.ResponseWriter, r *http.Request, values httprouter.Params) {
			serve(w, r, choose(list, r.Method, values))
		})
	}
	return rs
}

func (rt route) prefixes() []string {
	if rt.packet {
		return []string{"/packet", ""}
	}
	return []string{""}
}

// shapeOf returns httprouter's pattern, and the segments below the collection.
func shapeOf(prefix, pattern string) (string, []string) {
	segments := strings.Split(strings.TrimPrefix(pattern, "/"), "/")
	shape := prefix + "/" + segments[0]
	for i := range segments[1:] {
		shape += "/:" + string(rune('1'+i))
	}
	return shape, segments[1:]
}

func addRoute(list []*candidate, prefix string, segments []string, rt route) []*candidate {
	pattern := prefix + rt.pattern
	at := slices.IndexFunc(list, func(c *candidate) bool { return c.pattern == pattern })
	if at < 0 {
		c := &candidate{segments: segments, pattern: pattern, prefix: prefix, methods: make(map[string]*route)}
		list = append(list, c)
		slices.SortStableFunc(list, func(a, b *candidate) int { return a.parameters() - b.parameters() })
		at = slices.Index(list, c)
	}
	if list[at].methods[rt.method] != nil {
		panic("two routes for " + rt.method + " " + pattern)
	}
	list[at].methods[rt.method] = &rt
	return list
}

func isParameter(segment string) bool { return strings.HasPrefix(segment, "{") }

func (c *candidate) parameters() int {
	n := 0
	for _, s := range c.segments {
		if isParameter(s) {
			n++
		}
	}
	return n
}

// match returns the parameters by name, and reports whether the literal segments are
// the candidate's.
func (c *candidate) match(values httprouter.Params) (map[string]string, bool) {
	parameters := make(map[string]string, 1)
	for i, segment := range c.segments {
		switch {
		case isParameter(segment):
			parameters[strings.Trim(segment, "{}")] = values[i].Value
		case segment != values[i].Value:
			return nil, false
		}
	}
	return parameters, true
}

// allow returns the methods of a pattern in the form of the Allow header.
func (c *candidate) allow() string {
	var methods []string
	for m := range c.methods {
		methods = append(methods, m)
	}
	slices.Sort(methods)
	return strings.Join(methods, ", ")
}

// found is the outcome of a search.
type found struct {
	route      *route     // nil if the method is not allowed
	candidate  *candidate // nil if the path has no operation
	parameters map[string]string
}

// choose returns the first candidate of a shape that matches.
func choose(list []*candidate, method string, values httprouter.Params) found {
	if method == http.MethodHead { // net/http leaves the body out
		method = http.MethodGet
	}
	for _, c := range list {
		if parameters, ok := c.match(values); ok {
			return found{c.methods[method], c, parameters}
		}
	}
	return found{}
}

// ServeHTTP implements http.Handler: it calls serve with the route of the request.
func (rs *router) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	handle, values, _ := rs.lookup.Lookup(http.MethodGet, cleanPath(r.URL.Path))
	if handle == nil {
		rs.serve(w, r, found{})
		return
	}
	handle(w, r, values)
}

// cleanPath replaces several slashes in a row by one: OpenPerf's clients send such
// paths.
func cleanPath(path string) string {
	for strings.Contains(path, "//") {
		path = strings.ReplaceAll(path, "//", "/")
	}
	return path
}
