package stack

import (
	"fmt"
	"net/netip"
	"strings"
	"testing"

	"glean/stack/header"
	"glean/stack/loop"

	"github.com/google/gopacket/layers"
)

// resolveNS returns the solicitation of a peer for 2001:db8::1.
func resolveNS() ndFrame {
	return ndFrame{src: peer6, dst: solicitGroup, target: "2001:db8::1", lla: mac2}
}

// answerNA returns the answer that resolves 2001:db8::2.
func answerNA() ndFrame {
	return ndFrame{advert: true, src: peer6, dst: "2001:db8::1", target: peer6, lla: mac2, flags: flagS | flagO}
}

// setByte returns a function that sets an octet of the IPv6 packet.
func setByte(at int, v byte) func([]byte) { return func(p []byte) { p[at] = v } }

// cut returns a function that shortens the ICMPv6 message to size octets.
func cut(size int) func([]byte) { return func(p []byte) { p[5] = byte(size) } }

// invalidND is all rules of RFC 4861 sections 7.1.1 and 7.1.2, with a message that
// breaks each.
var invalidND = []struct {
	ids    string // of the solicitation and of the advertisement
	what   string
	change func(f *ndFrame)
	err    header.Error
}{
	{"E02 E11", "hop limit 254", func(f *ndFrame) { f.hopLimit = 254 }, header.ErrNDHopLimit},
	{"E02 E11", "hop limit 1", func(f *ndFrame) { f.hopLimit = 1 }, header.ErrNDHopLimit},
	{"E03 E12", "checksum", func(f *ndFrame) { f.edit = func(p []byte) { p[42] ^= 1 } }, header.ErrNDChecksum},
	{"E04 E13", "code 1", func(f *ndFrame) { f.edit, f.fix = setByte(41, 1), true }, header.ErrNDCode},
	{"E05 E14", "length 16", func(f *ndFrame) { f.edit, f.fix = cut(16), true }, header.ErrNDLength},
	{"E05 E14", "length 23", func(f *ndFrame) { f.edit, f.fix = cut(23), true }, header.ErrNDLength},
	{"E06 E15", "multicast target", func(f *ndFrame) { f.target = "ff02::1:ff00:1" }, header.ErrNDTarget},
	{"E07 E16", "an option of length 0", func(f *ndFrame) { f.edit, f.fix = setByte(65, 0), true }, header.ErrNDOptionZero},
	{"E07 E16", "a later option of length 0", func(f *ndFrame) {
		f.options = []layers.ICMPv6Option{{Type: 14, Data: make([]byte, 6)}}
		f.edit, f.fix = setByte(73, 0), true
	}, header.ErrNDOptionZero},
	{"E19 E19", "a link-layer address of length 2", func(f *ndFrame) {
		f.lla = header.MAC{}
		kind := layers.ICMPv6OptSourceAddress
		if f.advert {
			kind = layers.ICMPv6OptTargetAddress
		}
		f.options = []layers.ICMPv6Option{{Type: kind, Data: make([]byte, 14)}}
	}, header.ErrNDLinkOption},
}

func TestConformanceNDValidation(t *testing.T) {
	t.Run("E01 a solicitation comes from our address, goes to the group or the target, and has hop limit 255", func(t *testing.T) {
		n := alone(t)
		n.subscriber.subscribe(n.iface, peer6, 1, false, 30e9)
		n.wantSent("m1>33:33:ff:00:00:02 2001:db8::1>ff02::1:ff00:2 NS 2001:db8::2 SourceAddress m1")
		n.receive(answerNA().bytes(t))
		n.run(60 * seconds)
		n.link.take()
		send(n, peer6)
		n.run(6 * seconds)
		n.wantSent("m1>m2 2001:db8::1>2001:db8::2 udp 9", "m1>m2 2001:db8::1>2001:db8::2 NS 2001:db8::2 SourceAddress m1")
	})
	for _, c := range invalidND {
		ids := strings.Fields(c.ids)
		t.Run(ids[0]+" solicitation dropped: "+c.what, func(t *testing.T) {
			n := alone(t)
			f := resolveNS()
			f.ethDst = header.MulticastMAC(netip.MustParseAddr(solicitGroup))
			c.change(&f)
			n.receive(f.bytes(t))
			n.wantSent()
			n.wantState(peer6, "none")
			if n.stack.Counters().Malformed[c.err] != 1 {
				t.Errorf("%v is not counted", c.err)
			}
		})
		t.Run(ids[1]+" advertisement dropped: "+c.what, func(t *testing.T) {
			n := alone(t)
			n.subscriber.subscribe(n.iface, peer6, 1, false, 30e9)
			f := answerNA()
			c.change(&f)
			n.receive(f.bytes(t))
			n.wantState(peer6, "incomplete")
			if n.stack.Counters().Malformed[c.err] != 1 {
				t.Errorf("%v is not counted", c.err)
			}
		})
	}
	t.Run("E08 a solicitation from :: to other than a solicited-node group is dropped", func(t *testing.T) {
		for _, dst := range []string{"2001:db8::1", "ff02::1"} {
			n := alone(t)
			n.receive(ndFrame{src: "::", dst: dst, target: "2001:db8::1"}.bytes(t))
			n.wantSent()
			if n.stack.Counters().Malformed[header.ErrNSUnspecifiedDst] != 1 {
				t.Errorf("to %s: not counted", dst)
			}
		}
	})
	t.Run("E09 a solicitation from :: with a link-layer address is dropped", func(t *testing.T) {
		n := alone(t)
		n.receive(ndFrame{src: "::", dst: solicitGroup, target: "2001:db8::1", lla: mac2}.bytes(t))
		n.wantSent()
		if n.stack.Counters().Malformed[header.ErrNSUnspecifiedLink] != 1 {
			t.Error("not counted")
		}
	})
	t.Run("E10 reserved bits and unknown options are ignored", func(t *testing.T) {
		n := alone(t)
		f := resolveNS()
		f.options = []layers.ICMPv6Option{
			{Type: 14, Data: make([]byte, 6)},                             // Nonce (RFC 7527)
			{Type: layers.ICMPv6OptTargetAddress, Data: make([]byte, 14)}, // irrelevant here
			{Type: 253, Data: make([]byte, 22)},
		}
		f.edit, f.fix = func(p []byte) { copy(p[44:48], []byte{0xff, 0xff, 0xff, 0xff}) }, true
		n.receive(f.bytes(t))
		n.wantSent("m1>m2 2001:db8::1>2001:db8::2 NA 2001:db8::1 011 TargetAddress m1")
		n.wantState(peer6, "stale "+mac2.String())

		n.subscriber.subscribe(n.iface, "2001:db8::3", 1, false, 30e9)
		a := ndFrame{advert: true, target: "2001:db8::3", lla: mac3, flags: flagS | 0x1f}
		a.options = f.options[:1]
		a.edit, a.fix = func(p []byte) { copy(p[45:48], []byte{0xff, 0xff, 0xff}) }, true
		n.receive(a.bytes(t))
		n.wantState("2001:db8::3", "reachable "+mac3.String())
	})
	t.Run("E17 an advertisement to a group with the solicited flag is dropped", func(t *testing.T) {
		n := alone(t)
		n.subscriber.subscribe(n.iface, peer6, 1, false, 30e9)
		f := answerNA()
		f.dst = "ff02::1"
		n.receive(f.bytes(t))
		n.wantState(peer6, "incomplete")
		if n.stack.Counters().Malformed[header.ErrNASolicited] != 1 {
			t.Error("not counted")
		}
	})
	t.Run("E18 an advertisement is matched by target, whatever its source", func(t *testing.T) {
		n := alone(t)
		n.subscriber.subscribe(n.iface, peer6, 1, false, 30e9)
		n.subscriber.subscribe(n.iface, "2001:db8::3", 2, false, 30e9)
		f := answerNA()
		f.src = "2001:db8::3"
		n.receive(f.bytes(t))
		n.wantState(peer6, "reachable "+mac2.String())
		n.wantState("2001:db8::3", "incomplete")
	})
	t.Run("E18 an advertisement for our own address is a conflict, not an update", func(t *testing.T) {
		n := alone(t)
		n.receive(ndFrame{advert: true, dst: "ff02::1", target: "2001:db8::1", lla: mac2, flags: flagO}.bytes(t))
		if n.iface.NeighborCount() != 0 || n.stack.Counters().Conflicts != 1 {
			t.Errorf("%d neighbors, %d conflicts", n.iface.NeighborCount(), n.stack.Counters().Conflicts)
		}
		n.wantSent("m1>33:33:00:00:00:01 2001:db8::1>ff02::1 NA 2001:db8::1 001 TargetAddress m1")
	})
	t.Run("E18 without a link-layer address in it, the frame's source is who claims our address", func(t *testing.T) {
		n := alone(t)
		f := ndFrame{advert: true, dst: "ff02::1", target: "2001:db8::1", ethSrc: mac1}
		n.receive(f.bytes(t)) // came back from ourselves
		if c := n.stack.Counters(); c.Conflicts != 0 || c.Dropped[DropConflict] != 1 {
			t.Errorf("%d conflicts with ourselves", c.Conflicts)
		}
		f.ethSrc = mac2
		n.receive(f.bytes(t))
		if s := n.iface.Status()[2]; n.stack.Counters().Conflicts != 1 || !s.Duplicate || s.ConflictMAC != mac2 {
			t.Errorf("%d conflicts, status %+v", n.stack.Counters().Conflicts, s)
		}
	})
	t.Run("E19 of two link-layer addresses the first counts", func(t *testing.T) {
		n := alone(t)
		f := resolveNS()
		f.options = []layers.ICMPv6Option{{Type: layers.ICMPv6OptSourceAddress, Data: hw(mac3)}}
		n.receive(f.bytes(t))
		n.wantState(peer6, "stale "+mac2.String())
	})
	t.Run("K01 a solicitation or advertisement in a fragment is ignored", func(t *testing.T) {
		n := alone(t)
		f := resolveNS()
		f.fragment = true
		n.receive(f.bytes(t))
		n.wantSent()
		n.wantState(peer6, "none")
		n.subscriber.subscribe(n.iface, peer6, 1, false, 30e9)
		a := answerNA()
		a.fragment = true
		n.receive(a.bytes(t))
		n.wantState(peer6, "incomplete")
		if n.stack.Counters().Malformed[header.ErrFragment] != 2 {
			t.Error("not counted")
		}
	})
	t.Run("K02 no Neighbor Discovery message that is sent has a Fragment header", func(t *testing.T) {
		n := alone(t)
		n.subscriber.subscribe(n.iface, peer6, 1, false, 30e9)
		n.receive(resolveNS().bytes(t))
		n.receive(ndFrame{advert: true, dst: "ff02::1", target: "2001:db8::1", lla: mac2, flags: flagO}.bytes(t))
		if len(n.link.sent) != 3 {
			t.Fatalf("%d frames sent, want a solicitation, an answer and a defence", len(n.link.sent))
		}
		for _, f := range n.link.sent {
			if f[14+6] != 58 {
				t.Errorf("next header %d", f[14+6])
			}
		}
	})
	t.Run("M01 groups have the MAC and the address of RFC 2464 and RFC 4291", func(t *testing.T) {
		n := newNode(t, loop.NewVirtual(), Options{})
		n.add(config(1))
		for target, want := range map[string]string{
			"2001:db8::8:12ab:cdef": "m1>33:33:ff:ab:cd:ef 2001:db8::1>ff02::1:ffab:cdef NS 2001:db8::8:12ab:cdef SourceAddress m1",
			"fe80::ffff:0:1":        "m1>33:33:ff:00:00:01 fe80::1>ff02::1:ff00:1 NS fe80::ffff:0:1 SourceAddress m1",
		} {
			n.subscriber.subscribe(n.iface, target, 1, false, n.loop.Now()+30e9)
			n.wantSent(want)
		}
		for group, want := range map[string]header.MAC{
			"ff02::1": {0x33, 0x33, 0, 0, 0, 1}, "ff0e::1234:5678": {0x33, 0x33, 0x12, 0x34, 0x56, 0x78},
		} {
			if h := n.iface.Subscribe(netip.MustParseAddr(group), 1, false, 30e9); h.State != SubscribeKnown || h.MAC != want {
				t.Errorf("%s: %+v", group, h)
			}
		}
	})
}

func TestConformanceNDSending(t *testing.T) {
	t.Run("F01 the groups of all addresses are joined, and left only when the last address of a group goes", func(t *testing.T) {
		n := newNode(t, loop.NewVirtual(), Options{})
		c := config(1) // fe80::1 and 2001:db8::1 have one group
		c.Announce = true
		n.add(c)
		c = config(3)
		c.Announce, c.IPv6 = true, netip.MustParsePrefix("2001:db8::5:0:1/64") // fe80::3, and the first one's group
		second := n.add(c)
		n.run(500 * loop.Millisecond)
		join := []string{
			"m1>33:33:00:00:00:16 fe80::1>ff02::16 hop limit 1 alert MLDv2 4 ff02::1:ff00:1",
			"m3>33:33:00:00:00:16 fe80::3>ff02::16 hop limit 1 alert MLDv2 4 ff02::1:ff00:3 MLDv2 4 ff02::1:ff00:1",
		}
		wantReports(n, join...)
		n.run(seconds)
		wantReports(n, join...)
		n.run(60 * seconds)
		wantReports(n)
		for _, dst := range []string{solicitGroup, "ff02::1:ff00:3"} {
			f := resolveNS()
			f.dst, f.target = dst, "fe80::3"
			n.receive(f.bytes(t))
			if got := n.link.take(); len(got) != 1 {
				t.Errorf("a solicitation to %s is not heard: %v", dst, got)
			}
		}
		n.stack.RemoveInterface(second)
		wantReports(n, "m3>33:33:00:00:00:16 fe80::3>ff02::16 hop limit 1 alert MLDv2 3 ff02::1:ff00:3")
		f := resolveNS()
		n.receive(f.bytes(t))
		if got := n.link.take(); len(got) != 1 {
			t.Errorf("the group that is still wanted is not heard: %v", got)
		}
		f.dst, f.target = "ff02::1:ff00:3", "2001:db8::1"
		n.receive(f.bytes(t))
		n.wantSent()
		n.stack.RemoveInterface(n.iface)
		wantReports(n, "m1>33:33:00:00:00:16 fe80::1>ff02::16 hop limit 1 alert MLDv2 3 ff02::1:ff00:1")
	})
	t.Run("F01 groups are joined and left with announcements or without, and joined again when the link is back", func(t *testing.T) {
		for _, announce := range []bool{false, true} {
			n := newNode(t, loop.NewVirtual(), Options{})
			c := config(1)
			c.Announce = announce
			n.add(c)
			join := "m1>33:33:00:00:00:16 fe80::1>ff02::16 hop limit 1 alert MLDv2 4 ff02::1:ff00:1"
			n.run(10 * seconds)
			wantReports(n, join, join)
			n.link.set(false)
			n.link.set(true)
			n.run(10 * seconds)
			wantReports(n, join, join)
			n.stack.RemoveInterface(n.iface)
			wantReports(n, "m1>33:33:00:00:00:16 fe80::1>ff02::16 hop limit 1 alert MLDv2 3 ff02::1:ff00:1")
		}
		n := newNode(t, loop.NewVirtual(), Options{})
		n.add(InterfaceConfig{MAC: mac1, IPv4: netip.MustParsePrefix("192.0.2.1/24")})
		c := config(3)
		c.Quiet = true
		quiet := n.add(c)
		n.run(10 * seconds)
		n.stack.RemoveInterface(quiet)
		wantReports(n)
	})
	t.Run("F01 a query is answered within the time that it allows", func(t *testing.T) {
		query := func(size int, group string, hopLimit uint8, src string) []byte {
			p := make([]byte, 48+size)
			copy(p, []byte{0x60, 0, 0, 0, 0, byte(8 + size), 0, hopLimit})
			copy(p[8:], raw(src))
			copy(p[24:], raw("ff02::1"))
			copy(p[40:], []byte{58, 0, 5, 2, 0, 0, 1, 0})
			m := p[48:]
			m[0], m[4], m[5] = 130, 2000>>8, 2000&255
			copy(m[8:], raw(group))
			sum := append(append(append([]byte{}, p[8:40]...), 0, 0, 0, byte(size), 0, 0, 0, 58), m...)
			c := header.Checksum(sum, 0)
			m[2], m[3] = byte(c>>8), byte(c)
			return append([]byte{0x33, 0x33, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, 0x86, 0xdd}, p...)
		}
		for _, c := range []struct {
			frame []byte
			want  []string
		}{
			{query(28, "::", 1, "fe80::2"), []string{"m1>33:33:00:00:00:16 fe80::1>ff02::16 hop limit 1 alert MLDv2 2 ff02::1:ff00:1"}},
			{query(28, solicitGroup, 1, "fe80::2"), []string{"m1>33:33:00:00:00:16 fe80::1>ff02::16 hop limit 1 alert MLDv2 2 ff02::1:ff00:1"}},
			{query(24, "::", 1, "fe80::2"), []string{"m1>33:33:ff:00:00:01 fe80::1>ff02::1:ff00:1 hop limit 1 alert MLDv1 ff02::1:ff00:1"}},
			{query(28, "ff02::1:ff00:9", 1, "fe80::2"), nil},
			{query(28, "::", 64, "fe80::2"), nil},
			{query(28, "::", 1, "2001:db8::2"), nil},
		} {
			n := alone(t)
			n.run(3 * seconds)
			n.link.take()
			n.receive(c.frame)
			n.receive(c.frame)
			n.run(2*seconds + 1)
			wantReports(n, c.want...)
			n.run(60 * seconds)
			wantReports(n)
		}
		n := newNode(t, loop.NewVirtual(), Options{})
		c := config(1)
		c.Announce = true
		n.add(c)
		n.run(100 * loop.Millisecond)
		n.receive(query(28, "::", 1, "fe80::2")) // what is being said already is said to the end
		n.run(10 * seconds)
		wantReports(n, "m1>33:33:00:00:00:16 fe80::1>ff02::16 hop limit 1 alert MLDv2 4 ff02::1:ff00:1",
			"m1>33:33:00:00:00:16 fe80::1>ff02::16 hop limit 1 alert MLDv2 4 ff02::1:ff00:1")
		for code, want := range map[uint16]loop.Duration{0: 0, 1000: 1000, 0x7fff: 32767, 0x8000: 32768, 0x8001: 32776, 0xffff: 8387584} {
			if got := maxResponse(code); got != want*loop.Millisecond {
				t.Errorf("code %04x is %v, want %v ms", code, got, want)
			}
		}
	})
	t.Run("F02 the first solicitation goes to the group and carries our link-layer address", func(t *testing.T) {
		n := alone(t)
		n.subscriber.subscribe(n.iface, "2001:db8::aa:bbcc", 1, false, 30e9)
		n.wantSent("m1>33:33:ff:aa:bb:cc 2001:db8::1>ff02::1:ffaa:bbcc NS 2001:db8::aa:bbcc SourceAddress m1")
	})
	t.Run("F03 the source is the interface's address of the right scope", func(t *testing.T) {
		for target, src := range map[string]string{"2001:db8::9": "2001:db8::1", "fe80::9": "fe80::1"} {
			n := alone(t)
			n.subscriber.subscribe(n.iface, target, 1, false, 30e9)
			n.wantSent(fmt.Sprintf("m1>33:33:ff:00:00:09 %s>ff02::1:ff00:9 NS %s SourceAddress m1", src, target))
		}
		n := newNode(t, loop.NewVirtual(), Options{})
		n.add(InterfaceConfig{MAC: mac1, LinkLocal: netip.MustParseAddr("fe80::1"), Gateway6: netip.MustParseAddr("fe80::fe")})
		n.subscriber.subscribe(n.iface, "fe80::fe", 1, false, 30e9)
		n.wantSent("m1>33:33:ff:00:00:fe fe80::1>ff02::1:ff00:fe NS fe80::fe SourceAddress m1")
	})
	t.Run("F03 the source is that of the packet that waits, if it is ours", func(t *testing.T) {
		for _, c := range []struct{ src, dst, hop, want string }{
			{"2001:db8::1", "2001:db8:9::9", "fe80::fe", "2001:db8::1"}, // by the link-local router
			{"fe80::1", peer6, peer6, "fe80::1"},
			{"fe80::1", "fe80::2", "fe80::2", "fe80::1"},
			{"2001:db8::1", "fe80::2", "fe80::2", "2001:db8::1"},
			{"2001:db8:77::7", peer6, peer6, "2001:db8::1"}, // forwarded
			{"fe80::3", "2001:db8:9::9", "fe80::fe", "fe80::1"},
		} {
			n := alone(t)
			n.iface.Output(netip.MustParseAddr(c.dst), udpPacket(t, c.src, c.dst))
			n.run(1500 * loop.Millisecond) // two solicitations
			group := header.SolicitedNode(netip.MustParseAddr(c.hop).As16())
			mac := groupMAC16(group)
			question := fmt.Sprintf("m1>%v %s>%v NS %s SourceAddress m1", mac, c.want, netip.AddrFrom16(group), c.hop)
			n.wantSent(question, question)
		}
		n := alone(t)
		n.iface.Output(netip.MustParseAddr(peer6), []byte{0x60, 0}) // not a packet
		n.wantSent(groupQuestion(peer6))
	})
	t.Run("F04 solicitations are a RetransTimer apart; three without a subscriber, while one waits at most 3 s apart", func(t *testing.T) {
		for _, hop := range []string{peer, peer6} {
			n := alone(t)
			send(n, hop)
			n.run(3*seconds - loop.Millisecond)
			if len(n.link.take()) != 3 {
				t.Errorf("%s: sent other than three solicitations", hop)
			}
			n.wantState(hop, "incomplete")
			n.run(10 * loop.Millisecond)
			n.wantState(hop, "none")
			n.run(60 * seconds)
			n.wantSent()
			if got := n.stack.Counters().Dropped[DropHeldFailed]; got != 1 {
				t.Errorf("%s: %d packets failed", hop, got)
			}

			n.subscriber.subscribe(n.iface, hop, 1, false, n.loop.Now()+30e9)
			start, last := n.loop.Now(), n.loop.Now()
			for n.loop.Now() < start+30e9 {
				n.run(loop.Millisecond)
				if len(n.link.take()) > 0 {
					if gap := n.loop.Now() - last; n.loop.Now() > start+1e9 && gap < 1e9 || gap > 3e9+5e6 {
						t.Errorf("%s: a gap of %v", hop, gap)
					}
					last = n.loop.Now()
				}
			}
			if since := last - start; since < 27e9 || since > 29e9+5e6 {
				t.Errorf("%s: last solicitation after %v, want one to three seconds before the deadline", hop, since)
			}
		}
	})
	t.Run("F05 packets are queued, the oldest gives way", func(t *testing.T) {
		n := newNode(t, loop.NewVirtual(), Options{})
		c := config(1)
		c.Neighbor.MaxHeld = 3
		n.add(c)
		dst := netip.MustParseAddr(peer6)
		for k := range 5 {
			p := udpPacket(t, "2001:db8::1", peer6)
			p[len(p)-1] = byte(k)
			n.iface.Output(dst, p)
			p[len(p)-1] = 99 // the packet was borrowed
		}
		n.check()
		n.link.take()
		n.receive(answerNA().bytes(t))
		var got []byte
		for _, f := range n.link.sent {
			got = append(got, f[len(f)-1])
		}
		if fmt.Sprint(got) != "[2 3 4]" {
			t.Errorf("sent %v, want the last three in order", got)
		}
		if n.stack.Counters().Dropped[DropHeldOverflow] != 2 {
			t.Error("two dropped packets are not counted")
		}
	})
	t.Run("F06 groups are never resolved; without a link-layer address nothing is learned", func(t *testing.T) {
		n := alone(t)
		if h := n.subscriber.subscribe(n.iface, "ff02::1:2", 1, true, 30e9); h.State != SubscribeKnown {
			t.Errorf("%+v", h)
		}
		f := resolveNS()
		f.lla = header.MAC{}
		n.receive(f.bytes(t))
		n.wantState(peer6, "incomplete") // being solicited, to be answered; not learned
		n.receive(ndFrame{advert: true, target: peer6, flags: flagS | flagO}.bytes(t))
		n.wantState(peer6, "incomplete")
	})
	t.Run("F07 a solicitation for an address that is not ours is left alone", func(t *testing.T) {
		for _, target := range []string{"2001:db8::1:1", "::ffff:192.0.2.1", "::1"} {
			n := alone(t)
			f := resolveNS()
			f.target = target
			n.receive(f.bytes(t))
			n.wantSent()
			n.wantState(peer6, "none")
		}
	})
	t.Run("F08 no address is ever tentative here: a check for one of ours is answered as taken", func(t *testing.T) {
		n := alone(t)
		n.receive(ndFrame{src: "::", dst: solicitGroup, target: "2001:db8::1"}.bytes(t))
		n.wantSent("m1>33:33:00:00:00:01 2001:db8::1>ff02::1 NA 2001:db8::1 001 TargetAddress m1")
	})
	t.Run("F09 a solicitation with a link-layer address makes or changes a STALE entry", func(t *testing.T) {
		n := alone(t)
		n.receive(resolveNS().bytes(t))
		n.wantState(peer6, "stale "+mac2.String())
		confirm(n, peer6, mac2)
		n.receive(resolveNS().bytes(t))
		n.wantState(peer6, "reachable "+mac2.String())
		n.receive(ndFrame{advert: true, target: peer6, flags: flagR | flagS}.bytes(t))
		f := resolveNS()
		f.lla = mac3
		n.receive(f.bytes(t))
		n.wantState(peer6, "stale "+mac3.String())
		if info, _ := n.iface.Neighbor(netip.MustParseAddr(peer6)); !info.IsRouter {
			t.Error("IsRouter was touched")
		}
	})
	t.Run("F10 a solicitation from :: touches no cache", func(t *testing.T) {
		n := alone(t)
		n.receive(ndFrame{src: "::", dst: solicitGroup, target: "2001:db8::1"}.bytes(t))
		if n.iface.NeighborCount() != 0 {
			t.Error("an entry was made")
		}
	})
	t.Run("F11 the answer is unicast, solicited, overriding, with our link-layer address", func(t *testing.T) {
		n := alone(t)
		n.receive(resolveNS().bytes(t))
		n.wantSent("m1>m2 2001:db8::1>2001:db8::2 NA 2001:db8::1 011 TargetAddress m1")
		f := resolveNS()
		f.dst = "2001:db8::1"
		n.receive(f.bytes(t))
		n.wantSent("m1>m2 2001:db8::1>2001:db8::2 NA 2001:db8::1 011 TargetAddress m1")
		// Without a link-layer address: the cache knows the source, or it is solicited first.
		f.lla = header.MAC{}
		n.receive(f.bytes(t))
		n.wantSent("m1>m2 2001:db8::1>2001:db8::2 NA 2001:db8::1 011 TargetAddress m1")
		f.src = "2001:db8::3"
		n.receive(f.bytes(t))
		n.wantSent("m1>33:33:ff:00:00:03 2001:db8::1>ff02::1:ff00:3 NS 2001:db8::3 SourceAddress m1")
		n.receive(ndFrame{advert: true, target: "2001:db8::3", lla: mac3, flags: flagS}.bytes(t))
		n.wantSent("m1>m3 2001:db8::1>2001:db8::3 NA 2001:db8::1 011 TargetAddress m1")

		// That one is a neighbor although no prefix says so.
		for _, gateway := range []netip.Addr{{}, netip.MustParseAddr("fe80::fe")} {
			n := newNode(t, loop.NewVirtual(), Options{})
			c := config(1)
			c.Gateway6 = gateway
			n.add(c)
			f.src = "2001:db8:77::9"
			n.receive(f.bytes(t))
			n.wantSent("m1>33:33:ff:00:00:09 2001:db8::1>ff02::1:ff00:9 NS 2001:db8:77::9 SourceAddress m1")
			n.receive(ndFrame{advert: true, target: f.src, lla: mac3, flags: flagS | flagO}.bytes(t))
			n.wantSent("m1>m3 2001:db8::1>2001:db8:77::9 NA 2001:db8::1 011 TargetAddress m1")
		}

		r := newNode(t, loop.NewVirtual(), Options{IsRouter: true})
		r.add(config(1))
		r.receive(resolveNS().bytes(t))
		r.wantSent("m1>m2 2001:db8::1>2001:db8::2 NA 2001:db8::1 111 TargetAddress m1")
	})
	t.Run("F12 an answer for an address of a range does not override", func(t *testing.T) {
		n := newNode(t, loop.NewVirtual(), Options{})
		c := config(1)
		c.RespondFor = []netip.Prefix{netip.MustParsePrefix("2001:db8:f::/48")}
		n.add(c)
		f := resolveNS()
		f.dst, f.target = "ff02::1:ff00:99", "2001:db8:f::99"
		n.receive(f.bytes(t))
		n.wantSent("m1>m2 2001:db8:f::99>2001:db8::2 NA 2001:db8:f::99 010 TargetAddress m1")
	})
	t.Run("F13 L01 a new address is announced three times, a RetransTimer apart: to routers, not overriding, and to all nodes, overriding", func(t *testing.T) {
		n := newNode(t, loop.NewVirtual(), Options{})
		n.add(InterfaceConfig{MAC: mac1, IPv6: netip.MustParsePrefix("2001:db8::1/64"), LinkLocal: netip.MustParseAddr("fe80::1"), Announce: true})
		for range 3 {
			n.run(loop.Millisecond)
			n.wantSent("m1>33:33:00:00:00:02 fe80::1>ff02::2 NA fe80::1 000 TargetAddress m1",
				"m1>33:33:00:00:00:01 fe80::1>ff02::1 NA fe80::1 001 TargetAddress m1",
				"m1>33:33:00:00:00:02 2001:db8::1>ff02::2 NA 2001:db8::1 000 TargetAddress m1",
				"m1>33:33:00:00:00:01 2001:db8::1>ff02::1 NA 2001:db8::1 001 TargetAddress m1")
			n.run(998 * loop.Millisecond)
			n.wantSent()
			n.run(loop.Millisecond)
		}
		n.run(60 * seconds)
		n.wantSent()
	})
	t.Run("C03 F13 announcements are as far apart when the link flaps", func(t *testing.T) {
		n := newNode(t, loop.NewVirtual(), Options{})
		c := config(1)
		c.Announce = true
		n.add(c)
		last := map[string]loop.Time{}
		count := map[string]int{}
		watch := func(d loop.Duration) {
			for until := n.loop.Now().Add(d); n.loop.Now() < until; n.run(loop.Millisecond) {
				for _, f := range n.link.take() {
					gap := loop.Second
					if strings.Contains(f, " arp ") {
						gap = 2 * loop.Second
					}
					if at, before := last[f]; before && n.loop.Now() < at.Add(gap-2*loop.Millisecond) {
						t.Errorf("at %v, after %v: %s", n.loop.Now(), at, f)
					}
					last[f] = n.loop.Now()
					count[f]++
				}
			}
		}
		for range 5 {
			watch(10 * loop.Millisecond)
			n.link.set(false)
			n.link.set(true)
		}
		watch(10 * seconds)
		for f, times := range count { // one before the link flapped, and all after it
			if want := map[bool]int{true: 1 + 2, false: 1 + 3}[strings.Contains(f, " arp ")]; times != want {
				t.Errorf("%d times, want %d: %s", times, want, f)
			}
		}
		if len(count) != 1+2*2 { // by ARP, and for each IPv6 address to all nodes and to all routers
			t.Errorf("announced: %v", count)
		}
	})
	t.Run("L01 who has announced an address with another MAC before is overridden by all that know it", func(t *testing.T) {
		n := newNode(t, loop.NewVirtual(), Options{})
		i := n.add(InterfaceConfig{MAC: mac1, LinkLocal: netip.MustParseAddr("fe80::1"), Announce: true})
		n.run(10 * seconds)
		n.link.take()
		n.stack.RemoveInterface(i)
		n.link.take() // it leaves its groups
		n.add(InterfaceConfig{MAC: mac3, LinkLocal: netip.MustParseAddr("fe80::1"), Announce: true})
		n.run(0)
		n.wantSent("m3>33:33:00:00:00:02 fe80::1>ff02::2 NA fe80::1 000 TargetAddress m3",
			"m3>33:33:00:00:00:01 fe80::1>ff02::1 NA fe80::1 001 TargetAddress m3")
	})
	t.Run("L01 F13 without announcements a new address is not advertised", func(t *testing.T) {
		n := newNode(t, loop.NewVirtual(), Options{})
		n.add(InterfaceConfig{MAC: mac1, LinkLocal: netip.MustParseAddr("fe80::1")})
		n.run(10 * seconds)
		n.wantSent()
	})
	t.Run("I01 a destination is on the link because of a prefix, not because of an address; no router, no route", func(t *testing.T) {
		checkNextHops(t, true)
	})
}

// wantReports is wantSent for MLD reports, and fails if other frames were sent.
func wantReports(n *node, want ...string) {
	n.t.Helper()
	_, got := n.link.takeAll()
	if fmt.Sprint(got) != fmt.Sprint(want) {
		n.t.Errorf("at %v: reports\n\t%s\nwant\n\t%s", n.loop.Now(), strings.Join(got, "\n\t"), strings.Join(want, "\n\t"))
	}
}
