package main

import (
	"fmt"
	"regexp"
	"strings"

	"glean/internal/document/yaml"
	"glean/server/engine"
)

// openPerfConfig holds the settings of OpenPerf's own configuration file that glean
// uses.
type openPerfConfig struct {
	is      bool   // the file is OpenPerf's
	apiPort string // modules.api.port
	portIDs []portID

	portIDsLine int
}

// portID is the id that the file gives to a device of OpenPerf, such as port0.
type portID struct{ device, id string }

// openPerfDevices are the default ports by OpenPerf's names.
var openPerfDevices = []string{"port0", "port1"}

// read reads one key below modules.
func (o *openPerfConfig) read(c *config, path string, value *yaml.Node) (bool, error) {
	switch path {
	case "modules.api", "modules.packetio", "modules.packetio.dpdk":
		return true, c.section(value, path, o.read)
	case "modules.api.port":
		var port uint16
		if err := value.Decode(&port); err != nil || port == 0 {
			return true, fmt.Errorf("must be a TCP port between 1 and 65535, got %q", value.Value)
		}
		o.apiPort = fmt.Sprint(port)
		return true, nil
	case "modules.packetio.dpdk.port-ids":
		var err error
		o.portIDs, err = readPortIDs(value)
		o.portIDsLine = value.Line
		return true, err
	}
	return false, nil
}

// readPortIDs reads port0=ID, port1=ID: one string, a list of strings, or a map.
func readPortIDs(n *yaml.Node) ([]portID, error) {
	var words []string
	switch n.Kind {
	case yaml.Map:
		for key, value := range yaml.Pairs(n) {
			words = append(words, key.Value+"="+value.Value)
		}
	case yaml.List:
		for _, item := range n.Content {
			words = append(words, item.Value)
		}
	default:
		words = strings.Split(n.Value, ",")
	}
	var list []portID
	for _, w := range words {
		device, id, _ := strings.Cut(strings.TrimSpace(w), "=")
		p := portID{strings.TrimSpace(device), strings.TrimSpace(id)}
		if !openPerfDevice.MatchString(p.device) || !engine.ValidID(p.id) {
			return nil, fmt.Errorf("must be port0=ID, where ID consists of a-z, 0-9 and \"-\", got %q", strings.TrimSpace(w))
		}
		list = append(list, p)
	}
	return list, nil
}

var openPerfDevice = regexp.MustCompile(`^port[0-9]+$`)

// apply sets the address and the ports that the file's own keys have left open.
func (o *openPerfConfig) apply(c *config) error {
	if !o.is {
		return nil
	}
	if c.Listen == "" && o.apiPort != "" {
		c.Listen = "127.0.0.1:" + o.apiPort
	}
	if len(c.Ports) > 0 {
		return nil
	}
	ids := append([]string(nil), openPerfDevices...)
	for _, p := range o.portIDs {
		known := false
		for n, device := range openPerfDevices {
			if p.device == device {
				ids[n], known = p.id, true
			}
		}
		if !known {
			c.Unknown = append(c.Unknown, unknownKey{name: "modules.packetio.dpdk.port-ids: " + p.device, line: o.portIDsLine})
		}
	}
	if ids[0] == ids[1] {
		return fmt.Errorf("modules.packetio.dpdk.port-ids: id %q is given more than once", ids[0])
	}
	for _, spec := range backToBack(ids...) {
		c.Ports = append(c.Ports, filePort{PortSpec: spec})
	}
	return nil
}
