// Package yaml reads the YAML files that users write: it parses the text, turns
// nodes into JSON for the readers of JSON documents, and finds the places of their
// faults.
//
// Open this file first: Parse makes the tree of a text. json.go turns a part of the
// tree into JSON, path.go finds a place in it by the path of a fault.
package yaml

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"iter"
	"regexp"

	"go.yaml.in/yaml/v3"
)

// Node is a value of a file with its place.
type Node = yaml.Node

// Kinds of nodes. An alias stands for the node that it names.
const (
	Map    = yaml.MappingNode
	List   = yaml.SequenceNode
	Scalar = yaml.ScalarNode
	Alias  = yaml.AliasNode
)

// Quoted are the styles of scalars that are strings, whatever they hold.
const Quoted = yaml.SingleQuotedStyle | yaml.DoubleQuotedStyle

// Null returns an empty value at the place of a node.
func Null(at *Node) *Node {
	return &Node{Kind: Scalar, Tag: "!!null", Line: at.Line, Column: at.Column}
}

// Error is a fault of a file with its place. Line and Column count from 1.
type Error struct {
	Line, Column int
	Path         string // below the node that was read
	Text         string
}

// Error returns the line, the path and the text.
func (e *Error) Error() string {
	if e.Path == "" {
		return fmt.Sprintf("line %d: %s", e.Line, e.Text)
	}
	return fmt.Sprintf("line %d: %s: %s", e.Line, e.Path, e.Text)
}

// maxDepth is the number of levels that a file may nest. It ends aliases inside the value
// that they name.
const maxDepth = 64

// Parse returns the tree of a text. It returns nil if the text is empty.
func Parse(text []byte) (*Node, *Error) {
	var doc, more Node
	decoder := yaml.NewDecoder(bytes.NewReader(text))
	if err := decoder.Decode(&doc); errors.Is(err, io.EOF) {
		return nil, nil
	} else if err != nil {
		return nil, syntaxError(text, err)
	}
	switch err := decoder.Decode(&more); {
	case err == nil:
		return nil, &Error{Line: more.Line, Column: 1, Text: "the file must have only one document"}
	case !errors.Is(err, io.EOF):
		return nil, syntaxError(text, err)
	}
	if deep := tooDeep(&doc, maxDepth); deep != nil {
		return nil, &Error{Line: deep.Line, Column: deep.Column, Text: fmt.Sprintf("nested deeper than %d levels, those of aliases included", maxDepth)}
	}
	return doc.Content[0], nil
}

var parserPlace = regexp.MustCompile(`^yaml: (line \d+: )?`)

// syntaxError returns the fault of a text with its place. The parser knows no column,
// and names the line where the surrounding map begins, or one beside it.
func syntaxError(text []byte, err error) *Error {
	line := faultLine(text, func(part []byte) bool { return yaml.Unmarshal(part, new(Node)) == nil })
	return &Error{Line: line, Column: indent(text, line), Text: parserPlace.ReplaceAllString(err.Error(), "")}
}

// Pairs iterates over the keys and values of a map in the order of the file.
func Pairs(n *Node) iter.Seq2[*Node, *Node] {
	return func(yield func(key, value *Node) bool) {
		if n.Kind != Map {
			return
		}
		for i := 0; i+1 < len(n.Content); i += 2 {
			if !yield(n.Content[i], n.Content[i+1]) {
				return
			}
		}
	}
}

// Repeated returns the fault of a key that a map below n has twice, nil if there is
// none. One of the two values would have no effect.
func Repeated(n *Node) *Error {
	lines := make(map[string]int)
	for i, child := range n.Content {
		if n.Kind == Map && i%2 == 0 {
			if line, twice := lines[child.Value]; twice {
				return &Error{child.Line, child.Column, "", fmt.Sprintf("%q is given more than once, first in line %d", child.Value, line)}
			}
			lines[child.Value] = child.Line
		}
		if err := Repeated(child); err != nil {
			return err
		}
	}
	return nil
}
