package server

import (
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"

	"glean/internal/document"
	"glean/server/api"
	"glean/server/bodies"
)

// TestDocumentAndReadersAgree walks openapi.yaml and the descriptions that the
// readers go by: each has the members of the other, with the same types, ranges,
// words and defaults.
func TestDocumentAndReadersAgree(t *testing.T) {
	compared := 0
	for name, described := range bodies.Schemas() {
		ref := apiDocument().Components.Schemas[name]
		if ref == nil {
			t.Errorf("openapi.yaml has no schema %s", name)
			continue
		}
		c := comparison{t, &compared}
		c.value(name, described, ref)
	}
	if compared < 200 {
		t.Errorf("%d members compared only", compared)
	}
}

type comparison struct {
	t        *testing.T
	compared *int
}

func (c comparison) differ(path, what string, document, reader any) {
	if fmt.Sprint(document) != fmt.Sprint(reader) {
		c.t.Errorf("%s: openapi.yaml has %s %v, the reader %v", path, what, document, reader)
	}
}

// value compares one value. The document's may be a reference in an allOf.
func (c comparison) value(path string, described *document.Schema, ref *openapi3.SchemaRef) {
	*c.compared++
	s := ref.Value
	if len(s.AllOf) == 1 {
		s = s.AllOf[0].Value
	}
	if described.Type == document.TypeAny {
		return
	}
	if !s.Type.Is(described.Type.String()) {
		c.t.Errorf("%s: openapi.yaml has type %v, the reader %s", path, s.Type, described.Type)
		return
	}
	c.defaults(path, described, s)
	switch described.Type {
	case document.TypeInteger:
		c.differ(path, "minimum", limit(s.Min), float64(described.Min))
		c.differ(path, "maximum", limit(s.Max), float64(described.Max))
	case document.TypeText:
		c.words(path, described, s)
	case document.TypeList:
		c.differ(path, "minItems", s.MinItems, described.MinItems)
		most := uint64(0)
		if s.MaxItems != nil {
			most = *s.MaxItems
		}
		c.differ(path, "maxItems", most, described.MaxItems)
		c.value(path+"[]", described.Items, s.Items)
	case document.TypeObject:
		c.object(path, described, s)
	}
}

// limit is 0 for none.
func limit(n *float64) float64 {
	if n == nil {
		return 0
	}
	return *n
}

func (c comparison) words(path string, described *document.Schema, s *openapi3.Schema) {
	var words []string
	for _, w := range s.Enum {
		if w != nil {
			words = append(words, fmt.Sprint(w))
		}
	}
	want := slices.Clone(described.Words)
	if path == "Port.kind" {
		want = append(want, "dpdk") // of replies only
	}
	slices.Sort(words)
	slices.Sort(want)
	c.differ(path, "enum", words, want)
}

func (c comparison) defaults(path string, described *document.Schema, s *openapi3.Schema) {
	switch got := s.Default.(type) {
	case nil:
		c.differ(path, "default", "", described.Default)
	case float64:
		c.differ(path, "default", strconv.FormatFloat(got, 'f', -1, 64), described.Default)
	default:
		c.differ(path, "default", got, described.Default)
	}
}

func (c comparison) object(path string, described *document.Schema, s *openapi3.Schema) {
	if len(s.Properties) == 0 {
		c.t.Errorf("%s: openapi.yaml has an object without members", path)
	}
	for name, ref := range s.Properties {
		m := described.Find(name)
		if m == nil {
			c.t.Errorf("%s.%s is in openapi.yaml, but the reader does not know it", path, name)
			continue
		}
		c.value(path+"."+name, m.Schema, ref)
	}
	var required []string
	for _, m := range described.Members {
		if s.Properties[m.Name] == nil {
			c.t.Errorf("%s.%s is not in openapi.yaml, but the reader knows it", path, m.Name)
		}
		if m.Required {
			required = append(required, m.Name)
		}
	}
	for _, name := range s.Required {
		if m := described.Find(name); m != nil && !m.ReadOnly && !m.Required {
			c.t.Errorf("%s.%s is required in openapi.yaml, but not by the reader", path, name)
		}
	}
	for _, name := range required {
		if !slices.Contains(s.Required, name) {
			c.t.Errorf("%s.%s is required by the reader, but not in openapi.yaml", path, name)
		}
	}
}

// everySchema calls f for each schema below the document's components, once.
func everySchema(f func(path string, s *openapi3.Schema)) {
	seen := make(map[*openapi3.Schema]bool)
	var walk func(path string, ref *openapi3.SchemaRef)
	walk = func(path string, ref *openapi3.SchemaRef) {
		if ref == nil || ref.Value == nil || seen[ref.Value] {
			return
		}
		s := ref.Value
		seen[s] = true
		f(path, s)
		for name, below := range s.Properties {
			walk(path+"."+name, below)
		}
		for _, below := range s.AllOf {
			walk(path, below)
		}
		walk(path+"[]", s.Items)
		walk(path+".*", s.AdditionalProperties.Schema)
	}
	for name, ref := range apiDocument().Components.Schemas {
		walk(name, ref)
	}
}

// TestDocumentHasNoBareObjects: every object has members.
func TestDocumentHasNoBareObjects(t *testing.T) {
	seen := 0
	everySchema(func(path string, s *openapi3.Schema) {
		seen++
		if s.Type.Is("object") && len(s.Properties) == 0 && s.AdditionalProperties.Schema == nil && len(s.AllOf) == 0 {
			t.Errorf("%s is an object of which nothing is said", path)
		}
	})
	if seen < 300 {
		t.Errorf("%d schemas seen only", seen)
	}
}

// TestDocumentHasTheQueryParameters holds the parameters of each operation against
// those that are accepted.
func TestDocumentHasTheQueryParameters(t *testing.T) {
	for _, rt := range routes() {
		for _, prefix := range rt.prefixes() {
			item := apiDocument().Paths.Value(prefix + rt.pattern)
			var names []string
			for _, p := range item.GetOperation(rt.method).Parameters {
				if p.Value.In == "query" {
					names = append(names, p.Value.Name)
				}
			}
			want := slices.Clone(rt.query)
			slices.Sort(names)
			slices.Sort(want)
			if !slices.Equal(names, want) {
				t.Errorf("%s %s: openapi.yaml has %q, the route %q", rt.method, prefix+rt.pattern, names, want)
			}
		}
	}
}

// TestFlowCountersAreDescribed: the document, the description and the type have the same
// counters, and the first two the same text.
func TestFlowCountersAreDescribed(t *testing.T) {
	described := FlowCounters()
	properties := apiDocument().Components.Schemas["FlowCounters"].Value.Properties
	var names []string
	for _, m := range described.Members {
		names = append(names, m.Name)
		if ref := properties[m.Name]; ref == nil || ref.Value.Description != m.About {
			t.Errorf("%s: openapi.yaml says otherwise than %q", m.Name, m.About)
		}
	}
	var fields []string
	for f := range reflect.TypeFor[api.FlowCounters]().Fields() {
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		fields = append(fields, name)
	}
	if !slices.Equal(names, fields) || len(properties) != len(names) {
		t.Errorf("described are %q, the JSON has %q, openapi.yaml %d", names, fields, len(properties))
	}
}
