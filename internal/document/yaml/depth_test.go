package yaml

import (
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"
)

func TestTooDeep(t *testing.T) {
	for _, c := range []struct {
		text string
		deep bool
	}{
		{"a: 1", false},
		{strings.Repeat("[", 7) + strings.Repeat("]", 7), false}, // the document is the eighth
		{strings.Repeat("[", 9) + strings.Repeat("]", 9), true},
		{"a: &a [*a]", true},
		{"a: &a {b: [{c: *a}]}", true},
		{"a: &a [1]\nb: &b [*a]\nc: [*b, *b]", false},
		{"a: &a [[[[1]]]]\nb: &b [[[[*a]]]]", true},
	} {
		var n yaml.Node
		if err := yaml.Unmarshal([]byte(c.text), &n); err != nil {
			t.Fatal(err)
		}
		if got := tooDeep(&n, 8); (got != nil) != c.deep {
			t.Errorf("%q: %+v, want too deep: %v", c.text, got, c.deep)
		}
	}
}
