package document

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"
)

// Bounds of a JSON document, inclusive. No document of the API comes near them; a
// hostile one within them takes no more memory than its own size.
const (
	maxDepth   = 64      // of nesting
	maxMembers = 1024    // of one object
	maxValues  = 1 << 22 // of a document; a million addresses and all around them
)

// MaxFaults is how many faults an error lists at most.
const MaxFaults = 100

// document checks a whole document: its syntax, text after its end, invalid
// UTF-8, members given twice or not in its description. It builds nothing, so that a
// large document takes no memory besides its own. A fault of syntax ends the check.
func (c *checker) document(s *Schema) {
	if items := s.Find("items"); items != nil {
		c.items = items.MaxItems
	}
	c.space()
	if c.at == len(c.raw) {
		c.faults = []Fault{{Detail: "the body is empty; it must be a JSON object"}}
		return
	}
	if c.value(0, s) {
		if c.space(); c.at != len(c.raw) {
			c.syntax("text after the end of the JSON document")
		}
	}
}

// checker walks a document once. Its methods return false after a fault of
// syntax.
type checker struct {
	raw    []byte
	at     int
	path   []step
	values int
	faults []Fault // of syntax, and members given twice

	*reader     // gets unknown members; nil when a checked document is walked again
	items   int // of a bulk request, at most
}

// step is one element of a path: a member's name, or an index if array is set.
type step struct {
	name  string
	index int
	array bool
}

func (c *checker) where() string { return pathText(c.path) }

func pathText(path []step) string {
	var b strings.Builder
	for _, s := range path {
		switch {
		case s.array:
			fmt.Fprintf(&b, "[%d]", s.index)
		case b.Len() > 0:
			b.WriteString("." + s.name)
		default:
			b.WriteString(s.name)
		}
	}
	return b.String()
}

func (c *checker) fault(format string, args ...any) {
	if len(c.faults) < MaxFaults {
		c.faults = append(c.faults, Fault{Path: c.where(), Detail: fmt.Sprintf(format, args...)})
	}
}

func (c *checker) syntax(text string) bool {
	line, column := 1, 1
	for _, b := range c.raw[:min(c.at, len(c.raw))] {
		if column++; b == '\n' {
			line, column = line+1, 1
		}
	}
	c.fault("%s (line %d, column %d)", text, line, column)
	return false
}

func (c *checker) space() {
	for c.at < len(c.raw) {
		switch c.raw[c.at] {
		case ' ', '\t', '\n', '\r':
			c.at++
		default:
			return
		}
	}
}

// peek returns the next octet that is not white space, 0 at the end.
func (c *checker) peek() byte {
	if c.space(); c.at < len(c.raw) {
		return c.raw[c.at]
	}
	return 0
}

func (c *checker) value(depth int, s *Schema) bool {
	c.values++
	switch b := c.peek(); {
	case c.values > maxValues:
		return c.syntax(fmt.Sprintf("more than %d values", maxValues))
	case depth > maxDepth:
		return c.syntax(fmt.Sprintf("nested deeper than %d", maxDepth))
	case b == '{':
		return c.object(depth, s)
	case b == '[':
		return c.array(depth, s.Element())
	case b == '"':
		return c.text()
	case b == '-' || '0' <= b && b <= '9':
		return c.number()
	}
	for _, word := range []string{"true", "false", "null"} {
		if strings.HasPrefix(string(c.raw[c.at:min(c.at+5, len(c.raw))]), word) {
			c.at += len(word)
			return true
		}
	}
	if c.at == len(c.raw) {
		return c.syntax("the document ends too early")
	}
	return c.syntax("a JSON value was expected")
}

func (c *checker) object(depth int, s *Schema) bool {
	c.at++ // {
	if c.peek() == '}' {
		c.at++
		return true
	}
	seen := make(map[string]struct{})
	for {
		if c.peek() != '"' {
			return c.syntax("a member's name in quotes was expected")
		}
		began := c.at
		if !c.text() {
			return false
		}
		name := unquote(c.raw[began:c.at])
		c.path = append(c.path, step{name: name})
		if _, twice := seen[name]; twice {
			c.fault("given more than once")
		} else if !s.Knows(name) {
			c.unknown(s, name)
		}
		if seen[name] = struct{}{}; len(seen) > maxMembers {
			return c.syntax(fmt.Sprintf("an object of more than %d members", maxMembers))
		}
		if c.peek() != ':' {
			return c.syntax("a colon was expected")
		}
		c.at++
		if !c.value(depth+1, s.Below(name)) {
			return false
		}
		c.path = c.path[:len(c.path)-1]
		if end, ok := c.next('}'); end || !ok {
			return ok
		}
	}
}

// unknown adds a member that s does not have: as a fault, or as a warning.
func (c *checker) unknown(s *Schema, name string) {
	if !c.lenient || s.Own {
		if c.reader.faults.listed(Shape) {
			c.reader.faults.add(Shape, c.where(), "%s", []any{s.Unknown(name)})
		}
		return
	}
	item, path := 0, c.path
	if len(path) > 1 && path[0].name == "items" && path[1].array {
		item, path = min(path[1].index, c.items), path[2:] // a request with more items is refused
	}
	for len(c.ignored) <= item {
		c.ignored = append(c.ignored, Warnings{})
	}
	w := &c.ignored[item]
	if w.Count++; c.listed < MaxFaults {
		c.listed++
		w.First = append(w.First, Fault{Path: pathText(path), Detail: s.Unknown(name)})
	}
}

func (c *checker) array(depth int, item *Schema) bool {
	c.at++ // [
	if c.peek() == ']' {
		c.at++
		return true
	}
	for i := 0; ; i++ {
		c.path = append(c.path, step{index: i, array: true})
		if !c.value(depth+1, item) {
			return false
		}
		c.path = c.path[:len(c.path)-1]
		if end, ok := c.next(']'); end || !ok {
			return ok
		}
	}
}

// next steps over a comma or the closing octet.
func (c *checker) next(closing byte) (end, ok bool) {
	switch c.peek() {
	case ',':
		c.at++
		return false, true
	case closing:
		c.at++
		return true, true
	}
	return false, c.syntax(fmt.Sprintf("a comma or %q was expected", string(closing)))
}

func (c *checker) text() bool {
	c.at++ // the opening quote
	for c.at < len(c.raw) {
		switch b := c.raw[c.at]; {
		case b == '"':
			c.at++
			return true
		case b == '\\':
			if !c.escape() {
				return false
			}
		case b < ' ':
			return c.syntax("a control character in a string must be escaped")
		case b < utf8.RuneSelf:
			c.at++
		default:
			r, size := utf8.DecodeRune(c.raw[c.at:])
			if r == utf8.RuneError && size == 1 {
				return c.syntax("invalid UTF-8")
			}
			c.at += size
		}
	}
	return c.syntax("a string does not end")
}

// escape steps over an escape sequence. Half a surrogate pair is a fault: UTF-8
// cannot hold it.
func (c *checker) escape() bool {
	if c.at+1 >= len(c.raw) {
		return c.syntax("a string does not end")
	}
	if b := c.raw[c.at+1]; b != 'u' {
		if !strings.ContainsRune(`"\/bfnrt`, rune(b)) {
			return c.syntax("an unknown escape")
		}
		c.at += 2
		return true
	}
	code, ok := c.hex4(c.at)
	if !ok {
		return c.syntax(`\u needs four hexadecimal digits`)
	}
	switch {
	case 0xdc00 <= code && code <= 0xdfff:
		return c.syntax("the second half of a surrogate pair without the first")
	case 0xd800 <= code && code <= 0xdbff:
		if low, ok := c.hex4(c.at + 6); !ok || low < 0xdc00 || low > 0xdfff {
			return c.syntax("the first half of a surrogate pair without the second")
		}
		c.at += 6
	}
	c.at += 6
	return true
}

// hex4 reads the code of a \u escape, four hexadecimal digits, at an offset.
func (c *checker) hex4(at int) (uint64, bool) {
	if at+6 > len(c.raw) || c.raw[at] != '\\' || c.raw[at+1] != 'u' {
		return 0, false
	}
	for _, b := range c.raw[at+2 : at+6] {
		if !strings.ContainsRune("0123456789abcdefABCDEF", rune(b)) {
			return 0, false
		}
	}
	code, err := strconv.ParseUint(string(c.raw[at+2:at+6]), 16, 16)
	return code, err == nil
}

func (c *checker) number() bool {
	if c.raw[c.at] == '-' {
		c.at++
	}
	began := c.at
	if c.digits() == 0 {
		return c.syntax("a digit was expected")
	}
	if c.raw[began] == '0' && c.at > began+1 {
		return c.syntax("a number can't begin with 0")
	}
	if c.at < len(c.raw) && c.raw[c.at] == '.' {
		if c.at++; c.digits() == 0 {
			return c.syntax("a digit was expected after the point")
		}
	}
	if c.at < len(c.raw) && (c.raw[c.at] == 'e' || c.raw[c.at] == 'E') {
		c.at++
		if c.at < len(c.raw) && (c.raw[c.at] == '+' || c.raw[c.at] == '-') {
			c.at++
		}
		if c.digits() == 0 {
			return c.syntax("a digit was expected in the exponent")
		}
	}
	return true
}

func (c *checker) digits() int {
	began := c.at
	for c.at < len(c.raw) && '0' <= c.raw[c.at] && c.raw[c.at] <= '9' {
		c.at++
	}
	return c.at - began
}

// unquote returns the text of a string that has been checked.
func unquote(raw []byte) string {
	for _, b := range raw {
		if b == '\\' {
			var s string
			if err := json.Unmarshal(raw, &s); err != nil {
				panic("document: a checked JSON string does not parse: " + err.Error())
			}
			return s
		}
	}
	return string(raw[1 : len(raw)-1])
}

// element steps to the next element of a checked list. It returns false at the end.
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

// IsBlank reports whether a text holds white space only.
func IsBlank(raw []byte) bool { return spaceLen(raw) == len(raw) }
