package topology

import (
	"fmt"
	"slices"

	"glean/stack/header"
)

// Segment is the name of a broadcast domain: within it an address belongs to one
// station.
type Segment string

// within returns the segment of an inner tag; without a tag it is the segment
// itself.
func (s Segment) within(inner uint16) Segment {
	if inner == 0 {
		return s
	}
	return Segment(fmt.Sprintf("%s.%d", s, inner))
}

func (n *Network) switchSegment(name string, vlan uint16) Segment {
	return Segment(fmt.Sprintf("%s/%d", n.root(name), max(1, vlan)))
}

// SegmentOf returns the segment of an interface of glean on a port with these tags.
func (n *Network) SegmentOf(portID string, tags []header.VLAN) Segment {
	i := slices.IndexFunc(n.topology.Ports, func(p Port) bool { return p.ID == portID })
	if i >= 0 && n.topology.Ports[i].On != "" {
		switch on := n.topology.Ports[i].On; len(tags) {
		case 0:
			return n.switchSegment(on, 1)
		case 1:
			return n.switchSegment(on, tags[0].ID)
		default:
			return n.switchSegment(on, tags[0].ID).within(tags[1].ID)
		}
	}
	name := "port:" + portID
	for _, t := range tags {
		name += fmt.Sprintf("/%d", t.ID)
	}
	return Segment(name)
}
