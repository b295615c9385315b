package engine

import "strings"

// Bounds of a port's body.
const (
	deviceNameMax = 15 // octets; the kernel cuts longer ones silently
	queuesMax     = 64
	mtuMin        = 68    // RFC 791
	mtuMax        = 65521 // of a TAP device
)

// ParsePort reads the body of POST /ports. The error lists every fault with its
// path.
func ParsePort(raw []byte) (PortSpec, error) {
	var spec PortSpec
	err := parse(raw, func(o object) { spec = o.portSpec() })
	return spec, err
}

func (o object) portSpec() PortSpec {
	spec := PortSpec{ID: o.id("id", o.nullText("id"))}
	if _, ok := o.requiredText("kind"); !ok {
		return spec
	}
	kind := o.word("kind", "", string(KindTAP), string(KindPacket), string(KindWire))
	if _, ok := o.required("config"); !ok || kind == "" {
		return spec
	}
	spec.Kind = PortKind(kind)
	config, ok := o.child("config")
	if !ok {
		return spec
	}
	if _, ok := config.required(kind); !ok {
		return spec
	}
	if body, ok := config.child(kind); ok {
		body.nulls = true
		body.attachment(&spec)
	}
	return spec
}

// attachment reads config.tap, config.packet or config.wire.
func (o object) attachment(spec *PortSpec) {
	name, ok := o.requiredText("name")
	if ok {
		spec.Name = name
		o.deviceName(name)
	}
	if spec.Kind != KindTAP {
		o.only("name")
		return
	}
	o.only("name", "queues", "persist", "mtu", "mac_address")
	spec.Queues = int(o.integer("queues", 1, queuesMax, 1))
	spec.Persist = o.flag("persist", false)
	spec.MTU = int(o.integer("mtu", mtuMin, mtuMax, 0))
	if s, ok := o.text("mac_address"); ok {
		spec.MAC, _ = o.mac(o.at("mac_address"), s)
	}
}

// deviceName checks what the kernel takes as the name of a device; names of
// wires follow the same rule.
func (o object) deviceName(name string) {
	path := o.at("name")
	switch {
	case name == "" || name == "." || name == "..":
		o.wrong(path, "%q can't be the name of a device", name)
	case len(name) > deviceNameMax:
		o.wrong(path, "is longer than %d octets", deviceNameMax)
	case strings.ContainsAny(name, "/:% \t\n\v\f\r\x00"):
		o.wrong(path, "%q holds a character that a device's name can't have", name)
	}
}
