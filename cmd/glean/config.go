package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"

	"go.yaml.in/yaml/v3"

	"glean/server/engine"
	"glean/stack/loop"
)

// config is the configuration file, ours or OpenPerf's. Keys that are not
// known are warned about, so that a file written for OpenPerf is accepted.
type config struct {
	Listen    string
	Ports     []engine.PortSpec
	Resources []resource
	Limits    engine.Limits
	Unknown   []string // keys with their lines, for warnings

	openPerf openPerfConfig
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
	var doc, more yaml.Node
	d := yaml.NewDecoder(bytes.NewReader(text))
	switch err := d.Decode(&doc); {
	case errors.Is(err, io.EOF): // nothing but comments
		return &config{}, nil
	case err != nil:
		return nil, err
	}
	if err := d.Decode(&more); !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("there must be one document only")
	}
	root := doc.Content[0]
	if root.Kind != yaml.MappingNode {
		return nil, fmt.Errorf("line %d: the file must be a map", root.Line)
	}
	if err := checkKeys(root); err != nil {
		return nil, err
	}
	c := &config{}
	for key, value := range pairs(root) {
		if err := c.read(key, value); err != nil {
			return nil, fmt.Errorf("line %d: %s: %w", value.Line, key.Value, err)
		}
	}
	return c, c.openPerf.apply(c)
}

// read reads what is below one key of the file.
func (c *config) read(key, value *yaml.Node) (err error) {
	switch key.Value {
	case "listen":
		err = value.Decode(&c.Listen)
	case "ports":
		c.Ports, err = configPorts(value)
	case "resources":
		c.Resources, err = configResources(value)
	case "limits":
		c.Limits, err = configLimits(value)
	case "core":
		c.openPerf.is = true
		c.unknown(key, "")
	case "modules":
		c.openPerf.is = true
		err = c.section(value, key.Value, c.openPerf.read)
	default:
		c.unknown(key, "")
	}
	return err
}

// section reads a map below path. What read does not know is warned about.
func (c *config) section(n *yaml.Node, path string, read func(c *config, path string, value *yaml.Node) (known bool, err error)) error {
	if n.Kind != yaml.MappingNode {
		return fmt.Errorf("%s must be a map", path)
	}
	for key, value := range pairs(n) {
		known, err := read(c, path+"."+key.Value, value)
		if err != nil {
			return fmt.Errorf("line %d: %s: %w", value.Line, key.Value, err)
		}
		if !known {
			c.unknown(key, path+".")
		}
	}
	return nil
}

func (c *config) unknown(key *yaml.Node, path string) {
	c.Unknown = append(c.Unknown, fmt.Sprintf("%s%s (line %d)", path, key.Value, key.Line))
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

// configLimits reads the map of limits; what is not given has its default.
func configLimits(n *yaml.Node) (engine.Limits, error) {
	var l engine.Limits
	if n.Kind != yaml.MappingNode {
		return l, fmt.Errorf("must be a map")
	}
	seconds, resultSeconds := 0, 0
	members := map[string]*int{
		"ports": &l.Ports, "interfaces": &l.Interfaces, "generators": &l.Generators,
		"generator_results": &l.Results, "learning_requests": &l.Requests, "events": &l.Events,
		"retain_learning": &l.RetainRequests, "retain_learning_s": &seconds,
		"retain_results": &l.RetainResults, "retain_results_s": &resultSeconds,
	}
	for key, value := range pairs(n) {
		if key.Value == "memory" {
			var err error
			if l.Memory, err = parseMemory(value.Value); err != nil {
				return l, fmt.Errorf("line %d: memory: %w", value.Line, err)
			}
			continue
		}
		member := members[key.Value]
		if member == nil {
			return l, fmt.Errorf("line %d: %q is not a limit", key.Line, key.Value)
		}
		if err := value.Decode(member); err != nil || *member < 1 || *member > 1<<30 {
			return l, fmt.Errorf("line %d: %s: must be 1 to %d", value.Line, key.Value, 1<<30)
		}
	}
	l.RetainFor = loop.Duration(seconds) * loop.Second
	l.RetainResultsFor = loop.Duration(resultSeconds) * loop.Second
	inMemory := l
	if inMemory.Memory == 0 {
		inMemory.Memory = memoryBudget()
	}
	if most := inMemory.MostEvents(); l.Events > most {
		return l, fmt.Errorf("events: %d events take more than a quarter of the memory budget; set at most %d, or memory higher", l.Events, most)
	}
	return l, nil
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
