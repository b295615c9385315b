package engine

import (
	"net/netip"

	"glean/learning"
	"glean/stack/loop"
)

// reservedID is no id of a learning request: GET /learning/plan is taken.
const reservedID = "plan"

// ParseLearning reads the body of POST /learning. The error lists every fault
// with its path.
func ParseLearning(raw []byte) (LearningSpec, error) {
	return parseOne(Strict, raw, learningSchema, func(o object) LearningSpec {
		o.nulls = true
		return o.learningSpec()
	})
}

func (o object) learningSpec() LearningSpec {
	spec := LearningSpec{ID: o.id("id", o.nullText("id")), InterfaceID: o.nullText("interface_id")}
	if spec.ID == reservedID {
		o.wrong("id", "%q is reserved", reservedID)
	}
	if o.word("mode", learningModes[0], learningModes...) == "unresolved" {
		spec.Mode = learning.ModeUnresolved
	} else {
		spec.Mode = learning.ModeAll
	}
	const lo, hi = int64(learning.MinTimeout / loop.Millisecond), int64(learning.MaxTimeout / loop.Millisecond)
	spec.Timeout = loop.Duration(o.integer("timeout_ms", lo, hi, int64(learning.DefaultTimeout/loop.Millisecond))) * loop.Millisecond

	_, generators := o.get("generator_ids")
	_, addresses := o.get("addresses")
	_, iface := o.get("interface_id")
	switch {
	case generators && (addresses || iface):
		o.wrong("", "must hold either generator_ids, or interface_id and addresses, not both")
	case generators:
		spec.GeneratorIDs = o.generatorIDs()
	case !addresses && !iface:
		o.misshapen("", "must hold either generator_ids, or interface_id and addresses")
	case !iface:
		o.misshapen("interface_id", "is required with addresses")
	case !addresses:
		o.misshapen("addresses", "is required with interface_id")
	default:
		if spec.Mode == learning.ModeUnresolved {
			o.wrong("mode", `"unresolved" goes with generator_ids only`)
		}
		spec.Addresses = o.addresses()
	}
	return spec
}

func (o object) generatorIDs() []string {
	items, _ := o.list("generator_ids", 1, ItemsMax)
	var ids []string
	seen := make(map[string]bool)
	for _, item := range items {
		s, ok := o.str(item)
		if !ok {
			continue
		}
		if seen[s] {
			o.wrong(item.path, "%q is given twice", clip([]byte(s)))
		}
		seen[s] = true
		ids = append(ids, s)
	}
	return ids
}

// addresses reads unicast addresses. One that is given twice is one row.
func (o object) addresses() []netip.Addr {
	items, _ := o.list("addresses", 1, learning.MaxAddresses)
	addrs := make([]netip.Addr, 0, len(items))
	for _, item := range items {
		s, ok := o.str(item)
		if !ok {
			continue
		}
		a, ok := o.addr(item.path, s)
		switch {
		case !ok:
		case a.IsMulticast() || a.IsUnspecified() || a == broadcast4:
			o.wrong(item.path, "%s is not a unicast address", a)
		default:
			addrs = append(addrs, a)
		}
	}
	return addrs
}
