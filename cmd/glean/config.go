package main

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"glean/internal/document"
	"glean/internal/document/yaml"
	"glean/server/engine"
	"glean/stack/loop"
)

// config is a configuration file, ours or OpenPerf's. An unknown key is refused. With
// --openperf the daemon only warns about it, so that it accepts a file written for
// OpenPerf.
type config struct {
	Listen    string
	Ports     []filePort
	Resources []resource
	Limits    engine.Limits
	Unknown   []unknownKey

	openPerf openPerfConfig
}

// unknownKey is a key that no reader takes.
type unknownKey struct {
	name  string // with its path
	line  int
	known []string // the allowed keys; empty in OpenPerf's own sections
}

func (u unknownKey) String() string { return fmt.Sprintf("%s (line %d)", u.name, u.line) }

// refusal returns the error about the key.
func (u unknownKey) refusal() error {
	if len(u.known) == 0 {
		return fmt.Errorf("line %d: %s: a key of OpenPerf's configuration file; start with --openperf to ignore it", u.line, u.name)
	}
	return fmt.Errorf("line %d: %s", u.line, document.Unknown(u.name, u.known))
}

// filePort is an entry of "ports".
type filePort struct {
	engine.PortSpec
	line int
}

// resource is an entry of "resources": a body that is applied like a POST to the
// collection, with the id of the path.
type resource struct {
	Path string // "/interfaces/if-1"
	Line int
	Body []byte // JSON
	node *yaml.Node
}

// lineOf returns the line of the member that an error about the resource names.
func (r *resource) lineOf(err error) int {
	var e *engine.Error
	if !errors.As(err, &e) || len(e.Faults) == 0 {
		return r.Line
	}
	if at := yaml.Find(r.node, e.Faults[0].Path); at != r.node {
		return at.Line
	}
	return r.Line
}

// readConfig reads a file. With openPerf it accepts unknown keys.
func readConfig(path string, openPerf bool) (*config, error) {
	text, err := document.ReadFile(path, configMax)
	if err != nil {
		return nil, err
	}
	c, err := parseConfig(text, openPerf)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return c, nil
}

// configMax is the size in octets of the largest configuration file.
const configMax = 64 << 20

func parseConfig(text []byte, openPerf bool) (*config, error) {
	root, wrong := yaml.Parse(text)
	switch {
	case wrong != nil:
		return nil, wrong
	case root == nil: // nothing but comments
		return &config{}, nil
	case root.Kind != yaml.Map:
		return nil, fmt.Errorf("line %d: the file must be a map", root.Line)
	}
	if err := yaml.Repeated(root); err != nil {
		return nil, err
	}
	c := &config{}
	for key, value := range yaml.Pairs(root) {
		if err := c.read(key, value); err != nil {
			return nil, atLine(value, key.Value, err)
		}
	}
	if err := c.openPerf.apply(c); err != nil {
		return nil, err
	}
	if len(c.Unknown) > 0 && !openPerf {
		var refused []error
		for _, u := range c.Unknown {
			refused = append(refused, u.refusal())
		}
		return nil, errors.Join(refused...)
	}
	return c, nil
}

// lineError is an error whose text has its line.
type lineError struct{ error }

// atLine adds the line and the name to an error that has no line.
func atLine(n *yaml.Node, name string, err error) error {
	var placed lineError
	if errors.As(err, &placed) {
		return err
	}
	return lineError{fmt.Errorf("line %d: %s: %w", n.Line, name, err)}
}

// read reads the value of one top-level key.
func (c *config) read(key, value *yaml.Node) (err error) {
	switch key.Value {
	case "listen":
		if c.Listen = value.Value; value.Kind != yaml.Scalar {
			err = fmt.Errorf("must be a string, for example 127.0.0.1:9000")
		}
	case "ports":
		err = c.readPorts(value)
	case "resources":
		c.Resources, err = configResources(value)
	case "limits":
		c.Limits, err = configLimits(value)
	case "core":
		c.openPerf.is = true
		c.unknown(key, "", nil)
	case "modules":
		c.openPerf.is = true
		err = c.section(value, key.Value, c.openPerf.read)
	default:
		c.unknown(key, "", configSchema.Names())
	}
	return err
}

// section reads the map at path, and collects the keys that read does not know.
func (c *config) section(n *yaml.Node, path string, read func(c *config, path string, value *yaml.Node) (known bool, err error)) error {
	if n.Kind != yaml.Map {
		return errors.New("must be a map")
	}
	for key, value := range yaml.Pairs(n) {
		known, err := read(c, path+"."+key.Value, value)
		if err != nil {
			return atLine(value, path+"."+key.Value, err)
		}
		if !known {
			c.unknown(key, path+".", nil)
		}
	}
	return nil
}

func (c *config) unknown(key *yaml.Node, path string, known []string) {
	c.Unknown = append(c.Unknown, unknownKey{path + key.Value, key.Line, known})
}

// configLimits reads the map of limits. An absent limit keeps its default.
func configLimits(n *yaml.Node) (engine.Limits, error) {
	var l engine.Limits
	if n.Kind != yaml.Map {
		return l, fmt.Errorf("must be a map")
	}
	seconds, resultSeconds := 0, 0
	members := map[string]*int{
		"ports": &l.Ports, "interfaces": &l.Interfaces, "generators": &l.Generators,
		"generator_results": &l.Results, "learning_requests": &l.Requests, "events": &l.Events,
		"retain_learning": &l.RetainRequests, "retain_learning_s": &seconds,
		"retain_results": &l.RetainResults, "retain_results_s": &resultSeconds,
	}
	for key, value := range yaml.Pairs(n) {
		if key.Value == "memory" {
			var err error
			if l.Memory, err = parseMemory(value.Value); err != nil {
				return l, lineError{fmt.Errorf("line %d: limits.memory: %w", value.Line, err)}
			}
			continue
		}
		member := members[key.Value]
		if member == nil {
			return l, lineError{fmt.Errorf("line %d: limits: %s", key.Line, document.Unknown(key.Value, limitsSchema.Names()))}
		}
		digits, whole := document.Whole(value.Value)
		if v, err := strconv.Atoi(digits); whole && err == nil && 1 <= v && v <= limitMost {
			*member = v
			continue
		}
		return l, lineError{fmt.Errorf("line %d: limits.%s: must be a whole number between 1 and %d, got %q", value.Line, key.Value, limitMost, value.Value)}
	}
	l.RetainFor = loop.Duration(seconds) * loop.Second
	l.RetainResultsFor = loop.Duration(resultSeconds) * loop.Second
	inMemory := l
	if inMemory.Memory == 0 {
		inMemory.Memory = memoryBudget()
	}
	if most := inMemory.MostEvents(); l.Events > most {
		return l, fmt.Errorf("events: %d events take more than a quarter of the memory budget; set at most %d, or a higher limits.memory", l.Events, most)
	}
	return l, nil
}

// readPorts reads the list of {id, kind, arg}.
func (c *config) readPorts(n *yaml.Node) error {
	if n.Kind != yaml.List {
		return fmt.Errorf("must be a list of {id, kind, arg}")
	}
	var ports portFlags
	for i, item := range n.Content {
		at := fmt.Sprintf("ports[%d]", i)
		if item.Kind != yaml.Map {
			return lineError{fmt.Errorf("line %d: %s: must be a map of id, kind and arg", item.Line, at)}
		}
		member := make(map[string]string)
		for key, value := range yaml.Pairs(item) {
			if !portEntrySchema.Knows(key.Value) {
				c.unknown(key, at+".", portEntrySchema.Names())
			}
			if value.Kind != yaml.Scalar {
				return lineError{fmt.Errorf("line %d: %s.%s: must be a string", value.Line, at, key.Value)}
			}
			member[key.Value] = value.Value
		}
		if err := ports.Set(member["id"] + "=" + member["kind"] + ":" + member["arg"]); err != nil {
			return lineError{fmt.Errorf("line %d: %s: %w", item.Line, at, err)}
		}
		c.Ports = append(c.Ports, filePort{ports[i], item.Line})
	}
	return nil
}

func configResources(n *yaml.Node) ([]resource, error) {
	if n.Kind != yaml.Map {
		return nil, fmt.Errorf("must be a map of \"/collection/id\": body")
	}
	var list []resource
	for key, value := range yaml.Pairs(n) {
		left := yaml.MaxValues
		body, err := yaml.JSON(value, &left)
		if err != nil {
			err.Path = strings.TrimSuffix(fmt.Sprintf("%q: %s", key.Value, err.Path), ": ")
			return nil, lineError{err}
		}
		list = append(list, resource{Path: key.Value, Line: key.Line, Body: body, node: value})
	}
	return list, nil
}
