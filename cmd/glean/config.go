package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"strconv"

	"gopkg.in/yaml.v3"

	"glean/server/engine"
)

// config is the configuration file. Keys that are not known are warned about,
// so that a file written for OpenPerf is accepted.
type config struct {
	Listen    string
	Ports     []engine.PortSpec
	Resources []resource
	Unknown   []string // keys with their lines, for warnings
}

// resource is one entry of "resources": a body that is applied as if it were
// POSTed to the collection, with the id filled in.
type resource struct {
	Path string // "/interfaces/if-1"
	Line int
	Body []byte // JSON
}

func readConfig(path string) (*config, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	c, err := parseConfig(text)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return c, nil
}

func parseConfig(text []byte) (*config, error) {
	var doc yaml.Node
	if err := yaml.NewDecoder(bytes.NewReader(text)).Decode(&doc); err != nil {
		return nil, err
	}
	c := &config{}
	root := doc.Content[0]
	if root.Kind != yaml.MappingNode {
		return nil, fmt.Errorf("line %d: the file must be a map", root.Line)
	}
	for key, value := range pairs(root) {
		var err error
		switch key.Value {
		case "listen":
			err = value.Decode(&c.Listen)
		case "ports":
			c.Ports, err = configPorts(value)
		case "resources":
			c.Resources, err = configResources(value)
		default:
			c.Unknown = append(c.Unknown, fmt.Sprintf("%s (line %d)", key.Value, key.Line))
		}
		if err != nil {
			return nil, fmt.Errorf("line %d: %s: %w", value.Line, key.Value, err)
		}
	}
	return c, nil
}

// pairs iterates over a map in the order of the file.
func pairs(n *yaml.Node) func(yield func(key, value *yaml.Node) bool) {
	return func(yield func(key, value *yaml.Node) bool) {
		for i := 0; i+1 < len(n.Content); i += 2 {
			if !yield(n.Content[i], n.Content[i+1]) {
				return
			}
		}
	}
}

// configPorts reads the list of {id, kind, arg}.
func configPorts(n *yaml.Node) ([]engine.PortSpec, error) {
	var list []struct{ ID, Kind, Arg string }
	if err := n.Decode(&list); err != nil {
		return nil, err
	}
	var ports portFlags
	for _, p := range list {
		if err := ports.Set(p.ID + "=" + p.Kind + ":" + p.Arg); err != nil {
			return nil, err
		}
	}
	return ports, nil
}

func configResources(n *yaml.Node) ([]resource, error) {
	if n.Kind != yaml.MappingNode {
		return nil, fmt.Errorf("must be a map of \"/collection/id\": body")
	}
	var list []resource
	for key, value := range pairs(n) {
		body, err := nodeJSON(value)
		if err != nil {
			return nil, fmt.Errorf("line %d: %q: %w", value.Line, key.Value, err)
		}
		list = append(list, resource{Path: key.Value, Line: key.Line, Body: body})
	}
	return list, nil
}

// nodeJSON turns a YAML value into JSON. Numbers keep their text, so that no
// digit of a 64-bit number is lost.
func nodeJSON(n *yaml.Node) ([]byte, error) {
	switch n.Kind {
	case yaml.AliasNode:
		return nodeJSON(n.Alias)
	case yaml.MappingNode:
		return mapJSON(n)
	case yaml.SequenceNode:
		var items []json.RawMessage
		for _, item := range n.Content {
			j, err := nodeJSON(item)
			if err != nil {
				return nil, err
			}
			items = append(items, j)
		}
		if items == nil {
			return []byte("[]"), nil
		}
		return json.Marshal(items)
	}
	return scalarJSON(n)
}

func mapJSON(n *yaml.Node) ([]byte, error) {
	var b bytes.Buffer
	b.WriteByte('{')
	for key, value := range pairs(n) {
		if b.Len() > 1 {
			b.WriteByte(',')
		}
		name, err := json.Marshal(key.Value)
		if err != nil {
			return nil, err
		}
		j, err := nodeJSON(value)
		if err != nil {
			return nil, fmt.Errorf("line %d: %s: %w", value.Line, key.Value, err)
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
			return nil, fmt.Errorf("%q is beyond 64 bits", n.Value)
		}
		return json.Marshal(u)
	case "!!bool", "!!float":
		var v any
		if err := n.Decode(&v); err != nil {
			return nil, err
		}
		return json.Marshal(v)
	}
	return json.Marshal(n.Value)
}
