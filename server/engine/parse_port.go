package engine

import (
	"slices"
	"strings"
)

// Bounds of a port's body.
const (
	deviceNameMax = 15 // octets; the kernel cuts longer ones silently
	queuesMax     = 64
	mtuMin        = 68    // RFC 791
	mtuMax        = 65521 // of a TAP device
	membersMax    = 256   // of a bond
)

// ParsePort reads the body of POST /ports. The error lists every fault with its
// path.
func ParsePort(raw []byte) (PortSpec, error) { return Strict.Port(raw) }

// Port is ParsePort in a dialect.
func (d Dialect) Port(raw []byte) (PortSpec, error) {
	return parseOne(d, raw, portSchema, object.portSpec)
}

func (o object) portSpec() PortSpec {
	spec := PortSpec{Warnings: o.warnings(), ID: o.id("id", o.nullText("id"))}
	if _, ok := o.requiredText("kind"); !ok {
		return spec
	}
	kind := o.word("kind", "", portKinds...)
	if _, ok := o.required("config"); !ok || kind == "" {
		return spec
	}
	spec.Kind = PortKind(kind)
	config, ok := o.child("config")
	if !ok {
		return spec
	}
	for _, other := range append(slices.Clone(portKinds), "dpdk") {
		if v, given := config.get(other); given && other != kind {
			config.wrong(v.path, "does not go with kind %q", kind)
		}
	}
	if _, ok := config.required(kind); !ok {
		return spec
	}
	if body, ok := config.child(kind); ok {
		body.nulls = true
		if spec.Kind == KindBond {
			body.bond(&spec)
		} else {
			body.attachment(&spec)
		}
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
		return
	}
	spec.Queues = int(o.integer("queues", 1, queuesMax, 1))
	spec.Persist = o.flag("persist", false)
	spec.MTU = int(o.integer("mtu", mtuMin, mtuMax, 0))
	if s, ok := o.text("mac_address"); ok {
		spec.MAC, _ = o.mac(o.at("mac_address"), s)
	}
}

// bond reads config.bond. As in OpenPerf a member that can't be a port's id is
// 400, and not 404 as the port's own id.
func (o object) bond(spec *PortSpec) {
	if _, ok := o.requiredText("mode"); ok {
		o.word("mode", "", bondMode)
	}
	members, ok := o.requiredList("ports", 1, membersMax)
	if !ok {
		return
	}
	if len(members) < 2 {
		o.wrong(o.at("ports"), "a bond has two ports at least")
	}
	for _, m := range members {
		id, ok := o.str(m)
		switch {
		case !ok:
		case !ValidID(id):
			o.wrong(m.path, "%q is not an id: %s", clip([]byte(id)), IDRule)
		case slices.Contains(spec.Members, id):
			o.wrong(m.path, "port %q is given twice", id)
		default:
			spec.Members = append(spec.Members, id)
		}
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

// CheckPort checks the body of PUT /ports/{id}: nothing of a port can be
// changed while it is attached, so it must say what the port is.
func (d Dialect) CheckPort(raw []byte, v PortView) error {
	return parse(d, raw, portSchema, func(o object) {
		o.sameID(v.Spec.ID)
		if len(o.names) == 0 {
			o.misshapen("kind", "is required")
			return
		}
		want, is := o.portSpec(), v.Spec
		if len(o.shape)+len(o.meaning) > 0 {
			return
		}
		member := "config." + string(is.Kind)
		for _, f := range []struct {
			path    string
			changed bool
		}{
			{"kind", want.Kind != is.Kind},
			{member + ".name", want.Name != is.Name},
			{member + ".ports", !slices.Equal(want.Members, is.Members)},
			{member + ".queues", want.Kind == KindTAP && want.Queues != max(1, is.Queues)},
			{member + ".persist", want.Persist != is.Persist},
			{member + ".mtu", want.MTU != 0 && want.MTU != v.MTU},
			{member + ".mac_address", !want.MAC.IsZero() && want.MAC != is.MAC},
		} {
			if f.changed {
				o.wrong(f.path, "can't be changed while the port is attached")
			}
		}
	})
}

// sameID faults an id in the body that is not the one in the path.
func (o object) sameID(id string) {
	if given := o.id("id", o.nullText("id")); given != "" && given != id {
		o.wrong("id", "is %q, but the path says %q", given, id)
	}
}

// CheckOpenPerfPort is CheckPort for the form that ports have for OpenPerf's
// clients. The settings of a link are checked as there, and have no effect:
// there is no wire that could have a speed.
func CheckOpenPerfPort(raw []byte, v PortView) error {
	return parse(AsOpenPerf, raw, portSchema, func(o object) {
		o.sameID(v.Spec.ID)
		if kind, ok := o.requiredText("kind"); ok && kind != "dpdk" {
			o.wrong("kind", "is %q, but the port is \"dpdk\"", clip([]byte(kind)))
		}
		o.requiredChild("config", func(config object) {
			config.requiredChild("dpdk", func(dpdk object) {
				dpdk.requiredChild("link", object.dpdkLink)
			})
		})
	})
}

func (o object) dpdkLink() {
	if _, ok := o.required("auto_negotiation"); !ok || o.flag("auto_negotiation", true) {
		return
	}
	duplex := o.word("duplex", "", "full", "half")
	if duplex == "" {
		o.wrong(o.at("duplex"), "is required without auto_negotiation")
	}
	switch speed := o.integer("speed", 0, 1<<40, 0); speed {
	case 10, 100:
	case 1000, 2500, 5000, 10_000, 20_000, 25_000, 40_000, 50_000, 56_000, 100_000:
		if duplex == "half" {
			o.wrong(o.at("duplex"), "must be \"full\" at %d Mbps", speed)
		}
	default:
		o.wrong(o.at("speed"), "%d Mbps is not a speed of Ethernet", speed)
	}
}

// requiredChild hands a member that must be an object to f.
func (o object) requiredChild(name string, f func(object)) {
	if v, ok := o.required(name); ok {
		if child, ok := o.parser.object(v); ok {
			f(child)
		}
	}
}
