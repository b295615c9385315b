package bodies

import (
	"slices"
	"strings"

	"glean/internal/document"
	"glean/server/engine"
)

// Bounds of a port's body, inclusive.
const (
	deviceNameMax = 15 // octets; the kernel cuts longer ones silently
	queuesMax     = 64
	mtuMin        = 68    // RFC 791
	mtuMax        = 65521 // of a TAP device
	membersMax    = 256   // of a bond
)

// Port reads the body of POST /ports. The error lists every fault with its path.
func (d Dialect) Port(raw []byte) (engine.PortSpec, error) {
	return one(d, raw, portSchema, readPort)
}

func readPort(o document.Object, w document.Warnings) engine.PortSpec {
	spec := engine.PortSpec{Warnings: w, ID: readOwnID(o)}
	if _, ok := o.RequiredText("kind"); !ok {
		return spec
	}
	kind := o.Word("kind", "", portKinds...)
	if _, ok := o.Required("config"); !ok || kind == "" {
		return spec
	}
	spec.Kind = engine.PortKind(kind)
	config, ok := o.Child("config")
	if !ok {
		return spec
	}
	for _, other := range append(slices.Clone(portKinds), "dpdk") {
		if v, given := config.Get(other); given && other != kind {
			v.Wrong("does not go with kind %q", kind)
		}
	}
	if _, ok := config.Required(kind); !ok {
		return spec
	}
	if body, ok := config.Child(kind); ok {
		body.Nulls = true
		if spec.Kind == engine.KindBond {
			readBond(body, &spec)
		} else {
			readAttachment(body, &spec)
		}
	}
	return spec
}

// readAttachment reads config.tap, config.packet or config.wire.
func readAttachment(o document.Object, spec *engine.PortSpec) {
	name, ok := o.RequiredText("name")
	if ok {
		spec.Name = name
		checkDeviceName(o, name)
	}
	if spec.Kind != engine.KindTAP {
		return
	}
	spec.Queues = int(o.Integer("queues", 1, queuesMax, 1))
	spec.Persist = o.Flag("persist", false)
	spec.MTU = int(o.Integer("mtu", mtuMin, mtuMax, 0))
	if s, ok := o.Text("mac_address"); ok {
		spec.MAC, _ = readMAC(o.Member("mac_address"), s)
	}
}

// readBond reads config.bond. As in OpenPerf a member that can't be a port's id is
// 400, and not 404 as the port's own id.
func readBond(o document.Object, spec *engine.PortSpec) {
	if _, ok := o.RequiredText("mode"); ok {
		o.Word("mode", "", bondMode)
	}
	list, ok := o.RequiredList("ports", 1, membersMax)
	if !ok {
		return
	}
	if list.Len < 2 {
		o.Wrong("ports", "a bond has two ports at least")
	}
	for m, id := range list.Texts() {
		switch {
		case !engine.ValidID(id):
			m.Wrong("%q is not an id: %s", document.Shorten(id), engine.IDRule)
		case slices.Contains(spec.Members, id):
			m.Wrong("port %q is given twice", id)
		default:
			spec.Members = append(spec.Members, id)
		}
	}
}

// checkDeviceName checks that the kernel accepts the name of a device; names of
// wires follow the same rule.
func checkDeviceName(o document.Object, name string) {
	switch {
	case name == "" || name == "." || name == "..":
		o.Wrong("name", "%q can't be the name of a device", name)
	case len(name) > deviceNameMax:
		o.Wrong("name", "is longer than %d octets", deviceNameMax)
	case strings.ContainsAny(name, "/:% \t\n\v\f\r\x00"):
		o.Wrong("name", "%q holds a character that a device's name can't have", name)
	}
}

// CheckPort checks the body of PUT /ports/{id}. A port cannot be changed while it is
// attached, so the body must describe the port as it is.
func (d Dialect) CheckPort(raw []byte, v engine.PortView) error {
	return d.read(raw, portSchema, func(o document.Object) {
		checkSameID(o, v.Spec.ID)
		if o.IsEmpty() {
			o.Member("kind").Fault(document.Shape, "is required")
			return
		}
		want, is := readPort(o, document.Warnings{}), v.Spec
		if o.Faulty(document.Shape) || o.Faulty(document.Meaning) {
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
			{member + ".queues", want.Kind == engine.KindTAP && want.Queues != max(1, is.Queues)},
			{member + ".persist", want.Persist != is.Persist},
			{member + ".mtu", want.MTU != 0 && want.MTU != v.MTU},
			{member + ".mac_address", !want.MAC.IsZero() && want.MAC != is.MAC},
		} {
			if f.changed {
				o.Wrong(f.path, "can't be changed while the port is attached")
			}
		}
	})
}

// checkSameID checks that an id in the body is the one in the URL's path.
func checkSameID(o document.Object, id string) {
	if given := readOwnID(o); given != "" && given != id {
		o.Wrong("id", "is %q, but the path says %q", given, id)
	}
}

// CheckOpenPerfPort is CheckPort for the form that ports have for OpenPerf's
// clients. The settings of a link are checked as there, and have no effect:
// there is no wire that could have a speed.
func CheckOpenPerfPort(raw []byte, v engine.PortView) error {
	return AsOpenPerf.read(raw, portSchema, func(o document.Object) {
		checkSameID(o, v.Spec.ID)
		if kind, ok := o.RequiredText("kind"); ok && kind != "dpdk" {
			o.Wrong("kind", "is %q, but the port is \"dpdk\"", document.Shorten(kind))
		}
		config, ok := o.RequiredChild("config")
		if !ok {
			return
		}
		if dpdk, ok := config.RequiredChild("dpdk"); ok {
			if link, ok := dpdk.RequiredChild("link"); ok {
				checkLink(link)
			}
		}
	})
}

// checkLink checks the settings of a link of OpenPerf's.
func checkLink(o document.Object) {
	if _, ok := o.Required("auto_negotiation"); !ok || o.Flag("auto_negotiation", true) {
		return
	}
	duplex := o.Word("duplex", "", "full", "half")
	if duplex == "" {
		o.Wrong("duplex", "is required without auto_negotiation")
	}
	switch speed := o.Integer("speed", 0, 1<<40, 0); speed {
	case 10, 100:
	case 1000, 2500, 5000, 10_000, 20_000, 25_000, 40_000, 50_000, 56_000, 100_000:
		if duplex == "half" {
			o.Wrong("duplex", "must be \"full\" at %d Mbps", speed)
		}
	default:
		o.Wrong("speed", "%d Mbps is not a speed of Ethernet", speed)
	}
}
