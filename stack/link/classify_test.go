package link

import (
	"net"
	"testing"

	"github.com/google/gopacket"
	"github.com/google/gopacket/layers"
	"pgregory.net/rapid"
)

// build makes a frame with gopacket, which is not what classifies it.
func build(t testing.TB, parts ...gopacket.SerializableLayer) []byte {
	t.Helper()
	b := gopacket.NewSerializeBuffer()
	if err := gopacket.SerializeLayers(b, gopacket.SerializeOptions{FixLengths: true}, parts...); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

var (
	ethernetTo = func(kind layers.EthernetType) *layers.Ethernet {
		return &layers.Ethernet{SrcMAC: net.HardwareAddr{2, 0, 0, 0, 0, 1}, DstMAC: net.HardwareAddr{2, 0, 0, 0, 0, 2}, EthernetType: kind}
	}
	tagTo = func(kind layers.EthernetType) *layers.Dot1Q { return &layers.Dot1Q{VLANIdentifier: 7, Type: kind} }
	ipv4  = func(p layers.IPProtocol, flags layers.IPv4Flag, offset uint16) *layers.IPv4 {
		return &layers.IPv4{Version: 4, TTL: 64, Protocol: p, Flags: flags, FragOffset: offset, SrcIP: net.IP{192, 0, 2, 1}, DstIP: net.IP{192, 0, 2, 2}}
	}
	ipv6 = func(p layers.IPProtocol) *layers.IPv6 {
		return &layers.IPv6{Version: 6, HopLimit: 64, NextHeader: p, SrcIP: net.ParseIP("2001:db8::1"), DstIP: net.ParseIP("2001:db8::2")}
	}
	arp = &layers.ARP{AddrType: layers.LinkTypeEthernet, Protocol: layers.EthernetTypeIPv4, HwAddressSize: 6, ProtAddressSize: 4, Operation: 1,
		SourceHwAddress: make([]byte, 6), SourceProtAddress: make([]byte, 4), DstHwAddress: make([]byte, 6), DstProtAddress: make([]byte, 4)}
	data = gopacket.Payload("some octets of payload")
)

func TestClassify(t *testing.T) {
	const v4, v6, vlan, qinq = layers.EthernetTypeIPv4, layers.EthernetTypeIPv6, layers.EthernetTypeDot1Q, layers.EthernetTypeQinQ
	for _, test := range []struct {
		name  string
		frame []byte
		want  Class
	}{
		{"ARP", build(t, ethernetTo(layers.EthernetTypeARP), arp), ClassControl},
		{"ARP cut short", build(t, ethernetTo(layers.EthernetTypeARP)), ClassControl},
		{"ARP, one tag", build(t, ethernetTo(vlan), tagTo(layers.EthernetTypeARP), arp), ClassControl},
		{"ARP, two tags", build(t, ethernetTo(qinq), tagTo(vlan), tagTo(layers.EthernetTypeARP), arp), ClassControl},
		{"ARP, three tags", build(t, ethernetTo(qinq), tagTo(vlan), tagTo(vlan), tagTo(layers.EthernetTypeARP), arp), ClassTraffic},
		{"UDP over IPv4", build(t, ethernetTo(v4), ipv4(layers.IPProtocolUDP, 0, 0), data), ClassTraffic},
		{"UDP over IPv4, not to be fragmented", build(t, ethernetTo(v4), ipv4(layers.IPProtocolUDP, layers.IPv4DontFragment, 0), data), ClassTraffic},
		{"UDP over IPv4, one tag", build(t, ethernetTo(vlan), tagTo(v4), ipv4(layers.IPProtocolUDP, 0, 0), data), ClassTraffic},
		{"ICMP", build(t, ethernetTo(v4), ipv4(layers.IPProtocolICMPv4, 0, 0), data), ClassControl},
		{"ICMP, two tags", build(t, ethernetTo(qinq), tagTo(vlan), tagTo(v4), ipv4(layers.IPProtocolICMPv4, 0, 0), data), ClassControl},
		{"first fragment", build(t, ethernetTo(v4), ipv4(layers.IPProtocolUDP, layers.IPv4MoreFragments, 0), data), ClassControl},
		{"last fragment", build(t, ethernetTo(v4), ipv4(layers.IPProtocolUDP, 0, 185), data), ClassControl},
		{"IPv4 cut short", build(t, ethernetTo(v4), ipv4(layers.IPProtocolICMPv4, 0, 0))[:33], ClassTraffic},
		{"UDP over IPv6", build(t, ethernetTo(v6), ipv6(layers.IPProtocolUDP), data), ClassTraffic},
		{"ICMPv6", build(t, ethernetTo(v6), ipv6(layers.IPProtocolICMPv6), data), ClassControl},
		{"ICMPv6, one tag", build(t, ethernetTo(vlan), tagTo(v6), ipv6(layers.IPProtocolICMPv6), data), ClassControl},
		{"hop-by-hop options", build(t, ethernetTo(v6), ipv6(layers.IPProtocolIPv6HopByHop), data), ClassControl},
		{"IPv6 fragment", build(t, ethernetTo(v6), ipv6(layers.IPProtocolIPv6Fragment), data), ClassControl},
		{"destination options", build(t, ethernetTo(v6), ipv6(layers.IPProtocolIPv6Destination), data), ClassControl},
		{"IPv6 cut short", build(t, ethernetTo(v6), ipv6(layers.IPProtocolICMPv6))[:20], ClassTraffic},
		{"tag cut short", build(t, ethernetTo(vlan), tagTo(layers.EthernetTypeARP))[:17], ClassTraffic},
		{"another type", build(t, ethernetTo(layers.EthernetTypeLinkLayerDiscovery), data), ClassTraffic},
		{"length in place of a type", build(t, ethernetTo(0x0026), data), ClassTraffic},
		{"no frame", nil, ClassTraffic},
	} {
		if got := Classify(test.frame); got != test.want {
			t.Errorf("%s: %v, want %v", test.name, got, test.want)
		}
	}
}

// TestClassifyAnything checks that any octets have a class, and VLAN tags in front do
// not change it.
func TestClassifyAnything(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		frame := rapid.SliceOfN(rapid.Byte(), 14, 80).Draw(t, "frame")
		if rapid.Bool().Draw(t, "known type") {
			kind := rapid.SampledFrom([]uint16{0x0800, 0x0806, 0x86dd}).Draw(t, "type")
			frame[12], frame[13] = byte(kind>>8), byte(kind)
		}
		if kind := uint16(frame[12])<<8 | uint16(frame[13]); kind == 0x8100 || kind == 0x88a8 {
			frame[12] = 0
		}
		tag := []byte{0x81, 0x00, rapid.Byte().Draw(t, "tci"), 7}
		tagged := append(append(append([]byte{}, frame[:12]...), tag...), frame[12:]...)
		if a, b := Classify(frame), Classify(tagged); a != b {
			t.Fatalf("%v without a tag, %v with one", a, b)
		}
	})
}

func TestClassifyAllocatesNothing(t *testing.T) {
	frame := build(t, ethernetTo(layers.EthernetTypeDot1Q), tagTo(layers.EthernetTypeIPv6), ipv6(layers.IPProtocolICMPv6), data)
	if n := testing.AllocsPerRun(100, func() { Classify(frame) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func BenchmarkClassify(b *testing.B) {
	frame := build(b, ethernetTo(layers.EthernetTypeDot1Q), tagTo(layers.EthernetTypeIPv6), ipv6(layers.IPProtocolUDP), data)
	control := 0
	for b.Loop() {
		if Classify(frame) == ClassControl {
			control++
		}
	}
	if control != 0 {
		b.Fatal("UDP is not control")
	}
}
