package main

import (
	"fmt"
	"strconv"
	"strings"

	"glean/internal/document"
	"glean/server/engine"
	"glean/stack/link/tap"
)

// portFlags collects repeated --port flags.
type portFlags []engine.PortSpec

// String implements flag.Value.
func (p *portFlags) String() string { return "" }

// Set implements flag.Value.
func (p *portFlags) Set(s string) error {
	spec, err := parsePort(s)
	if err != nil {
		return err
	}
	for _, q := range *p {
		if q.ID == spec.ID {
			return usageErrorf("port %q is given more than once", spec.ID)
		}
	}
	*p = append(*p, spec)
	return nil
}

// backToBack returns ports that share one wire.
func backToBack(ids ...string) []engine.PortSpec {
	var ports []engine.PortSpec
	for _, id := range ids {
		ports = append(ports, engine.PortSpec{ID: id, Kind: engine.KindWire, Name: "wire0", Fixed: true})
	}
	return ports
}

// parsePort reads ID=KIND:ARG, for example 0=tap:tap0,queues=2 or 1=packet:eth1.
func parsePort(s string) (engine.PortSpec, error) {
	id, rest, ok := strings.Cut(s, "=")
	kind, arg, ok2 := strings.Cut(rest, ":")
	if !ok || !ok2 {
		return engine.PortSpec{}, usageErrorf("%q is not ID=KIND:ARG; an example is 0=tap:tap0", s)
	}
	if !engine.ValidID(id) {
		return engine.PortSpec{}, usageErrorf("port id %q: must consist of a-z, 0-9 and \"-\"", id)
	}
	spec := engine.PortSpec{ID: id, Kind: engine.PortKind(kind), Fixed: true}
	words := strings.Split(arg, ",")
	spec.Name = words[0]
	if spec.Name == "" {
		return engine.PortSpec{}, usageErrorf("port %q: a name is required after %q", id, kind+":")
	}
	switch spec.Kind {
	case engine.KindTAP:
		return tapOptions(spec, words[1:])
	case engine.KindPacket, engine.KindWire:
		if len(words) > 1 {
			return engine.PortSpec{}, usageErrorf("port %q: a %s port has no option %q", id, kind, words[1])
		}
		return spec, nil
	}
	return engine.PortSpec{}, usageErrorf("port %q: kind %q is not one of tap, packet, wire", id, kind)
}

// meantOption suggests the TAP option whose name is nearest to an unknown one.
func meantOption(name string) string {
	near := document.Nearest(name, []string{"queues", "persist", "mtu"})
	if near == "" {
		return ""
	}
	return fmt.Sprintf("; did you mean %q?", near)
}

func tapOptions(spec engine.PortSpec, words []string) (engine.PortSpec, error) {
	for _, w := range words {
		name, value, _ := strings.Cut(w, "=")
		switch name {
		case "queues":
			n, err := strconv.Atoi(value)
			if err != nil || n < 1 || n > 64 {
				return spec, usageErrorf("port %q: queues=%s: must be between 1 and 64", spec.ID, value)
			}
			spec.Queues = n
		case "persist":
			if value != "" {
				return spec, usageErrorf("port %q: persist takes no value", spec.ID)
			}
			spec.Persist = true
		case "mtu":
			n, err := strconv.Atoi(value)
			if err != nil || n < tap.MinMTU || n > tap.MaxMTU {
				return spec, usageErrorf("port %q: mtu=%s: must be between %d and %d", spec.ID, value, tap.MinMTU, tap.MaxMTU)
			}
			spec.MTU = n
		default:
			return spec, usageErrorf("port %q: a tap has no option %q%s", spec.ID, w, meantOption(name))
		}
	}
	return spec, nil
}
