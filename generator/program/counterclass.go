package program

import (
	"slices"

	"glean/generator/traffic"
)

// counterClass is what a frame counts as: for each family the index of a member + 1, 0
// if it counts as none of them.
type counterClass [traffic.NumFamilies]uint8

// classTable numbers the classes of a program.
type classTable struct{ list []counterClass }

func (t *classTable) of(headers []frameHeader) uint32 {
	c := classOf(headers)
	if i := slices.Index(t.list, c); i >= 0 {
		return uint32(i)
	}
	t.list = append(t.list, c)
	return uint32(len(t.list) - 1)
}

func (c *counterClass) set(f traffic.Family, member string) {
	c[f] = uint8(slices.Index(f.Members(), member) + 1)
}

// classOf returns the class of frames with these headers. A frame has one type at layer
// 2: a tagged IP frame counts as vlan. The content of a custom header is unknown, so it
// counts as nothing.
func classOf(headers []frameHeader) (c counterClass) {
	if headers[0].kind == traffic.Ethernet && len(headers) > 1 {
		switch next := headers[1].kind; {
		case next == traffic.VLAN && len(headers) > 2 && headers[2].kind == traffic.VLAN:
			c.set(traffic.FamilyEthernet, "qinq")
		case next == traffic.VLAN || next == traffic.MPLS:
			c.set(traffic.FamilyEthernet, next.String())
		case next.IsIP():
			c.set(traffic.FamilyEthernet, "ip")
		}
	}
	ips := 0
	for i := range headers {
		h := &headers[i]
		ip, transport := traffic.FamilyIP, traffic.FamilyTransport
		if ips > 0 {
			ip = traffic.FamilyInnerIP
		}
		if ips > 1 {
			transport = traffic.FamilyInnerTransport
		}
		switch {
		case h.kind.IsIP():
			if ips > 0 && c[traffic.FamilyTunnel] == 0 && headers[i-1].kind.IsIP() {
				c.set(traffic.FamilyTunnel, "ip")
			}
			c.set(ip, h.kind.String())
			ips++
		case h.kind.IsTransport():
			c.set(transport, h.kind.String())
		case h.kind == traffic.MPLS && i > 0 && headers[i-1].kind == traffic.UDP:
			c.set(traffic.FamilyTunnel, "mpls_in_udp")
		}
	}
	return c
}
