package filter

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"glean/stack/header"
)

// arpReply and udpFrame are frames that tests need without libpcap.
func arpReply() []byte {
	b := make([]byte, 60)
	e := header.EthernetRepr{Dst: mustMAC(someMACs[0]), Src: mustMAC(someMACs[1]), Type: header.EtherTypeARP}
	n := e.Emit(b)
	r := header.ARPRepr{Op: header.ARPReply, SenderMAC: e.Src, SenderIP: [4]byte{10, 0, 0, 2}, TargetMAC: e.Dst, TargetIP: [4]byte{10, 0, 0, 1}}
	r.Emit(b[n:])
	return b
}

func udpFrame(tags ...uint16) []byte {
	b := make([]byte, 128)
	e := header.EthernetRepr{Dst: mustMAC(someMACs[0]), Src: mustMAC(someMACs[1]), Type: header.EtherTypeIPv4}
	for _, id := range tags {
		e.Tags[e.NumTags] = header.VLAN{TPID: header.EtherTypeVLAN, ID: id}
		e.NumTags++
	}
	n := e.Emit(b)
	ip := header.IPv4Repr{Src: [4]byte{10, 0, 0, 2}, Dst: [4]byte{10, 0, 0, 1}, Protocol: header.ProtocolUDP, TTL: 64, PayloadLen: 8}
	n += ip.Emit(b[n:])
	copy(b[n:], []byte{0, 53, 4, 0, 0, 8, 0, 0})
	return b[:n+8]
}

func advert() []byte {
	b := make([]byte, 128)
	e := header.EthernetRepr{Dst: mustMAC(someMACs[3]), Src: mustMAC(someMACs[1]), Type: header.EtherTypeIPv6}
	n := e.Emit(b)
	r := header.NeighborAdvertisement{Target: [16]byte{0xfe, 0x80, 15: 1}, TargetLink: e.Src, HasTargetLink: true}
	ip := header.IPv6Repr{Src: r.Target, Dst: header.AllNodes, NextHeader: header.ProtocolICMPv6, HopLimit: 255, PayloadLen: r.Size()}
	n += ip.Emit(b[n:])
	return b[:n+r.Emit(b[n:], ip.Src, ip.Dst)]
}

func TestMatch(t *testing.T) {
	arp, udp, tagged, twice, na := arpReply(), udpFrame(), udpFrame(7), udpFrame(7, 100), advert()
	for _, c := range []struct {
		text  string
		frame []byte
		want  bool
	}{
		{"", arp, true},
		{" ", nil, true},
		{"ip", nil, false},
		{"not ip", nil, false}, // no EtherType: the load rejects the frame
		{"arp", arp, true},
		{"arp[6:2]==2", arp, true},
		{"arp[6:2]==1", arp, false},
		{"not((arp && arp[6:2]==2) || (icmp6[icmp6type]==icmp6-neighboradvert))", arp, false},
		{"not((arp && arp[6:2]==2) || (icmp6[icmp6type]==icmp6-neighboradvert))", na, false},
		{"not((arp && arp[6:2]==2) || (icmp6[icmp6type]==icmp6-neighboradvert))", udp, true},
		{"tcp dst portrange 1024-65535", udp, false},
		{"udp dst portrange 1024-65535", udp, true},
		{"udp src portrange 1024-65535", udp, false},
		{"length == 42", udp, true},
		{"less 41", udp, false},
		{"greater 42", udp, true},
		{"udp", tagged, false},
		{"vlan and udp", tagged, true},
		{"vlan 7 and udp port 53", tagged, true},
		{"vlan 8 and udp", tagged, false},
		{"vlan 7 and vlan 100 and src host 10.0.0.2", twice, true},
		{"vlan 7 and src host 10.0.0.2", twice, false},
		{"not vlan or udp", tagged, true}, // the shift outlives the not
		{"ether src 02:00:00:00:00:02", udp, true},
		{"ether src 2-0-0-0-0-2", udp, true},
		{"ether dst 02:00:00:00:00:02", udp, false},
		{"multicast", na, true},
		{"ip6 multicast", na, true},
		{"src net fe80::/10 and dst host ff02::1", na, true},
		{"ip or udp and arp", udp, false}, // (ip or udp) and arp
		{"port 80 or 53", udp, true},
		{"portrange 40-50 or 52 - 54", udp, true},
		{"portrange 40-50 or 54 - 52 = 2", udp, true},
		{"portrange 40-50 and 0 + 0 + 0 = 0 and udp", udp, false},
		{"(ip[0] & 0xf) * 4 == 20", udp, true},
		{"((ip[8])) = (64)", udp, true},
		{"1 | 2 & 4 = 1", udp, true},
	} {
		p, err := Compile(c.text)
		if err != nil {
			t.Errorf("%q: %v", c.text, err)
		} else if p.Match(c.frame) != c.want {
			t.Errorf("%q on % x: want %v", c.text, c.frame, c.want)
		}
	}
}

func TestRefused(t *testing.T) {
	for _, c := range []struct {
		text   string
		column int
		detail string // a part of it
	}{
		{"not a valid filter", 5, `expected a protocol, a qualifier as host or port, or a value to compare, found "a"`},
		{"ip and", 7, "found the end"},
		{"ip ip", 4, "expected and, or or the end"},
		{"(ip", 4, `expected ")"`},
		{"ip)", 3, `found ")"`},
		{"tcp port http", 10, "a port number"},
		{"port 65536", 6, "at most 65535"},
		{"icmp port 80", 1, "icmp has not a port"},
		{"tcp host 10.0.0.1", 1, "tcp has not an address"},
		{"host example", 6, "an IPv4 or IPv6 address"},
		{"host 10.0.0", 6, "an IPv4 or IPv6 address"},
		{"host 10.0.0.256", 6, "not an IPv4 address"},
		{"host 10.0.0.1.2", 6, "not an IPv4 address"},
		{"host 10.0.0.0/8", 14, "only a net has a prefix length"},
		{"host 2001:db8:::1", 6, "neither a MAC nor an IPv6 address"},
		{"host 02:00:00:00:00:01", 6, "ether"},
		{"ip host ::1", 9, "not an address of the protocol"},
		{"ip6 host 10.0.0.1", 10, "not an address of the protocol"},
		{"ether host 10.0.0.1", 12, "a MAC"},
		{"ether", 6, "src, dst, host"},
		{"ether net 2:0:0:0:0:1", 1, "has not an address"},
		{"net 10.0.0.1/8", 5, "did you mean 10.0.0.0/8?"},
		{"net 10.0.0.0/33", 14, "a prefix length"},
		{"net 10.0.0.0 mask 255.0.255.0", 19, "not contiguous"},
		{"ether proto 256", 13, "LLC"},
		{"ip proto 256", 10, "at most 255"},
		{"src proto 6", 5, "no direction"},
		{"vlan 4096", 6, "at most 4095"},
		{"ip broadcast", 4, "not possible"},
		{"ip[0", 5, `expected "]"`},
		{"ip[0:3] = 1", 6, "1, 2 or 4"},
		{"ip[0]", 6, "a comparison"},
		{"(ip[0]) and ip", 9, "a comparison"},
		{"ip[0] = ", 9, "a value"},
		{"ip[0] / 0 = 1", 9, "division by zero"},
		{"ip[0] << 32 = 1", 10, "at most by 31"},
		{"length == 4294967296", 11, "32 bits"},
		{"less x", 6, "a length"},
		{"ip\x00", 3, "not a sign"},
		{"ip ä", 4, "not a sign"},
		{strings.Repeat("(", 200) + "ip" + strings.Repeat(")", 200), 101, "levels of nesting"},
		{strings.Repeat("ip or ", 3000) + "ip", 1, "instructions"},
		{strings.Repeat(" ", 1<<15) + "ip", 1<<15 + 1, "octets"},
	} {
		_, err := Compile(c.text)
		var e *Error
		short := c.text[:min(len(c.text), 40)]
		if !errors.As(err, &e) {
			t.Errorf("%q: %v, want an error", short, err)
		} else if e.Column != c.column || !strings.Contains(e.Detail, c.detail) {
			t.Errorf("%q: %v, want column %d and %q", short, err, c.column, c.detail)
		}
	}
}

// TestScratch checks that a value that needs more intermediate ones than the machine
// has words is refused, not miscompiled.
func TestScratch(t *testing.T) {
	chain := func(n int) string { return strings.Repeat("(len + ", n) + "len" + strings.Repeat(")", n) + " > 0" }
	if p, err := Compile(chain(scratchSlots)); err != nil || !p.Match(make([]byte, 20)) {
		t.Errorf("%d words: %v", scratchSlots, err)
	}
	if _, err := Compile("len" + strings.Repeat(" + len", 100) + " > 0"); err != nil {
		t.Errorf("a chain to the left needs one word: %v", err)
	}
	if _, err := Compile(chain(scratchSlots + 1)); err == nil {
		t.Error("one word more than there are was accepted")
	}
}

// TestLongJumps checks that conditions that are further apart than a conditional jump
// reaches.
func TestLongJumps(t *testing.T) {
	frame := udpFrame()
	for _, n := range []int{1, 20, 60, 126, 127, 128, 129, 200, 500, 1000} {
		list := make([]string, n)
		for k := range list {
			list[k] = fmt.Sprintf("len = %d", 1000+k)
		}
		inside := strings.Join(list, " or ")
		for text, want := range map[string]bool{
			"ip and (" + inside + ")":                          false,
			"ip and (" + inside + " or len = 42)":              true,
			"(len = 42 or " + inside + ") and ip":              true,
			"not (ip and (" + inside + "))":                    true,
			"arp and (" + inside + ") or udp":                  true,
			"(" + inside + ") and arp or not (" + inside + ")": true,
		} {
			p, err := Compile(text)
			if err != nil {
				if n < 500 {
					t.Errorf("%d: %v", n, err)
				}
			} else if p.Match(frame) != want {
				t.Errorf("%d conditions, %.20q...: want %v", n, text, want)
			}
		}
	}
}

func TestMatchAllocates(t *testing.T) {
	p, err := Compile("not (arp[6:2] == 2 or udp port 53 and (ip[0] & 0xf) * len > ip[2:2])")
	if err != nil {
		t.Fatal(err)
	}
	frame, hits := udpFrame(), 0
	if n := testing.AllocsPerRun(100, func() {
		if p.Match(frame) {
			hits++
		}
	}); n != 0 {
		t.Errorf("%v allocations for a frame, want none", n)
	}
}

func BenchmarkMatch(b *testing.B) {
	p, err := Compile("not((arp && arp[6:2]==2) || (icmp6[icmp6type]==icmp6-neighboradvert))")
	if err != nil {
		b.Fatal(err)
	}
	frame := advert()
	b.ReportAllocs()
	for b.Loop() {
		p.Match(frame)
	}
}

// FuzzCompile: whatever is given, there is a program that runs or an error that
// points into the text.
func FuzzCompile(f *testing.F) {
	for _, s := range []string{
		"not((arp && arp[6:2]==2) || (icmp6[icmp6type]==icmp6-neighboradvert))", "vlan 7 and port (80 or not 81)",
		"ip[ip[0] & 15 : 2] % 3 ^ - len >= 0x10", "src or dst net 2001:db8::/32", "ether src 2-0-0-0-0-1", `ip proto \tcp or 6`,
	} {
		f.Add(s, udpFrame())
	}
	f.Fuzz(func(t *testing.T, text string, frame []byte) {
		p, err := Compile(text)
		if err != nil {
			var e *Error
			if !errors.As(err, &e) || e.Column < 1 || e.Column > len(text)+1 || e.Detail == "" {
				t.Errorf("%q: %#v", text, err)
			}
			return
		}
		again, err := Compile(p.String())
		if err != nil || p.Match(frame) != again.Match(frame) {
			t.Errorf("%q: another verdict when compiled again (%v)", text, err)
		}
	})
}
