package engine

import (
	"strings"
	"testing"
)

// TestErrorStatesFaultOnce: an error states a fault once, also if its detail contains it.
func TestErrorStatesFaultOnce(t *testing.T) {
	fault := Fault{Path: "config.tap.name", Detail: "\"t\" is taken"}
	for _, e := range []*Error{
		invalid(fault.Path, "%s", fault.Detail),
		{Kind: Invalid, Detail: fault.Detail, Faults: []Fault{fault}},
		{Kind: Invalid, Detail: "port \"1\"", Faults: []Fault{fault}},
		{Kind: Invalid, Faults: []Fault{fault}},
	} {
		if text := e.Error(); strings.Count(text, fault.Detail) != 1 {
			t.Errorf("%q has %q %d times, want once", text, fault.Detail, strings.Count(text, fault.Detail))
		}
	}
}
