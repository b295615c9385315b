package file

import (
	"cmp"
	"encoding/json"
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"

	"glean/internal/document"
	"glean/internal/document/yaml"
	"glean/sim"
	"glean/stack/loop"
)

// Problem is one fault of a scenario file.
type Problem struct {
	File         string
	Line, Column int
	Field, Text  string
}

// String returns "file:line:column: field: text".
func (p Problem) String() string {
	s := fmt.Sprintf("%s:%d:%d: ", p.File, p.Line, p.Column)
	if p.Field != "" {
		s += p.Field + ": "
	}
	return s + p.Text
}

// Error is all faults of a scenario file, in the order of lines.
type Error struct{ Problems []Problem }

// Error returns the problems, one in a line.
func (e *Error) Error() string {
	lines := make([]string, len(e.Problems))
	for i, p := range e.Problems {
		lines[i] = p.String()
	}
	return strings.Join(lines, "\n")
}

// reader reads one file and collects its faults.
type reader struct {
	file     string
	problems []Problem
	budget   int // nodes left, because aliases can make a small file huge
	names
	visit func(path string, known []string) // in tests only: called with each map that is read
}

const (
	maxNodes    = yaml.MaxValues
	maxProblems = 20
)

// value is a node of a file with the path of its field.
type value struct {
	node *yaml.Node
	path string
	r    *reader
}

func (v value) wrong(format string, args ...any) {
	if len(v.r.problems) < maxProblems {
		v.r.problems = append(v.r.problems, Problem{v.r.file, v.node.Line, v.node.Column, v.path, fmt.Sprintf(format, args...)})
	}
}

// child returns a node below v, with aliases resolved.
func (v value) child(n *yaml.Node, path string) value {
	n = yaml.Resolved(n)
	if v.r.budget--; v.r.budget == 0 {
		v.wrong("%s", yaml.TooLarge)
	}
	if v.r.budget <= 0 {
		n = yaml.Null(n)
	}
	return value{n, path, v.r}
}

// fields holds a function for each member of a map.
type fields map[string]func(value)

// object reads a map, in which unknown and repeated members are faults.
func (v value) object(known fields) {
	if v.node.Kind != yaml.Map {
		v.wrong("must be a map")
		return
	}
	if v.r.visit != nil {
		v.r.visit(v.path, sorted(known))
	}
	seen := make(map[string]bool)
	for key, n := range yaml.Pairs(v.node) {
		path := strings.TrimPrefix(v.path+"."+key.Value, ".")
		read, ok := known[key.Value]
		switch {
		case seen[key.Value]:
			value{key, path, v.r}.wrong("is given more than once")
		case !ok:
			value{key, v.path, v.r}.wrong("%s", document.Unknown(key.Value, sorted(known)))
		default:
			read(v.child(n, path))
		}
		seen[key.Value] = true
	}
}

func sorted[V any](m map[string]V) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}

// has reports whether a map has a member.
func (v value) has(name string) bool { return v.member(name) != nil }

func (v value) member(name string) *yaml.Node { return yaml.Member(v.node, name) }

// required adds a fault for each of the members that a map does not have.
func (v value) required(names ...string) {
	for _, name := range names {
		if v.node.Kind == yaml.Map && !v.has(name) {
			v.wrong("%q is required", name)
		}
	}
}

// list reads a sequence, in which an item with "repeat" stands for several.
func (v value) list(each func(value)) {
	if v.node.Kind != yaml.List {
		v.wrong("must be a list")
		return
	}
	for i, n := range v.node.Content {
		item := v.child(n, fmt.Sprintf("%s[%d]", v.path, i))
		if !item.has("repeat") {
			each(item)
			continue
		}
		item.repeat(each)
	}
}

// into makes a field that stores the value.
func into[T any](dst *T, read func(value) T) func(value) {
	return func(v value) { *dst = read(v) }
}

// each makes a field that appends the items of a list.
func each[T any](dst *[]T, read func(value) T) func(value) {
	return func(v value) { v.list(func(item value) { *dst = append(*dst, read(item)) }) }
}

func (v value) text() string {
	if v.node.Kind != yaml.Scalar || v.node.ShortTag() == "!!null" {
		v.wrong("must be a string")
		return ""
	}
	return v.node.Value
}

func (v value) boolean() bool {
	switch v.node.Value {
	case "true":
		return true
	case "false":
		return false
	}
	v.wrong("must be true or false, got %q", v.node.Value)
	return false
}

// integer makes a reader of whole numbers from least to most, both included.
func integer[T ~int | ~uint8 | ~uint16 | ~uint32 | ~uint64](least, most uint64) func(value) T {
	return func(v value) T {
		n, err := strconv.ParseUint(strings.ReplaceAll(v.node.Value, "_", ""), 0, 64)
		if digits, whole := document.Whole(v.node.Value); err != nil && whole {
			n, err = strconv.ParseUint(digits, 10, 64)
		}
		if v.node.Kind != yaml.Scalar || err != nil || n < least || n > most {
			v.wrong("must be a whole number between %d and %d, got %q", least, most, v.node.Value)
			return 0
		}
		return T(n)
	}
}

// maxTime is a day: more than any scenario needs.
const maxTime = 24 * 3600 * loop.Second

func (v value) time() loop.Duration {
	d, err := time.ParseDuration(v.node.Value)
	if v.node.Kind != yaml.Scalar || err != nil || d < 0 || d > time.Duration(maxTime) {
		v.wrong("must be a time of at most 24h, for example 250ms, 1.5s or 2m, got %q", v.node.Value)
		return 0
	}
	return loop.Duration(d)
}

// percent reads a percentage, for example "12.5%", and returns parts per million.
func (v value) percent() uint32 {
	number, ok := strings.CutSuffix(v.node.Value, "%")
	f, err := strconv.ParseFloat(strings.TrimSpace(number), 64)
	if v.node.Kind != yaml.Scalar || !ok || err != nil || !(f >= 0 && f <= 100) {
		v.wrong("must be a percentage between 0%% and 100%%, for example 12.5%%, got %q", v.node.Value)
		return 0
	}
	return uint32(f*10_000 + 0.5)
}

func (v value) chance() sim.Chance { return sim.Chance(v.percent()) }

func (v value) address() netip.Addr {
	a, err := netip.ParseAddr(v.node.Value)
	if v.node.Kind != yaml.Scalar || err != nil || a.Zone() != "" || a.Is4In6() {
		v.wrong("must be an IP address, got %q", v.node.Value)
		return netip.Addr{}
	}
	return a
}

func (v value) prefix() netip.Prefix {
	p, err := netip.ParsePrefix(v.node.Value)
	if v.node.Kind != yaml.Scalar || err != nil || p.Addr().Is4In6() {
		v.wrong("must be an address and a prefix length, for example 198.18.0.0/24, got %q", v.node.Value)
		return netip.Prefix{}
	}
	return p
}

// ofFamily makes a reader that accepts one address family.
func ofFamily[T interface{ IsValid() bool }](is4 bool, read func(value) T, addr func(T) netip.Addr) func(value) T {
	return func(v value) T {
		x := read(v)
		if x.IsValid() && addr(x).Is4() != is4 {
			v.wrong("must be %s, got %q", map[bool]string{true: "IPv4", false: "IPv6"}[is4], v.node.Value)
			var none T
			return none
		}
		return x
	}
}

func family[T interface{ IsValid() bool }](read func(value) T, addr func(T) netip.Addr) (four, six func(value) T) {
	return ofFamily(true, read, addr), ofFamily(false, read, addr)
}

var (
	prefix4, prefix6   = family(value.prefix, netip.Prefix.Addr)
	address4, address6 = family(value.address, func(a netip.Addr) netip.Addr { return a })
)

// texts reads a string or a list of strings.
func (v value) texts() (words []string) {
	if v.node.Kind == yaml.Scalar {
		return []string{v.text()}
	}
	v.list(func(item value) { words = append(words, item.text()) })
	return words
}

// repeat reads an item once for each number from "from" to "to" in steps. "${i}" in its
// strings stands for the number, "${i+1}" for the next one.
func (v value) repeat(each func(value)) {
	name, from, to, step := "i", uint64(1), uint64(0), uint64(1)
	count := integer[uint64](0, 1_000_000)
	r := v.child(v.member("repeat"), v.path+".repeat")
	r.object(fields{"name": into(&name, value.text), "from": into(&from, count), "to": into(&to, count),
		"step": into(&step, integer[uint64](1, 1_000_000))})
	r.required("to")
	for k := from; k <= to && v.r.budget > 0; k += max(1, step) {
		item := v.child(v.substitute(v.node, name, int64(k)), fmt.Sprintf("%s(%s=%d)", v.path, name, k))
		at := slices.IndexFunc(item.node.Content, func(n *yaml.Node) bool { return n.Value == "repeat" })
		item.node.Content = slices.Delete(item.node.Content, at, at+2)
		each(item)
	}
}

func (v value) substitute(n *yaml.Node, name string, k int64) *yaml.Node {
	if v.r.budget--; v.r.budget <= 0 {
		return yaml.Null(n)
	}
	if n.Kind == yaml.Alias {
		return v.substitute(n.Alias, name, k)
	}
	out := *n
	out.Content = nil
	for _, c := range n.Content {
		out.Content = append(out.Content, v.substitute(c, name, k))
	}
	if n.Kind != yaml.Scalar {
		return &out
	}
	for {
		before, rest, found := strings.Cut(out.Value, "${"+name)
		offset, after, closed := strings.Cut(rest, "}")
		by, err := strconv.ParseInt(cmp.Or(strings.TrimPrefix(offset, "+"), "0"), 10, 32)
		if !found || !closed || err != nil {
			return &out
		}
		out.Value = before + strconv.FormatInt(k+by, 10) + after
		if out.Style&yaml.Quoted == 0 {
			out.Tag = "" // the result may be a number
		}
	}
}

// json turns a node into JSON; ok is false if it can't be.
func (v value) json() (text json.RawMessage, ok bool) {
	if v.r.budget <= 0 {
		return nil, false
	}
	text, err := yaml.JSON(v.node, &v.r.budget)
	if err != nil {
		at := &yaml.Node{Line: err.Line, Column: err.Column}
		value{at, strings.TrimSuffix(v.path+"."+err.Path, "."), v.r}.wrong("%s", err.Text)
		return nil, false
	}
	return text, true
}

// find follows a path, for example "config.protocols[1].eth", as far as it exists.
func (v value) find(path string) value { return v.child(yaml.Find(v.node, path), v.path) }
