package server

import (
	"encoding/json"
	"errors"
	"maps"
	"mime"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"glean/internal/document"
	"glean/server/api"
	"glean/server/bodies"
	"glean/server/engine"
)

// request is an HTTP request with the values of its route.
type request struct {
	*http.Request
	server     *Server
	prefix     string // "/packet" or empty, as in the path of the request
	parameters map[string]string
}

// id returns the {id} of the path, which is valid.
func (r *request) id() string { return r.parameters["id"] }

// dialect returns the dialect of request bodies.
func (s *Server) dialect() bodies.Dialect {
	if s.OpenPerf {
		return bodies.AsOpenPerf
	}
	return bodies.Strict
}

// newIgnored lists the members that were ignored when a resource was made.
func newIgnored(w engine.Warnings) api.Ignored {
	return api.Ignored{Warnings: newFaults(w.First), WarningsCount: w.Count}
}

// newFaults returns nil for no faults.
func newFaults(list []engine.Fault) []api.Fault {
	if len(list) == 0 {
		return nil
	}
	faults := make([]api.Fault, len(list))
	for i, f := range list {
		faults[i] = api.Fault(f)
	}
	return faults
}

// checkQuery refuses query parameters that the route does not have, or that are given
// more than once. OpenPerf ignores both.
func (r *request) checkQuery(known []string) error {
	if r.server.OpenPerf || r.URL.RawQuery == "" {
		return nil
	}
	query, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		return problemf(http.StatusBadRequest, "the query does not parse: %v", err)
	}
	for _, name := range slices.Sorted(maps.Keys(query)) {
		switch {
		case !slices.Contains(known, name):
			return unknownParameter(name, known)
		case len(query[name]) > 1:
			return badParameter(name, "is given more than once")
		}
	}
	return nil
}

// checkContentType refuses a body that is not declared as JSON. It refuses a body
// without a type, too: a browser sends that for a page of another origin without a
// preflight request.
func (r *request) checkContentType() error {
	given := r.Header.Get("Content-Type")
	switch {
	case given == "" && r.ContentLength == 0: // the request has no body
		return nil
	case given == "":
		return problemf(http.StatusUnsupportedMediaType, "the body has no type; send it with Content-Type: application/json")
	}
	media, parameters, err := mime.ParseMediaType(given)
	charset := strings.ToLower(parameters["charset"])
	if err == nil && (media == "application/json" || strings.HasSuffix(media, "+json")) && (charset == "" || charset == "utf-8") {
		return nil
	}
	return problemf(http.StatusUnsupportedMediaType, "the body has the type %q; send application/json in UTF-8", given)
}

// filter returns a query parameter. A parameter that is given with an empty value
// filters for the empty string.
func (r *request) filter(name string) (value string, given bool) {
	values, given := r.URL.Query()[name]
	if !given {
		return "", false
	}
	return values[0], true
}

// integer returns a query parameter that is a number, or otherwise if it is not given.
func (r *request) integer(name string, lo, hi, otherwise int) (int, error) {
	s, given := r.filter(name)
	if !given {
		return otherwise, nil
	}
	n, err := strconv.Atoi(s)
	if err != nil || n < lo || n > hi {
		return 0, badParameter(name, "must be from %d to %d, not %.40q", lo, hi, s)
	}
	return n, nil
}

// word returns a query parameter that is one of a few words.
func (r *request) word(name string, words ...string) (value string, given bool, err error) {
	value, given = r.filter(name)
	if given && !slices.Contains(words, value) {
		err = badParameter(name, "%q is not one of %s", value, document.Quoted(words))
	}
	return value, given, err
}

// address returns a query parameter that is an IP address, or the zero Addr if it is not
// given.
func (r *request) address(name string) (netip.Addr, error) {
	s, given := r.filter(name)
	if !given {
		return netip.Addr{}, nil
	}
	a, err := netip.ParseAddr(s)
	if err != nil || a.Zone() != "" {
		return netip.Addr{}, badParameter(name, "%q is not an IP address", s)
	}
	return a, nil
}

// reply sends a JSON document.
func reply(w *responseWriter, status int, v any) error {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	encoder := json.NewEncoder(w)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(v); err != nil {
		return clientGone(err)
	}
	return nil
}

// clientGone returns nil for an error of writing: the client has gone. An error of
// encoding is a fault of this program, so it panics.
func clientGone(err error) error {
	var unsupported *json.UnsupportedTypeError
	var marshaler *json.MarshalerError
	var value *json.UnsupportedValueError
	if errors.As(err, &unsupported) || errors.As(err, &marshaler) || errors.As(err, &value) {
		panic(err)
	}
	return nil
}

// noContent answers 204.
func noContent(w *responseWriter) error {
	w.WriteHeader(http.StatusNoContent)
	return nil
}

// orEmpty returns an empty list for nil, because JSON has null for a nil list.
func orEmpty[T any](list []T) []T {
	if list == nil {
		return []T{}
	}
	return list
}
