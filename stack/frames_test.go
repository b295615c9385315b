package stack

import (
	"net"
	"net/netip"
	"slices"
	"testing"

	"glean/stack/header"

	"github.com/google/gopacket"
	"github.com/google/gopacket/layers"
)

// Frames that the tests send are built by gopacket, so that reading and
// writing of headers are never judged by themselves.

func serialize(t testing.TB, all ...gopacket.SerializableLayer) []byte {
	t.Helper()
	b := gopacket.NewSerializeBuffer()
	if err := gopacket.SerializeLayers(b, gopacket.SerializeOptions{FixLengths: true, ComputeChecksums: true}, all...); err != nil {
		t.Fatal(err)
	}
	return append([]byte(nil), b.Bytes()...)
}

func hw(m header.MAC) net.HardwareAddr { return append(net.HardwareAddr(nil), m[:]...) }

func raw(a string) []byte { return netip.MustParseAddr(a).AsSlice() }

func ethernetTo(dst, src header.MAC, kind layers.EthernetType) *layers.Ethernet {
	return &layers.Ethernet{SrcMAC: hw(src), DstMAC: hw(dst), EthernetType: kind}
}

// arpFrame describes an ARP packet by its fields.
type arpFrame struct {
	op                   uint16
	ethDst, ethSrc       header.MAC // zero: broadcast, senderMAC
	senderMAC, targetMAC header.MAC
	senderIP, targetIP   string
	tags                 []uint16 // VLAN IDs; priority 5 on all
	trailer              int
	edit                 func(*layers.ARP)
}

func (a arpFrame) bytes(t testing.TB) []byte {
	t.Helper()
	if a.ethDst.IsZero() {
		a.ethDst = header.Broadcast
	}
	if a.ethSrc.IsZero() {
		a.ethSrc = a.senderMAC
	}
	arp := &layers.ARP{
		AddrType: 1, Protocol: 0x0800, HwAddressSize: 6, ProtAddressSize: 4, Operation: a.op,
		SourceHwAddress: hw(a.senderMAC), SourceProtAddress: raw(a.senderIP),
		DstHwAddress: hw(a.targetMAC), DstProtAddress: raw(a.targetIP),
	}
	all := tagged(ethernetTo(a.ethDst, a.ethSrc, 0x0806), a.tags)
	all = append(all, arp, gopacket.Payload(make([]byte, a.trailer)))
	if a.edit != nil {
		a.edit(arp)
		b := gopacket.NewSerializeBuffer()
		if err := gopacket.SerializeLayers(b, gopacket.SerializeOptions{}, all...); err != nil {
			t.Fatal(err)
		}
		return append([]byte(nil), b.Bytes()...)
	}
	return serialize(t, all...)
}

// tagged puts VLAN tags behind an Ethernet header.
func tagged(eth *layers.Ethernet, ids []uint16) []gopacket.SerializableLayer {
	all := []gopacket.SerializableLayer{eth}
	for _, id := range ids {
		tag := &layers.Dot1Q{VLANIdentifier: id, Priority: 5, Type: eth.EthernetType}
		if last, ok := all[len(all)-1].(*layers.Dot1Q); ok {
			last.Type = 0x8100
		}
		all = append(all, tag)
	}
	if len(ids) > 0 {
		eth.EthernetType = 0x8100
	}
	return all
}

func request(sender header.MAC, senderIP, targetIP string) arpFrame {
	return arpFrame{op: 1, senderMAC: sender, senderIP: senderIP, targetIP: targetIP}
}

func reply(sender header.MAC, senderIP string) arpFrame {
	return arpFrame{op: 2, ethDst: mac1, senderMAC: sender, senderIP: senderIP, targetMAC: mac1, targetIP: "192.0.2.1"}
}

// ndFrame describes a solicitation or an advertisement by its fields.
type ndFrame struct {
	advert   bool
	ethDst   header.MAC // zero: mac1, or the group's if dst is one
	ethSrc   header.MAC // zero: mac2
	src, dst string     // "": fe80::2, fe80::1
	target   string
	lla      header.MAC // zero: no option
	flags    uint8      // 0x80 R, 0x40 S, 0x20 O
	tags     []uint16

	hopLimit uint8 // 0: 255
	options  []layers.ICMPv6Option
	edit     func(packet []byte) // the IPv6 packet, when all else is done
	fix      bool                // calculate the checksum again after edit
	fragment bool
}

func (f ndFrame) bytes(t testing.TB) []byte {
	t.Helper()
	def := func(s *string, d string) {
		if *s == "" {
			*s = d
		}
	}
	def(&f.src, "fe80::2")
	def(&f.dst, "fe80::1")
	dst := netip.MustParseAddr(f.dst)
	if f.ethDst.IsZero() {
		f.ethDst = mac1
		if dst.IsMulticast() {
			d := dst.As16()
			f.ethDst = header.MAC{0x33, 0x33, d[12], d[13], d[14], d[15]}
		}
	}
	if f.ethSrc.IsZero() {
		f.ethSrc = mac2
	}
	if f.hopLimit == 0 {
		f.hopLimit = 255
	}
	ip6 := &layers.IPv6{
		Version: 6, HopLimit: f.hopLimit, NextHeader: layers.IPProtocolICMPv6, SrcIP: raw(f.src), DstIP: raw(f.dst),
	}
	kind, option := layers.ICMPv6TypeNeighborSolicitation, layers.ICMPv6OptSourceAddress
	if f.advert {
		kind, option = layers.ICMPv6TypeNeighborAdvertisement, layers.ICMPv6OptTargetAddress
	}
	icmp := &layers.ICMPv6{TypeCode: layers.CreateICMPv6TypeCode(uint8(kind), 0)}
	if err := icmp.SetNetworkLayerForChecksum(ip6); err != nil {
		t.Fatal(err)
	}
	var options layers.ICMPv6Options
	if !f.lla.IsZero() {
		options = append(options, layers.ICMPv6Option{Type: option, Data: hw(f.lla)})
	}
	options = append(options, f.options...)
	slices.Reverse(options) // gopacket writes the last one first
	var body gopacket.SerializableLayer = &layers.ICMPv6NeighborSolicitation{TargetAddress: raw(f.target), Options: options}
	if f.advert {
		body = &layers.ICMPv6NeighborAdvertisement{Flags: f.flags, TargetAddress: raw(f.target), Options: options}
	}
	packet := serialize(t, ip6, icmp, body)
	if f.edit != nil {
		f.edit(packet)
		if f.fix {
			fixICMPv6(packet)
		}
	}
	if f.fragment { // an atomic one (RFC 6946)
		packet = append(packet[:40:40], append([]byte{58, 0, 0, 0, 0, 0, 0, 1}, packet[40:]...)...)
		packet[6] = 44
		packet[5] += 8
	}
	all := tagged(ethernetTo(f.ethDst, f.ethSrc, 0x86dd), f.tags)
	return serialize(t, append(all, gopacket.Payload(packet))...)
}

// fixICMPv6 writes the valid checksum by the plain method of RFC 1071.
func fixICMPv6(p []byte) {
	length := int(p[4])<<8 | int(p[5])
	m := p[40 : 40+length]
	m[2], m[3] = 0, 0
	sum := length + 58
	for k := 8; k < 40; k += 2 {
		sum += int(p[k])<<8 | int(p[k+1])
	}
	for k := range m {
		if k%2 == 0 {
			sum += int(m[k]) << 8
		} else {
			sum += int(m[k])
		}
	}
	for sum > 0xffff {
		sum = sum>>16 + sum&0xffff
	}
	m[2], m[3] = byte(^sum>>8), byte(^sum)
}

const (
	flagR = 0x80
	flagS = 0x40
	flagO = 0x20
)

// solicitGroup is the solicited-node address of fe80::1, 2001:db8::1 and all addresses
// with the same last 24 bits.
const solicitGroup = "ff02::1:ff00:1"

// udpFrame returns a UDP packet for port 9, with 18 octets of payload.
func udpFrame(t testing.TB, ethDst, ethSrc header.MAC, src, dst string) []byte {
	t.Helper()
	udp := &layers.UDP{SrcPort: 9, DstPort: 9}
	payload := gopacket.Payload(make([]byte, 18))
	if netip.MustParseAddr(src).Is4() {
		ip4 := &layers.IPv4{Version: 4, TTL: 64, Protocol: 17, SrcIP: raw(src), DstIP: raw(dst)}
		_ = udp.SetNetworkLayerForChecksum(ip4)
		return serialize(t, ethernetTo(ethDst, ethSrc, 0x0800), ip4, udp, payload)
	}
	ip6 := &layers.IPv6{Version: 6, HopLimit: 64, NextHeader: 17, SrcIP: raw(src), DstIP: raw(dst)}
	_ = udp.SetNetworkLayerForChecksum(ip6)
	return serialize(t, ethernetTo(ethDst, ethSrc, 0x86dd), ip6, udp, payload)
}

// udpPacket is udpFrame without its Ethernet header.
func udpPacket(t testing.TB, src, dst string) []byte {
	b := udpFrame(t, mac2, mac1, src, dst)[header.EthernetSize:]
	if b[0]>>4 == 4 {
		return b[:int(b[2])<<8|int(b[3])]
	}
	return b[:40+int(b[5])]
}
