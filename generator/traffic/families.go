package traffic

import (
	"math"

	"glean/internal/document"
)

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
	NumFamilies
)

var familyNames = []string{"ethernet", "ip", "transport", "tunnel", "inner_ethernet", "inner_ip", "inner_transport"}

// String returns the word that the API uses.
func (f Family) String() string { return familyNames[f] }

// Families is a set of families.
type Families uint8

// Has reports whether f is in the set.
func (s Families) Has(f Family) bool { return s&(1<<f) != 0 }

// familyMembers lists the counters of each family, in the words of the API.
var familyMembers = [NumFamilies][]string{
	FamilyEthernet:       {"ip", "timesync", "arp", "lldp", "nsh", "vlan", "qinq", "pppoe", "fcoe", "mpls"},
	FamilyIP:             {"ipv4", "ipv6"},
	FamilyTransport:      {"tcp", "udp", "fragmented", "sctp", "icmp", "non_fragmented", "igmp"},
	FamilyTunnel:         {"ip", "gre", "vxlan", "nvgre", "geneve", "grenat", "gtpc", "gtpu", "esp", "l2tp", "vxlan_gpe", "mpls_in_gre", "mpls_in_udp"},
	FamilyInnerEthernet:  {"ip", "vlan", "qinq"},
	FamilyInnerIP:        {"ipv4", "ipv6"},
	FamilyInnerTransport: {"tcp", "udp", "fragmented", "sctp", "icmp", "non_fragmented"},
}

// Members returns the names of the family's counters.
func (f Family) Members() []string { return familyMembers[f] }

// parseFamilies reads protocol_counters. OpenPerf ignores unknown names; here they are
// faults, because a misspelt name would count nothing.
func (c *Config) parseFamilies(o document.Object) {
	list, _ := o.List("protocol_counters", 0, math.MaxInt)
	for _, v := range list.All() {
		if f, ok := v.Choice(familyNames...); ok {
			c.Families |= 1 << f
		}
	}
}
