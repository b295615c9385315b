package document

import (
	"fmt"
	"io"
	"strconv"
	"strings"
)

// At follows a path as "config.traffic[].length" through a description. It
// returns nil if the path leads nowhere.
func (s *Schema) At(path string) *Schema {
	for _, part := range strings.Split(strings.ReplaceAll(path, "[]", ".[]"), ".") {
		switch {
		case part == "" || s == nil:
		case part == "[]":
			s = s.Items
		default:
			s = s.Below(part)
		}
	}
	return s
}

// Print writes the members of an object, one in a line: name, type, range and
// default, meaning. What is below them follows, indented, except for objects that
// elsewhere names: for these it writes where they are explained.
func (s *Schema) Print(w io.Writer, elsewhere func(*Schema) string) error {
	p := printer{w: w, elsewhere: elsewhere}
	p.object(s, 1)
	return p.err
}

type printer struct {
	w         io.Writer
	elsewhere func(*Schema) string
	err       error
}

func (p *printer) line(format string, args ...any) {
	if p.err == nil {
		_, p.err = fmt.Fprintln(p.w, strings.TrimRight(fmt.Sprintf(format, args...), " "))
	}
}

// nameWidth is the column where types begin, at least.
const nameWidth = 22

func (p *printer) object(s *Schema, depth int) {
	indent := strings.Repeat("  ", depth)
	for _, m := range s.Members {
		if m.ReadOnly {
			continue
		}
		facts := m.Facts()
		if m.Required {
			facts += ", required"
		}
		text := fmt.Sprintf("%-*s %s", nameWidth, indent+m.Name, facts)
		if m.About != "" {
			text += ": " + m.About
		}
		below, where := m.inside(), ""
		if below != nil {
			where = p.elsewhere(below)
		}
		if where != "" {
			text += "; see " + where
		}
		p.line("%s", text)
		if below != nil && where == "" {
			p.object(below, depth+1)
		}
	}
}

// inside is the object that a value is, or that a list is made of.
func (s *Schema) inside() *Schema {
	switch {
	case s.Type == TypeObject && s.Keyed != nil:
		return s.Keyed.inside()
	case s.Type == TypeObject:
		return s
	case s.Items != nil:
		return s.Items.inside()
	}
	return nil
}

// Facts returns the type, range and default of a value as text, as "integer, 0
// to 255, default 64".
func (s *Schema) Facts() string {
	text := s.Type.String()
	switch s.Type {
	case TypeInteger:
		text += s.span()
	case TypeList:
		text = "list of " + s.Items.Facts()
		if s.Items.Type == TypeObject {
			text = "list of objects"
		}
		if count := s.size(); count != "" {
			text += ", " + count
		}
	case TypeText:
		switch {
		case len(s.Words) > 0:
			text = strings.Join(s.Words, " | ")
		case s.Shape != "":
			text = s.Shape
		}
	case TypeBoolean:
		text = "true or false"
	}
	if s.Default != "" {
		text += ", default " + s.Default
	}
	return text
}

func (s *Schema) span() string {
	switch {
	case s.Max > 0:
		return fmt.Sprintf(", %d to %d", s.Min, s.Max)
	case s.Min > 0:
		return ", at least " + strconv.FormatUint(s.Min, 10)
	}
	return ""
}

func (s *Schema) size() string {
	switch {
	case s.MaxItems > 0 && s.MaxItems == s.MinItems:
		return fmt.Sprintf("%d items", s.MinItems)
	case s.MaxItems > 0:
		return fmt.Sprintf("%d to %d items", s.MinItems, s.MaxItems)
	case s.MinItems > 0:
		return fmt.Sprintf("at least %d", s.MinItems)
	}
	return ""
}
