package engine_test

import (
	"strings"
	"testing"

	"glean/server/engine"
)

// TestCheckFindsBrokenInvariants: Check returns nil for an engine, and an error when one of
// its tables is wrong.
func TestCheckFindsBrokenInvariants(t *testing.T) {
	for fault, want := range map[string]string{
		"": "", "handle": "1 interfaces have 2 handles", "port": "port 0 is at index 0, but has index 1", "stack": "belongs to another interface of the stack",
	} {
		t.Run(fault, func(t *testing.T) {
			n := newNetwork(t, 1)
			n.addInterface("if-0", 0, subnet4, "")
			engine.Break(n.Engine, fault)
			err := n.Check()
			if (err != nil) != (want != "") || err != nil && !strings.Contains(err.Error(), want) {
				t.Errorf("%v, want %q", err, want)
			}
		})
	}
}
