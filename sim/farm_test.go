package sim

import (
	"fmt"
	"net/netip"
	"strings"
	"testing"

	"glean/stack/header"
	"glean/stack/link"
	"glean/stack/loop"
)

func TestFarmAnswers(t *testing.T) {
	w, f, a, r := farmBench(t, FarmConfig{Hosts: 1000, First: 0x10, IPv4: first4, IPv6: first6})
	h300 := header.MACFromUint64(0x02fa0000013c) // 300 + 0x10
	linkLocal := netip.AddrFrom16(header.LinkLocal(h300))
	for _, c := range []struct {
		what  string
		frame []byte
		want  string
	}{
		{"ARP", whoHas(100, me4, Offset(first4, 300)),
			"02:fa:00:00:01:3c > 02:00:00:00:00:64 arp 10.0.1.49 is-at 02:fa:00:00:01:3c"},
		{"ARP probe", whoHas(100, netip.IPv4Unspecified(), Offset(first4, 300)),
			"02:fa:00:00:01:3c > 02:00:00:00:00:64 arp 10.0.1.49 is-at 02:fa:00:00:01:3c"},
		{"ARP below", whoHas(100, me4, netip.MustParseAddr("10.0.0.4")), ""},
		{"ARP last", whoHas(100, me4, Offset(first4, 999)),
			"02:fa:00:00:03:f7 > 02:00:00:00:00:64 arp 10.0.3.236 is-at 02:fa:00:00:03:f7"},
		{"ARP above", whoHas(100, me4, Offset(first4, 1000)), ""},
		{"gratuitous ARP", whoHas(100, Offset(first4, 300), Offset(first4, 300)), ""},
		{"NS", whoHas(100, me6, Offset(first6, 300)),
			"02:fa:00:00:01:3c > 02:00:00:00:00:64 2001:db8::131 > 2001:db8::9:9 hop limit 255 " +
				"na 2001:db8::131 is-at 02:fa:00:00:01:3c solicited true override true router false"},
		{"NS for the link-local address", whoHas(100, me6, linkLocal),
			"02:fa:00:00:01:3c > 02:00:00:00:00:64 fe80::fa:ff:fe00:13c > 2001:db8::9:9 hop limit 255 " +
				"na fe80::fa:ff:fe00:13c is-at 02:fa:00:00:01:3c solicited true override true router false"},
		{"NS for a link-local address of no host", whoHas(100, me6, netip.MustParseAddr("fe80::fa:ff:fe00:9999")), ""},
		{"NS above", whoHas(100, me6, Offset(first6, 1000)), ""},
		{"ping v4", ping(h300, me4, Offset(first4, 300)),
			"02:fa:00:00:01:3c > 02:00:00:00:00:64 10.0.1.49 > 10.9.9.9 ttl 64 icmp type 0 code 0"},
		{"ping v6", ping(h300, me6, Offset(first6, 300)),
			"02:fa:00:00:01:3c > 02:00:00:00:00:64 2001:db8::131 > 2001:db8::9:9 hop limit 64 icmp type 129 code 0"},
		{"ping to another MAC", ping(mac(3), me4, Offset(first4, 300)), ""},
		{"UDP", datagram(h300, me4, Offset(first4, 300), 9, 100), ""},
		{"UDP with a flipped bit", flipped(datagram(h300, me4, Offset(first4, 300), 9, 100)), ""},
		{"UDP v6 with a flipped bit", flipped(datagram(h300, me6, Offset(first6, 300), 9, 100)), ""},
		{"UDP v6", datagram(h300, me6, Offset(first6, 300), 9, 100), ""},
	} {
		if got := told(w, a, r, c.frame); got != c.want {
			t.Errorf("%s: %q, want %q", c.what, got, c.want)
		}
	}
	want := FarmCounts{ARPAnswered: 3, NDAnswered: 2, EchoAnswered: 2, Received: 2, Corrupt: 2, WrongMAC: 1, Ignored: 5}
	if f.Counts() != want {
		t.Errorf("%+v, want %+v", f.Counts(), want)
	}
	if f.Solicited(300) != 4 || f.Solicited(299) != 0 || f.Received(300) != 2 {
		t.Errorf("host 300 was asked %d times and received %d", f.Solicited(300), f.Received(300))
	}
}

// What the farm says must be valid: the parsers of package header are the judge.
func TestFarmFramesAreValid(t *testing.T) {
	w, f, a, r := farmBench(t, FarmConfig{Hosts: 10, IPv4: first4, IPv6: first6})
	f.Announce(3)
	told(w, a, r)
	announced := r.frames
	told(w, a, r, whoHas(100, me4, first4), whoHas(100, me6, first6),
		ping(f.MAC(0), me4, first4), ping(f.MAC(0), me6, first6))
	frames := append(announced, r.frames...)
	if len(frames) != 6 {
		t.Fatalf("%d frames", len(frames))
	}
	for i, frame := range frames {
		eth, payload, err := header.ParseEthernet(frame)
		if err == nil {
			switch eth.Type {
			case header.EtherTypeARP:
				_, err = header.ParseARP(payload)
			case header.EtherTypeIPv4:
				var icmp []byte
				if _, icmp, err = header.ParseIPv4(payload); err == nil {
					_, err = header.ParseICMPv4Echo(icmp)
				}
			case header.EtherTypeIPv6:
				ip, icmp, e := header.ParseIPv6(payload)
				if err = e; err == nil && icmp[0] == 129 {
					_, err = header.ParseICMPv6Echo(ip, icmp)
				} else if err == nil {
					_, err = header.ParseNeighborAdvertisement(ip, icmp)
				}
			}
		}
		if err != nil {
			t.Errorf("frame %d (%s): %v", i, Describe(frame), err)
		}
	}
}

func TestFarmAnswersDuplicateAddressDetection(t *testing.T) {
	w, _, a, r := farmBench(t, FarmConfig{Hosts: 10, IPv6: first6})
	frame := duplicateCheck(first6)
	want := "02:fa:00:00:00:00 > 33:33:00:00:00:01 2001:db8::5 > ff02::1 hop limit 255 " +
		"na 2001:db8::5 is-at 02:fa:00:00:00:00 solicited false override true router false"
	if got := told(w, a, r, frame); got != want {
		t.Errorf("%q, want %q", got, want)
	}
}

func TestFarmHostsComeAndGo(t *testing.T) {
	w, f, a, r := farmBench(t, FarmConfig{Hosts: 10, IPv4: first4})
	ask := whoHas(100, me4, Offset(first4, 3))
	f.SetDead(3, true)
	if got := told(w, a, r, ask); got != "" || f.Counts().Dead != 1 || !f.Dead(3) {
		t.Errorf("a dead host says %q", got)
	}
	f.SetDead(3, false)
	f.ChangeMAC(3)
	want := "02:fb:00:00:00:03 > 02:00:00:00:00:64 arp 10.0.0.8 is-at 02:fb:00:00:00:03"
	if got := told(w, a, r, ask); got != want {
		t.Errorf("%q, want %q", got, want)
	}
	f.Announce(3)
	want = "02:fb:00:00:00:03 > ff:ff:ff:ff:ff:ff arp who-has 10.0.0.8 tell 10.0.0.8"
	if got := told(w, a, r); got != want {
		t.Errorf("%q, want %q", got, want)
	}
	told(w, a, r, ping(MAC(KindFarm, 3), me4, Offset(first4, 3)))
	if f.Counts().WrongMAC != 1 {
		t.Error("the old MAC still works")
	}
	for range 5 {
		f.ChangeMAC(3)
	}
	if f.MAC(3) != MAC(KindFarm, 3) {
		t.Errorf("after six changes %s", f.MAC(3))
	}
}

func TestFarmReadsAndSendsItsOwnTags(t *testing.T) {
	tag := header.VLAN{TPID: header.EtherTypeVLAN, ID: 10}
	w, f, a, r := farmBench(t, FarmConfig{Hosts: 10, IPv4: first4, Tags: []header.VLAN{tag}})
	arp := whoHas(100, me4, first4)
	with := func(id uint16) []byte {
		tagged := append(append([]byte(nil), arp[:12]...), 0x81, 0, 0xe0, byte(id)) // priority 7
		return append(tagged, arp[12:]...)
	}
	want := "02:fa:00:00:00:00 > 02:00:00:00:00:64 vlan 10 arp 10.0.0.5 is-at 02:fa:00:00:00:00"
	if got := told(w, a, r, arp, with(11), with(10)); got != want {
		t.Errorf("%q, want %q", got, want)
	}
	if f.Counts().Ignored != 2 {
		t.Errorf("%+v", f.Counts())
	}
}

func TestFarmCountsUnansweredPackets(t *testing.T) {
	w, f, a, _ := farmBench(t, FarmConfig{Hosts: 10, IPv4: first4})
	var got []string
	f.OnData(func(n uint32, packet []byte) { got = append(got, fmt.Sprint(n, len(packet))) })
	send(t, a, datagram(f.MAC(2), me4, Offset(first4, 2), 9, 100))
	settle(w)
	if fmt.Sprint(got) != "[2 128]" {
		t.Errorf("%v", got)
	}
}

func TestInvalidFarmIsRefused(t *testing.T) {
	w := NewWorld(1)
	a, _ := w.Wire("w", WireConfig{})
	for want, c := range map[string]FarmConfig{
		"Hosts 0":    {IPv4: first4},
		"Hosts 2":    {Hosts: 2, First: 1<<32 - 1, IPv4: first4},
		"neither":    {Hosts: 1},
		"no 300 ":    {Hosts: 300, IPv4: netip.MustParseAddr("255.255.255.0")},
		"IPv4 ::1":   {Hosts: 1, IPv4: netip.MustParseAddr("::1")},
		"IPv6 1.2":   {Hosts: 1, IPv6: netip.MustParseAddr("1.2.3.4")},
		"IPv6 ::fff": {Hosts: 1, IPv6: netip.MustParseAddr("::ffff:1.2.3.4")},
		"3 Tags":     {Hosts: 1, IPv4: first4, Tags: make([]header.VLAN, 3)},
	} {
		if _, err := w.NewFarm("f", a, c); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%+v: error %v, want one with %q", c, err, want)
		}
	}
}

// BenchmarkFarm is a question to a farm of a million and its answer.
func BenchmarkFarm(b *testing.B) {
	for _, family := range []string{"ARP", "NS"} {
		b.Run(family, func(b *testing.B) {
			w, _, a, _ := farmBench(b, FarmConfig{Hosts: 1_000_000, IPv4: netip.MustParseAddr("10.0.0.0"), IPv6: first6})
			a.Detach()
			a.Attach(&counter{})
			frame := whoHas(100, me4, netip.MustParseAddr("10.3.2.1"))
			if family == "NS" {
				frame = whoHas(100, me6, Offset(first6, 123456))
			}
			frames := make([][]byte, 64)
			for i := range frames {
				frames[i] = frame
			}
			b.ReportAllocs()
			b.ResetTimer()
			for i := 0; i < b.N; i += 64 {
				a.Send(frames)
				w.Virtual().RunFor(loop.Microsecond)
			}
			perSecond(b, w, 0)
		})
	}
}

var _ link.Handler = (*Farm)(nil)
