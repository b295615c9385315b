package document

import "strconv"

// ObjectOf describes an object of OpenPerf's, or of a reply.
func ObjectOf(name, about string, members ...Member) *Schema {
	return &Schema{Type: TypeObject, Name: name, About: about, Members: members}
}

// OwnObject describes an object that OpenPerf does not have.
func OwnObject(name, about string, members ...Member) *Schema {
	s := ObjectOf(name, about, members...)
	s.Own = true
	return s
}

// ChoiceOf describes an object that holds exactly one of its members.
func ChoiceOf(name, about string, members ...Member) *Schema {
	s := ObjectOf(name, about, members...)
	s.OneOf = true
	return s
}

// ListOf describes a list of least to most items; most 0 is no limit.
func ListOf(items *Schema, least, most int, about string) *Schema {
	return &Schema{Type: TypeList, Items: items, MinItems: least, MaxItems: most, About: about}
}

// Number describes an integer from least to most; most 0 is no limit.
func Number(least, most uint64, about string) *Schema {
	return &Schema{Type: TypeInteger, Min: least, Max: most, About: about}
}

// NumberOr is Number with a default.
func NumberOr(least, most, otherwise uint64, about string) *Schema {
	s := Number(least, most, about)
	s.Default = strconv.FormatUint(otherwise, 10)
	return s
}

// Flag describes true or false with a default.
func Flag(otherwise bool, about string) *Schema {
	return &Schema{Type: TypeBoolean, Default: strconv.FormatBool(otherwise), About: about}
}

// TextOf describes a string by its shape.
func TextOf(shape, about string) *Schema { return &Schema{Type: TypeText, Shape: shape, About: about} }

// WordOf describes one of some words. otherwise is the default, "" if there is
// none.
func WordOf(words []string, otherwise, about string) *Schema {
	return &Schema{Type: TypeText, Words: words, Default: otherwise, About: about}
}

// Opaque describes a value whose inside is not described.
func Opaque(about string) *Schema { return &Schema{About: about} }

// Required makes a member that must be there.
func Required(name string, s *Schema) Member { return Member{Name: name, Required: true, Schema: s} }

// Optional makes a member that may be left out.
func Optional(name string, s *Schema) Member { return Member{Name: name, Schema: s} }

// ReadOnly makes a member that a reply has.
func ReadOnly(name string, s *Schema) Member { return Member{Name: name, ReadOnly: true, Schema: s} }
