package engine_test

import (
	"errors"
	"strings"
	"testing"

	"glean/server/bodies"
	"glean/server/engine"
	"glean/stack/loop"
)

// TestShortLengthsAreRefusedUnlessAsInOpenPerf: a length that is too short for its headers
// is refused, also in bulk. With --openperf such frames end within their headers, as
// OpenPerf's do.
func TestShortLengthsAreRefusedUnlessAsInOpenPerf(t *testing.T) {
	body := strings.Replace(string(flowsTo("g", "if-0", "", "", "2001:db8::1")), `{"fixed":100}`, `{"fixed":64}`, 1)
	body = strings.Replace(body, `{"udp":{"destination":5000}}`, `{"tcp":{}}`, 1)
	for _, c := range []struct {
		dialect bodies.Dialect
		bulk    bool
		path    string // "": accepted
	}{
		{bodies.Strict, false, "config.traffic[0].length"}, {bodies.Strict, true, "items[0].config.traffic[0].length"},
		{bodies.AsOpenPerf, false, ""}, {bodies.AsOpenPerf, true, ""},
	} {
		n := newNetwork(t, 1)
		n.addInterface("if-0", 0, v6("2001:db8::10", 64, ""), "")
		var specs []engine.GeneratorSpec
		var err error
		if c.bulk {
			specs, err = c.dialect.Generators([]byte(`{"items":[` + body + `]}`))
		} else {
			specs = make([]engine.GeneratorSpec, 1)
			specs[0], err = c.dialect.Generator([]byte(body))
		}
		if err != nil {
			t.Fatal(err)
		}
		if c.bulk {
			n.CreateGenerators(specs, func(_ []engine.GeneratorView, failed error) { err = failed })
			n.run(loop.Millisecond)
		} else {
			_, err = n.CreateGenerator(specs[0])
		}
		var e *engine.Error
		switch {
		case c.path == "" && err != nil:
			t.Errorf("dialect %v, bulk %v: %v", c.dialect, c.bulk, err)
		case c.path != "" && (!errors.As(err, &e) || len(e.Faults) != 1 || e.Faults[0].Path != c.path || !strings.Contains(e.Faults[0].Detail, "at least 78")):
			t.Errorf("dialect %v, bulk %v: %v", c.dialect, c.bulk, err)
		}
	}
}
