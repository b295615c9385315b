package yaml

import (
	"testing"

	"go.yaml.in/yaml/v3"
)

func TestFindLeadsAsFarAsThePath(t *testing.T) {
	const text = `a:
  b:
    - c: 1
    - &x
      d: 2
  e: *x
`
	var doc yaml.Node
	if err := yaml.Unmarshal([]byte(text), &doc); err != nil {
		t.Fatal(err)
	}
	for path, line := range map[string]int{"": 1, "a.b[0].c": 3, "a.b[1].d": 5, "a.b[7].d": 3, "a.e.d": 5, "a.b.c": 3, "z": 1, "a.b[-1]": 3} {
		if got := Find(doc.Content[0], path).Line; got != line {
			t.Errorf("%s: line %d, want %d", path, got, line)
		}
	}
}
