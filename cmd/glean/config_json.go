package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"

	"gopkg.in/yaml.v3"
)

// deepest is how far a body may nest; an alias inside what it names would
// have no end.
const deepest = 64

// largest is how many octets of JSON a body may become: as many as a request
// may have. Aliases can make a small file stand for a huge one.
const largest = 64 << 20

// checkKeys finds a key that is given twice in one map, anywhere. One of the
// two would be lost without a word.
func checkKeys(n *yaml.Node) error {
	seen := make(map[string]int)
	for i, child := range n.Content {
		if n.Kind == yaml.MappingNode && i%2 == 0 {
			if line, twice := seen[child.Value]; twice {
				return fmt.Errorf("line %d: %q is given twice, first in line %d", child.Line, child.Value, line)
			}
			seen[child.Value] = child.Line
		}
		if err := checkKeys(child); err != nil {
			return err
		}
	}
	return nil
}

// nodeJSON turns a YAML value into JSON. Numbers keep their text, so that no
// digit of a 64-bit number is lost.
func nodeJSON(n *yaml.Node, depth int) ([]byte, error) {
	if depth > deepest {
		return nil, fmt.Errorf("line %d: nested deeper than %d", n.Line, deepest)
	}
	switch n.Kind {
	case yaml.AliasNode:
		return nodeJSON(n.Alias, depth+1)
	case yaml.MappingNode:
		return mapJSON(n, depth)
	case yaml.SequenceNode:
		return listJSON(n, depth)
	}
	return scalarJSON(n)
}

func listJSON(n *yaml.Node, depth int) ([]byte, error) {
	var b bytes.Buffer
	b.WriteByte('[')
	for i, item := range n.Content {
		if i > 0 {
			b.WriteByte(',')
		}
		j, err := nodeJSON(item, depth+1)
		if err != nil {
			return nil, err
		}
		if b.Write(j); b.Len() > largest {
			return nil, tooLarge(n)
		}
	}
	b.WriteByte(']')
	return b.Bytes(), nil
}

func mapJSON(n *yaml.Node, depth int) ([]byte, error) {
	var b bytes.Buffer
	b.WriteByte('{')
	for key, value := range pairs(n) {
		if key.Tag == "!!merge" {
			return nil, fmt.Errorf("line %d: merge keys (<<) are not supported", key.Line)
		}
		if b.Len() > 1 {
			b.WriteByte(',')
		}
		name, err := json.Marshal(key.Value)
		if err != nil {
			return nil, err
		}
		j, err := nodeJSON(value, depth+1)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", key.Value, err)
		}
		b.Write(name)
		b.WriteByte(':')
		if b.Write(j); b.Len() > largest {
			return nil, tooLarge(n)
		}
	}
	b.WriteByte('}')
	return b.Bytes(), nil
}

func tooLarge(n *yaml.Node) error {
	return fmt.Errorf("line %d: larger than %d octets with its aliases", n.Line, largest)
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
			return nil, fmt.Errorf("%q is beyond 64 bits", n.Value)
		}
		return json.Marshal(u)
	case "!!bool", "!!float":
		if strings.Trim(n.Value, "+-_0123456789") == "" { // YAML would round it
			return nil, fmt.Errorf("%q is beyond 64 bits", n.Value)
		}
		var v any
		if err := n.Decode(&v); err != nil {
			return nil, err
		}
		return json.Marshal(v)
	}
	return json.Marshal(n.Value)
}
