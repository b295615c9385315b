package scenario

import (
	"net/netip"
	"slices"

	"glean/sim"
	"glean/stack/header"
)

// frameKind is the kind of a frame in reports and rules.
type frameKind uint8

// Kinds of frames.
const (
	kindARPRequest frameKind = iota
	kindARPReply
	kindSolicitation
	kindAdvertisement
	kindICMP
	kindTraffic // all other IP
	kindOther
	numFrameKinds
)

var frameKindWords = [numFrameKinds]string{"arp_request", "arp_reply", "ns", "na", "icmp", "traffic", "other"}

// String returns the word used in reports.
func (k frameKind) String() string { return frameKindWords[k] }

// FrameKinds returns the words of all kinds.
func FrameKinds() []string { return slices.Clone(frameKindWords[:]) }

// MatchKind returns a match of the frames of a kind, given by its word. An unknown
// word matches no frame.
func MatchKind(word string) sim.Match {
	kind := slices.Index(frameKindWords[:], word)
	return func(frame []byte) bool {
		var f parsedFrame
		return f.parse(frame) && int(f.kind) == kind
	}
}

// parsedFrame holds the parts of a frame that the rules use.
type parsedFrame struct {
	kind      frameKind
	vlans     uint32 // see vlanKey
	src, dst  header.MAC
	from, to  netip.Addr // ARP: sender and target; ND: source and target; IP: source and destination
	payload   []byte     // of the Ethernet frame
	isAnswer  bool       // an ARP reply or a solicited advertisement
	answerMAC header.MAC // link-layer address of the answer; zero if it has none
}

// parse reads a frame, which must not change while f is used. It returns false if
// the frame is malformed.
func (f *parsedFrame) parse(frame []byte) bool {
	*f = parsedFrame{kind: kindOther}
	eth, payload, err := header.ParseEthernet(frame)
	if err != nil {
		return false
	}
	f.vlans, f.src, f.dst, f.payload = vlanKey(eth.Tags[:eth.NumTags]), eth.Src, eth.Dst, payload
	switch eth.Type {
	case header.EtherTypeARP:
		return f.parseARP(payload)
	case header.EtherTypeIPv4:
		return f.parseIPv4(payload)
	case header.EtherTypeIPv6:
		return f.parseIPv6(payload)
	}
	return true
}

// vlanKey returns the IDs of tags, outermost first, 12 bits each, and above them a
// bit that is set if there is a tag.
func vlanKey(tags []header.VLAN) (key uint32) {
	for _, t := range tags {
		key = key<<12 | uint32(t.ID) | 1<<24
	}
	return key
}

func (f *parsedFrame) parseARP(payload []byte) bool {
	a, err := header.ParseARP(payload)
	if err != nil {
		return false
	}
	f.kind = kindARPReply
	if a.Op == header.ARPRequest {
		f.kind = kindARPRequest
	}
	f.from, f.to = netip.AddrFrom4(a.SenderIP), netip.AddrFrom4(a.TargetIP)
	f.isAnswer, f.answerMAC = f.kind == kindARPReply, a.SenderMAC
	return true
}

func (f *parsedFrame) parseIPv4(payload []byte) bool {
	if len(payload) < header.IPv4Size {
		return false
	}
	ip := header.IPv4(payload)
	f.kind, f.from, f.to = kindTraffic, netip.AddrFrom4(ip.Src()), netip.AddrFrom4(ip.Dst())
	if ip.Protocol() == header.ProtocolICMPv4 {
		f.kind = kindICMP
	}
	return true
}

// hopByHop is the protocol number of the Hop-by-Hop Options header (RFC 8200
// section 4.3).
const hopByHop header.Protocol = 0

func (f *parsedFrame) parseIPv6(payload []byte) bool {
	if len(payload) < header.IPv6Size {
		return false
	}
	b := header.IPv6(payload)
	f.kind, f.from, f.to = kindTraffic, netip.AddrFrom16(b.Src()), netip.AddrFrom16(b.Dst())
	if next := b.NextHeader(); next != header.ProtocolICMPv6 && next != hopByHop {
		return true
	}
	ip, rest, err := header.ParseIPv6(payload) // MLD follows a hop-by-hop header
	if err != nil || ip.NextHeader != header.ProtocolICMPv6 || len(rest) == 0 {
		return err == nil
	}
	f.kind = kindICMP
	if ns, err := header.ParseNeighborSolicitation(ip, rest); err == nil {
		f.kind, f.to = kindSolicitation, netip.AddrFrom16(ns.Target)
	} else if na, err := header.ParseNeighborAdvertisement(ip, rest); err == nil {
		f.kind, f.to = kindAdvertisement, netip.AddrFrom16(na.Target)
		f.isAnswer, f.answerMAC = na.Solicited, na.TargetLink
	}
	return true
}

// answeredFor returns the address whose MAC an answer announces.
func (f *parsedFrame) answeredFor() netip.Addr {
	if f.kind == kindARPReply {
		return f.from
	}
	return f.to
}
