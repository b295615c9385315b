package yaml

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"

	"glean/internal/document"
)

// MaxValues is how many values a file may hold. Aliases can make a small file stand
// for a huge one.
const MaxValues = 1 << 20

// TooLarge is the text about a file with more values.
const TooLarge = "the file must have at most 1048576 values, those of aliases included"

// JSON returns a node as JSON text. Numbers keep their digits. left is how many values
// the file may still hold; JSON counts it down.
func JSON(n *Node, left *int) (json.RawMessage, *Error) {
	w := writer{left: left}
	if err := w.value(n, ""); err != nil {
		return nil, err
	}
	return w.text, nil
}

// writer appends JSON text. Its methods take the path of the value that they append.
type writer struct {
	text []byte
	left *int
}

func (w *writer) value(n *Node, path string) *Error {
	n = Resolved(n)
	if *w.left--; *w.left <= 0 {
		return fault(n, path, TooLarge)
	}
	switch n.Kind {
	case Map:
		return w.object(n, path)
	case List:
		return w.list(n, path)
	}
	text, wrong := scalar(n)
	if wrong != "" {
		return fault(n, path, wrong)
	}
	w.text = append(w.text, text...)
	return nil
}

func (w *writer) list(n *Node, path string) *Error {
	w.text = append(w.text, '[')
	for i, item := range n.Content {
		if i > 0 {
			w.text = append(w.text, ',')
		}
		if err := w.value(item, fmt.Sprintf("%s[%d]", path, i)); err != nil {
			return err
		}
	}
	w.text = append(w.text, ']')
	return nil
}

func (w *writer) object(n *Node, path string) *Error {
	w.text = append(w.text, '{')
	first := true
	for key, value := range Pairs(n) {
		if key.Tag == "!!merge" {
			return fault(key, path, "merge keys (<<) are not supported")
		}
		if !first {
			w.text = append(w.text, ',')
		}
		first = false
		w.text = append(append(w.text, quoted(key.Value)...), ':')
		if err := w.value(value, strings.TrimPrefix(path+"."+key.Value, ".")); err != nil {
			return err
		}
	}
	w.text = append(w.text, '}')
	return nil
}

func fault(n *Node, path, text string) *Error { return &Error{n.Line, n.Column, path, text} }

// scalar returns the JSON text of a scalar; wrong is empty if there is one.
func scalar(n *Node) (text []byte, wrong string) {
	switch n.ShortTag() {
	case "!!null":
		return []byte("null"), ""
	case "!!int":
		if i, err := strconv.ParseInt(n.Value, 0, 64); err == nil {
			return strconv.AppendInt(nil, i, 10), ""
		}
		u, err := strconv.ParseUint(n.Value, 0, 64)
		if err != nil {
			return nil, "must fit into 64 bits, got " + n.Value
		}
		return strconv.AppendUint(nil, u, 10), ""
	case "!!bool", "!!float":
		return number(n)
	}
	return quoted(n.Value), ""
}

// number returns the JSON text of a number with a point or an exponent, or of true or
// false.
func number(n *Node) (text []byte, wrong string) {
	if digits, whole := document.Whole(n.Value); whole {
		if _, err := strconv.ParseInt(digits, 10, 64); err == nil {
			return []byte(digits), ""
		}
	}
	if strings.Trim(n.Value, "+-_0123456789") == "" { // the parser would round it
		return nil, "must fit into 64 bits, got " + n.Value
	}
	var v any
	if err := n.Decode(&v); err != nil {
		return nil, err.Error()
	}
	text, err := json.Marshal(v)
	if err != nil { // .inf and .nan
		return nil, "must be a finite number, got " + n.Value
	}
	return text, ""
}

func quoted(s string) []byte {
	text, err := json.Marshal(s)
	if err != nil {
		panic(err) // it is a string
	}
	return text
}
