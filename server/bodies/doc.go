// Package bodies reads the bodies of requests to the REST API, as also
// configuration and scenario files hold them, and makes the engine's specs of them.
// internal/document checks the text and finds unknown members; this package knows
// the meaning of each member.
//
// Open schema.go first: it describes all bodies. Then read interface.go, port.go,
// generator.go, learning.go and bulk.go, one for each kind of body.
package bodies

import (
	"net/netip"

	"glean/internal/document"
	"glean/server/engine"
	"glean/stack/header"
)

// Dialect selects how bodies are read.
type Dialect uint8

// Dialects.
const (
	// Strict refuses unknown members.
	Strict Dialect = iota
	// AsOpenPerf ignores unknown members of OpenPerf's objects, and warns.
	AsOpenPerf
)

// read checks a body and hands its outermost object to build.
func (d Dialect) read(raw []byte, s *document.Schema, build func(document.Object)) error {
	err := document.Read(raw, s, d == AsOpenPerf, build)
	if err == nil {
		return nil
	}
	kind := engine.Invalid
	switch err.Class {
	case document.Name:
		kind = engine.NotFound
	case document.Size:
		kind = engine.TooLarge
	}
	return engine.Refuse(kind, err.Faults)
}

// one reads a body that becomes one spec.
func one[T any](d Dialect, raw []byte, s *document.Schema, build func(document.Object, document.Warnings) T) (spec T, err error) {
	err = d.read(raw, s, func(o document.Object) { spec = build(o, o.Warnings(0)) })
	return spec, err
}

// checkID returns an id. It may be empty: then the server makes one, or no resource
// has it.
func checkID(v document.Value, id string) string {
	if id != "" && !engine.ValidID(id) {
		v.Fault(document.Name, "%q is not an id: %s", document.Shorten(id), engine.IDRule)
	}
	return id
}

// readOwnID reads the id of the resource that a body makes.
func readOwnID(o document.Object) string { return checkID(o.Member("id"), o.NullText("id")) }

// readMAC reads a MAC address that a host can have.
func readMAC(v document.Value, text string) (header.MAC, bool) {
	mac, err := header.ParseMAC(text)
	switch {
	case err != nil:
		v.Wrong("%q is not a MAC address", document.Shorten(text))
	case mac.IsBroadcast():
		v.Wrong("is the broadcast address")
	case mac.IsMulticast():
		v.Wrong("%s is a multicast address", mac)
	case mac.IsZero():
		v.Wrong("is all zero")
	default:
		return mac, true
	}
	return header.MAC{}, false
}

// readAddress reads an IP address of any family, without a zone.
func readAddress(v document.Value, text string) (netip.Addr, bool) {
	a, err := netip.ParseAddr(text)
	if err != nil || a.Zone() != "" || a.Is4In6() {
		v.Wrong("%q is not an IP address", document.Shorten(text))
		return netip.Addr{}, false
	}
	return a, true
}

// readAddressOf reads an IPv4 or an IPv6 address.
func readAddressOf(v document.Value, text string, v6 bool) (netip.Addr, bool) {
	a, err := netip.ParseAddr(text)
	if err != nil || a.Zone() != "" || a.Is4In6() || a.Is6() != v6 {
		v.Wrong("%q is not an %s address", document.Shorten(text), map[bool]string{false: "IPv4", true: "IPv6"}[v6])
		return netip.Addr{}, false
	}
	return a, true
}
