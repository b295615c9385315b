package main

import (
	"bytes"
	"strings"
	"testing"

	"glean/internal/document"
)

// TestExplainPrintsWhatTheReadersKnow: every topic is there, and each member of it
// has a line with its facts.
func TestExplainPrintsWhatTheReadersKnow(t *testing.T) {
	for _, topic := range topics() {
		if topic.schema == nil {
			t.Errorf("%s leads nowhere", topic.name)
			continue
		}
		var out bytes.Buffer
		if err := explain(&out, topic.name); err != nil {
			t.Errorf("%s: %v", topic.name, err)
		}
		for _, m := range topic.schema.Members {
			if !m.ReadOnly && !strings.Contains(out.String(), "\n  "+m.Name+" ") {
				t.Errorf("%s does not name %s", topic.name, m.Name)
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
