package bodies

import (
	"net/netip"

	"glean/internal/document"
	"glean/learning"
	"glean/server/engine"
	"glean/stack/loop"
)

// reservedID is no id of a learning request: GET /learning/plan is another resource.
const reservedID = "plan"

// Learning reads the body of POST /learning. The error lists every fault with its
// path.
func Learning(raw []byte) (engine.LearningSpec, error) {
	return one(Strict, raw, learningSchema, func(o document.Object, _ document.Warnings) engine.LearningSpec {
		o.Nulls = true
		return readLearning(o)
	})
}

func readLearning(o document.Object) engine.LearningSpec {
	spec := engine.LearningSpec{ID: readOwnID(o), InterfaceID: o.NullText("interface_id")}
	if spec.ID == reservedID {
		o.Wrong("id", "%q is reserved", reservedID)
	}
	if o.Word("mode", learningModes[0], learningModes...) == "unresolved" {
		spec.Mode = learning.ModeUnresolved
	} else {
		spec.Mode = learning.ModeAll
	}
	const lo, hi = uint64(learning.MinTimeout / loop.Millisecond), uint64(learning.MaxTimeout / loop.Millisecond)
	spec.Timeout = loop.Duration(o.Integer("timeout_ms", lo, hi, uint64(learning.DefaultTimeout/loop.Millisecond))) * loop.Millisecond

	generators, addresses, iface := o.Has("generator_ids"), o.Has("addresses"), o.Has("interface_id")
	switch {
	case generators && (addresses || iface):
		o.Value.Wrong("must hold either generator_ids, or interface_id and addresses, not both")
	case generators:
		spec.GeneratorIDs = readGeneratorIDs(o)
	case !addresses && !iface:
		o.Value.Fault(document.Shape, "must hold either generator_ids, or interface_id and addresses")
	case !iface:
		o.Member("interface_id").Fault(document.Shape, "is required with addresses")
	case !addresses:
		o.Member("addresses").Fault(document.Shape, "is required with interface_id")
	default:
		if spec.Mode == learning.ModeUnresolved {
			o.Wrong("mode", `"unresolved" goes with generator_ids only`)
		}
		spec.Addresses = readAddresses(o)
	}
	return spec
}

func readGeneratorIDs(o document.Object) []string {
	list, _ := o.List("generator_ids", 1, ItemsMax)
	var ids []string
	seen := make(map[string]bool)
	for v, id := range list.Texts() {
		if seen[id] {
			v.Wrong("%q is given twice", document.Shorten(id))
		}
		seen[id] = true
		ids = append(ids, id)
	}
	return ids
}

// readAddresses reads unicast addresses. One that is given twice is one row.
func readAddresses(o document.Object) []netip.Addr {
	list, _ := o.List("addresses", 1, learning.MaxAddresses)
	addrs := make([]netip.Addr, 0, list.Len)
	for v, text := range list.Texts() {
		a, ok := readAddress(v, text)
		switch {
		case !ok:
		case a.IsMulticast() || a.IsUnspecified() || a == broadcast4:
			v.Wrong("%s is not a unicast address", a)
		default:
			addrs = append(addrs, a)
		}
	}
	return addrs
}
