package sim

import (
	"fmt"
	"net/netip"
	"strings"

	"glean/stack/header"
)

// Describe gives a frame in one line for people: addresses, tags, and what it
// says. It ends with the hash of all octets, so that two lines differ whenever
// the frames do.
func Describe(frame []byte) string {
	var b strings.Builder
	if len(frame) < header.EthernetSize {
		return fmt.Sprintf("%d octets % x", len(frame), frame)
	}
	e := header.Ethernet(frame)
	fmt.Fprintf(&b, "%s > %s", e.Src(), e.Dst())
	repr, payload, err := header.ParseEthernet(frame)
	if err != nil {
		fmt.Fprintf(&b, " (%s)", err)
	}
	for _, tag := range repr.Tags[:repr.NumTags] {
		fmt.Fprintf(&b, " vlan %d", tag.ID)
	}
	b.WriteByte(' ')
	if err == nil {
		describePayload(&b, repr.Type, payload)
	}
	fmt.Fprintf(&b, ", %d octets #%08x", len(frame), uint32(hashOctets(0, frame)))
	return b.String()
}

func describePayload(b *strings.Builder, kind header.EtherType, payload []byte) {
	var err error
	switch kind {
	case header.EtherTypeARP:
		err = describeARP(b, payload)
	case header.EtherTypeIPv4:
		err = describeIPv4(b, payload)
	case header.EtherTypeIPv6:
		err = describeIPv6(b, payload)
	default:
		b.WriteString(kind.String())
	}
	if err != nil {
		fmt.Fprintf(b, "%s (%s)", kind, err)
	}
}

func describeARP(b *strings.Builder, payload []byte) error {
	a, err := header.ParseARP(payload)
	if err != nil {
		return err
	}
	sender, target := netip.AddrFrom4(a.SenderIP), netip.AddrFrom4(a.TargetIP)
	if a.Op == header.ARPRequest {
		fmt.Fprintf(b, "arp who-has %s tell %s", target, sender)
	} else {
		fmt.Fprintf(b, "arp %s is-at %s", sender, a.SenderMAC)
	}
	return nil
}

func describeIPv4(b *strings.Builder, payload []byte) error {
	ip, rest, err := header.ParseIPv4(payload)
	if err != nil {
		return err
	}
	fmt.Fprintf(b, "%s > %s ttl %d ", netip.AddrFrom4(ip.Src), netip.AddrFrom4(ip.Dst), ip.TTL)
	describeUpper(b, ip.Protocol, rest)
	return nil
}

func describeIPv6(b *strings.Builder, payload []byte) error {
	ip, rest, err := header.ParseIPv6(payload)
	if err != nil {
		return err
	}
	fmt.Fprintf(b, "%s > %s hop limit %d ",
		netip.AddrFrom16(ip.Src), netip.AddrFrom16(ip.Dst), ip.HopLimit)
	if ip.NextHeader != header.ProtocolICMPv6 {
		describeUpper(b, ip.NextHeader, rest)
		return nil
	}
	if ns, err := header.ParseNeighborSolicitation(ip, rest); err == nil {
		fmt.Fprintf(b, "ns who-has %s", netip.AddrFrom16(ns.Target))
		return nil
	}
	if na, err := header.ParseNeighborAdvertisement(ip, rest); err == nil {
		fmt.Fprintf(b, "na %s is-at %s solicited %t override %t router %t",
			netip.AddrFrom16(na.Target), na.TargetLink, na.Solicited, na.Override, na.Router)
		return nil
	}
	describeUpper(b, ip.NextHeader, rest)
	return nil
}

func describeUpper(b *strings.Builder, p header.Protocol, rest []byte) {
	switch {
	case p == header.ProtocolUDP && len(rest) >= header.UDPSize:
		u := header.UDP(rest)
		fmt.Fprintf(b, "udp %d > %d", u.SrcPort(), u.DstPort())
	case (p == header.ProtocolICMPv4 || p == header.ProtocolICMPv6) && len(rest) >= 2:
		fmt.Fprintf(b, "icmp type %d code %d", rest[0], rest[1])
	default:
		fmt.Fprintf(b, "protocol %d", p)
	}
}
