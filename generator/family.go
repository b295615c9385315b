package generator

import "slices"

// Family is a group of protocol counters.
type Family uint8

// Families of protocol_counters.
const (
	FamilyEthernet Family = iota
	FamilyIP
	FamilyTransport
	FamilyTunnel
	FamilyInnerEthernet
	FamilyInnerIP
	FamilyInnerTransport
	numFamilies
)

var familyNames = []string{"ethernet", "ip", "transport", "tunnel", "inner_ethernet", "inner_ip", "inner_transport"}

// String gives the word used in the API.
func (f Family) String() string { return familyNames[f] }

// Families is a set of families.
type Families uint8

// Has tells whether f is in the set.
func (s Families) Has(f Family) bool { return s&(1<<f) != 0 }

// familyMembers are the counters of each family, in the words of the API.
var familyMembers = [numFamilies][]string{
	FamilyEthernet:       {"ip", "timesync", "arp", "lldp", "nsh", "vlan", "qinq", "pppoe", "fcoe", "mpls"},
	FamilyIP:             {"ipv4", "ipv6"},
	FamilyTransport:      {"tcp", "udp", "fragmented", "sctp", "icmp", "non_fragmented", "igmp"},
	FamilyTunnel:         {"ip", "gre", "vxlan", "nvgre", "geneve", "grenat", "gtpc", "gtpu", "esp", "l2tp", "vxlan_gpe", "mpls_in_gre", "mpls_in_udp"},
	FamilyInnerEthernet:  {"ip", "vlan", "qinq"},
	FamilyInnerIP:        {"ipv4", "ipv6"},
	FamilyInnerTransport: {"tcp", "udp", "fragmented", "sctp", "icmp", "non_fragmented"},
}

// Members are the names of the family's counters.
func (f Family) Members() []string { return familyMembers[f] }

// parseFamilies reads protocol_counters. OpenPerf ignores names that it does
// not know; a misspelt one would count nothing for ever, so here it is a fault.
func (c *Config) parseFamilies(n node) {
	m := n.member("protocol_counters")
	if m.value == nil {
		return
	}
	a, ok := m.value.([]any)
	if !ok {
		m.fault("must be an array, not %s", m.kind())
		return
	}
	for i := range a {
		e := node{m.path, a[i], m.faults}.at(i)
		if f, ok := e.word(familyNames...); ok {
			c.Families |= 1 << f
		}
	}
}

// class is what a frame counts as: for each family the index of a member + 1,
// 0 if it counts as none of them.
type class [numFamilies]uint8

// classTable numbers the classes of a program.
type classTable struct{ list []class }

func (t *classTable) of(headers []placed) uint32 {
	c := classOf(headers)
	if i := slices.Index(t.list, c); i >= 0 {
		return uint32(i)
	}
	t.list = append(t.list, c)
	return uint32(len(t.list) - 1)
}

func (c *class) set(f Family, member string) {
	c[f] = uint8(slices.Index(familyMembers[f], member) + 1)
}

// classOf looks at the headers that are ours. A frame is of one type at layer
// 2: a tagged IP frame counts as vlan. What a custom header stands for is not
// known, so it counts as nothing.
func classOf(headers []placed) (c class) {
	if headers[0].kind == protoEthernet && len(headers) > 1 {
		switch next := headers[1].kind; {
		case next == protoVLAN && len(headers) > 2 && headers[2].kind == protoVLAN:
			c.set(FamilyEthernet, "qinq")
		case next == protoVLAN || next == protoMPLS:
			c.set(FamilyEthernet, next.String())
		case next.isIP():
			c.set(FamilyEthernet, "ip")
		}
	}
	ips := 0
	for i := range headers {
		h := &headers[i]
		ip, transport := FamilyIP, FamilyTransport
		if ips > 0 {
			ip = FamilyInnerIP
		}
		if ips > 1 {
			transport = FamilyInnerTransport
		}
		switch {
		case h.kind.isIP():
			if ips > 0 && c[FamilyTunnel] == 0 && headers[i-1].kind.isIP() {
				c.set(FamilyTunnel, "ip")
			}
			c.set(ip, h.kind.String())
			ips++
		case h.kind.isTransport():
			c.set(transport, h.kind.String())
		case h.kind == protoMPLS && i > 0 && headers[i-1].kind == protoUDP:
			c.set(FamilyTunnel, "mpls_in_udp")
		}
	}
	return c
}
