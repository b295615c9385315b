package engine

import (
	"encoding/json"
	"fmt"
	"net/netip"
	"slices"
	"strconv"

	"glean/internal/document"
	"glean/stack/header"
)

// parser collects what is wrong with a body. Faults of shape (types, missing
// members) come before a bad id, and a bad id before faults of meaning, because
// OpenPerf's clients expect 400, 404 and 400 in that order.
type parser struct {
	shape   []Fault
	badID   []Fault
	meaning []Fault
	tooMany []Fault // lists longer than one request may hold
	dialect Dialect
	ignored []Warnings // by item of a bulk request; a single one is item 0
}

// value is one JSON value of a checked document: its text and its path.
type value struct {
	raw  []byte
	path string
}

// object is a JSON object, taken apart one level deep.
type object struct {
	*parser
	path   string
	names  []string
	values []value
	// nulls tells that null means absent for every member. In OpenPerf's objects
	// it does so for objects and some top-level members only.
	nulls bool
	item  int // of a bulk request
}

// Dialect says how bodies are read.
type Dialect uint8

// Dialects.
const (
	// Strict refuses unknown members.
	Strict Dialect = iota
	// AsOpenPerf ignores unknown members of OpenPerf's objects, and warns.
	AsOpenPerf
)

func (d Dialect) ignoresUnknown() bool { return d == AsOpenPerf }

// parse checks a whole document and hands its outermost object to build.
func parse(d Dialect, raw []byte, s *document.Schema, build func(object)) error {
	c := checker{raw: raw, dialect: d}
	if c.document(s); len(c.faults) > 0 {
		return badBody(c.faults)
	}
	p := &parser{dialect: d, shape: c.unknown, ignored: c.ignored}
	v := value{raw: raw}
	v.raw = v.raw[spaceLen(v.raw):]
	if o, ok := p.object(v); ok {
		build(o)
	}
	return p.err()
}

// parseOne is parse for a body that becomes one value.
func parseOne[T any](d Dialect, raw []byte, s *document.Schema, build func(object) T) (spec T, err error) {
	err = parse(d, raw, s, func(o object) { spec = build(o) })
	return spec, err
}

// warnings are those about the item of the request that o is.
func (o object) warnings() Warnings {
	if o.item < len(o.ignored) {
		return o.ignored[o.item]
	}
	return Warnings{}
}

func badBody(faults []Fault) *Error {
	detail := faults[0].Detail
	if faults[0].Path != "" {
		detail = faults[0].Path + ": " + detail
	}
	return &Error{Kind: Invalid, Detail: detail, Faults: faults}
}

// err is nil when nothing is wrong.
func (p *parser) err() error {
	if len(p.tooMany) > 0 {
		e := badBody(p.tooMany)
		e.Kind = TooLarge
		return e
	}
	faults := slices.Concat(p.shape, p.badID, p.meaning)
	if len(faults) == 0 {
		return nil
	}
	e := badBody(faults[:min(len(faults), maxFaults)])
	if len(p.shape) == 0 && len(p.badID) > 0 {
		e.Kind = NotFound
	}
	return e
}

func (p *parser) misshapen(path, format string, args ...any) { add(&p.shape, path, format, args) }

func (p *parser) wrong(path, format string, args ...any) { add(&p.meaning, path, format, args) }

// add notes a fault, unless more are known than one reply lists: a million faults
// would cost many times the body that they are in.
func add(faults *[]Fault, path, format string, args []any) {
	if len(*faults) < maxFaults {
		*faults = append(*faults, Fault{Path: path, Detail: fmt.Sprintf(format, args...)})
	}
}

// id checks an id that its creator may leave to the server (empty).
func (p *parser) id(path, id string) string {
	if id != "" && !ValidID(id) {
		add(&p.badID, path, "%q is not an id: %s", []any{clip([]byte(id)), IDRule})
	}
	return id
}

func (v value) kind() string {
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

func (v value) isNull() bool { return v.raw[0] == 'n' }

func (p *parser) expect(v value, kind string) bool {
	if v.kind() == kind {
		return true
	}
	p.misshapen(v.path, "must be %s, not %s", kind, v.kind())
	return false
}

// object takes an object apart.
func (p *parser) object(v value) (object, bool) {
	o := object{parser: p, path: v.path}
	if !p.expect(v, "an object") {
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
		o.names = append(o.names, name)
		o.values = append(o.values, value{raw: c.skip(), path: o.at(name)})
	}
	return o, true
}

// items takes a list of least to most elements apart. It counts them first,
// because a hostile list would cost many times its own size.
func (p *parser) items(v value, least, most int) ([]value, bool) {
	if !p.expect(v, "a list") {
		return nil, false
	}
	switch n := v.count(); {
	case n < least:
		p.wrong(v.path, "must not be empty")
		return nil, false
	case n > most:
		p.tooMany = append(p.tooMany, Fault{Path: v.path, Detail: fmt.Sprintf("must hold %d items at most, not %d", most, n)})
		return nil, false
	case n == 0:
		return nil, true
	default:
		items := make([]value, 0, n)
		c := checker{raw: v.raw, at: 1}
		for c.element() {
			items = append(items, value{raw: c.skip(), path: v.path + "[" + strconv.Itoa(len(items)) + "]"})
		}
		return items, true
	}
}

// count is the number of a list's elements.
func (v value) count() int {
	n := 0
	for c := (checker{raw: v.raw, at: 1}); c.element(); n++ {
		c.skip()
	}
	return n
}

// element steps to the next element of a checked list, false at its end.
func (c *checker) element() bool {
	if c.peek() == ',' {
		c.at++
	}
	return c.peek() != ']'
}

// skip steps over one value of a checked document and returns its text.
func (c *checker) skip() []byte {
	c.space()
	began, depth := c.at, 0
	for {
		switch c.raw[c.at] {
		case '"':
			c.text()
		case '{', '[':
			depth++
			c.at++
		case '}', ']':
			depth--
			c.at++
		case ',', ':', ' ', '\t', '\n', '\r':
			c.at++
		default: // a number or a word
			for c.at < len(c.raw) && !isDelimiter(c.raw[c.at]) {
				c.at++
			}
		}
		if depth == 0 {
			return c.raw[began:c.at]
		}
	}
}

func isDelimiter(b byte) bool {
	switch b {
	case ',', '}', ']', ' ', '\t', '\n', '\r':
		return true
	}
	return false
}

func spaceLen(raw []byte) int {
	c := checker{raw: raw}
	c.space()
	return c.at
}

// at is the path of a member.
func (o object) at(name string) string {
	if o.path == "" {
		return name
	}
	return o.path + "." + name
}

// raw returns a member's value, null included.
func (o object) raw(name string) (value, bool) {
	for i, n := range o.names {
		if n == name {
			return o.values[i], true
		}
	}
	return value{}, false
}

// get returns a member's value unless it is absent or null.
func (o object) get(name string) (value, bool) {
	v, ok := o.raw(name)
	return v, ok && !v.isNull()
}

// scalar is get for members where null is a wrong type.
func (o object) scalar(name string) (value, bool) {
	if o.nulls {
		return o.get(name)
	}
	return o.raw(name)
}

// required returns a member that has to be there.
func (o object) required(name string) (value, bool) {
	v, ok := o.get(name)
	if !ok {
		o.misshapen(o.at(name), "is required")
	}
	return v, ok
}

// child is an optional member that is an object; null is absent.
func (o object) child(name string) (object, bool) {
	v, ok := o.get(name)
	if !ok {
		return object{}, false
	}
	return o.parser.object(v)
}

// list is an optional member that is a list; null is absent.
func (o object) list(name string, least, most int) ([]value, bool) {
	v, ok := o.get(name)
	if !ok {
		return nil, false
	}
	return o.items(v, least, most)
}

// requiredList is a list that has to be there.
func (o object) requiredList(name string, least, most int) ([]value, bool) {
	v, ok := o.required(name)
	if !ok {
		return nil, false
	}
	return o.items(v, least, most)
}

// text is an optional string.
func (o object) text(name string) (string, bool) {
	v, ok := o.scalar(name)
	if !ok {
		return "", false
	}
	return o.str(v)
}

func (p *parser) str(v value) (string, bool) {
	if !p.expect(v, "a string") {
		return "", false
	}
	return unquote(v.raw), true
}

// requiredText is a string that has to be there.
func (o object) requiredText(name string) (string, bool) {
	v, ok := o.required(name)
	if !ok {
		return "", false
	}
	return o.str(v)
}

// nullText is an optional string for which null is absent.
func (o object) nullText(name string) string {
	if v, ok := o.get(name); ok {
		s, _ := o.str(v)
		return s
	}
	return ""
}

// word is an optional string out of a few.
func (o object) word(name, otherwise string, words ...string) string {
	s, ok := o.text(name)
	switch {
	case !ok:
		return otherwise
	case !slices.Contains(words, s):
		o.wrong(o.at(name), "%q is not one of %s", s, quoted(words))
		return otherwise
	}
	return s
}

func quoted(words []string) string {
	list := ""
	for i, w := range words {
		if i > 0 {
			list += ", "
		}
		list += strconv.Quote(w)
	}
	return list
}

// flag is an optional true or false.
func (o object) flag(name string, otherwise bool) bool {
	v, ok := o.scalar(name)
	if !ok || !o.expect(v, "true or false") {
		return otherwise
	}
	return v.raw[0] == 't'
}

// integer is an optional integer between lo and hi.
func (o object) integer(name string, lo, hi, otherwise int64) int64 {
	v, ok := o.scalar(name)
	if !ok {
		return otherwise
	}
	n, ok := o.parser.integer(v, lo, hi)
	if !ok {
		return otherwise
	}
	return n
}

func (p *parser) integer(v value, lo, hi int64) (int64, bool) {
	if !p.expect(v, "a number") {
		return 0, false
	}
	digits, whole := document.Whole(string(v.raw))
	if !whole {
		p.misshapen(v.path, "must be a whole number, not %s", clip(v.raw))
		return 0, false
	}
	n, err := strconv.ParseInt(digits, 10, 64)
	if err != nil || n < lo || n > hi {
		p.wrong(v.path, "must be from %d to %d, not %s", lo, hi, clip(v.raw))
		return 0, false
	}
	return n, true
}

// clip shortens what is quoted in a fault.
func clip(raw []byte) string {
	if len(raw) > 40 {
		return string(raw[:40]) + "..."
	}
	return string(raw)
}

// mac reads a MAC address that a host can have.
func (p *parser) mac(path, s string) (header.MAC, bool) {
	mac, err := header.ParseMAC(s)
	switch {
	case err != nil:
		p.wrong(path, "%q is not a MAC address", clip([]byte(s)))
	case mac.IsBroadcast():
		p.wrong(path, "is the broadcast address")
	case mac.IsMulticast():
		p.wrong(path, "%s is a multicast address", mac)
	case mac.IsZero():
		p.wrong(path, "is all zero")
	default:
		return mac, true
	}
	return header.MAC{}, false
}

// addr reads an IP address of any kind, without a zone.
func (p *parser) addr(path, s string) (netip.Addr, bool) {
	a, err := netip.ParseAddr(s)
	if err != nil || a.Zone() != "" || a.Is4In6() {
		p.wrong(path, "%q is not an IP address", clip([]byte(s)))
		return netip.Addr{}, false
	}
	return a, true
}

// family reads an IPv4 or an IPv6 address.
func (p *parser) family(path, s string, v6 bool) (netip.Addr, bool) {
	a, err := netip.ParseAddr(s)
	if name := map[bool]string{false: "IPv4", true: "IPv6"}[v6]; err != nil || a.Zone() != "" || a.Is4In6() || a.Is6() != v6 {
		p.wrong(path, "%q is not an %s address", clip([]byte(s)), name)
		return netip.Addr{}, false
	}
	return a, true
}

// copyRaw keeps a value beyond the life of the body.
func (v value) copyRaw() json.RawMessage { return append(json.RawMessage(nil), v.raw...) }
