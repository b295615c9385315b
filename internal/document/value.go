package document

import (
	"encoding/json"
	"iter"
	"slices"
	"strconv"
)

// Read checks a JSON document, finds members that s does not have, and hands the
// outermost object to build. If lenient, unknown members are warnings, but for
// those of objects that OpenPerf does not have. Read returns nil if nothing is wrong.
func Read(raw []byte, s *Schema, lenient bool, build func(Object)) *Error {
	r := &reader{lenient: lenient}
	c := checker{raw: raw, reader: r}
	if c.document(s); len(c.faults) > 0 {
		return &Error{Shape, c.faults}
	}
	if o, ok := (Value{r: r, raw: raw[spaceLen(raw):], index: -1}).Object(); ok {
		build(o)
	}
	return r.faults.err()
}

// reader holds the faults and warnings of a document while it is read.
type reader struct {
	faults  faults
	lenient bool
	ignored []Warnings // by item of a bulk request; a single one is item 0
	listed  int        // warnings in ignored
}

// Value is a JSON value of a checked document: its text and its path.
type Value struct {
	r     *reader
	raw   []byte
	path  string // of the list if index is not negative
	index int    // in a list, else -1
}

// Path returns the path of the value.
func (v Value) Path() string {
	if v.index < 0 {
		return v.path
	}
	return v.path + "[" + strconv.Itoa(v.index) + "]"
}

// JSON returns the text of the value. It is a part of the document's.
func (v Value) JSON() json.RawMessage { return v.raw }

// Fault adds a fault of the value.
func (v Value) Fault(c Class, format string, args ...any) {
	if v.r.faults.listed(c) {
		v.r.faults.add(c, v.Path(), format, args)
	}
}

// Wrong adds a fault of meaning.
func (v Value) Wrong(format string, args ...any) { v.Fault(Meaning, format, args...) }

// kind returns the JSON type of the value as messages name it.
func (v Value) kind() string {
	switch v.raw[0] {
	case '{':
		return "an object"
	case '[':
		return "a list"
	case '"':
		return "a string"
	case 't', 'f':
		return "true or false"
	case 'n':
		return "null"
	}
	return "a number"
}

func (v Value) isNull() bool { return v.raw[0] == 'n' }

func (v Value) expect(kind string) bool {
	if v.kind() == kind {
		return true
	}
	v.Fault(Shape, "must be %s, not %s", kind, v.kind())
	return false
}

// Text returns the value of a string.
func (v Value) Text() (string, bool) {
	if !v.expect("a string") {
		return "", false
	}
	return unquote(v.raw), true
}

// Integer returns the value of a whole number between lo and hi, inclusive.
func (v Value) Integer(lo, hi uint64) (uint64, bool) {
	if !v.expect("a number") {
		return 0, false
	}
	n, err := strconv.ParseUint(string(v.raw), 10, 64)
	if err != nil {
		digits, whole := Whole(string(v.raw))
		if !whole {
			v.Fault(Shape, "must be a whole number, got %s", Shorten(string(v.raw)))
			return 0, false
		}
		n, err = strconv.ParseUint(digits, 10, 64)
	}
	if err != nil || n < lo || n > hi {
		v.Wrong("must be between %d and %d, got %s", lo, hi, Shorten(string(v.raw)))
		return 0, false
	}
	return n, true
}

// Choice returns the index of a string in words.
func (v Value) Choice(words ...string) (int, bool) {
	s, ok := v.Text()
	if !ok {
		return 0, false
	}
	i := slices.Index(words, s)
	if i < 0 {
		v.Wrong("%q is not one of %s", Shorten(s), Quoted(words))
		return 0, false
	}
	return i, true
}

// Flag returns the value of true or false.
func (v Value) Flag() (bool, bool) {
	if !v.expect("true or false") {
		return false, false
	}
	return v.raw[0] == 't', true
}

// Object is a JSON object, taken apart one level deep.
type Object struct {
	Value
	// Nulls makes null mean absent for every member. In OpenPerf's objects it does
	// so for objects, lists and required members only; for others null is of a wrong
	// type.
	Nulls bool

	members []entry
}

// entry is a member of an object with the text of its value.
type entry struct {
	name string
	raw  []byte
}

// Object takes an object apart.
func (v Value) Object() (Object, bool) {
	o := Object{Value: Value{r: v.r, raw: v.raw, path: v.Path(), index: -1}}
	if !v.expect("an object") {
		return o, false
	}
	c := checker{raw: v.raw, at: 1}
	for c.peek() != '}' {
		if c.raw[c.at] == ',' {
			c.at++
			c.space()
		}
		began := c.at
		c.text()
		name := unquote(c.raw[began:c.at])
		c.peek()
		c.at++ // the colon
		o.members = append(o.members, entry{name, c.skip()})
	}
	return o, true
}

// Apart returns the object as a document of its own. Err returns the faults of that
// document, whose paths begin with path.
func (o Object) Apart(path string) Object {
	o.r = &reader{lenient: o.r.lenient}
	o.path = path
	return o
}

// Err returns the faults found so far, nil if there are none.
func (o Object) Err() *Error { return o.r.faults.err() }

// Lenient reports whether unknown members of OpenPerf's objects are ignored.
func (o Object) Lenient() bool { return o.r.lenient }

// Warnings returns those about an item of a bulk request. A single object is item 0.
func (o Object) Warnings(item int) Warnings {
	if item < len(o.r.ignored) {
		return o.r.ignored[item]
	}
	return Warnings{}
}

// Wrong adds a fault of meaning to a member. The name may be a path below the
// object.
func (o Object) Wrong(name, format string, args ...any) {
	o.Member(name).Wrong(format, args...)
}

// Faulty reports whether faults of a class have been found in the document.
func (o Object) Faulty(c Class) bool { return len(o.r.faults[c]) > 0 }

// IsEmpty reports whether the object has no members.
func (o Object) IsEmpty() bool { return len(o.members) == 0 }

// at is the path of a member.
func (o Object) at(name string) string {
	if o.path == "" {
		return name
	}
	return o.path + "." + name
}

// Raw returns the value of a member, be it null.
func (o Object) Raw(name string) (Value, bool) {
	for _, m := range o.members {
		if m.name == name {
			return Value{o.r, m.raw, o.at(name), -1}, true
		}
	}
	return Value{}, false
}

// Member returns a member as a place for faults. It may be absent.
func (o Object) Member(name string) Value { return Value{r: o.r, path: o.at(name), index: -1} }

// Get returns the value of a member, unless the member is absent or null.
func (o Object) Get(name string) (Value, bool) {
	v, ok := o.Raw(name)
	return v, ok && !v.isNull()
}

// Has reports whether the object has a member that is not null.
func (o Object) Has(name string) bool {
	_, ok := o.Get(name)
	return ok
}

// scalar is Get for members where null is a wrong type.
func (o Object) scalar(name string) (Value, bool) {
	if o.Nulls {
		return o.Get(name)
	}
	return o.Raw(name)
}

// Given reports whether the object has a member, be it null.
func (o Object) Given(name string) bool {
	_, ok := o.Raw(name)
	return ok
}

// Required returns the value of a member that must be there.
func (o Object) Required(name string) (Value, bool) {
	v, ok := o.Get(name)
	if !ok {
		o.Member(name).Fault(Shape, "is required")
	}
	return v, ok
}

// requiredScalar is Required for members where null is a wrong type.
func (o Object) requiredScalar(name string) (Value, bool) {
	v, ok := o.scalar(name)
	if !ok {
		o.Member(name).Fault(Shape, "is required")
	}
	return v, ok
}

// Child returns an optional member that is an object; null is absent.
func (o Object) Child(name string) (Object, bool) {
	v, ok := o.Get(name)
	if !ok {
		return Object{}, false
	}
	return v.Object()
}

// RequiredChild returns a member that must be there and be an object.
func (o Object) RequiredChild(name string) (Object, bool) {
	v, ok := o.Required(name)
	if !ok {
		return Object{}, false
	}
	return v.Object()
}

// Text returns an optional string.
func (o Object) Text(name string) (string, bool) {
	v, ok := o.scalar(name)
	if !ok {
		return "", false
	}
	return v.Text()
}

// RequiredText returns a string that must be there.
func (o Object) RequiredText(name string) (string, bool) {
	v, ok := o.Required(name)
	if !ok {
		return "", false
	}
	return v.Text()
}

// NullText returns an optional string for which null is absent.
func (o Object) NullText(name string) string {
	if v, ok := o.Get(name); ok {
		s, _ := v.Text()
		return s
	}
	return ""
}

// Word returns an optional string that is one of words; otherwise if it is absent or
// another.
func (o Object) Word(name, otherwise string, words ...string) string {
	if v, ok := o.scalar(name); ok {
		if i, ok := v.Choice(words...); ok {
			return words[i]
		}
	}
	return otherwise
}

// RequiredChoice returns the index in words of a string that must be there.
func (o Object) RequiredChoice(name string, words ...string) (int, bool) {
	v, ok := o.requiredScalar(name)
	if !ok {
		return 0, false
	}
	return v.Choice(words...)
}

// Quoted lists words in quotes.
func Quoted(words []string) string {
	list := ""
	for i, w := range words {
		if i > 0 {
			list += ", "
		}
		list += strconv.Quote(w)
	}
	return list
}

// Flag returns an optional true or false.
func (o Object) Flag(name string, otherwise bool) bool {
	if v, ok := o.scalar(name); ok {
		if flag, ok := v.Flag(); ok {
			return flag
		}
	}
	return otherwise
}

// RequiredFlag returns true or false that must be there.
func (o Object) RequiredFlag(name string) bool {
	v, ok := o.requiredScalar(name)
	if !ok {
		return false
	}
	flag, _ := v.Flag()
	return flag
}

// Integer returns an optional whole number between lo and hi, inclusive.
func (o Object) Integer(name string, lo, hi, otherwise uint64) uint64 {
	if v, ok := o.scalar(name); ok {
		if n, ok := v.Integer(lo, hi); ok {
			return n
		}
	}
	return otherwise
}

// RequiredInteger returns a whole number between lo and hi, inclusive, that must be
// there.
func (o Object) RequiredInteger(name string, lo, hi uint64) (uint64, bool) {
	v, ok := o.requiredScalar(name)
	if !ok {
		return 0, false
	}
	return v.Integer(lo, hi)
}

// Without returns the text of the object less a member. It is a part of the
// document's text if there is no such member.
func (o Object) Without(name string) json.RawMessage {
	if _, has := o.Raw(name); !has {
		return o.Value.raw
	}
	text := []byte{'{'}
	for _, m := range o.members {
		if m.name == name {
			continue
		}
		if len(text) > 1 {
			text = append(text, ',')
		}
		key, err := json.Marshal(m.name)
		if err != nil {
			panic(err) // it is a string
		}
		text = append(append(append(text, key...), ':'), m.raw...)
	}
	return append(text, '}')
}

// List is a JSON list. Its elements are taken apart one after the other, so that a
// list of a million takes no memory.
type List struct {
	Value
	Len int
}

// List returns a list of least to most elements. Its length is counted before
// anything else is done, because faults of a hostile list would take many times its
// own size.
func (v Value) List(least, most int) (List, bool) {
	if !v.expect("a list") {
		return List{}, false
	}
	n := 0
	for c := (checker{raw: v.raw, at: 1}); c.element(); n++ {
		c.skip()
	}
	switch {
	case n < least:
		v.Wrong("must not be empty")
		return List{}, false
	case n > most:
		v.Fault(Size, "must hold %d items at most, not %d", most, n)
		return List{}, false
	}
	return List{Value{v.r, v.raw, v.Path(), -1}, n}, true
}

// List returns an optional member that is a list; null is absent. A List that is not
// there has no elements.
func (o Object) List(name string, least, most int) (List, bool) {
	v, ok := o.Get(name)
	if !ok {
		return List{}, false
	}
	return v.List(least, most)
}

// RequiredList returns a list that must be there.
func (o Object) RequiredList(name string, least, most int) (List, bool) {
	v, ok := o.Required(name)
	if !ok {
		return List{}, false
	}
	return v.List(least, most)
}

// IsEmptyList reports whether the value is a list without elements.
func (v Value) IsEmptyList() bool {
	c := checker{raw: v.raw, at: 1}
	return v.raw[0] == '[' && c.peek() == ']'
}

// All iterates over the elements.
func (l List) All() iter.Seq2[int, Value] {
	return func(yield func(int, Value) bool) {
		c := checker{raw: l.raw, at: 1}
		for i := range l.Len {
			c.element()
			if !yield(i, Value{l.r, c.skip(), l.path, i}) {
				return
			}
		}
	}
}

// Texts iterates over the elements that are strings, with their values. The others
// are faults.
func (l List) Texts() iter.Seq2[Value, string] {
	return func(yield func(Value, string) bool) {
		for _, v := range l.All() {
			if s, ok := v.Text(); ok && !yield(v, s) {
				return
			}
		}
	}
}

// Objects iterates over the elements that are objects, with their indexes. The others
// are faults.
func (l List) Objects() iter.Seq2[int, Object] {
	return func(yield func(int, Object) bool) {
		for i, v := range l.All() {
			if o, ok := v.Object(); ok && !yield(i, o) {
				return
			}
		}
	}
}
