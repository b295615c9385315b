package stack

import (
	"testing"

	"pgregory.net/rapid"
)

// TestSmallMapAgainstMap compares smallMap with a map.
func TestSmallMapAgainstMap(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var m smallMap[int, int]
		slow := make(map[int]int)
		key := rapid.IntRange(0, 9)
		t.Repeat(map[string]func(*rapid.T){
			"set": func(t *rapid.T) {
				k, v := key.Draw(t, "key"), rapid.IntRange(1, 3).Draw(t, "value")
				m.set(k, v)
				slow[k] = v
			},
			"delete": func(t *rapid.T) {
				k := key.Draw(t, "key")
				m.delete(k)
				delete(slow, k)
			},
			"": func(t *rapid.T) {
				for k := range 10 {
					if m.get(k) != slow[k] {
						t.Fatalf("%d is %d, want %d", k, m.get(k), slow[k])
					}
				}
				if m.len() != len(slow) {
					t.Fatalf("%d entries, want %d", m.len(), len(slow))
				}
			},
		})
	})
}
