package program

import (
	"bytes"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"github.com/google/gopacket/layers"
	"pgregory.net/rapid"

	"glean/generator/traffic"
	"glean/generator/traffic/traffictest"
	"glean/stack/header"
	"glean/stack/loop"
)

// TestFlowCounts has the reference's figures and the limits.
func TestFlowCounts(t *testing.T) {
	v4 := `{"ipv4":{},` + traffictest.Items("zip", traffictest.Sequence("source", "ipv4", "198.18.15.10", 10), traffictest.Sequence("destination", "ipv4", "198.18.16.10", 10)) + `}`
	v6 := `{"ipv6":{},` + traffictest.Items("cartesian", traffictest.Sequence("source", "ipv6", "2001:db8::1", 10), traffictest.Sequence("destination", "ipv6", "2001:db8::100", 10)) + `}`
	udp := func(n int) string {
		return `{"udp":{},` + traffictest.Items("zip", traffictest.Sequence("source", "field", "3357", n)) + `}`
	}
	custom := `{"custom":{"data":"` + strings.Repeat("AAAA", 8) + `","layer":"ethernet"},"modifiers":{"tie":"cartesian","items":[
		{"name":"data","permute":false,"offset":0,"mac":{"sequence":{"count":10,"start":"02:00:00:00:00:00"}}},
		{"name":"data","permute":false,"offset":14,"field":{"list":[1,2,3,4,5]}}]}}`
	huge := func(a, b, c int) string {
		return `{"ethernet":{}},{"ipv4":{},` + traffictest.Items("cartesian", traffictest.Sequence("source", "ipv4", "1.0.0.0", a), traffictest.Sequence("destination", "ipv4", "2.0.0.0", b)) +
			`},{"udp":{},` + traffictest.Items("cartesian", traffictest.Sequence("source", "field", "0", c)) + `}`
	}
	for _, c := range []struct {
		name, protocols, tie, extra string
		flows                       uint64 // 0: refused
	}{
		{"default", `{"ethernet":{}},{"ipv4":{}},{"udp":{}}`, "", "", 1},
		{"IPv4 zip x UDP zipped", `{"ethernet":{}},` + v4 + `,` + udp(20), "zip", "", 20},
		{"IPv6 cartesian, zipped", `{"ethernet":{}},` + v6 + `,` + udp(4), "zip", "", 100},
		{"IPv6 cartesian, cartesian", `{"ethernet":{}},` + v6 + `,` + udp(4), "cartesian", "", 400},
		{"custom", custom, "", "", 50},
		{"lcm of 6 and 4", `{"ethernet":{}},{"udp":{},` + traffictest.Items("zip", traffictest.Sequence("source", "field", "1", 6), traffictest.Sequence("destination", "field", "1", 4)) + `}`, "", "", 12},
		{"2^48", huge(65536, 65536, 65536), "cartesian", "", 0},
		{"less than 2^48", huge(65536, 65536, 65535), "cartesian", "", 65536 * 65536 * 65535},
		{"65535 signed", huge(1, 1, 65535), "cartesian", `,"length":{"fixed":128},"signature":{"stream_id":1,"latency":"start_of_frame"}`, 65535},
		{"65536 signed", huge(1, 1, 65536), "cartesian", `,"length":{"fixed":128},"signature":{"stream_id":1,"latency":"start_of_frame"}`, 0},
		{"256 x 256 signed, zipped with 10", `{"ethernet":{}},{"ipv4":{},` + traffictest.Items("cartesian", traffictest.Sequence("source", "ipv4", "1.0.0.0", 256), traffictest.Sequence("destination", "ipv4", "1.0.0.0", 256)) + `},` + udp(10),
			"zip", `,"length":{"fixed":128},"signature":{"stream_id":1,"latency":"start_of_frame"}`, 0},
	} {
		parsed, faults := traffic.ParseConfig([]byte(traffictest.Config(traffictest.PerMillisecond, traffictest.Definition(c.protocols, c.tie, c.extra))))
		if c.flows == 0 {
			if len(faults) == 0 || !strings.HasPrefix(faults[0].Path, "config.traffic[0].packet") {
				t.Errorf("%s: %v", c.name, faults)
			}
			continue
		}
		if len(faults) > 0 {
			t.Errorf("%s: %v", c.name, faults)
			continue
		}
		p, faults := Compile(parsed, Binding{})
		if len(faults) > 0 || p.FlowCount() != c.flows {
			t.Errorf("%s: %d flows, %v", c.name, p.FlowCount(), faults)
		}
	}
}

// TestFlowCountIsThatOfDistinctHeaders where each modifier's values differ.
func TestFlowCountIsThatOfDistinctHeaders(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(1, 12)
		tie := rapid.SampledFrom([]string{"zip", "cartesian"})
		protocols := `{"ethernet":{},` + traffictest.Items("zip", traffictest.Sequence("source", "mac", "02:00:00:00:00:00", n.Draw(t, "a"))) + `},{"ipv4":{},` +
			traffictest.Items(tie.Draw(t, "tie"), traffictest.Sequence("source", "ipv4", "1.0.0.0", n.Draw(t, "b")), traffictest.Sequence("identification", "field", "7", n.Draw(t, "c"))) +
			`},{"udp":{},` + traffictest.Items("zip", traffictest.Sequence("destination", "field", "0", n.Draw(t, "d"))) + `}`
		c, faults := traffic.ParseConfig([]byte(traffictest.Config(traffictest.PerMillisecond, traffictest.Definition(protocols, tie.Draw(t, "packet tie"), ""))))
		if len(faults) > 0 {
			t.Fatal(faults)
		}
		p, _ := Compile(c, Binding{})
		distinct := map[string]bool{}
		flows := int(p.FlowCount())
		for i, f := range send(&testing.T{}, NewRun(p, RunOptions{}), 2*flows) {
			if i < flows == distinct[string(f)] {
				t.Fatalf("frame %d of %d: seen before: %v", i, flows, distinct[string(f)])
			}
			distinct[string(f)] = true
		}
		if len(distinct) != flows {
			t.Fatalf("%d flows, %d headers", flows, len(distinct))
		}
	})
}

// TestWeights: over each cycle definitions have exactly their shares.
func TestWeights(t *testing.T) {
	def := func(port, weight, flows int) string {
		return traffictest.Definition(fmt.Sprintf(`{"ethernet":{}},{"ipv4":{}},{"udp":{"destination":%d},%s}`, port,
			traffictest.Items("zip", traffictest.Sequence("source", "field", "0", flows))), "", fmt.Sprintf(`,"length":{"fixed":100},"weight":%d`, weight))
	}
	all := def(1, 3, 2) + "," + def(2, 1, 5) + "," + def(3, 2, 1)
	for order, want := range map[string]string{
		"round-robin": "1 1 1 2 3 3 1 1 1 2 3 3 1 1 1 2 3 3",
		"sequential":  "1 1 1 1 1 1 2 2 2 2 2 3 3 1 1 1 1 1",
	} {
		p := mustCompile(t, strings.Replace(traffictest.Config(traffictest.PerMillisecond, all), "round-robin", order, 1), Binding{})
		var got []string
		for _, f := range send(t, NewRun(p, RunOptions{}), 18) {
			got = append(got, fmt.Sprint(header.UDP(f[34:]).DstPort()))
		}
		if strings.Join(got, " ") != want {
			t.Errorf("%s: %s", order, got)
		}
	}
}

// TestLengths is pitfall 12 and the distributions of our own.
func TestLengths(t *testing.T) {
	for length, want := range map[string][]int{
		`{"fixed":64}`:                                    {64, 64, 64},
		`{"list":[64,128,1518]}`:                          {64, 128, 1518, 64, 128},
		`{"sequence":{"count":3,"start":64}}`:             {64, 65, 66, 64},
		`{"sequence":{"count":4,"start":100,"stop":200}}`: {100, 125, 150, 175, 100},
		`{"sequence":{"count":3,"start":64,"skip":[65]}}`: {64, 66, 67, 64},
		`{"imix":[{"length":64,"weight":7},{"length":570,"weight":4},{"length":1518,"weight":1}]}`: {64, 570, 64, 64, 570, 64, 1518, 64, 570},
	} {
		p := mustCompile(t, traffictest.Config(traffictest.PerMillisecond, traffictest.Definition(`{"ethernet":{}},{"ipv4":{"destination":"198.18.0.2"}},{"udp":{}}`, "", `,"length":`+length)), onLink())
		resolveAll(p)
		for i, f := range send(t, NewRun(p, RunOptions{}), len(want)) {
			judge(t, f)
			if len(f)+4 != want[i] || int(header.IPv4(f[14:]).TotalLength()) != want[i]-18 {
				t.Errorf("%s: frame %d has %d octets, not %d", length, i, len(f)+4, want[i])
			}
		}
	}
}

func TestRandomLengths(t *testing.T) {
	run := func(seed int) (lengths []int) {
		p := mustCompile(t, traffictest.Config(traffictest.PerMillisecond, traffictest.Definition(`{"ethernet":{}}`, "", fmt.Sprintf(`,"length":{"random":{"min":64,"max":127,"seed":%d}}`, seed))), Binding{})
		for _, f := range send(t, NewRun(p, RunOptions{}), 6400) {
			lengths = append(lengths, len(f)+4)
		}
		return lengths
	}
	a := run(1)
	if !slices.Equal(a, run(1)) || slices.Equal(a, run(2)) {
		t.Error("a seed gives a sequence")
	}
	counts := map[int]int{}
	for _, n := range a {
		counts[n]++
	}
	for n := 64; n <= 127; n++ {
		if counts[n] < 50 || counts[n] > 150 { // 100 expected, standard deviation 10
			t.Errorf("%d frames of %d octets", counts[n], n)
		}
	}
	if len(counts) != 64 {
		t.Errorf("%d lengths", len(counts))
	}
}

// TestProtocolsByGopacket sends every protocol once and reads back field by
// field what gopacket sees.
func TestProtocolsByGopacket(t *testing.T) {
	raw := `{"ethernet":{"destination":"02-00-00-00-00-0a","source":"2.0.0.0.0.b"}},{"vlan":{"id":100,"priority":"voice","drop_eligible":true}},{"vlan":{"id":4095}},
		{"mpls":{"label":1048575,"traffic_class":5,"ttl":9}},{"mpls":{"label":16}},
		{"ipv4":{"dscp":46,"ecn":"ce","identification":4660,"flags":["dont_fragment"],"time_to_live":3,"source":"10.0.0.1","destination":"10.0.0.2"}},
		{"ipv6":{"traffic_class":18,"flow_label":74565,"hop_limit":7,"source":"2001:db8::1","destination":"2001:db8::2"}},
		{"tcp":{"source":1,"destination":2,"sequence":4294967295,"ack":5,"flags":["ns","syn","ack"],"window":9,"urgent_pointer":3}}`
	f := send(t, NewRun(mustCompile(t, traffictest.Config(traffictest.PerMillisecond, traffictest.Definition(raw, "", "")), Binding{}), RunOptions{}), 1)[0]
	packet := judge(t, f)
	var got []string
	for _, l := range packet.Layers() {
		switch l := l.(type) {
		case *layers.Ethernet:
			got = append(got, fmt.Sprint(l.DstMAC, l.SrcMAC, uint16(l.EthernetType)))
		case *layers.Dot1Q:
			got = append(got, fmt.Sprint(l.VLANIdentifier, l.Priority, l.DropEligible, uint16(l.Type)))
		case *layers.MPLS:
			got = append(got, fmt.Sprint(l.Label, l.TrafficClass, l.StackBottom, l.TTL))
		case *layers.IPv4:
			got = append(got, fmt.Sprint(l.TOS, l.Id, l.Flags, l.TTL, l.SrcIP, l.DstIP, l.Protocol, l.Length))
		case *layers.IPv6:
			got = append(got, fmt.Sprint(l.TrafficClass, l.FlowLabel, l.HopLimit, l.SrcIP, l.DstIP, l.NextHeader, l.Length))
		case *layers.TCP:
			got = append(got, fmt.Sprint(uint16(l.SrcPort), uint16(l.DstPort), l.Seq, l.Ack, l.NS, l.SYN, l.ACK, l.FIN, l.Window, l.Urgent, l.DataOffset))
		}
	}
	want := []string{
		"02:00:00:00:00:0a 02:00:00:00:00:0b 34984", "100 5 true 33024", "4095 0 false 34887",
		"1048575 5 false 9", "16 0 true 64",
		"187 4660 DF 3 10.0.0.1 10.0.0.2 IPv6 94", "18 74565 7 2001:db8::1 2001:db8::2 TCP 34",
		"1 2 4294967295 5 true true true false 9 3 5",
	}
	for i := range want {
		if i >= len(got) || got[i] != want[i] {
			t.Fatalf("layer %d:\n got %v\nwant %s", i, got, want[i])
		}
	}
}

// TestDefaults are those of the API (UDP and TCP ports, TTL, protocol 254, next
// header 59), where nothing of ours follows.
func TestDefaults(t *testing.T) {
	frame := func(protocols string) []byte {
		return send(t, NewRun(mustCompile(t, traffictest.Config(traffictest.PerMillisecond, traffictest.Definition(protocols, "", "")), Binding{}), RunOptions{}), 1)[0]
	}
	ip := header.IPv4(frame(`{"ethernet":{}},{"ipv4":{}}`)[14:])
	if ip.Protocol() != 254 || ip.TTL() != 64 || ip.Version() != 4 || ip.HeaderLength() != 20 || ip.Src() != [4]byte{} {
		t.Errorf("% x", ip[:20])
	}
	six := header.IPv6(frame(`{"ethernet":{}},{"ipv6":{}}`)[14:])
	if six.NextHeader() != 59 || six.HopLimit() != 64 || six.Version() != 6 {
		t.Errorf("% x", six[:40])
	}
	udp := header.UDP(frame(`{"ethernet":{}},{"ipv4":{}},{"udp":{}}`)[34:])
	if udp.SrcPort() != 3357 || udp.DstPort() != 3357 || udp.Length() != 90 {
		t.Errorf("% x", udp[:8])
	}
}

// TestCustomXOR: a custom field modifier is XORed with the template, each time
// anew (the reference lets the results pile up).
func TestCustomXOR(t *testing.T) {
	raw := `{"custom":{"data":"AAAAAAAAAAAAAAAAAAAAD///AAAA","layer":"ethernet"},"modifiers":{"items":[{"name":"data","offset":15,"permute":false,"field":{"list":[1,268435455,3]}}]}}`
	wants := [][]byte{{0x0f, 0xff, 0xff, 1}, {0, 0, 0, 0xff}, {0x0f, 0xff, 0xff, 3}}
	for i, f := range send(t, NewRun(mustCompile(t, traffictest.Config(traffictest.PerMillisecond, traffictest.Definition(raw, "", "")), Binding{}), RunOptions{}), 6) {
		if want := wants[i%3]; !bytes.Equal(f[15:19], want) {
			t.Errorf("frame %d: % x, not % x", i, f[15:19], want)
		}
	}
}

// TestSourceFill is pitfalls 30 and 34: checksums follow a filled source, and a
// custom first header is left alone.
func TestSourceFill(t *testing.T) {
	frames := func(protocols string) [][]byte {
		p := mustCompile(t, traffictest.Config(traffictest.PerMillisecond, traffictest.Definition(protocols, "", "")), onLink())
		resolveAll(p)
		return send(t, NewRun(p, RunOptions{}), 4)
	}
	for _, c := range []struct {
		protocols string
		sources   []string
	}{
		{`{"ethernet":{}},{"ipv4":{"destination":"198.18.0.2"}},{"udp":{}}`, []string{"198.18.0.1"}},
		{`{"ethernet":{}},{"ipv4":{"destination":"198.18.0.2","source":"9.9.9.9"}},{"udp":{}}`, []string{"9.9.9.9"}},
		{`{"ethernet":{}},{"ipv4":{"destination":"198.18.0.2"},"modifiers":{"items":[{"name":"source","permute":false,"ipv4":{"list":["0.0.0.0","1.2.3.4"]}}]}},{"tcp":{}}`, []string{"198.18.0.1", "1.2.3.4"}},
		{`{"ethernet":{}},{"ipv6":{"destination":"2001:db8::2"}},{"udp":{}}`, []string{"2001:db8::1"}},
		{`{"ethernet":{}},{"ipv6":{"destination":"fe80::2"}},{"udp":{}}`, []string{"fe80::1"}},
		{`{"ethernet":{}},{"ipv6":{},"modifiers":{"items":[{"name":"destination","permute":false,"ipv6":{"list":["2001:db8::2","fe80::2"]}}]}},{"udp":{}}`, []string{"2001:db8::1", "fe80::1"}},
		{`{"ethernet":{}},{"ipv6":{},"modifiers":{"tie":"cartesian","items":[{"name":"destination","permute":false,"ipv6":{"list":["2001:db8::2","fe80::2"]}},{"name":"source","permute":false,"ipv6":{"list":["::","2001:db8::9"]}}]}},{"udp":{}}`,
			[]string{"2001:db8::1", "2001:db8::9", "fe80::1", "2001:db8::9"}},
	} {
		for i, f := range frames(c.protocols) {
			packet := judge(t, f)
			if got := packet.NetworkLayer().NetworkFlow().Src().String(); got != c.sources[i%len(c.sources)] {
				t.Errorf("%s: frame %d is from %s", c.protocols, i, got)
			}
			if header.Ethernet(f).Src() != ownMAC {
				t.Errorf("%s: frame %d is from %v", c.protocols, i, header.Ethernet(f).Src())
			}
		}
	}
	f := frames(`{"custom":{"data":"AAAAAAAAAAAAAAAAAAAAAAAA","layer":"ethernet"}},{"ipv4":{"destination":"198.18.0.2"}}`)[0]
	if !bytes.Equal(f[:18], make([]byte, 18)) {
		t.Errorf("MACs were written into a custom header: % x", f[:18])
	}
}

func TestAdjacencies(t *testing.T) {
	p := mustCompile(t, traffictest.Config(traffictest.PerMillisecond, traffictest.Definition(`{"ethernet":{}},{"ipv4":{},"modifiers":{"items":[{"name":"destination","permute":false,"ipv4":{"list":
		["198.18.0.9","10.0.0.1","10.0.0.2","239.1.2.3","255.255.255.255","198.18.255.255","0.0.0.0","198.18.0.9"]}}]}}`, "", "")), onLink())
	var got []string
	for _, d := range p.Destinations() {
		got = append(got, fmt.Sprintf("%v via %v", d.Addr, p.Hop(d.Adj)))
	}
	want := []string{"198.18.0.9 via 198.18.0.9", "10.0.0.1 via 198.18.0.254", "10.0.0.2 via 198.18.0.254", "0.0.0.0 via invalid IP"}
	if !slices.Equal(got, want) {
		t.Error(got)
	}
	if c := p.Counts(); c != (Counts{Total: 3, Failed: 1}) {
		t.Errorf("%+v", c)
	}
	for i := range p.Hops() {
		p.SetMAC(uint32(i), macOf(uint32(i)))
	}
	if c := p.Counts(); c != (Counts{Total: 3, Resolved: 2, Failed: 1}) {
		t.Errorf("%+v: nowhere was resolved", c)
	}
	r := NewRun(p, RunOptions{})
	q := &recorder{room: -1}
	steps(t, r, q, 0, loop.Time(6*loop.Millisecond))
	macs := []string{macOf(0).String(), macOf(1).String(), macOf(1).String(), "01:00:5e:01:02:03", "ff:ff:ff:ff:ff:ff", "ff:ff:ff:ff:ff:ff", macOf(0).String()}
	for i, f := range q.frames {
		if got := header.Ethernet(f).Dst().String(); got != macs[i] {
			t.Errorf("frame %d went to %s, not %s", i, got, macs[i])
		}
	}
	if len(q.frames) != 7 {
		t.Errorf("%d frames", len(q.frames))
	}
	six := mustCompile(t, traffictest.Config(traffictest.PerMillisecond, traffictest.Definition(`{"ethernet":{}},{"ipv6":{"destination":"2001:db8:9::1"}}`, "", "")), onLink())
	if got := six.Destinations(); len(got) != 1 || six.Hop(got[0].Adj) != (netip.Addr{}) || six.Counts().Failed != 1 {
		t.Errorf("%v %+v", got, six.Counts())
	}
}

func TestFamilies(t *testing.T) {
	raw := strings.Replace(traffictest.Config(traffictest.PerMillisecond, strings.Join([]string{
		traffictest.Definition(`{"ethernet":{}},{"ipv4":{}},{"udp":{}}`, "", ""),
		traffictest.Definition(`{"ethernet":{}},{"vlan":{}},{"ipv6":{}},{"tcp":{}}`, "", ""),
		traffictest.Definition(`{"ethernet":{}},{"vlan":{}},{"vlan":{}},{"ipv4":{}},{"ipv6":{}},{"udp":{}}`, "", ""),
		traffictest.Definition(`{"ethernet":{}},{"mpls":{}},{"ipv4":{}}`, "", ""),
		traffictest.Definition(`{"custom":{"data":"AAAAAAAAAAAAAAAAAAAAAAAA","layer":"ethernet"}}`, "", ""),
	}, ",")), `"load"`, `"protocol_counters":["ethernet","ip","transport","tunnel","inner_ip","inner_transport"],"load"`, 1)
	r := NewRun(mustCompile(t, raw, Binding{}), RunOptions{})
	send(t, r, 50)
	got := map[string]uint64{}
	for _, f := range r.ProtocolCounters() {
		for i, n := range f.Counts {
			if n > 0 {
				got[f.Family.String()+"."+f.Family.Members()[i]] = n
			}
		}
	}
	want := map[string]uint64{"ethernet.ip": 10, "ethernet.vlan": 10, "ethernet.qinq": 10, "ethernet.mpls": 10, "ip.ipv4": 30, "ip.ipv6": 10,
		"transport.udp": 10, "transport.tcp": 10, "tunnel.ip": 10, "inner_ip.ipv6": 10, "inner_transport.udp": 10}
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("\n got %v\nwant %v", got, want)
	}
}
