package program

import (
	"encoding/base64"
	"fmt"
	"strings"
	"testing"

	"github.com/google/gopacket/layers"

	"glean/generator/traffic/traffictest"
	"glean/stack/header"
)

func TestFramesByGopacket(t *testing.T) {
	p := mustCompile(t, traffictest.Config(traffictest.PerMillisecond, traffictest.Definition(`{"ethernet":{}},
		{"ipv4":{"destination":"198.18.0.10"},"modifiers":{"items":[{"name":"destination","permute":false,"ipv4":{"sequence":{"count":10,"start":"198.18.0.10"}}}]}},
		{"udp":{"destination":4000},"modifiers":{"items":[{"name":"source","permute":false,"field":{"list":[7,8,9]}}]}}`, "cartesian", "")), onLink())
	if p.FlowCount() != 30 || len(p.Hops()) != 10 || len(p.Destinations()) != 10 {
		t.Fatalf("%d flows, %d hops, %d destinations", p.FlowCount(), len(p.Hops()), len(p.Destinations()))
	}
	resolveAll(p)
	for i, f := range send(t, NewRun(p, RunOptions{}), 70) {
		packet := judge(t, f)
		ip := packet.Layer(layers.LayerTypeIPv4).(*layers.IPv4)
		udp := packet.Layer(layers.LayerTypeUDP).(*layers.UDP)
		eth := packet.Layer(layers.LayerTypeEthernet).(*layers.Ethernet)
		if int(ip.DstIP[3]) != 10+i/3%10 || int(udp.SrcPort) != 7+i%3 || udp.DstPort != 4000 || ip.SrcIP.String() != "198.18.0.1" {
			t.Fatalf("frame %d: %v", i, packet)
		}
		if eth.DstMAC.String() != macOf(uint32(i/3%10)).String() || eth.SrcMAC.String() != ownMAC.String() {
			t.Fatalf("frame %d: %v", i, packet)
		}
	}
}

// TestManyOverlappingFields: modifiers that overlap in a long row are written in
// their order, the last one over those before it.
func TestManyOverlappingFields(t *testing.T) {
	const modifiers, octets = 20, 16
	var list []string
	for i := range modifiers {
		list = append(list, fmt.Sprintf(`{"name":"data","offset":%d,"permute":false,"ipv6":{"list":["%02x%02x::%02x"]}}`, 15*(modifiers-1-i), i+1, i+1, i+1))
	}
	data := base64.StdEncoding.EncodeToString(make([]byte, 15*(modifiers-1)+octets))
	p := mustCompile(t, traffictest.Config(traffictest.PerMillisecond, traffictest.Definition(`{"ethernet":{}},{"custom":{"data":"`+data+`","layer":"payload"},"modifiers":{"tie":"zip","items":[`+
		strings.Join(list, ",")+`]}}`, "", `,"length":{"fixed":400}`)), Binding{})
	f := send(t, NewRun(p, RunOptions{}), 1)[0][header.EthernetSize:]
	for i := range modifiers {
		at, want := 15*(modifiers-1-i), byte(i+1)
		first := want + 1 // the last octet of the next one
		if i == modifiers-1 {
			first = want
		}
		if f[at] != first || f[at+1] != want || f[at+15] != want {
			t.Errorf("value %d: % x", i, f[at:at+octets])
		}
	}
}
