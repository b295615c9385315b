// Package document reads the documents that users write, and describes them.
//
// Open value.go first: Read checks a JSON text (json.go) and hands its outermost
// object to the caller, who takes it apart member by member. Every fault is collected
// with its path (fault.go), so that one pass finds them all. Reading takes no memory
// besides the text, however large or deep it is.
//
// A Schema (document.go) describes a document: its members with type, range, default
// and meaning. The readers of request bodies, configuration files and scenario files
// refuse unknown members by these descriptions (nearest.go), "glean explain" and
// "glean sim help" print them (print.go), and tests hold openapi.yaml and the readers
// to them. A description is made once, at start, and never changed after that.
package document

// Type is the JSON type of a value.
type Type uint8

// Types. TypeAny is a value whose inside is not described, because only replies hold
// it.
const (
	TypeAny Type = iota
	TypeObject
	TypeList
	TypeInteger
	TypeText
	TypeBoolean
)

var typeNames = [...]string{"any", "object", "array", "integer", "string", "boolean"}

// String returns the word that OpenAPI has for the type.
func (t Type) String() string { return typeNames[t] }

// Schema describes a value. Limits are inclusive.
type Schema struct {
	Type    Type
	Members []Member // of an object
	Items   *Schema  // of a list
	Name    string   // of an object, in messages: "ipv4"
	About   string   // one sentence

	Min, Max           uint64 // of an integer; Max 0: no upper limit
	MinItems, MaxItems int    // of a list; MaxItems 0: no upper limit
	Words              []string
	Default            string // as JSON writes it, a string without quotes; empty: none
	Shape              string // of a string: "MAC address", "IPv4 address", ...

	// Own is set for objects that OpenPerf does not have. Their unknown members
	// are refused with --openperf too.
	Own bool
	// OneOf is set for objects that hold exactly one of their members.
	OneOf bool
	// Keyed describes the values of an object whose members have names that the
	// user chooses.
	Keyed *Schema
}

// Member is a member of an object.
type Member struct {
	Name     string
	Required bool
	// ReadOnly members belong to replies. They are accepted in requests, so that
	// a reply can be posted, and have no effect.
	ReadOnly bool
	*Schema
}

// Find returns the member of that name, nil if s is no object or has none.
func (s *Schema) Find(name string) *Member {
	if s == nil {
		return nil
	}
	for i := range s.Members {
		if s.Members[i].Name == name {
			return &s.Members[i]
		}
	}
	return nil
}

// Knows reports whether an object may hold a member of that name. Of values
// that are not described it reports true.
func (s *Schema) Knows(name string) bool {
	return s == nil || s.Type != TypeObject || s.Keyed != nil || s.Find(name) != nil
}

// Below returns the description of an object's member; nil if it is not
// described.
func (s *Schema) Below(name string) *Schema {
	if s != nil && s.Keyed != nil {
		return s.Keyed
	}
	if m := s.Find(name); m != nil {
		return m.Schema
	}
	return nil
}

// Element returns the description of a list's elements; nil if they are not
// described.
func (s *Schema) Element() *Schema {
	if s == nil {
		return nil
	}
	return s.Items
}

// Names returns the members that a request may set, in the order of the
// description.
func (s *Schema) Names() []string {
	var names []string
	for _, m := range s.Members {
		if !m.ReadOnly {
			names = append(names, m.Name)
		}
	}
	return names
}

// Unknown returns the text of the fault of a member that s does not have.
func (s *Schema) Unknown(name string) string { return Unknown(name, s.Names()) }
