package conformance

import (
	_ "embed"
	"fmt"
	"regexp"
	"strings"
)

//go:embed checklist.md
var checklistText string

// Item is a line of the checklist.
type Item struct {
	ID      string // "A01" ... "N07", "G-rows"
	RFC     string // numbers; empty for glean's own rules
	Section string // of each RFC
	Rule    string
	Later   bool // not built yet: it needs no test
}

var idForm = regexp.MustCompile(`^(?:[A-N][0-9]{2}|G-rows)$`)

// Checklist reads the embedded list. It returns an error if the text is malformed.
func Checklist() ([]Item, error) { return parseChecklist(checklistText) }

// parseChecklist reads the rows of a Markdown table whose first cell is an ID.
func parseChecklist(text string) ([]Item, error) {
	var items []Item
	seen := make(map[string]bool)
	for n, line := range strings.Split(text, "\n") {
		if !strings.HasPrefix(line, "|") {
			continue
		}
		cells := strings.Split(strings.Trim(line, "|"), "|")
		for i := range cells {
			cells[i] = strings.TrimSpace(cells[i])
		}
		if cells[0] == "ID" || strings.Trim(cells[0], "-") == "" {
			continue // the table's head
		}
		if len(cells) != 5 || !idForm.MatchString(cells[0]) || cells[3] == "" {
			return nil, fmt.Errorf("line %d is not ID, RFC, section, rule and when: %s", n+1, line)
		}
		if cells[4] != "" && cells[4] != "later" {
			return nil, fmt.Errorf("line %d: %q is not \"later\"", n+1, cells[4])
		}
		if seen[cells[0]] {
			return nil, fmt.Errorf("line %d: %s is given more than once", n+1, cells[0])
		}
		seen[cells[0]] = true
		items = append(items, Item{cells[0], cells[1], cells[2], cells[3], cells[4] == "later"})
	}
	return items, nil
}
