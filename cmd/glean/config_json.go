package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"

	"glean/internal/document"
)

// deepest is the number of levels that a body may nest. Without it an alias inside the
// value that it names would never end.
const deepest = 64

// largest is the number of values that a body may hold. With aliases a small file can
// describe a huge body.
const largest = 1 << 20

// checkKeys returns an error if a map anywhere below n has a key more than once, because
// one of the two values would be lost.
func checkKeys(n *yaml.Node) error {
	seen := make(map[string]int)
	for i, child := range n.Content {
		if n.Kind == yaml.MappingNode && i%2 == 0 {
			if line, twice := seen[child.Value]; twice {
				return fmt.Errorf("line %d: %q is given more than once, first in line %d", child.Line, child.Value, line)
			}
			seen[child.Value] = child.Line
		}
		if err := checkKeys(child); err != nil {
			return err
		}
	}
	return nil
}

// nodeJSON converts a YAML value to JSON. Numbers keep all digits of their 64 bits.
func nodeJSON(n *yaml.Node) ([]byte, error) {
	return (&converter{left: largest}).node(n, 0)
}

// converter converts one body to JSON.
type converter struct{ left int } // number of values that the body may still hold

func (c *converter) node(n *yaml.Node, depth int) ([]byte, error) {
	if depth > deepest {
		return nil, lineError{fmt.Errorf("line %d: nested deeper than %d levels", n.Line, deepest)}
	}
	if c.left--; c.left < 0 {
		return nil, lineError{fmt.Errorf("line %d: must have at most %d values, those of aliases included", n.Line, largest)}
	}
	switch n.Kind {
	case yaml.AliasNode:
		return c.node(n.Alias, depth+1)
	case yaml.MappingNode:
		return c.object(n, depth)
	case yaml.SequenceNode:
		return c.list(n, depth)
	}
	return scalarJSON(n)
}

func (c *converter) list(n *yaml.Node, depth int) ([]byte, error) {
	var b bytes.Buffer
	b.WriteByte('[')
	for i, item := range n.Content {
		if i > 0 {
			b.WriteByte(',')
		}
		j, err := c.node(item, depth+1)
		if err != nil {
			return nil, err
		}
		b.Write(j)
	}
	b.WriteByte(']')
	return b.Bytes(), nil
}

func (c *converter) object(n *yaml.Node, depth int) ([]byte, error) {
	var b bytes.Buffer
	b.WriteByte('{')
	for key, value := range pairs(n) {
		if key.Tag == "!!merge" {
			return nil, lineError{fmt.Errorf("line %d: merge keys (<<) are not supported", key.Line)}
		}
		if b.Len() > 1 {
			b.WriteByte(',')
		}
		name, err := json.Marshal(key.Value)
		if err != nil {
			return nil, err
		}
		j, err := c.node(value, depth+1)
		if err != nil {
			return nil, atLine(value, key.Value, err)
		}
		b.Write(name)
		b.WriteByte(':')
		b.Write(j)
	}
	b.WriteByte('}')
	return b.Bytes(), nil
}

func scalarJSON(n *yaml.Node) ([]byte, error) {
	switch n.Tag {
	case "!!null":
		return []byte("null"), nil
	case "!!int":
		if i, err := strconv.ParseInt(n.Value, 0, 64); err == nil {
			return json.Marshal(i)
		}
		u, err := strconv.ParseUint(n.Value, 0, 64)
		if err != nil {
			return nil, fmt.Errorf("must fit into 64 bits, got %s", n.Value)
		}
		return json.Marshal(u)
	case "!!bool", "!!float":
		if digits, whole := document.Whole(n.Value); whole {
			if _, err := strconv.ParseInt(digits, 10, 64); err == nil {
				return []byte(digits), nil
			}
		}
		if strings.Trim(n.Value, "+-_0123456789") == "" { // the YAML decoder would round it
			return nil, fmt.Errorf("must fit into 64 bits, got %s", n.Value)
		}
		var v any
		if err := n.Decode(&v); err != nil {
			return nil, err
		}
		return json.Marshal(v)
	}
	return json.Marshal(n.Value)
}
