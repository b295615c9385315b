package file

import (
	"testing"

	"glean/sim/scenario"
)

func TestLibraryMeetsItsExpectations(t *testing.T) {
	for _, name := range Library() {
		t.Run(name, func(t *testing.T) {
			s, err := Open(name)
			if err != nil {
				t.Fatal(err)
			}
			if s.Name != name {
				t.Errorf("it calls itself %q", s.Name)
			}
			r, err := scenario.Execute(s, scenario.Options{})
			if err != nil {
				t.Fatal(err)
			}
			for _, e := range r.Expectations {
				if !e.Held {
					t.Errorf("expected: %s; found: %s", e.What, e.Why)
				}
			}
			for _, text := range r.Faults {
				t.Errorf("step %s", text)
			}
			for _, v := range r.Violations {
				t.Error(v)
			}
		})
	}
}
