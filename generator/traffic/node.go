package traffic

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strconv"

	"glean/internal/document"
)

// node is a value in a JSON document with its path. A value of another type than the
// caller reads adds a fault and reads as zero, so that one pass finds every fault.
type node struct {
	path   string
	value  any
	faults *Faults
}

// parseJSON reads the one JSON value that raw holds.
func parseJSON(raw []byte, path string, faults *Faults) (node, bool) {
	d := json.NewDecoder(bytes.NewReader(raw))
	d.UseNumber()
	n := node{path: path, faults: faults}
	if err := d.Decode(&n.value); err != nil {
		faults.Add(path, "not JSON: %v", err)
		return n, false
	}
	if _, err := d.Token(); err != io.EOF {
		faults.Add(path, "not JSON: more than one value")
		return n, false
	}
	return n, true
}

func (n node) fault(format string, args ...any) { n.faults.Add(n.path, format, args...) }

// kind returns the JSON type of a value, with its article.
func (n node) kind() string {
	switch n.value.(type) {
	case nil:
		return "null"
	case bool:
		return "a boolean"
	case json.Number:
		return "a number"
	case string:
		return "a string"
	case []any:
		return "an array"
	}
	return "an object"
}

// isObject reports whether n is an object, and adds a fault otherwise.
func (n node) isObject() bool {
	_, ok := n.value.(map[string]any)
	if !ok {
		n.fault("must be an object, not %s", n.kind())
	}
	return ok
}

// has reports whether the object n has a member, null or not.
func (n node) has(name string) bool {
	o, _ := n.value.(map[string]any)
	_, ok := o[name]
	return ok
}

// member returns the member of an object.
func (n node) member(name string) node {
	o, _ := n.value.(map[string]any)
	return node{n.path + "." + name, o[name], n.faults}
}

// object returns a member that is an object; ok is false if it is absent, null (as in
// OpenPerf) or not an object.
func (n node) object(name string) (node, bool) {
	m := n.member(name)
	if m.value == nil {
		return m, false
	}
	return m, m.isObject()
}

// required is object with a fault if the member is absent.
func (n node) required(name string) (node, bool) {
	m, ok := n.object(name)
	if m.value == nil {
		m.fault("is required")
	}
	return m, ok
}

// items returns the elements of an array, and adds a fault if it has none.
func (n node) items() []node {
	a, ok := n.value.([]any)
	if !ok {
		n.fault("must be an array, not %s", n.kind())
		return nil
	}
	if len(a) == 0 {
		n.fault("must not be empty")
	}
	nodes := make([]node, len(a))
	for i, v := range a {
		nodes[i] = node{n.path, v, n.faults} // at completes the path
	}
	return nodes
}

// at returns n, the i-th of items, with its full path. It is apart from items because a
// list may have a million elements and few have faults.
func (n node) at(i int) node {
	n.path = n.path + "[" + strconv.Itoa(i) + "]"
	return n
}

// integer reads a whole number in [low, high].
func (n node) integer(low, high uint64) (uint64, bool) {
	v, problem := integer(n.value, low, high)
	if problem != "" {
		n.fault("%s", problem)
		return 0, false
	}
	return v, true
}

// integer reads a whole number in [low, high]; problem is empty if it is one.
func integer(value any, low, high uint64) (v uint64, problem string) {
	number, ok := value.(json.Number)
	if !ok {
		return 0, fmt.Sprintf("must be a whole number, not %s", node{value: value}.kind())
	}
	v, err := strconv.ParseUint(string(number), 10, 64)
	if err != nil {
		digits, whole := document.Whole(string(number))
		if !whole {
			return 0, fmt.Sprintf("%s is not a whole number", document.Shorten(string(number)))
		}
		v, err = strconv.ParseUint(digits, 10, 64)
	}
	if err != nil || v < low || v > high {
		return 0, fmt.Sprintf("%s is not within %d to %d", document.Shorten(string(number)), low, high)
	}
	return v, ""
}

// text reads a string.
func (n node) text() (string, bool) {
	s, ok := n.value.(string)
	if !ok {
		n.fault("must be a string, not %s", n.kind())
	}
	return s, ok
}

// boolean reads a boolean.
func (n node) boolean() bool {
	b, ok := n.value.(bool)
	if !ok {
		n.fault("must be a boolean, not %s", n.kind())
	}
	return b
}

// word reads one of some words and returns its index.
func (n node) word(words ...string) (int, bool) {
	s, ok := n.text()
	if !ok {
		return 0, false
	}
	i := slices.Index(words, s)
	if i < 0 {
		n.fault("%q is none of %s", document.Shorten(s), listed(words))
		return 0, false
	}
	return i, true
}

func listed(words []string) string {
	var b bytes.Buffer
	for i, w := range words {
		if i > 0 {
			b.WriteString(", ")
		}
		b.WriteString(w)
	}
	return b.String()
}
