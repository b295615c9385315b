package filter

import (
	"net"
	"net/netip"

	"github.com/google/gopacket"
	"github.com/google/gopacket/layers"
	"pgregory.net/rapid"

	"glean/stack/header"
)

func mustMAC(s string) header.MAC {
	m, err := header.ParseMAC(s)
	if err != nil {
		panic(err)
	}
	return m
}

// frame draws a frame; most of it is of what expressions ask for.
func drawFrame(t *rapid.T) []byte {
	w := writer{T: t}
	var frame []byte
	if w.chance(4) {
		frame = w.neighborFrame()
	} else {
		frame = w.gopacketFrame()
	}
	return frame
}

// spoiled may cut a frame short or change an octet.
func spoiled(t *rapid.T, frame []byte) []byte {
	w := writer{T: t}
	if w.chance(4) {
		frame = frame[:rapid.IntRange(0, len(frame)).Draw(t, "cut")]
	}
	if len(frame) > 0 && w.chance(4) {
		frame[rapid.IntRange(0, len(frame)-1).Draw(t, "at")] = rapid.Byte().Draw(t, "octet")
	}
	return frame
}

func (w writer) ethernet(kind header.EtherType) header.EthernetRepr {
	e := header.EthernetRepr{Dst: mustMAC(pick(w, someMACs)), Src: mustMAC(pick(w, someMACs[:2])), Type: kind}
	for w.chance(3) && int(e.NumTags) < len(e.Tags) {
		e.Tags[e.NumTags] = header.VLAN{TPID: header.EtherTypeVLAN, ID: uint16(pick(w, someIDs)), Priority: 5}
		e.NumTags++
	}
	return e
}

// neighborFrame is ARP, or an advertisement, built by stack/header.
func (w writer) neighborFrame() []byte {
	b := make([]byte, 256)
	if w.chance(2) {
		e := w.ethernet(header.EtherTypeARP)
		n := e.Emit(b)
		r := header.ARPRepr{
			Op: header.ARPOp(rapid.IntRange(1, 2).Draw(w.T, "op")), SenderMAC: e.Src,
			SenderIP: netip.MustParseAddr(pick(w, someIPv4)).As4(), TargetIP: netip.MustParseAddr(pick(w, someIPv4)).As4(),
		}
		return b[:n+r.Emit(b[n:])]
	}
	e := w.ethernet(header.EtherTypeIPv6)
	n := e.Emit(b)
	src, dst := netip.MustParseAddr(pick(w, someIPv6)).As16(), netip.MustParseAddr(pick(w, someIPv6)).As16()
	r := header.NeighborAdvertisement{Solicited: true, Target: src, TargetLink: e.Src, HasTargetLink: true}
	ip := header.IPv6Repr{Src: src, Dst: dst, NextHeader: header.ProtocolICMPv6, HopLimit: 255, PayloadLen: r.Size()}
	n += ip.Emit(b[n:])
	return b[:n+r.Emit(b[n:], src, dst)]
}

// gopacketFrame is a frame of some protocols, built by gopacket.
func (w writer) gopacketFrame() []byte {
	e := w.ethernet(0)
	list := []gopacket.SerializableLayer{}
	kinds := []layers.EthernetType{layers.EthernetTypeIPv4, layers.EthernetTypeIPv4, layers.EthernetTypeIPv6, 0x88cc, 0x8035}
	kind := pick(w, kinds)
	first := kind
	if e.NumTags > 0 {
		first = pick(w, []layers.EthernetType{0x8100, 0x88a8, 0x9100})
	}
	list = append(list, &layers.Ethernet{SrcMAC: e.Src[:], DstMAC: e.Dst[:], EthernetType: first})
	for n := range int(e.NumTags) {
		inner := kind
		if n+1 < int(e.NumTags) {
			inner = layers.EthernetTypeDot1Q
		}
		list = append(list, &layers.Dot1Q{VLANIdentifier: e.Tags[n].ID, Priority: 3, Type: inner})
	}
	switch kind {
	case layers.EthernetTypeIPv4:
		list = append(list, w.ipv4()...)
	case layers.EthernetTypeIPv6:
		list = append(list, w.ipv6()...)
	}
	list = append(list, gopacket.Payload(rapid.SliceOfN(rapid.Byte(), 0, 40).Draw(w.T, "payload")))
	buffer := gopacket.NewSerializeBuffer()
	if err := gopacket.SerializeLayers(buffer, gopacket.SerializeOptions{FixLengths: true}, list...); err != nil {
		w.Fatal(err)
	}
	return append([]byte(nil), buffer.Bytes()...)
}

func (w writer) ipv4() []gopacket.SerializableLayer {
	proto, upper := w.upper(false)
	ip := &layers.IPv4{
		Version: 4, TTL: 64, Protocol: proto,
		SrcIP: net.ParseIP(pick(w, someIPv4)), DstIP: net.ParseIP(pick(w, someIPv4)),
	}
	if w.chance(4) {
		ip.FragOffset = uint16(rapid.IntRange(0, 2).Draw(w.T, "offset"))
		ip.Flags = layers.IPv4MoreFragments
	}
	if w.chance(4) {
		ip.Options = []layers.IPv4Option{{OptionType: 148, OptionLength: 4, OptionData: []byte{0, 0}}}
	}
	return append([]gopacket.SerializableLayer{ip}, upper...)
}

func (w writer) ipv6() []gopacket.SerializableLayer {
	proto, upper := w.upper(true)
	ip := &layers.IPv6{
		Version: 6, HopLimit: 64, NextHeader: proto,
		SrcIP: net.ParseIP(pick(w, someIPv6)), DstIP: net.ParseIP(pick(w, someIPv6)),
	}
	if w.chance(4) {
		ip.NextHeader = layers.IPProtocolIPv6Fragment
		upper = []gopacket.SerializableLayer{gopacket.Payload([]byte{byte(proto), 0, 0, 1, 0, 0, 0, 9})}
	}
	return append([]gopacket.SerializableLayer{ip}, upper...)
}

// upper draws a transport header.
func (w writer) upper(v6 bool) (layers.IPProtocol, []gopacket.SerializableLayer) {
	src, dst := uint16(pick(w, somePorts)), uint16(pick(w, somePorts))
	switch rapid.IntRange(0, 4).Draw(w.T, "upper") {
	case 0:
		return layers.IPProtocolUDP, []gopacket.SerializableLayer{&layers.UDP{SrcPort: layers.UDPPort(src), DstPort: layers.UDPPort(dst)}}
	case 1:
		return layers.IPProtocolTCP, []gopacket.SerializableLayer{&layers.TCP{
			SrcPort: layers.TCPPort(src), DstPort: layers.TCPPort(dst), SYN: w.chance(2), ACK: w.chance(2), Window: 100,
		}}
	case 2:
		return layers.IPProtocolSCTP, []gopacket.SerializableLayer{&layers.SCTP{SrcPort: layers.SCTPPort(src), DstPort: layers.SCTPPort(dst)}}
	case 3:
		return pick(w, []layers.IPProtocol{2, 47, 255}), nil
	}
	if v6 {
		return layers.IPProtocolICMPv6, []gopacket.SerializableLayer{gopacket.Payload([]byte{byte(rapid.IntRange(128, 137).Draw(w.T, "type")), 0, 0, 0})}
	}
	return layers.IPProtocolICMPv4, []gopacket.SerializableLayer{&layers.ICMPv4{TypeCode: layers.CreateICMPv4TypeCode(8, 0)}}
}
