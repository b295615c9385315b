package server

import (
	"fmt"
	"net"
	"net/netip"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/gopacket"
	"github.com/google/gopacket/layers"

	"glean/stack"
)

// rogue is the peer of TestDropsAreCountedByReason. It sends frames of any kind.
var (
	rogueMAC = net.HardwareAddr{2, 0, 0, 0, 0, 0xbb}
	otherMAC = net.HardwareAddr{2, 0, 0, 0, 0, 0xcc}
	ownMAC   = net.HardwareAddr{2, 0, 0, 0, 0, 0x0a} // of if-a
	everyone = net.HardwareAddr{0xff, 0xff, 0xff, 0xff, 0xff, 0xff}
)

func serialize(t testing.TB, all ...gopacket.SerializableLayer) []byte {
	t.Helper()
	b := gopacket.NewSerializeBuffer()
	if err := gopacket.SerializeLayers(b, gopacket.SerializeOptions{FixLengths: true, ComputeChecksums: true}, all...); err != nil {
		t.Fatal(err)
	}
	return append([]byte(nil), b.Bytes()...)
}

func octets(address string) []byte { return netip.MustParseAddr(address).AsSlice() }

// arpMessage returns an ARP message of the rogue, from the MAC that it names.
func arpMessage(t testing.TB, dst net.HardwareAddr, op uint16, mac net.HardwareAddr, sender, target string) []byte {
	t.Helper()
	return serialize(t,
		&layers.Ethernet{SrcMAC: rogueMAC, DstMAC: dst, EthernetType: layers.EthernetTypeARP},
		&layers.ARP{
			AddrType: layers.LinkTypeEthernet, Protocol: layers.EthernetTypeIPv4, HwAddressSize: 6, ProtAddressSize: 4, Operation: op,
			SourceHwAddress: mac, SourceProtAddress: octets(sender), DstHwAddress: make([]byte, 6), DstProtAddress: octets(target),
		})
}

// echoTo returns an echo request, of IPv4 or IPv6.
func echoTo(t testing.TB, mac net.HardwareAddr, src, dst string) []byte {
	t.Helper()
	eth := &layers.Ethernet{SrcMAC: rogueMAC, DstMAC: mac, EthernetType: layers.EthernetTypeIPv4}
	if netip.MustParseAddr(src).Is4() {
		return serialize(t, eth, &layers.IPv4{Version: 4, TTL: 64, Protocol: layers.IPProtocolICMPv4, SrcIP: octets(src), DstIP: octets(dst)},
			&layers.ICMPv4{TypeCode: layers.CreateICMPv4TypeCode(8, 0)})
	}
	eth.EthernetType = layers.EthernetTypeIPv6
	return icmp6(t, eth, src, dst, 255, layers.ICMPv6TypeEchoRequest, &layers.ICMPv6Echo{})
}

func icmp6(t testing.TB, eth *layers.Ethernet, src, dst string, hops uint8, kind uint8, body gopacket.SerializableLayer) []byte {
	t.Helper()
	ip6 := &layers.IPv6{Version: 6, HopLimit: hops, NextHeader: layers.IPProtocolICMPv6, SrcIP: octets(src), DstIP: octets(dst)}
	icmp := &layers.ICMPv6{TypeCode: layers.CreateICMPv6TypeCode(kind, 0)}
	_ = icmp.SetNetworkLayerForChecksum(ip6)
	return serialize(t, eth, ip6, icmp, body)
}

// advert6 is a solicited advertisement to if-a about an address.
func advert6(t testing.TB, hops uint8, about string, options layers.ICMPv6Options) []byte {
	t.Helper()
	eth := &layers.Ethernet{SrcMAC: rogueMAC, DstMAC: ownMAC, EthernetType: layers.EthernetTypeIPv6}
	return icmp6(t, eth, "2001:db8::bb", "2001:db8::a", hops, layers.ICMPv6TypeNeighborAdvertisement,
		&layers.ICMPv6NeighborAdvertisement{Flags: 0x60, TargetAddress: octets(about), Options: options})
}

// solicit6 is a solicitation from the rogue.
func solicit6(t testing.TB, source, target string) []byte {
	t.Helper()
	eth := &layers.Ethernet{SrcMAC: rogueMAC, DstMAC: ownMAC, EthernetType: layers.EthernetTypeIPv6}
	return icmp6(t, eth, source, target, 255, layers.ICMPv6TypeNeighborSolicitation,
		&layers.ICMPv6NeighborSolicitation{TargetAddress: octets(target), Options: layers.ICMPv6Options{{Type: layers.ICMPv6OptSourceAddress, Data: rogueMAC}}})
}

// tagged puts a VLAN tag into a frame.
func tagged(frame []byte, id byte) []byte {
	return append(append(append([]byte(nil), frame[:12]...), 0x81, 0, 0, id), frame[12:]...)
}

// times returns n equal frames.
func times(n int, frame []byte) [][]byte {
	all := make([][]byte, n)
	for k := range all {
		all[k] = frame
	}
	return all
}

// stackCounters reads the metrics of port 0's stack that are not 0, without
// prefix and port: `dropped{reason="vlan"}` -> "1".
func (a *harness) stackCounters() map[string]string {
	a.t.Helper()
	found := make(map[string]string)
	line := regexp.MustCompile(`(?m)^glean_stack_(\w+)_total\{(?:(\w+="\w+"),)?port="0"\} (\S+)$|^glean_stack_(\w+)_total\{port="0",(\w+="\w+")\} (\S+)$`)
	for _, m := range line.FindAllStringSubmatch(string(a.get("/metrics").body), -1) {
		name, label, value := m[1]+m[4], m[2]+m[5], m[3]+m[6]
		if label != "" {
			name += "{" + label + "}"
		}
		if value != "0" {
			found[name] = value
		}
	}
	return found
}

// withIfA makes if-a with members of config.neighbor and of config.
func withIfA(a *harness, neighbor, more string) {
	a.t.Helper()
	body := strings.Replace(ifaceA, `,"gateway":"198.18.0.11"`, "", 1)
	a.post("/interfaces", strings.TrimSuffix(body, "}}")+`,"neighbor":{"duplicate_detection":"none"`+neighbor+`}`+more+`}}`).want(201)
}

// TestDropsAreCountedByReason: /metrics counts dropped frames of a peer by each reason, and
// /stacks by protocol. The reasons table_full, link_down and device are left out, because
// a peer cannot cause them.
func TestDropsAreCountedByReason(t *testing.T) {
	const own, rogue, stranger = "198.18.0.10", "198.18.0.66", "198.18.0.77"
	own6 := "2001:db8::a"
	lla := layers.ICMPv6Options{{Type: layers.ICMPv6OptTargetAddress, Data: rogueMAC}}
	allNodes := net.HardwareAddr{0x33, 0x33, 0, 0, 0, 9}
	for _, c := range []struct {
		name     string
		neighbor string // members of config.neighbor
		more     string // members of config
		frames   [][]byte
		reason   string
		protocol string // of /stacks, "" for none
		count    int
		wanted   string // an address that is learned at the time
	}{
		{name: "a VLAN that no interface has", frames: times(1, tagged(arpMessage(t, everyone, 1, rogueMAC, rogue, own), 9)), reason: "vlan"},
		{name: "LLDP", frames: times(2, serialize(t, &layers.Ethernet{SrcMAC: rogueMAC, DstMAC: everyone, EthernetType: 0x88cc}, gopacket.Payload(make([]byte, 46)))),
			reason: "ether_type", count: 2},
		{name: "ARP to another MAC", frames: times(1, arpMessage(t, otherMAC, 2, rogueMAC, rogue, own)), reason: "other_mac", protocol: "arp"},
		{name: "IPv4 to another MAC", frames: times(3, echoTo(t, otherMAC, rogue, own)), reason: "other_mac", protocol: "ipv4", count: 3},
		{name: "IPv6 to another MAC", frames: times(1, echoTo(t, otherMAC, "2001:db8::bb", own6)), reason: "other_mac", protocol: "ipv6"},
		{name: "ARP for another address", frames: times(1, arpMessage(t, everyone, 1, rogueMAC, rogue, stranger)), reason: "other_address", protocol: "arp"},
		{name: "solicitation for another address", frames: times(1, icmp6(t,
			&layers.Ethernet{SrcMAC: rogueMAC, DstMAC: net.HardwareAddr{0x33, 0x33, 0xff, 0, 0, 0x0a}, EthernetType: layers.EthernetTypeIPv6},
			"2001:db8::bb", "ff02::1:ff00:a", 255, layers.ICMPv6TypeNeighborSolicitation, &layers.ICMPv6NeighborSolicitation{TargetAddress: octets("2001:db8::100:a")})),
			reason: "other_address", protocol: "nd"},
		{name: "a group", frames: times(1, echoTo(t, allNodes, "2001:db8::bb", "ff02::9")), reason: "group", protocol: "ipv6"},
		{name: "ARP from a MAC of zeros", frames: times(1, arpMessage(t, everyone, 1, make([]byte, 6), rogue, own)), reason: "sender_mac", protocol: "arp"},
		{name: "advertisement of a group's MAC", frames: times(1, advert6(t, 255, "2001:db8::bb", layers.ICMPv6Options{{Type: layers.ICMPv6OptTargetAddress, Data: everyone}})),
			reason: "sender_mac", protocol: "nd"},
		{name: "ARP from a group", frames: times(1, arpMessage(t, everyone, 1, rogueMAC, "224.0.0.1", own)), reason: "sender_ip", protocol: "arp"},
		{name: "echo from the loopback address", frames: times(1, echoTo(t, ownMAC, "::1", own6)), reason: "sender_ip", protocol: "ipv6"},
		{name: "ARP from our address", frames: times(1, arpMessage(t, everyone, 1, rogueMAC, own, own)), reason: "conflict", protocol: "arp"},
		{name: "advertisement of our address", frames: times(1, advert6(t, 255, own6, lla)), reason: "conflict", protocol: "nd"},
		{name: "an unsolicited reply", frames: times(1, arpMessage(t, ownMAC, 2, rogueMAC, rogue, own)), reason: "unasked", protocol: "arp"},
		{name: "an unsolicited advertisement", frames: times(1, advert6(t, 255, "2001:db8::bb", lla)), reason: "unasked", protocol: "nd"},
		{name: "requests of more than there is room for", neighbor: `,"max_entries":1`, wanted: stranger,
			frames: times(2, arpMessage(t, everyone, 1, rogueMAC, rogue, own)), reason: "foreign_full", protocol: "arp", count: 2},
		{name: "an advertisement without MAC", frames: times(1, advert6(t, 255, "2001:db8::77", nil)), wanted: "2001:db8::77",
			reason: "no_link_address", protocol: "nd"},
		{name: "another MAC for a static neighbor", neighbor: `,"static":[{"ip_address":"198.18.0.66","mac_address":"02:00:00:00:00:99"}]`,
			frames: times(1, arpMessage(t, everyone, 1, rogueMAC, rogue, own)), reason: "static", protocol: "arp"},
		{name: "a redirect", frames: times(1, icmp6(t, &layers.Ethernet{SrcMAC: rogueMAC, DstMAC: ownMAC, EthernetType: layers.EthernetTypeIPv6},
			"fe80::bb", own6, 255, layers.ICMPv6TypeRedirect, gopacket.Payload(make([]byte, 36)))), reason: "icmp", protocol: "ipv6"},
		{name: "a broadcast echo request", frames: times(1, echoTo(t, everyone, rogue, "198.18.255.255")), reason: "icmp", protocol: "ipv4"},
		{name: "a packet for others", frames: times(1, echoTo(t, ownMAC, rogue, stranger)), reason: "forward", protocol: "ipv4"},
		{name: "echo requests from nowhere", neighbor: `,"retrans_timer_ms":60000`,
			frames: times(34, echoTo(t, ownMAC, rogue, own)), reason: "held_overflow", protocol: "ipv4", count: 2},
		{name: "an echo request from nowhere", neighbor: `,"retrans_timer_ms":1`,
			frames: times(1, echoTo(t, ownMAC, rogue, own)), reason: "held_failed"},
		{name: "an echo request from off link", frames: times(1, echoTo(t, ownMAC, "203.0.113.1", own)), reason: "no_route", protocol: "ipv4"},
		{name: "an echo request with a full table", neighbor: `,"max_entries":1`, wanted: stranger,
			frames: times(1, echoTo(t, ownMAC, rogue, own)), reason: "foreign_full", protocol: "ipv4"},
		{name: "more questions than can wait", neighbor: `,"proxy_delay_ms":1000,"respond_for":["2001:db8:0:0:f::/80"]`, frames: times(80_000, icmp6(t,
			&layers.Ethernet{SrcMAC: rogueMAC, DstMAC: net.HardwareAddr{0x33, 0x33, 0xff, 0, 0, 0x01}, EthernetType: layers.EthernetTypeIPv6},
			"2001:db8::bb", "ff02::1:ff00:1", 255, layers.ICMPv6TypeNeighborSolicitation, &layers.ICMPv6NeighborSolicitation{TargetAddress: octets("2001:db8::f:0:0:1")})),
			reason: "proxy_full", protocol: "nd", count: some},
		{name: "a filter", more: `,"rx_filter":"not arp"`, frames: times(1, arpMessage(t, ownMAC, 2, rogueMAC, rogue, own)),
			reason: "filter", protocol: "arp"},
	} {
		t.Run(c.name, func(t *testing.T) {
			a := newHarness(t)
			withIfA(a, c.neighbor, c.more)
			if c.wanted != "" {
				a.post("/learning", `{"interface_id":"if-a","addresses":["`+c.wanted+`"]}`).want(202)
			}
			want := fmt.Sprint(max(c.count, 1))
			if c.count == some {
				want = ""
			}
			got := a.feed(`dropped{reason="`+c.reason+`"}`, want, c.frames)
			if want == "" {
				if got = a.stackCounters(); got[`dropped{reason="`+c.reason+`"}`] == "" {
					t.Errorf("nothing was dropped: %v", got)
				}
				return
			}
			for name, value := range got {
				if strings.HasPrefix(name, "dropped") && (name != `dropped{reason="`+c.reason+`"}` || value != want) || strings.HasPrefix(name, "malformed") {
					t.Errorf("%s is %s, want %s %s and nothing else", name, value, want, c.reason)
				}
			}
			stats := a.get("/stacks/stack0")
			for _, protocol := range []string{"arp", "nd", "ipv4", "ipv6"} {
				expected := "0"
				if protocol == c.protocol {
					expected = want
				}
				// The stack of port 1 hears what port 0's says; without interfaces it
				// counts that for no protocol.
				stats.is("stats."+protocol+".dropped_packets", expected)
			}
		})
	}
}

// some is any number of frames but none.
const some = -1

// feed sends frames from the rogue, and waits until a counter of port 0's stack has a
// value; "" means any.
func (a *harness) feed(counter, want string, frames [][]byte) map[string]string {
	a.t.Helper()
	a.onLoop(func() {
		if n, err := a.ends["1"].Send(frames); n != len(frames) || err != nil {
			a.t.Errorf("%d frames sent: %v", n, err)
		}
	})
	deadline := time.Now().Add(10 * time.Second)
	for {
		got := a.stackCounters()
		if value := got[counter]; value == want || want == "" && value != "" || time.Now().After(deadline) {
			if value != want && want != "" {
				a.t.Errorf("%s is %q, want %s: %v", counter, got[counter], want, got)
			}
			return got
		}
	}
}

// TestSignsOfTroubleAreCounted: conflicts, suspicions and changes that a peer's messages
// cause are counted.
func TestSignsOfTroubleAreCounted(t *testing.T) {
	const own, rogue = "198.18.0.10", "198.18.0.66"
	for _, c := range []struct {
		counter, neighbor string
		frames            [][]byte
	}{
		{counter: `malformed{reason="arp_operation"}`, frames: [][]byte{arpMessage(t, everyone, 9, rogueMAC, rogue, own)}},
		{counter: `malformed{reason="nd_hop_limit"}`, frames: [][]byte{advert6(t, 64, "2001:db8::bb", nil)}},
		{counter: `messages_received{kind="arp_request"}`, frames: [][]byte{arpMessage(t, everyone, 1, rogueMAC, rogue, own)}},
		{counter: `messages_sent{kind="arp_reply"}`, frames: [][]byte{arpMessage(t, everyone, 1, rogueMAC, rogue, own)}},
		{counter: `messages_received{kind="arp_reply"}`, frames: [][]byte{arpMessage(t, ownMAC, 2, rogueMAC, rogue, own)}},
		{counter: `messages_received{kind="neighbor_solicitation"}`, frames: [][]byte{solicit6(t, "2001:db8::bb", "2001:db8::a")}},
		{counter: `messages_sent{kind="neighbor_advertisement"}`, frames: [][]byte{solicit6(t, "2001:db8::bb", "2001:db8::a")}},
		{counter: `messages_received{kind="neighbor_advertisement"}`, frames: [][]byte{advert6(t, 255, "2001:db8::bb", nil)}},
		{counter: `messages_sent{kind="arp_request"}`, frames: [][]byte{echoTo(t, ownMAC, rogue, own)}},
		{counter: `messages_sent{kind="neighbor_solicitation"}`, frames: [][]byte{echoTo(t, ownMAC, "2001:db8::bb", "2001:db8::a")}},
		{counter: `messages_sent{kind="announcement"}`, frames: [][]byte{arpMessage(t, everyone, 1, rogueMAC, own, own)}}, // a defence
		{counter: "conflicts", frames: [][]byte{arpMessage(t, everyone, 1, rogueMAC, own, own)}},
		{counter: "sender_mismatches", frames: [][]byte{arpMessage(t, everyone, 1, otherMAC, rogue, own)}},
		{counter: "neighbor_changes", frames: [][]byte{
			arpMessage(t, everyone, 1, rogueMAC, rogue, own), arpMessage(t, everyone, 1, otherMAC, rogue, own)}},
		{counter: "suspicions", frames: [][]byte{
			arpMessage(t, everyone, 1, rogueMAC, rogue, own), arpMessage(t, everyone, 1, otherMAC, rogue, own)}},
		{counter: "neighbors_reclaimed", neighbor: `,"max_entries":1`, frames: [][]byte{
			arpMessage(t, everyone, 1, rogueMAC, rogue, own), arpMessage(t, everyone, 1, rogueMAC, "198.18.0.67", own)}},
	} {
		t.Run(c.counter, func(t *testing.T) {
			a := newHarness(t)
			withIfA(a, c.neighbor, "")
			a.feed(c.counter, "1", c.frames)
		})
	}
}

// TestReasonsAreDocumented: every reason of a drop has a line in the OpenAPI
// document.
func TestReasonsAreDocumented(t *testing.T) {
	var c stack.Counters
	for why := range c.Dropped {
		if word := stack.Drop(why).String(); !strings.Contains(string(openAPIDocument), "| `"+word+"` |") {
			t.Errorf("openapi.yaml does not say what %s is", word)
		}
	}
}
