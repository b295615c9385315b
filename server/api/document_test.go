package api

import (
	"go/ast"
	"go/parser"
	"go/token"
	"maps"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
)

// types has the type of each schema of openapi.yaml that is an object. A type that
// only occurs as a member's is found through it.
var types = map[string]reflect.Type{
	"AddressStatus":           reflect.TypeFor[AddressStatus](),
	"Event":                   reflect.TypeFor[Event](),
	"EventGap":                reflect.TypeFor[EventGap](),
	"FlowCounters":            reflect.TypeFor[FlowCounters](),
	"Generator":               reflect.TypeFor[Generator](),
	"GeneratorConfig":         reflect.TypeFor[GeneratorConfig](),
	"GeneratorLearning":       reflect.TypeFor[GeneratorLearning](),
	"GeneratorLearningConfig": reflect.TypeFor[GeneratorLearningConfig](),
	"GeneratorResult":         reflect.TypeFor[GeneratorResult](),
	"IDs":                     reflect.TypeFor[IDs](),
	"Interface":               reflect.TypeFor[Interface](),
	"InterfaceProtocol":       reflect.TypeFor[InterfaceProtocol](),
	"LearnedAddress":          reflect.TypeFor[LearnedAddress](),
	"LearningBody":            reflect.TypeFor[LearningBody](),
	"LearningPlan":            reflect.TypeFor[LearningPlan](),
	"LearningRequest":         reflect.TypeFor[LearningRequest](),
	"LearningResult":          reflect.TypeFor[LearningResult](),
	"Length":                  reflect.TypeFor[Length](),
	"Module":                  reflect.TypeFor[Module](),
	"Neighbor":                reflect.TypeFor[Neighbor](),
	"NeighborChange":          reflect.TypeFor[NeighborChange](),
	"NeighborConfig":          reflect.TypeFor[NeighborConfig](),
	"Port":                    reflect.TypeFor[Port](),
	"Problem":                 reflect.TypeFor[Problem](),
	"ProtocolStats":           reflect.TypeFor[ProtocolStats](),
	"Signature":               reflect.TypeFor[Signature](),
	"Stack":                   reflect.TypeFor[Stack](),
	"Time":                    reflect.TypeFor[Time](),
	"Toggle":                  reflect.TypeFor[Toggle](),
	"TrafficDefinition":       reflect.TypeFor[TrafficDefinition](),
	"TxFlow":                  reflect.TypeFor[TxFlow](),
	"Version":                 reflect.TypeFor[Version](),
}

// withoutType are schemas of the fields of headers, which PacketProtocol holds as a
// map: another test compares them with the table of fields.
var withoutType = []string{"PacketProtocol", "Modifier", "NumberValues", "IPv4Values", "IPv6Values", "MACValues"}

// falseIsAbsent are booleans for which the document has no default, and false is
// the same as absent.
var falseIsAbsent = []string{"GeneratorConfig.duration.continuous", "Signature.fill.prbs"}

func TestTypesAndDocumentAgree(t *testing.T) {
	document, err := openapi3.NewLoader().LoadFromFile("../openapi.yaml")
	if err != nil {
		t.Fatal(err)
	}
	c := &comparison{t: t, seen: make(map[reflect.Type]bool)}
	for name, ref := range document.Components.Schemas {
		switch typ := types[name]; {
		case typ != nil:
			c.object(name, ref.Value, typ)
		case ref.Value.Type.Is("object") && !slices.Contains(withoutType, name):
			t.Errorf("schema %s of openapi.yaml has no type in package api", name)
		}
	}
	for name := range types {
		if document.Components.Schemas[name] == nil {
			t.Errorf("type %s has no schema in openapi.yaml", name)
		}
	}
	for path, item := range document.Paths.Map() {
		for method, operation := range item.Operations() {
			c.bodies(method+" "+path, operation)
		}
	}
	for _, name := range exportedStructs(t) {
		if !c.hasSeen(name) {
			t.Errorf("type %s is part of no schema of openapi.yaml", name)
		}
	}
}

// comparison walks schemas and types side by side.
type comparison struct {
	t    *testing.T
	seen map[reflect.Type]bool
}

// hasSeen reports whether a type was compared, or an instance of a generic one.
func (c *comparison) hasSeen(name string) bool {
	for typ := range c.seen {
		if plain, _, _ := strings.Cut(typ.Name(), "["); plain == name {
			return true
		}
	}
	return false
}

// bodies compares the objects that an operation describes in place: those of bulk
// requests.
func (c *comparison) bodies(path string, operation *openapi3.Operation) {
	var contents []openapi3.Content
	if operation.RequestBody != nil {
		contents = append(contents, operation.RequestBody.Value.Content)
	}
	for _, response := range operation.Responses.Map() {
		contents = append(contents, response.Value.Content)
	}
	for _, content := range contents {
		media := content.Get("application/json")
		if media == nil || media.Schema.Ref != "" || media.Schema.Value.Type.Is("array") {
			continue
		}
		items := media.Schema.Value.Properties["items"]
		if items == nil || items.Value.Items == nil {
			c.t.Errorf("%s: a body in place that is not Items", path)
			continue
		}
		switch strings.TrimPrefix(items.Value.Items.Ref, "#/components/schemas/") {
		case "Generator":
			c.object(path, media.Schema.Value, reflect.TypeFor[Items[Generator]]())
		case "GeneratorResult":
			c.object(path, media.Schema.Value, reflect.TypeFor[Items[GeneratorResult]]())
		case "Interface":
			c.object(path, media.Schema.Value, reflect.TypeFor[Items[Interface]]())
		default:
			c.t.Errorf("%s: items of schema %q", path, items.Value.Items.Ref)
		}
	}
}

// member is a field of a struct as JSON has it.
type member struct {
	typ       reflect.Type
	omitEmpty bool
}

// members lists the members of a struct; those of embedded structs are its own.
func (c *comparison) members(typ reflect.Type) map[string]member {
	c.seen[typ] = true
	list := make(map[string]member)
	for f := range typ.Fields() {
		if f.Anonymous {
			maps.Copy(list, c.members(f.Type))
			continue
		}
		name, options, _ := strings.Cut(f.Tag.Get("json"), ",")
		list[name] = member{f.Type, options == "omitempty"}
	}
	return list
}

func (c *comparison) object(path string, s *openapi3.Schema, typ reflect.Type) {
	if typ == reflect.TypeFor[PacketProtocol]() {
		return
	}
	if typ.Kind() == reflect.Map && s.AdditionalProperties.Schema != nil {
		c.value(path+".*", s.AdditionalProperties.Schema, typ.Elem())
		return
	}
	if typ.Kind() != reflect.Struct {
		c.t.Errorf("%s is an object in openapi.yaml, %v in package api", path, typ)
		return
	}
	members := c.members(typ)
	for name, ref := range s.Properties {
		at := path + "." + name
		m, has := members[name]
		if !has {
			c.t.Errorf("%s is in openapi.yaml, not in package api", at)
			continue
		}
		delete(members, name)
		c.presence(at, resolved(ref).Value, slices.Contains(s.Required, name), m)
		c.value(at, ref, m.typ)
	}
	for name := range members {
		c.t.Errorf("%s.%s is in package api, not in openapi.yaml", path, name)
	}
}

// resolved returns the reference itself where the document adds a description to it
// by allOf.
func resolved(ref *openapi3.SchemaRef) *openapi3.SchemaRef {
	if len(ref.Value.AllOf) == 1 {
		return ref.Value.AllOf[0]
	}
	return ref
}

// presence compares whether a member may be absent or null.
func (c *comparison) presence(path string, s *openapi3.Schema, required bool, m member) {
	pointer := m.typ.Kind() == reflect.Pointer
	switch {
	case required && m.omitEmpty:
		c.t.Errorf("%s is required in openapi.yaml, but has omitempty", path)
	case required && s.Nullable != pointer:
		c.t.Errorf("%s is required: it may be null in openapi.yaml %v, in package api %v", path, s.Nullable, pointer)
	case !required && !m.omitEmpty && !s.ReadOnly && !zeroIsDefault(s):
		c.t.Errorf("%s is optional in openapi.yaml, but has no omitempty, and its zero value is not the default", path)
	case m.omitEmpty && !pointer && zeroIsLost(s) && !s.ReadOnly && !slices.Contains(falseIsAbsent, path):
		c.t.Errorf("%s: zero differs from absent in openapi.yaml, so its type must be a pointer", path)
	}
}

// zeroIsDefault reports whether a member that is zero means the same as none.
func zeroIsDefault(s *openapi3.Schema) bool {
	return s.Default == false || s.Default == float64(0) || s.Default == ""
}

// zeroIsLost reports whether a member may be zero, and means something else then
// than its absence.
func zeroIsLost(s *openapi3.Schema) bool {
	switch {
	case zeroIsDefault(s):
		return false
	case s.Type.Is("boolean"):
		return true
	case s.Type.Is("integer"):
		return s.Min == nil || *s.Min <= 0
	}
	return false
}

// kinds are Go's kinds for the document's types. An int64 of the document may be
// a uint32 where values are not negative.
func kinds(s *openapi3.Schema) []reflect.Kind {
	switch {
	case s.Type.Is("string"):
		return []reflect.Kind{reflect.String}
	case s.Type.Is("boolean"):
		return []reflect.Kind{reflect.Bool}
	case s.Type.Is("integer") && s.Format == "int64":
		return []reflect.Kind{reflect.Int64, reflect.Uint64, reflect.Uint32}
	case s.Type.Is("integer") && s.Max != nil && *s.Max > 1<<53:
		return []reflect.Kind{reflect.Uint64}
	case s.Type.Is("integer"):
		return []reflect.Kind{reflect.Int, reflect.Uint32, reflect.Uint16, reflect.Uint8}
	case s.Type.Is("array"):
		return []reflect.Kind{reflect.Slice}
	case s.Type.Is("object"):
		return []reflect.Kind{reflect.Struct, reflect.Map}
	}
	return nil
}

// value compares types, of lists and objects in depth. A schema with a name has one
// type wherever it is used, and is compared where it is defined.
func (c *comparison) value(path string, ref *openapi3.SchemaRef, typ reflect.Type) {
	ref = resolved(ref)
	s := ref.Value
	if typ.Kind() == reflect.Pointer {
		typ = typ.Elem()
	}
	name := strings.TrimPrefix(ref.Ref, "#/components/schemas/")
	if want := types[name]; want != nil {
		if typ != want {
			c.t.Errorf("%s is a %s in openapi.yaml, a %v in package api", path, name, typ)
		}
		return
	}
	if !slices.Contains(kinds(s), typ.Kind()) {
		c.t.Errorf("%s has type %v %s in openapi.yaml, %v in package api", path, s.Type, s.Format, typ)
		return
	}
	if s.Type.Is("array") {
		c.value(path+"[]", s.Items, typ.Elem())
	}
	if s.Type.Is("object") {
		c.object(path, s, typ)
	}
}

// exportedStructs lists the names of the struct types of this package.
func exportedStructs(t *testing.T) (names []string) {
	t.Helper()
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range files {
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(file, func(n ast.Node) bool {
			if spec, ok := n.(*ast.TypeSpec); ok && spec.Name.IsExported() {
				if _, isStruct := spec.Type.(*ast.StructType); isStruct {
					names = append(names, spec.Name.Name)
				}
			}
			return true
		})
	}
	if len(names) < 60 {
		t.Fatalf("%d types only", len(names))
	}
	return names
}
