package header_test

import (
	"testing"

	"glean/stack/header"
	"pgregory.net/rapid"
)

func drawBytes(t *rapid.T, name string, least, most int) []byte {
	return rapid.SliceOfN(rapid.Byte(), least, most).Draw(t, name)
}

func drawMAC(t *rapid.T, name string) header.MAC {
	return header.MAC(drawBytes(t, name, 6, 6))
}

func drawIPv4(t *rapid.T, name string) [4]byte { return [4]byte(drawBytes(t, name, 4, 4)) }

func drawIPv6(t *rapid.T, name string) [16]byte { return [16]byte(drawBytes(t, name, 16, 16)) }

// drawIPv4Source is an address that may be a packet's source.
func drawIPv4Source(t *rapid.T) [4]byte {
	a := drawIPv4(t, "src")
	a[0] %= 224
	return a
}

// drawIPv6Source is an address that may be a packet's source.
func drawIPv6Source(t *rapid.T) [16]byte {
	a := drawIPv6(t, "src")
	a[0] %= 255
	return a
}

func drawEthernetRepr(t *rapid.T) header.EthernetRepr {
	r := header.EthernetRepr{
		Dst: drawMAC(t, "dst"), Src: drawMAC(t, "src"),
		NumTags: rapid.Uint8Range(0, header.MaxTags).Draw(t, "tags"),
		Type:    header.EtherType(rapid.Uint16Range(0x0600, 0xffff).Draw(t, "type")),
	}
	if r.Type.IsTag() {
		r.Type = header.EtherTypeARP
	}
	for i := range r.Tags[:r.NumTags] {
		r.Tags[i] = header.VLAN{
			TPID:         rapid.SampledFrom([]header.EtherType{header.EtherTypeVLAN, header.EtherTypeQinQ}).Draw(t, "tpid"),
			ID:           rapid.Uint16Range(0, 4095).Draw(t, "vlan"),
			Priority:     rapid.Uint8Range(0, 7).Draw(t, "priority"),
			DropEligible: rapid.Bool().Draw(t, "drop eligible"),
		}
	}
	return r
}

func drawARPRepr(t *rapid.T) header.ARPRepr {
	return header.ARPRepr{
		Op:        rapid.SampledFrom([]header.ARPOp{header.ARPRequest, header.ARPReply}).Draw(t, "op"),
		SenderMAC: drawMAC(t, "sender"), SenderIP: drawIPv4(t, "sender"),
		TargetMAC: drawMAC(t, "target"), TargetIP: drawIPv4(t, "target"),
	}
}

func drawIPv4Repr(t *rapid.T) header.IPv4Repr {
	return header.IPv4Repr{
		Src: drawIPv4Source(t), Dst: drawIPv4(t, "dst"),
		Protocol: header.Protocol(rapid.Uint8().Draw(t, "protocol")),
		TTL:      rapid.Uint8().Draw(t, "ttl"), TOS: rapid.Uint8().Draw(t, "tos"),
		ID: rapid.Uint16().Draw(t, "id"), DontFragment: rapid.Bool().Draw(t, "df"),
		PayloadLen: rapid.IntRange(0, 100).Draw(t, "payload"),
	}
}

// drawIPv6Repr returns a header with an upper protocol next.
func drawIPv6Repr(t *rapid.T) header.IPv6Repr {
	return header.IPv6Repr{
		Src: drawIPv6Source(t), Dst: drawIPv6(t, "dst"),
		NextHeader: rapid.SampledFrom([]header.Protocol{header.ProtocolTCP, header.ProtocolUDP,
			header.ProtocolICMPv6, header.ProtocolNoNextHeader, 255}).Draw(t, "protocol"),
		HopLimit: rapid.Uint8().Draw(t, "hop limit"), TrafficClass: rapid.Uint8().Draw(t, "class"),
		FlowLabel:  rapid.Uint32Range(0, 1<<20-1).Draw(t, "label"),
		PayloadLen: rapid.IntRange(0, 100).Draw(t, "payload"),
	}
}

func drawEcho(t *rapid.T) header.ICMPEchoRepr {
	return header.ICMPEchoRepr{
		Reply: rapid.Bool().Draw(t, "reply"),
		ID:    rapid.Uint16().Draw(t, "id"), Seq: rapid.Uint16().Draw(t, "seq"),
		Payload: drawBytes(t, "payload", 0, 70),
	}
}

// drawSolicitation returns a solicitation and a header with which it is valid.
func drawSolicitation(t *rapid.T) (header.NeighborSolicitation, header.IPv6Repr) {
	r := header.NeighborSolicitation{Target: drawIPv6Source(t)}
	ip := header.IPv6Repr{Src: drawIPv6Source(t), Dst: drawIPv6(t, "dst"), HopLimit: 255, NextHeader: header.ProtocolICMPv6}
	if rapid.Bool().Draw(t, "unspecified") {
		ip.Src, ip.Dst = [16]byte{}, header.SolicitedNode(r.Target)
	} else if r.HasSourceLink = rapid.Bool().Draw(t, "has link"); r.HasSourceLink {
		r.SourceLink = drawMAC(t, "link")
		ip.Src[15] |= 1
	} else {
		ip.Src[15] |= 1
	}
	ip.PayloadLen = r.Size()
	return r, ip
}

// drawAdvertisement returns an advertisement and a header with which it is valid.
func drawAdvertisement(t *rapid.T) (header.NeighborAdvertisement, header.IPv6Repr) {
	r := header.NeighborAdvertisement{
		Router: rapid.Bool().Draw(t, "router"), Solicited: rapid.Bool().Draw(t, "solicited"),
		Override: rapid.Bool().Draw(t, "override"), Target: drawIPv6Source(t),
		HasTargetLink: rapid.Bool().Draw(t, "has link"),
	}
	if r.HasTargetLink {
		r.TargetLink = drawMAC(t, "link")
	}
	ip := header.IPv6Repr{Src: drawIPv6Source(t), Dst: drawIPv6(t, "dst"), HopLimit: 255, NextHeader: header.ProtocolICMPv6}
	if r.Solicited {
		ip.Dst[0] %= 255
	}
	ip.PayloadLen = r.Size()
	return r, ip
}

// reject returns the error of a Parse function that returns a repr.
func reject[R any](_ R, err error) error { return err }

// rejectPayload returns the error of a Parse function that returns a repr and a payload.
func rejectPayload[R any](_ R, _ []byte, err error) error { return err }

// noAllocs fails when f allocates.
func noAllocs(t *testing.T, name string, f func()) {
	t.Helper()
	if n := testing.AllocsPerRun(100, f); n != 0 {
		t.Errorf("%s allocates %v times", name, n)
	}
}
