package main

import (
	"bytes"
	"strings"
	"testing"

	"glean/internal/document"
)

// TestExplainPrintsEveryMember: each topic exists, and each of its members has a line
// with its type, range and default.
func TestExplainPrintsEveryMember(t *testing.T) {
	for _, topic := range topics() {
		if topic.schema == nil {
			t.Errorf("%s has no description", topic.name)
			continue
		}
		var out bytes.Buffer
		if err := explain(&out, topic.name); err != nil {
			t.Errorf("%s: %v", topic.name, err)
		}
		for _, m := range topic.schema.Members {
			if !m.ReadOnly && !strings.Contains(out.String(), "\n  "+m.Name+" ") {
				t.Errorf("%s does not print %s", topic.name, m.Name)
			}
			if facts := m.Facts(); m.Type != document.TypeObject && !m.ReadOnly && !strings.Contains(out.String(), facts) {
				t.Errorf("%s.%s: no %q", topic.name, m.Name, facts)
			}
		}
	}
	var out bytes.Buffer
	if err := explain(&out, "ipv4"); err != nil || !strings.Contains(out.String(), "time_to_live         integer, 0 to 255, default 64\n") {
		t.Errorf("%v: %s", err, &out)
	}
	if err := explain(&out, "ip4"); err == nil || !strings.Contains(err.Error(), `did you mean "ipv4"?`) {
		t.Errorf("an unknown topic: %v", err)
	}
}
