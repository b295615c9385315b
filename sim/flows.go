package sim

import (
	"cmp"
	"net/netip"
	"slices"

	"glean/stack/header"
)

// Flow is what packets have in common that a host counts together.
type Flow struct {
	Src, Dst netip.Addr
	Protocol header.Protocol
	DstPort  uint16 // of UDP, else 0
}

// FlowCount is what a host received of a flow.
type FlowCount struct {
	Flow
	Packets, Octets uint64 // octets from the IP header on
}

// flowTable counts by flow. A run of packets of one flow costs no lookup.
type flowTable struct {
	index  map[flowKey]uint32
	counts []FlowCount
	key    flowKey // of the flow counted last, which is counts[last]
	last   uint32
}

// flowKey is a Flow without pointers. IPv4 addresses are in the form ::ffff:a.
type flowKey struct {
	src, dst [16]byte
	port     uint16
	protocol header.Protocol
	is4      bool
}

func (t *flowTable) count(k flowKey, octets int) {
	if k != t.key || len(t.counts) == 0 {
		t.find(k)
	}
	c := &t.counts[t.last]
	c.Packets++
	c.Octets += uint64(octets)
}

func (t *flowTable) find(k flowKey) {
	at, known := t.index[k]
	if !known {
		at = uint32(len(t.counts))
		t.index[k] = at
		src, dst := netip.AddrFrom16(k.src), netip.AddrFrom16(k.dst)
		if k.is4 {
			src, dst = src.Unmap(), dst.Unmap()
		}
		t.counts = append(t.counts, FlowCount{Flow: Flow{src, dst, k.protocol, k.port}})
	}
	t.key, t.last = k, at
}

// sorted are the counts by source, destination, protocol and port.
func (t *flowTable) sorted() []FlowCount {
	all := slices.Clone(t.counts)
	slices.SortFunc(all, func(a, b FlowCount) int {
		return cmp.Or(a.Src.Compare(b.Src), a.Dst.Compare(b.Dst),
			cmp.Compare(a.Protocol, b.Protocol), cmp.Compare(a.DstPort, b.DstPort))
	})
	return all
}

func mapped(a [4]byte) [16]byte {
	return [16]byte{10: 0xff, 11: 0xff, 12: a[0], 13: a[1], 14: a[2], 15: a[3]}
}

// FlowOf returns the flow of an IP packet as Host counts it. ok is false if the
// packet belongs to no flow: ICMP, fragments, and UDP with a wrong checksum.
func FlowOf(packet []byte) (f Flow, ok bool) {
	if len(packet) == 0 {
		return f, false
	}
	if packet[0]>>4 == 4 {
		ip, rest, err := header.ParseIPv4(packet)
		if err != nil || ip.Protocol == header.ProtocolICMPv4 {
			return f, false
		}
		f = Flow{Src: netip.AddrFrom4(ip.Src), Dst: netip.AddrFrom4(ip.Dst), Protocol: ip.Protocol}
		if f.Protocol == header.ProtocolUDP {
			u, _, err := header.ParseUDPv4(ip.Src, ip.Dst, rest)
			f.DstPort = u.DstPort
			return f, err == nil
		}
		return f, true
	}
	ip, rest, err := header.ParseIPv6(packet)
	if err != nil || ip.NextHeader == header.ProtocolICMPv6 {
		return f, false
	}
	f = Flow{Src: netip.AddrFrom16(ip.Src), Dst: netip.AddrFrom16(ip.Dst), Protocol: ip.NextHeader}
	if f.Protocol == header.ProtocolUDP {
		u, _, err := header.ParseUDPv6(ip.Src, ip.Dst, rest)
		f.DstPort = u.DstPort
		return f, err == nil
	}
	return f, true
}
