package yaml

import (
	"bytes"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"
)

func TestFaultLineIsTheLineThatIsWrong(t *testing.T) {
	parses := func(text []byte) bool { return yaml.Unmarshal(text, new(yaml.Node)) == nil }
	for name, c := range map[string]struct {
		text string
		line int
	}{
		"indented too far":           {"a: 1\nb:\n  c: 1\n   d: 2\ne: 3\n", 4},
		"indented too little":        {"a:\n    b: 1\n  c: 2\nd: 3\n", 3},
		"in a list":                  {"a:\n  - b: 1\n   c: 2\n  - d: 3\n", 3},
		"a tab":                      {"a: 1\nb:\n\tc: 1\nd: 2\n", 3},
		"a bracket that stays open":  {"a: 1\nb: [1, 2\nc: 3\nd: 4\n", 2},
		"a quote that stays open":    {"a: 1\nb: \"x\nc: 3", 2},
		"after a list of many lines": {"a: [1,\n  2,\n  3]\nb: {c: 1,\n  d: 2}\ne: 1\n f: 2\n", 7},
		"the first line":             {"a: b: c\nd: 1\n", 1},
		"far down":                   {strings.Repeat("a:\n  - [1,\n     2]\n", 1) + strings.Repeat("# x\n", 1000) + "b:\n  c: 1\n d: 1\n" + strings.Repeat("# y\n", 1000), 1006},
	} {
		if parses([]byte(c.text)) {
			t.Errorf("%s: it parses", name)
		}
		if got := faultLine([]byte(c.text), parses); got != c.line {
			t.Errorf("%s: line %d, want %d", name, got, c.line)
		}
	}
	if got := faultLine(nil, func([]byte) bool { return false }); got != 1 {
		t.Errorf("of nothing: line %d", got)
	}
	if got := indent([]byte("a: 1\n   b: 2\n"), 2); got != 4 {
		t.Errorf("column %d, want 4", got)
	}
}

// TestFaultLineIsCheap: a large file is parsed some hundred times at most.
func TestFaultLineIsCheap(t *testing.T) {
	calls := 0
	text := bytes.Repeat([]byte("x\n"), 100_000)
	faultLine(text, func(part []byte) bool { calls++; return len(part) < 100_000 })
	if calls > 500 {
		t.Errorf("%d calls", calls)
	}
}
